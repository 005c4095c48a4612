// admin-client: the live stream as an endless iteration: reconnects, goes on after the last event, says what was lost.
import { setTimeout as sleep } from 'node:timers/promises';
import { createParser } from 'eventsource-parser';
import { readAnswer } from './answer.ts';
import { AdminFailure, type FailureKind, failureOfFetch } from './failure.ts';
import { headersFor, type Place, refusalOf, stranger } from './request.ts';

/** One item of the iteration. */
export type Followed =
  | { readonly kind: 'event'; readonly event: string; readonly data: Readonly<Record<string, unknown>> }
  /** The stream has begun. */
  | { readonly kind: 'open' }
  /** The stream broke and is asked for again in `againInMs`. */
  | { readonly kind: 'lost'; readonly failure: AdminFailure; readonly againInMs: number }
  /**
   * The stream goes on. The sidecar tells what was missed meanwhile in an event of its own
   * (`dropped`).
   */
  | { readonly kind: 'back' };

export interface FollowOptions {
  /** Ends the iteration, without an error. */
  readonly signal: AbortSignal;
  /** Longest time until the head of the answer is there, ms. */
  readonly timeoutMs: number;
  /**
   * Longest silence before a stream counts as dead, ms. The sidecar sends something every 15 s at
   * the latest.
   */
  readonly silenceMs?: number;
}

const SILENCE_MS = 45_000;
/**
 * First and longest wait before a stream is asked for again, ms. The sidecar may set the first
 * (`retry`).
 */
const [FIRST_WAIT_MS, LONGEST_WAIT_MS] = [2_000, 30_000];
/** Longest event, characters. */
const EVENT_LIMIT = 4 * 1024 * 1024;
/** A place in the stream, as sidecars write it. */
const PLACE = /^[\w.-]{0,64}$/;
/** Failures that trying again does not mend. */
const FINAL: ReadonlySet<FailureKind> = new Set(['token', 'forbidden', 'missing', 'refused', 'stranger']);

interface Position {
  lastId: string;
  retryMs: number;
}

/**
 * Follows `path`. Rejects with an `AdminFailure` when the first connection fails, and later only
 * for a failure that trying again does not mend. A consumer that does not ask for more stops the
 * reading, so that the sidecar counts what the consumer misses.
 */
export async function* follow(place: Place, path: string, options: FollowOptions): AsyncGenerator<Followed, void> {
  const { signal } = options;
  const position: Position = { lastId: '', retryMs: FIRST_WAIT_MS };
  let failures = 0;
  let open = false;
  for (;;) {
    try {
      for await (const step of connection(place, path, position, options)) {
        if (step === 'open') {
          yield { kind: open ? 'back' : 'open' };
          open = true;
        } else {
          failures = 0;
          yield step;
        }
      }
    } catch (error) {
      if (signal.aborted) return;
      const failure = failureOfFetch(error, place.base, options.timeoutMs);
      if (!open || FINAL.has(failure.kind)) throw failure;
      const againInMs = Math.min(LONGEST_WAIT_MS, position.retryMs * 2 ** failures++);
      yield { kind: 'lost', failure, againInMs };
      await sleep(againInMs * (0.75 + Math.random() / 2), undefined, { signal }).catch(() => {});
    }
    if (signal.aborted) return;
  }
}

/**
 * One connection until it breaks. That is always an error, because the stream has no end of its
 * own.
 */
async function* connection(
  place: Place,
  path: string,
  position: Position,
  { signal, timeoutMs, silenceMs = SILENCE_MS }: FollowOptions,
): AsyncGenerator<Followed | 'open', void> {
  const dead = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const watch = (ms: number): void => {
    clearTimeout(timer);
    const text = `${place.base} said nothing for ${ms / 1000} s`;
    timer = setTimeout(() => dead.abort(new AdminFailure('slow', text)), ms);
  };
  watch(timeoutMs);
  try {
    const resume: Record<string, string> = position.lastId === '' ? {} : { 'last-event-id': position.lastId };
    const response = await fetch(place.base + path, {
      headers: headersFor(place, { accept: 'text/event-stream', ...resume }),
      redirect: 'manual',
      signal: AbortSignal.any([signal, dead.signal]),
    });
    const type = response.headers.get('content-type') ?? '';
    if (!response.ok) throw await refusalOf(response);
    if (!type.startsWith('text/event-stream') || response.body === null) throw stranger(place);
    yield 'open';
    const decoder = new TextDecoder();
    const arrived: Followed[] = [];
    const parser = createParser({
      maxBufferSize: EVENT_LIMIT,
      onEvent({ event = 'message', data, id }) {
        // The place goes into a header of the next request.
        if (id !== undefined && PLACE.test(id)) position.lastId = id;
        arrived.push({ kind: 'event', event, data: objectOf(data, place) });
      },
      onRetry(ms) {
        position.retryMs = Math.min(LONGEST_WAIT_MS, Math.max(100, ms));
      },
      onError(error) {
        if (error.type === 'max-buffer-size-exceeded') throw stranger(place);
      },
    });
    for await (const bytes of response.body) {
      watch(silenceMs);
      parser.feed(decoder.decode(bytes, { stream: true }));
      // The consumer may take its time, which is no silence of the stream.
      clearTimeout(timer);
      yield* arrived.splice(0);
      watch(silenceMs);
    }
    throw new AdminFailure('unreachable', `${place.base} ended the stream`);
  } finally {
    clearTimeout(timer);
    dead.abort();
  }
}

function objectOf(data: string, place: Place): Readonly<Record<string, unknown>> {
  const value = readAnswer(data);
  if (value === undefined) throw stranger(place);
  return value;
}
