// admin: GET /api/v1/stream: steps of deliveries and connections, and a line of statistics a second, as SSE.
import type { Delivery } from '../delivery/record.ts';
import { connectionSummary, lifeStep } from './connection-view.ts';
import { deliverySummary } from './delivery-view.ts';
import { readFilter } from './filter.ts';
import { Follower, STREAM_EVENTS, type Wish } from './follower.ts';
import { isoTime } from './iso-time.ts';
import { runName } from './page.ts';
import type { Past } from './past.ts';
import type { AdminDeps } from './ports.ts';
import { createQuery } from './query.ts';
import { badQuery, problem } from './reply.ts';
import type { Route } from './route.ts';
import type { StepJson, StreamJson } from './shapes.ts';
import { createStepRing, type HeldStep, stepObserver } from './step-ring.ts';
import { lineOf } from './summary.ts';

/** Gap between two flushes, ms: often enough to look live, seldom enough to share the cost. */
const FLUSH_MS = 100;
/** Flushes in a second. */
const FLUSHES = 1000 / FLUSH_MS;
/** Most steps a second for one follower. Further ones are dropped and counted. */
export const RATE_LIMIT = 2500;
/** Most followers at once, and most of those that are awaited back. */
const FOLLOWER_LIMIT = 16;
/** How long steps go on being collected for a follower whose connection broke, ms. */
const RETURN_MS = 15_000;

/**
 * The live stream, as server-sent events. Takes the filters of the list. An event `dropped` says
 * how many steps a follower missed.
 */
export function streamRoute(deps: AdminDeps, past: Past, closing: Set<() => void>): Route {
  const hub = createHub(deps, past);
  closing.add(() => hub.close());
  return {
    path: '/api/v1/stream',
    open: false,
    answer({ search, lastEventId }) {
      if (deps.watch === undefined) return problem(404, 'This process has nothing to follow.');
      const query = createQuery(search);
      const events = query.words('events', STREAM_EVENTS) ?? new Set<string>(STREAM_EVENTS);
      const rate = query.whole('rate', 1, RATE_LIMIT, RATE_LIMIT);
      // The parameter is for callers that cannot set a header: an `EventSource` that is opened
      // anew.
      const after = query.text('last_event_id') ?? lastEventId;
      const wanted = readFilter(query, deps);
      const faults = query.faults();
      if (faults.length > 0) return badQuery(faults);
      if (hub.full)
        return problem(503, `${FOLLOWER_LIMIT} followers are the most.`, { headers: { 'Retry-After': '5' } });
      const question = questionOf(search);
      const wish: Wish = { question, events, wanted, quota: Math.max(1, Math.round(rate / FLUSHES)) };
      return {
        kind: 'stream',
        contentType: 'text/event-stream',
        open(response) {
          // The head goes out at once, so that the follower knows that it follows.
          response.write('retry: 2000\n\n');
          const follower = new Follower(wish, hub.last, response);
          hub.add(follower, after);
          response.on('close', () => hub.leave(follower));
        },
      };
    },
  };
}

/** A query without the place in the stream: what a follower asks again when it comes back. */
function questionOf(search: string): string {
  const parameters = new URLSearchParams(search);
  parameters.delete('last_event_id');
  parameters.sort();
  return parameters.toString();
}

