// journal: the connection on which Redis answers nothing: a killed process loses nothing that its kernel has.
import { TLSSocket } from 'node:tls';
import type { Redis } from 'ioredis';
import type { LinkCounters } from './link.ts';
import { type Arg, argsOf, Batch, Fixed, type Part } from './resp.ts';
import { callOf, ECHO_ERROR, ECHO_MARK, MARK, type Script } from './scripts.ts';
import { Written } from './written.ts';

export interface OneWayDeps {
  readonly redis: Redis;
  /** Where results of what is written here are published, for the connection that asks. */
  readonly echo: string;
  /** A channel on which nothing is ever published: a subscriber shows that it is there. */
  readonly presence: string;
  /** What a mark notes for others: a sorted set, and the member that is this instance. */
  readonly marks: string;
  readonly instance: string;
  readonly counters: LinkCounters;
  /** Monotonic ms. */
  now(): number;
  /**
   * Redis has dropped some of what it was told, without a word. `certain` = a mark was among that;
   * otherwise it stood still for so long that it may have.
   */
  doubtful(certain: boolean): void;
}

/**
 * What became of a command: what its script answered, or Redis' refusal, or the loss of the
 * connection.
 */
export type Over = (result: string, error?: Error) => void;

interface Mark {
  readonly number: number;
  readonly at: number;
}

/**
 * Between two marks, ms and bytes. Each costs both sides some 0.1 ms. A Redis that is far behind
 * passes one at least at every 16 reads (of 16 KiB each), so that an instance is not dead while
 * Redis reads what it wrote.
 */
const [GAP_MS, GAP_BYTES] = [50, 262_144];
/** A mark that has not come back for so long is followed by another one, ms. */
const AGAIN_MS = 500;
/**
 * Redis answers BUSY to everything when a script has run for 5 s, if nothing else is configured. So
 * what was read after so long a standstill may have been dropped, ms.
 */
const DOUBTFUL_MS = 3000;
/** What Redis' own refusals are called, by everything that looks for them. */
const REFUSAL = 'ReplyError';

/**
 *     write ─▶ Redis reads ─▶ a result that matters, or an error, is published ─▶ heard
 *     mark  ─▶ Redis reads ─▶ its number is published: all before it were read ─▶ heard
 *
 * Never throws.
 */
export class OneWay {
  readonly #deps: OneWayDeps;
  readonly #written = new Written();
  #marks: Mark[] = [];
  #markedAt = Number.NEGATIVE_INFINITY;
  #unmarkedBytes = 0;
  #heldBytes = 0;
  /** When a mark last came back. */
  #heardAt = Number.NEGATIVE_INFINITY;
  #waiters: { readonly number: number; readonly resolve: () => void; readonly reject: (error: Error) => void }[] = [];
  #silent = false;
  #together = false;
  readonly #batch = new Batch();
  readonly #echo: Fixed;
  readonly #markCall: Fixed;
  /** Why Redis answers all the same; undefined = it does not. */
  answers: string | undefined;

  constructor(deps: OneWayDeps) {
    this.#deps = deps;
    this.#echo = new Fixed(deps.echo);
    this.#markCall = new Fixed(...callOf(MARK, [deps.marks]), deps.instance);
  }

  /** Bytes that Redis is not known to have read. */
  get waitingBytes(): number {
    return this.#written.bytes;
  }

