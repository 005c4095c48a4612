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
  readonly events: ReadonlySet<string>;
  readonly wanted: DeliveryFilter | undefined;
  /** Most steps per flush. */
  readonly quota: number;
}

/** One follower, also for a while after its connection broke: it may come back and read on. */
export class Follower {
  readonly wish: Wish;
  readonly #response: ServerResponse;
  /** Steps of this flush. */
  #held: HeldStep[] = [];
  #dropped = 0;
  #quiet = 0;
  /** Since when the follower has no reader, monotonic ms; undefined while it has one. */
  gone: number | undefined = undefined;

  constructor(wish: Wish, response: ServerResponse) {
    this.wish = wish;
    this.#response = response;
  }

  /** Whether there is room for another step. A step without room is counted. */
  get room(): boolean {
    return this.#held.length < this.wish.quota;
  }

  take(held: HeldStep): void {
    this.#held.push(held);
  }

  miss(count = 1): void {
    this.#dropped += count;
  }

  /** Sends the held steps. `text` renders a step, once for all followers. */
  flush(text: (held: HeldStep) => string): void {
    const held = this.#held;
    this.#held = [];
    if (this.gone !== undefined) return;
    if (this.#response.writableLength > UNREAD_LIMIT) {
      this.#dropped += held.length;
      return;
    }
    let out = held.map(text).join('');
    if (this.#dropped > 0) out += `event: dropped\ndata: {"count":${this.#dropped}}\n\n`;
    this.#dropped = 0;
    this.send(out);
    if (out === '' && ++this.#quiet % QUIET_FLUSHES === 0) this.#response.write(':\n\n');
  }

  /** Sends text as it is. A follower that does not read misses it. */
  send(text: string): void {
    if (text === '' || this.gone !== undefined || this.#response.writableLength > UNREAD_LIMIT) return;
    this.#quiet = 0;
    this.#response.write(text);
  }
}
