// journal: what is sent to Redis and not answered or read yet: bounded, counted, and never waited for.
import { Command, type Redis } from 'ioredis';
import type { Keys } from './keys.ts';
import { isRefusal, OneWay, type Over } from './one-way.ts';
import type { Arg, Part } from './resp.ts';
import { callOf, MARK, type Script } from './scripts.ts';

export interface LinkDeps {
  /** The connection that is asked, and that hears what is published. */
  readonly redis: Redis;
  /** The connection for everything that must arrive, also when this process is killed. */
  readonly writes: Redis;
  readonly keys: Keys;
  readonly instance: string;
  /**
   * Bytes of commands that may wait in this process: for their answers, or for a kernel that takes
   * no more. Beyond it both connections are given up.
   */
  readonly limitBytes: number;
  /** Monotonic ms. */
  now(): number;
  /** Both connections are there, and Redis can be asked. */
  opened(): void;
  /** One of them has gone, and the other one with it, and whatever was not answered or read. */
  closed(): void;
  /** As in `OneWayDeps`. */
  doubtful(certain: boolean): unknown;
  /** Another instance says something. */
  told(text: string): void;
  /** Redis does not run what it is told, for that reason. */
  refused(error: Error): void;
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

export type { Arg } from './resp.ts';

/** A size that every command has beside its arguments, bytes. */
const FRAME_BYTES = 64;
/** Redis is asked why, where it has read nothing for so long, ms. */
const STILL_MS = 250;
/** The connections are given up where it has read nothing for so long, ms, although it answers. */
const USELESS_MS = 20_000;

/** Never throws. */
export class Link {
  readonly counters: LinkCounters = { answered: 0, refused: 0, dropped: 0, bytes: 0 };
  /** Why the latest attempt to connect failed. */
  lastFault = '';
  readonly #deps: LinkDeps;
  readonly #redis: Redis;
  readonly #oneWay: OneWay;
  /** Sizes and times of the commands that wait for their answers, in order. */
  #waitingBytes = 0;
  #oldest: number[] = [];
  #head = 0;
  #ready = { asks: false, writes: false };
  #open = false;
  #ended = false;
  #looking = false;

