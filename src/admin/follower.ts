// admin: one follower of the live stream: what it wants, how much of it, and what it missed.
import type { ServerResponse } from 'node:http';
import type { DeliveryFilter } from './filter.ts';
import type { HeldStep } from './step-ring.ts';

/** The kinds of events of the stream. */
export const STREAM_EVENTS = ['step', 'connection', 'stats'] as const;
export type StreamEvent = (typeof STREAM_EVENTS)[number];

/** Unread bytes from which on a follower gets nothing more. */
const UNREAD_LIMIT = 256 * 1024;
/** Flushes without an event before a comment keeps the connection open: 15 s. */
const QUIET_FLUSHES = 150;

/** The wishes of a follower. */
export interface Wish {
  /** The query that the follower came with, but for its place in the stream. */
  readonly question: string;
  readonly events: ReadonlySet<string>;
  readonly wanted: DeliveryFilter | undefined;
  /** Most steps per flush. */
  readonly quota: number;
}

/** One follower, also for a while after its connection broke: it may come back and read on. */
export class Follower {
  readonly wish: Wish;
  /**
   * Number of the step behind which every step that the follower wants was taken or counted as
   * missed.
   */
  since: number;
  readonly #response: ServerResponse;
  /** Steps of this flush. */
  #held: HeldStep[] = [];
  #dropped = 0;
  #quiet = 0;
  /** Since when the follower has no reader, monotonic ms; undefined while it has one. */
  gone: number | undefined = undefined;
  /** Number of the step behind which the follower missed one last; -1 = it has missed none. */
  missedAt = -1;

  constructor(wish: Wish, since: number, response: ServerResponse) {
    this.wish = wish;
    this.since = since;
    this.#response = response;
  }

  /** Whether there is room for another step. A step without room is counted. */
  get room(): boolean {
    return this.#held.length < this.wish.quota;
  }

  take(held: HeldStep): void {
    this.#held.push(held);
  }

  /** Counts a step that is not told. `latest` is the number of the latest step that is. */
  miss(latest: number): void {
    this.#dropped++;
    this.missedAt = latest;
  }

  /** Sends the held steps. `text` renders a step, once for all followers. */
  flush(text: (held: HeldStep) => string): void {
    const held = this.#held;
    this.#held = [];
    if (this.gone !== undefined) return;
    if (this.#response.writableLength > UNREAD_LIMIT) {
      for (const { id } of held) this.miss(id);
      return;
    }
    let out = held.map(text).join('');
    if (this.#dropped > 0) out += `event: dropped\ndata: {"count":${this.#dropped}}\n\n`;
    this.#dropped = 0;
    this.send(out);
    if (out === '' && ++this.#quiet % QUIET_FLUSHES === 0) this.#response.write(':\n\n');
  }

  /** Sends text as it is. False: the follower does not read, and misses it. */
  send(text: string): boolean {
    if (text === '' || this.gone !== undefined || this.#response.writableLength > UNREAD_LIMIT) return false;
    this.#quiet = 0;
    this.#response.write(text);
    return true;
  }
}
