// journal: dead letters on their way to Redis: they wait in memory until it has them, within a bound that is said.
import type { DeadLetter, DeadLetters, LetterOwner } from '../../delivery/dead-letters.ts';
import { isOwnedBy } from '../../delivery/dead-letters.ts';
import type { Report } from '../../delivery/ports.ts';
import type { Keys } from './keys.ts';
import { createLetterBox, ownersOf, WAIT_MS } from './letter-box.ts';
import { ADD, KNOWN, TRIM } from './letter-scripts.ts';
import type { Link } from './link.ts';
import { isRefusal } from './one-way.ts';

export interface RedisLettersDeps {
  readonly link: Pick<Link, 'run' | 'send' | 'write' | 'read'>;
  readonly keys: Keys;
  /** Whether Redis takes anything now. */
  ready(): boolean;
  /** How long a letter is kept, ms; 0 = none is. */
  readonly keepMs: number;
  /** Most bytes of all letters in Redis; the oldest go first. */
  readonly limitBytes: number;
  /** Most bytes of letters that wait for Redis. Default 4 MiB. */
  readonly waitingBytes?: number;
  /** Monotonic ms. */
  now(): number;
  /** ms since the epoch by the clock of Redis. */
  wall(): number;
  readonly report: Report;
}

interface Waiting {
  readonly letter: DeadLetter;
  readonly message: Buffer | undefined;
  readonly text: string;
  readonly bytes: number;
  /** By the clock of Redis, ms. */
  readonly since: number;
  sent: boolean;
}

/** How long the number of a letter is remembered: one that is sent twice is written once, ms. */
const ONCE_MS = 600_000;
const WAITING_BYTES = 4 * 1024 * 1024;
/** What a letter takes in Redis beside its text and its message, bytes, about. */
const ENTRY_BYTES = 100;
/** Time between two looks for letters that are too old or too many, ms; and how many go at once. */
const [TRIM_MS, TRIMMED] = [10_000, 200];
/** How long nothing is tried after a refusal, ms. */
const RETRY_MS = 1000;

/** Never throws; `find` and `purge` reject with `LettersAway` where Redis does not answer. */
export class RedisLetters implements DeadLetters {
  readonly counters = { kept: 0, failed: 0 };
  readonly find: DeadLetters['find'];
  readonly isCursor: DeadLetters['isCursor'];
  readonly wall: DeadLetters['wall'];
  readonly #deps: RedisLettersDeps;
  readonly #box: ReturnType<typeof createLetterBox>;
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #unsent = 0;
  #bytes = 0;
  #reason: string | undefined;
  #retryAt = 0;
  #trimAt = 0;

  constructor(deps: RedisLettersDeps) {
    this.#deps = deps;
    this.#box = createLetterBox(deps);
    this.find = async (filter, page) => {
      // Letters that were sent by now are found.
      if (deps.ready()) await deps.link.read().catch(() => {});
      return this.#box.find(filter, page);
    };
    this.isCursor = this.#box.isCursor;
    this.wall = deps.wall;
  }

  /** Bytes of the letters of all instances, as Redis last said. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Why letters cannot be written down just now; undefined = they can, or nobody has lost anything.
   */
  get degraded(): string | undefined {
    return this.#reason === undefined ? undefined : `dead letters cannot be written down: ${this.#reason}`;
  }

  add(letter: DeadLetter, message: Uint8Array | undefined): void {
    const { keepMs, wall, waitingBytes = WAITING_BYTES } = this.#deps;
    if (keepMs === 0) return;
    const text = JSON.stringify(letter);
    const bytes = text.length + (message?.length ?? 0) + ENTRY_BYTES;
    if (this.#waitingBytes + bytes > waitingBytes) {
      this.#giveUp(1, 'too many wait for Redis');
      return;
    }
    // The message's memory may be used again by the time that it is written.
    const copy = message && Buffer.from(message);
    this.#waiting.push({ letter, message: copy, text, bytes, since: wall(), sent: false });
    this.#waitingBytes += bytes;
    this.#unsent++;
  }

