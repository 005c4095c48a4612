// admin: one follower of the live stream: what it wants, how much of it, and what it could not be given.
import type { ServerResponse } from 'node:http';
import type { DeliveryFilter } from './filter.ts';
import type { HeldStep } from './step-ring.ts';

/** What a stream can tell. */
export const STREAM_EVENTS = ['step', 'connection', 'stats'] as const;
export type StreamEvent = (typeof STREAM_EVENTS)[number];

/** A follower that has not read this much, in bytes, gets nothing more until it has. */
const UNREAD_LIMIT = 256 * 1024;
/** Flushes without a word before a comment keeps the connection open: 15 s. */
const QUIET_FLUSHES = 150;

/** What a follower asked for. */
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
  /** Since when nobody reads, monotonic ms; undefined while somebody does. */
  gone: number | undefined = undefined;

  constructor(wish: Wish, response: ServerResponse) {
    this.wish = wish;
    this.#response = response;
  }

  /** Whether there is room for another step; without, it is counted. */
  get room(): boolean {
    return this.#held.length < this.wish.quota;
  }

  take(held: HeldStep): void {
    this.#held.push(held);
  }

  miss(count = 1): void {
    this.#dropped += count;
  }

  /** Sends what was held. `text` renders a step, once for all followers. */
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

  /** Sends text as it is; a follower that does not read misses it. */
  send(text: string): void {
    if (text === '' || this.gone !== undefined || this.#response.writableLength > UNREAD_LIMIT) return;
    this.#quiet = 0;
    this.#response.write(text);
  }
}
