// journal: what is sent to Redis and not answered yet: bounded, counted, and never waited for.
import { Command, type Redis } from 'ioredis';
import type { Script } from './scripts.ts';

export interface LinkDeps {
  readonly redis: Redis;
  /** Bytes of commands that may wait for their answers; beyond it the connection is given up. */
  readonly limitBytes: number;
  /** Monotonic ms. */
  now(): number;
  /** A connection is there, and Redis can be asked. */
  opened(): void;
  /** The connection has gone, and with it whatever was not answered. */
  closed(): void;
  /** Another instance says something. */
  told(text: string): void;
  /** A fault that is no answer to a command. */
  fault(error: Error): void;
}

/** Figures since the start. */
export interface LinkCounters {
  /** Answers by kind. */
  answered: number;
  refused: number;
  /** Commands that were given up: the connection went, or there was none. */
  dropped: number;
  /** Bytes of commands that were written. */
  bytes: number;
}

export type Arg = string | Buffer;

/** A size that every command has beside its arguments, bytes. */
const FRAME_BYTES = 64;

/** Never throws. */
export class Link {
  readonly counters: LinkCounters = { answered: 0, refused: 0, dropped: 0, bytes: 0 };
  /** Why the latest attempt to connect failed. */
  lastFault = '';
  readonly #deps: LinkDeps;
  readonly #redis: Redis;
  /** Sizes and times of the commands that wait for their answers, in order. */
  #waitingBytes = 0;
  #oldest: number[] = [];
  #head = 0;
  #open = false;
  #ended = false;

  constructor(deps: LinkDeps) {
    this.#deps = deps;
    this.#redis = deps.redis;
    const { redis } = deps;
    redis.on('ready', () => {
      this.#open = true;
      deps.opened();
    });
    redis.on('close', () => this.#closed());
    redis.on('message', (_channel: string, text: string) => deps.told(text));
    redis.on('error', (error: Error) => {
      this.lastFault = error.message;
      deps.fault(error);
    });
    redis.connect().catch(() => {
      // The client tries again by itself, and has told of the error.
    });
  }

  get open(): boolean {
    return this.#open;
  }

  /** Bytes of commands that wait for their answers. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** How long the oldest command has waited for its answer, ms; 0 = none waits. */
  waitingMs(now: number): number {
    const since = this.#oldest[this.#head];
    return since === undefined ? 0 : Math.max(0, now - since);
  }

  /** Several commands that are written together. */
  together(send: () => void): void {
    const stream = this.#open ? this.#redis.stream : undefined;
    stream?.cork();
    try {
      send();
    } finally {
      stream?.uncork();
    }
  }

  /** Runs a script. Rejects with Redis' refusal, or where the connection is gone. */
  run(script: Script, keys: readonly string[], args: readonly Arg[], binary = false): Promise<unknown> {
    return this.send('evalsha', [script.sha, String(keys.length), ...keys, ...args], binary);
  }

  /** Sends a command. Its answer is text, or bytes (`binary`). */
  send(name: string, args: readonly Arg[], binary = false): Promise<unknown> {
    if (!this.#open) {
      this.counters.dropped++;
      return Promise.reject(new Error('there is no connection to Redis'));
    }
    let bytes = FRAME_BYTES;
    for (const arg of args) bytes += arg.length;
    this.counters.bytes += bytes;
    this.#waitingBytes += bytes;
    this.#oldest.push(this.#deps.now());
    const command = new Command(name, [...args], { replyEncoding: binary ? null : 'utf8' });
    const answer = this.#redis.sendCommand(command) as Promise<unknown>;
    const over = (counter: 'answered' | 'refused' | 'dropped'): void => {
      this.counters[counter]++;
      this.#waitingBytes -= bytes;
      this.#answered();
    };
    const followed = answer.then(
      (value) => {
        over('answered');
        return value;
      },
      (error: Error) => {
        over(isRefusal(error) ? 'refused' : 'dropped');
        throw error;
      },
    );
    if (this.#waitingBytes > this.#deps.limitBytes) this.giveUp('too much waits for its answer');
    return followed;
  }

  /** Cuts the connection, because it is of no use. The client connects again. */
  giveUp(why: string): void {
    if (!this.#open) return;
    this.lastFault = why;
    this.#redis.stream.destroy();
    this.#closed();
  }

  /** Writes what waits, as far as Redis takes it within `ms`, and ends. */
  async end(ms: number): Promise<void> {
    this.#ended = true;
    if (this.#open) {
      const timer = new Promise((resolve) => setTimeout(resolve, ms).unref());
      await Promise.race([this.send('ping', []).catch(() => {}), timer]);
    }
    this.#open = false;
    this.#redis.disconnect();
  }

  #answered(): void {
    this.#head++;
    if (this.#head < 1024 && this.#head < this.#oldest.length) return;
    this.#oldest.splice(0, this.#head);
    this.#head = 0;
  }

  #closed(): void {
    if (!this.#open) return;
    this.#open = false;
    if (!this.#ended) this.#deps.closed();
  }
}

/** Redis has answered, with an error. */
export function isRefusal(error: Error): boolean {
  return error.name === 'ReplyError';
}