  /** Whether the kernel takes no more at the moment: what is written now waits in this process. */
  get full(): boolean {
    return (this.#deps.redis.stream?.writableLength ?? 0) > 0;
  }

  /** Bytes that were written while that was so. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** How long the oldest of them have waited, ms. */
  waitingMs(now: number): number {
    const { oldest } = this.#written;
    return oldest === undefined ? 0 : Math.max(0, now - oldest);
  }

  /**
   * How long Redis has had something to read, up to a mark, and read nothing, ms. A Redis that is
   * far behind does not stand still: its marks come back late, and one after the other.
   */
  stillMs(now: number): number {
    const { oldest } = this.#written;
    if (oldest === undefined || this.#marks.length === 0) return 0;
    return Math.max(0, now - Math.max(oldest, this.#heardAt));
  }

  /** Turns answers off. Rejects where Redis does not take this connection as it must be. */
  async prepare(): Promise<void> {
    const { redis, presence } = this.#deps;
    if (this.#silent) return;
    await redis.call('SUBSCRIBE', presence);
    try {
      // Redis says nothing to OFF. Who may not say OFF may not say ON.
      await redis.call('CLIENT', 'REPLY', 'ON');
      this.answers = undefined;
      this.#batch.add([['CLIENT', 'REPLY', 'OFF']]);
      this.#flush();
    } catch (error) {
      if (!isRefusal(error as Error)) throw error;
      this.answers = (error as Error).message;
    }
    this.#silent = true;
  }

  /** Tells Redis to run a script, which publishes every result but WRITTEN. */
  run(script: Script, keys: readonly string[], args: readonly Arg[], over?: Over): void {
    this.runFrom(callOf(script, keys), args, over);
  }

  /** Runs a script whose call was made before, likewise. */
  runFrom(call: Part, args: readonly Arg[], over?: Over): void {
    if (this.#together) {
      this.#run(call, args, over);
      return;
    }
    this.#together = true;
    try {
      this.#run(call, args, over);
      this.mark(this.#deps.now());
    } finally {
      this.#together = false;
      this.#flush();
    }
  }

  /** Tells Redis something of which no result is wanted. */
  send(name: string, args: readonly Arg[]): void {
    this.#write([[name], args], undefined);
  }

  /** Several commands that are written in one call, with a mark where it is time for one. */
  together(send: () => void): void {
    this.#together = true;
    try {
      send();
      this.mark(this.#deps.now());
    } finally {
      this.#together = false;
      this.#flush();
    }
  }

  /** Marks how far was written, where it is time for that. */
  mark(now: number): void {
    if (!this.#silent) return;
    const under = this.#marks.length > 0;
    if (this.#unmarkedBytes === 0 && !under) return;
    const since = now - this.#markedAt;
    if (this.#unmarkedBytes >= GAP_BYTES || since >= (under ? AGAIN_MS : GAP_MS)) this.#markNow();
  }

  #markNow(): void {
    const { now } = this.#deps;
    const number = this.#written.next;
    this.#run(this.#markCall, [], undefined);
    this.#marks.push({ number, at: now() });
    this.#markedAt = now();
    this.#unmarkedBytes = 0;
  }

  /** Resolves when Redis has read all that was written by now. Rejects where it cannot any more. */
  read(): Promise<void> {
    if (this.#written.oldest === undefined) return Promise.resolve();
    if (this.#unmarkedBytes > 0 || this.#marks.length === 0) this.#markNow();
    const { number } = this.#marks.at(-1)!;
    return new Promise((resolve, reject) => this.#waiters.push({ number, resolve, reject }));
  }

  /** Ends every wait for what Redis reads. */
  abandon(error: Error): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const { reject } of waiters) reject(error);
  }

  /** Redis has published a result on our channel. */
  heard(text: string): void {
    const [kind, digits] = text.split(' ', 2) as [string, string?];
    const number = Number(digits);
    if (kind === ECHO_MARK) this.#heardMark(number);
    else this.#tell(number, text.slice(kind.length + String(digits).length + 2), kind === ECHO_ERROR);
  }

  /** The connection has gone, and what was on its way with it. */
  closed(): void {
    const lost = new Error('the connection to Redis has gone');
    this.#marks = [];
    this.#unmarkedBytes = this.#heldBytes = 0;
    this.#markedAt = this.#heardAt = Number.NEGATIVE_INFINITY;
    this.#silent = false;
    this.#written.end(this.#written.next - 1, (over) => {
      this.#deps.counters.dropped++;
      over?.('', lost);
    });
    this.abandon(lost);
  }

  #run(call: Part, args: readonly Arg[], over: Over | undefined): void {
    this.#write([call, args, this.#echo, [String(this.#written.next)]], over);
  }

  /** Writes a command with these arguments, which need no list of their own. */
  #write(parts: readonly Part[], over: Over | undefined): void {
    const { redis, counters, now } = this.#deps;
    const bytes = this.#batch.add(parts);
    counters.bytes += bytes;
    this.#unmarkedBytes += bytes;
    this.#heldBytes = this.full ? this.#heldBytes + bytes : 0;
    this.#written.add(bytes, now(), over);
    if (this.answers !== undefined) {
      this.#batch.reset(false);
      // What comes of it is published, as everywhere.
      redis.call(...(argsOf(parts) as [string, ...Buffer[]])).catch(() => {});
    } else if (!this.#together) this.#flush();
  }

  #flush(): void {
    const { stream } = this.#deps.redis;
    const { bytes } = this.#batch;
    if (bytes.length === 0) return;
    // Redis may have closed the connection, which is told of in a moment.
    if (!stream.writable) this.#batch.reset(false);
    else if (stream.writableLength > 0 || stream instanceof TLSSocket) {
      stream.write(Buffer.from(bytes));
      this.#batch.reset(false);
    } else {
      stream.write(bytes);
      // What the kernel has not taken is written later, from the same memory.
      this.#batch.reset(stream.writableLength > 0);
    }
  }

  #tell(number: number, text: string, failed: boolean): void {
    this.#written.tell(number, (over) => {
      this.#deps.counters[failed ? 'refused' : 'answered']++;
      if (!failed) return over?.(text);
      const error = new Error(text);
      error.name = REFUSAL;
      over?.('', error);
    });
  }

  #heardMark(number: number): void {
    if (!this.#written.has(number)) return;
    const { counters, now, doubtful } = this.#deps;
    const skipped = this.#marks[0] !== undefined && this.#marks[0].number < number;
    const doubt = skipped || this.stillMs(now()) > DOUBTFUL_MS;
    this.#heardAt = now();
    this.#marks = this.#marks.filter((mark) => mark.number > number);
    this.#written.end(number, (over) => {
      counters.answered++;
      over?.('1');
    });
    const reached = this.#waiters.filter((waiter) => waiter.number <= number);
    this.#waiters = this.#waiters.filter((waiter) => waiter.number > number);
    for (const { resolve } of reached) resolve();
    if (doubt) doubtful(skipped);
  }
}

/** Redis has answered, with an error. */
export function isRefusal(error: Error): boolean {
  return error.name === REFUSAL;
}