  constructor(deps: LinkDeps) {
    this.#deps = deps;
    this.#redis = deps.redis;
    const { redis, writes, keys, instance, now } = deps;
    this.#oneWay = new OneWay({
      ...{ redis: writes, instance, counters: this.counters, now, marks: keys.marks },
      ...{ echo: keys.echo(instance), presence: keys.presence(instance) },
      doubtful: (certain) => deps.doubtful(certain),
    });
    redis.on('message', (channel: string, text: string) => {
      if (channel === keys.echo(instance)) this.#oneWay.heard(text);
      else deps.told(text);
    });
    this.#follow(redis, 'asks');
    this.#follow(writes, 'writes');
  }

  get open(): boolean {
    return this.#open;
  }

  /**
   * Whether the kernel takes nothing more for Redis at the moment. What can wait elsewhere need not
   * wait in a socket, where it can only grow.
   */
  get full(): boolean {
    return this.#open && this.#oneWay.full;
  }

  /** Bytes of commands that wait. */
  get waitingBytes(): number {
    return this.#waitingBytes + this.#oneWay.waitingBytes;
  }

  /** Why Redis answers also where it should not; undefined = it does not. */
  get answers(): string | undefined {
    return this.#oneWay.answers;
  }

  /** How long the oldest command has waited, ms; 0 = none waits. */
  waitingMs(now: number): number {
    const since = this.#oldest[this.#head];
    return Math.max(since === undefined ? 0 : now - since, this.#oneWay.waitingMs(now));
  }

  /** Prepares both connections. Rejects with Redis' refusal. */
  async prepare(): Promise<void> {
    await this.send('subscribe', [this.#deps.keys.echo(this.#deps.instance)]);
    await this.#oneWay.prepare();
  }

  /** On each beat. */
  look(now: number): void {
    if (!this.#open) return;
    this.#oneWay.mark(now);
    if (this.#oneWay.stillMs(now) >= STILL_MS) void this.#lookInto();
  }

  /** Resolves when Redis has read all that was written by now. Rejects where a connection goes. */
  read(): Promise<void> {
    return this.#open ? this.#oneWay.read() : Promise.reject(new Error('there is no connection to Redis'));
  }

  /** Redis refuses what it is told: what it would have read by a mark is not waited for. */
  abandon(error: Error): void {
    this.#oneWay.abandon(error);
  }

  /** Runs a script whose answer comes by itself, and only if it is another one than WRITTEN. */
  write(script: Script, keys: readonly string[], args: readonly Arg[], over?: Over): void {
    this.writeFrom(callOf(script, keys), args, over);
  }

  /** Runs a script whose call was made before, likewise. */
  writeFrom(call: Part, args: readonly Arg[], over?: Over): void {
    if (this.#drops(over)) return;
    this.#oneWay.runFrom(call, args, over);
    this.#bound();
  }

  /** Publishes something behind all that was written before. */
  publish(channel: string, text: string): void {
    if (this.#drops()) return;
    this.#oneWay.send('PUBLISH', [channel, text]);
    this.#bound();
  }

  /** Several commands that are written together. */
  together(send: () => void): void {
    if (this.#open) this.#oneWay.together(send);
    else send();
  }

  /** Runs a script. Rejects with Redis' refusal, or where the connection is gone. */
  run(script: Script, keys: readonly string[], args: readonly (string | Buffer)[], binary = false): Promise<unknown> {
    return this.send('evalsha', [script.sha, String(keys.length), ...keys, ...args], binary);
  }

  /** Sends a command. Its answer is text, or bytes (`binary`). */
  send(name: string, args: readonly (string | Buffer)[], binary = false): Promise<unknown> {
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
    this.#bound();
    return followed;
  }

  /** Cuts both connections, because they are of no use. The clients connect again. */
  giveUp(why: string): void {
    if (!this.#open) return;
    this.lastFault = why;
    this.#cut();
  }

  /** Resolves when Redis has taken and judged all that it was told by now, or after `ms`. */
  async judged(ms: number): Promise<void> {
    if (!this.#open) return;
    const timer = new Promise((resolve) => setTimeout(resolve, ms).unref());
    const asked = this.send('ping', []).catch(() => {});
    const read = this.read().catch(() => {});
    await Promise.race([Promise.all([asked, read]), timer]);
  }

  /** Writes what waits, as far as Redis takes it within `ms`, and ends. */
  async end(ms: number): Promise<void> {
    this.#ended = true;
    await this.judged(ms);
    this.#open = false;
    this.#deps.writes.disconnect();
    this.#redis.disconnect();
  }

  #follow(redis: Redis, which: 'asks' | 'writes'): void {
    redis.on('ready', () => {
      this.#ready[which] = true;
      if (this.#open || !this.#ready.asks || !this.#ready.writes) return;
      this.#open = true;
      this.#deps.opened();
    });
    redis.on('close', () => {
      this.#ready[which] = false;
      if (this.#open) this.#cut();
    });
    redis.on('error', (error: Error) => {
      this.lastFault = error.message;
      this.#deps.fault(error);
    });
    redis.connect().catch(() => {
      // The client tries again by itself, and has told of the error.
    });
  }

  #drops(over?: Over): boolean {
    if (this.#open) return false;
    this.counters.dropped++;
    over?.('', new Error('there is no connection to Redis'));
    return true;
  }

  #bound(): void {
    const [asked, held] = [this.#waitingBytes, this.#oneWay.heldBytes];
    if (asked + held > this.#deps.limitBytes)
      this.giveUp(`too much waits: ${asked} bytes for an answer, ${held} for a kernel that takes no more`);
  }

  /**
   * Marks are missing. A Redis that runs nothing (BUSY, LOADING, MASTERDOWN), or does not know the
   * script any more, says so where it is asked.
   */
  async #lookInto(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    const { keys, instance, refused } = this.#deps;
    try {
      await this.run(MARK, [keys.marks], [instance, keys.echo(instance), '0']);
      if (this.#oneWay.stillMs(this.#deps.now()) > USELESS_MS) this.giveUp('Redis does not run what it is told');
    } catch (error) {
      refused(error as Error);
    } finally {
      this.#looking = false;
    }
  }

  #cut(): void {
    const { redis, writes } = this.#deps;
    for (const one of [redis, writes]) one.stream?.destroy();
    this.#closed();
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
    this.#ready = { asks: false, writes: false };
    this.#oneWay.closed();
    if (!this.#ended) this.#deps.closed();
  }
}