  handOver(): void {
    const { ready, now } = this.#deps;
    if (this.#unsent === 0 || !ready() || now() < this.#retryAt) return;
    for (const one of this.#waiting) if (!one.sent) this.#send(one);
  }

  /** On each beat. */
  look(now: number): void {
    this.#expire();
    this.handOver();
    if (now < this.#trimAt || !this.#deps.ready()) return;
    this.#trimAt = now + TRIM_MS;
    void this.#trim();
  }

  async purge(owner: LetterOwner): Promise<number> {
    this.handOver();
    if (this.#deps.ready()) await this.#deps.link.read().catch(() => {});
    const { removed, bytes } = await this.#box.purge(owner);
    this.#bytes = bytes;
    // What was sent by then was in Redis before the purge, or is refused there after it.
    const own = this.#waiting.filter((one) => !one.sent && isOwnedBy(owner, one.letter));
    for (const one of own) this.#leave(one);
    return removed + own.length;
  }

  /** What still waits is lost with the process, and is said. */
  close(): void {
    this.handOver();
    if (this.#unsent > 0) this.#giveUp(this.#unsent, 'the process ends and Redis is away');
  }

  #send(one: Waiting): void {
    const { link, keys } = this.#deps;
    const { letter, message, text, bytes } = one;
    const owners = ownersOf(letter);
    const args = [String(owners.length), String(one.since), String(ONCE_MS)];
    const names = [keys.letters, keys.letterBytes, keys.letterOnce(letter.seq)];
    for (const owner of owners) names.push(keys.purged(owner), keys.lettersOf(owner));
    one.sent = true;
    this.#unsent--;
    const rest = [String(bytes), String(letter.settledAt), text, message ?? '', owners.join(' ')];
    link.write(ADD, names, [...args, ...rest], (answer, error) => this.#sent(one, answer, error));
  }

  #sent(one: Waiting, answer: string, error: Error | undefined): void {
    if (error === undefined) {
      this.#leave(one);
      this.#reason = undefined;
      if (answer === KNOWN) return;
      this.counters.kept++;
      this.#bytes = Number(answer);
      return;
    }
    // Whether Redis has it is not known where the connection went: it is written once all the same.
    one.sent = false;
    this.#unsent++;
    if (!isRefusal(error)) return;
    this.#retryAt = this.#deps.now() + RETRY_MS;
    this.#fail(error.message);
  }

  #leave(one: Waiting): void {
    const at = this.#waiting.indexOf(one);
    if (at < 0) return;
    this.#waiting.splice(at, 1);
    this.#waitingBytes -= one.bytes;
    if (!one.sent) this.#unsent--;
  }

  #expire(): void {
    const oldest = this.#deps.wall() - WAIT_MS;
    let count = 0;
    for (let one = this.#waiting[0]; one !== undefined && one.since < oldest && !one.sent; one = this.#waiting[0]) {
      this.#leave(one);
      count++;
    }
    if (count > 0) this.#giveUp(count, 'Redis has been away for an hour');
  }

  #giveUp(count: number, reason: string): void {
    this.counters.failed += count;
    this.#fail(reason);
  }

  #fail(reason: string): void {
    const before = this.#reason;
    this.#reason = reason;
    if (before === undefined) this.#deps.report({ stage: 'store', error: new Error(this.degraded) });
  }

  async #trim(): Promise<void> {
    const { link, keys, keepMs, limitBytes, wall, now } = this.#deps;
    const args = [String(wall() - keepMs), String(limitBytes), String(TRIMMED)];
    const { kept } = this.counters;
    try {
      const [bytes, gone] = (await link.run(TRIM, [keys.letters, keys.letterBytes, keys.lettersOf('')], args)) as [
        string,
        number,
      ];
      this.#bytes = Number(bytes);
      if (gone === TRIMMED) this.#trimAt = now();
    } catch (error) {
      // A letter that was written meanwhile shows that it is over.
      if (isRefusal(error as Error) && kept === this.counters.kept) this.#fail((error as Error).message);
    }
  }
}
