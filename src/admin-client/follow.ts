// admin-client: the live stream as one endless iteration: it reconnects by itself, goes on behind the last event that came, and says what it lost.
import { setTimeout as sleep } from 'node:timers/promises';
import { createParser } from 'eventsource-parser';
import { AdminFailure, type FailureKind, failureOf, failureOfFetch } from './failure.ts';
import { headersFor, type Place, stranger } from './request.ts';

/** What a follower is told. */
export type Followed =
  | { readonly kind: 'event'; readonly event: string; readonly data: Readonly<Record<string, unknown>> }
  /** The stream has begun. */
  | { readonly kind: 'open' }
  /** The stream broke and is asked for again in `againInMs`. */
  | { readonly kind: 'lost'; readonly failure: AdminFailure; readonly againInMs: number }
  /** The stream goes on. What was missed meanwhile, if anything, is told by the sidecar (`dropped`). */
  | { readonly kind: 'back' };

export interface FollowOptions {
  /** Ends the iteration, without an error. */
  readonly signal: AbortSignal;
  /** Until the head of the answer is there, ms. */
  readonly timeoutMs: number;
  /** A stream from which nothing comes for so long is dead, ms. The sidecar says something every 15 s at the latest. */
  readonly silenceMs?: number;
}

const SILENCE_MS = 45_000;
/** First and longest wait before a stream is asked for again, ms; the sidecar may set the first (`retry`). */
const [FIRST_WAIT_MS, LONGEST_WAIT_MS] = [2_000, 30_000];
/** Most of one event, characters. */
const EVENT_LIMIT = 4 * 1024 * 1024;
/** Failures that would come again however often it is tried. */
const FINAL: ReadonlySet<FailureKind> = new Set(['token', 'forbidden', 'missing', 'refused', 'stranger']);

interface Position {
  lastId: string;
  retryMs: number;
}

/**
 * Follows `path`. Rejects with an `AdminFailure` when the first connection fails, and later only for failures that trying again does
 * not mend. A consumer that does not ask for more stops the reading, so that the sidecar counts what it misses.
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

/** One connection until it breaks, which is always an error: the stream has no end of its own. */
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
    if (!response.ok) throw failureOf(response.status, type, await response.text());
    if (!type.startsWith('text/event-stream') || response.body === null) throw stranger(place);
    yield 'open';
    const decoder = new TextDecoder();
    const arrived: Followed[] = [];
    const parser = createParser({
      maxBufferSize: EVENT_LIMIT,
      onEvent({ event = 'message', data, id }) {
        if (id !== undefined) position.lastId = id;
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
      // The consumer may take its time: that is no silence of the stream.
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
  try {
    const value: unknown = JSON.parse(data);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // Falls through: no JSON, so no admin server.
  }
  throw stranger(place);
}