/** All followers. Nothing is watched without one. */
function createHub(deps: AdminDeps, past: Past) {
  const followers = new Set<Follower>();
  const ring = createStepRing();
  const run = runName(deps.info.startedAt);
  /** Number of the latest step that a flush has passed on. */
  let passed = 0;
  let stop: (() => void) | undefined;

  const text = (held: HeldStep): string => {
    const id = `id: ${run}.${held.id}\n`;
    if ('life' in held) {
      const body = { ...lifeStep(held.life, deps), connection: connectionSummary(held.entry, deps) };
      return `${id}event: connection\ndata: ${JSON.stringify(body satisfies StreamJson['connection'])}\n\n`;
    }
    const { step, at, delivery } = held;
    const body = { step, at: isoTime(at, deps), delivery: deliverySummary(delivery, deps) };
    return `${id}event: step\ndata: ${JSON.stringify(body satisfies StreamJson['step'])}\n\n`;
  };

  /** Runs on the hot path: a follower whose share of this flush is full is not even asked. */
  const took = (step: StepJson['step'], at: number, delivery: Delivery): void => {
    let held: HeldStep | undefined;
    for (const follower of followers) {
      const { events, wanted } = follower.wish;
      if (!events.has('step') || wanted?.(delivery) === false) continue;
      if (follower.room) {
        held ??= ring.add(step, at, delivery);
        follower.take(held);
      } else follower.miss(ring.last);
    }
  };
  const flush = (): void => {
    const rendered = new Map<HeldStep, string>();
    const once = (held: HeldStep): string => {
      const known = rendered.get(held) ?? text(held);
      rendered.set(held, known);
      return known;
    };
    for (const follower of followers) {
      follower.flush(once);
      if (follower.gone !== undefined && deps.now() - follower.gone > RETURN_MS) forget(follower);
    }
    passed = ring.last;
  };
  const begin = (): void => {
    const unwatch = deps.watch?.(stepObserver(took));
    const unbook = deps.book?.watch((entry, life) => {
      let held: HeldStep | undefined;
      for (const follower of followers) {
        if (!follower.wish.events.has('connection')) continue;
        if (follower.room) {
          held ??= ring.addLife(life, entry);
          follower.take(held);
        } else follower.miss(ring.last);
      }
    });
    const unpast = past.watch((sample) => {
      // With a place in the stream: a follower that has seen no step yet can read on too.
      const line = `id: ${run}.${passed}\nevent: stats\ndata: ${JSON.stringify(lineOf(sample, deps))}\n\n`;
      for (const follower of followers) if (follower.wish.events.has('stats')) follower.send(line);
    });
    const timer = setInterval(flush, FLUSH_MS).unref();
    stop = () => {
      clearInterval(timer);
      for (const end of [unwatch, unbook, unpast]) end?.();
      stop = undefined;
    };
  };
  const forget = (follower: Follower): void => {
    followers.delete(follower);
    if (followers.size === 0) stop?.();
  };
  /**
   * Whether every step behind step `id` that the follower wants is in the ring. The ring holds only
   * what somebody wanted, so a follower with the same question must have been there since.
   */
  const isWhole = ({ wish }: Follower, id: number): boolean => {
    for (const other of followers)
      if (other.wish.question === wish.question && other.since <= id && other.missedAt < id) return true;
    return false;
  };
  /**
   * Sends the steps that a follower missed while its connection was broken, or says that they are
   * not known.
   */
  const catchUp = (follower: Follower, after: string): void => {
    const [, name, id] = /^([0-9a-z]{1,11})\.(\d{1,15})$/.exec(after) ?? [];
    const known = name === run && id !== undefined && isWhole(follower, Number(id));
    const missed = known ? ring.after(Number(id)) : undefined;
    if (missed === undefined) {
      follower.send('event: dropped\ndata: {"count":null}\n\n');
      return;
    }
    follower.since = Number(id);
    const { events, wanted } = follower.wish;
    for (const held of missed) {
      const mine = 'life' in held ? events.has('connection') : events.has('step') && wanted?.(held.delivery) !== false;
      if (mine && !follower.send(text(held))) follower.miss(held.id);
    }
  };

  const awaited = (): Follower[] => [...followers].filter(({ gone }) => gone !== undefined);
  return {
    /** Number of the latest step. */
    get last() {
      return ring.last;
    },
    get full() {
      return followers.size - awaited().length >= FOLLOWER_LIMIT;
    },
    add(follower: Follower, after: string | undefined): void {
      if (after !== undefined) catchUp(follower, after);
      followers.add(follower);
      if (stop === undefined) begin();
    },
    leave(follower: Follower): void {
      follower.gone = deps.now();
      // Each of them is asked about every step, so that callers that come and go must not add up.
      const [first, ...others] = awaited().sort((a, b) => (a.gone ?? 0) - (b.gone ?? 0));
      if (first !== undefined && others.length >= FOLLOWER_LIMIT) forget(first);
    },
    close(): void {
      if (followers.size > 0) flush();
      followers.clear();
      stop?.();
    },
  };
}
