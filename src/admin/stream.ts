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
/** Most followers at once. */
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
      const wish: Wish = { events, wanted, quota: Math.max(1, Math.round(rate / FLUSHES)) };
      return {
        kind: 'stream',
        contentType: 'text/event-stream',
        open(response) {
          // The head goes out at once, so that the follower knows that it follows.
          response.write('retry: 2000\n\n');
          const follower = new Follower(wish, response);
          hub.add(follower, after);
          response.on('close', () => hub.leave(follower));
        },
      };
    },
  };
}

/** All followers. Nothing is watched without one. */
function createHub(deps: AdminDeps, past: Past) {
  const followers = new Set<Follower>();
  const ring = createStepRing();
  const run = runName(deps.info.startedAt);
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
      } else follower.miss();
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
        } else follower.miss();
      }
    });
    const unpast = past.watch((sample) => {
      const line = `event: stats\ndata: ${JSON.stringify(lineOf(sample, deps))}\n\n`;
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
  /** The steps that a follower missed while its connection was broken. */
  const catchUp = (follower: Follower, after: string): void => {
    const [, name, id] = /^([0-9a-z]{1,11})\.(\d{1,15})$/.exec(after) ?? [];
    const missed = name === run && id !== undefined ? ring.after(Number(id)) : undefined;
    if (missed === undefined) {
      follower.send('event: dropped\ndata: {"count":null}\n\n');
      return;
    }
    const { events, wanted } = follower.wish;
    for (const held of missed) {
      const mine = 'life' in held ? events.has('connection') : events.has('step') && wanted?.(held.delivery) !== false;
      if (mine) follower.send(text(held));
    }
  };

  return {
    get full() {
      let there = 0;
      for (const { gone } of followers) if (gone === undefined) there++;
      return there >= FOLLOWER_LIMIT;
    },
    add(follower: Follower, after: string | undefined): void {
      if (after !== undefined) catchUp(follower, after);
      followers.add(follower);
      if (stop === undefined) begin();
    },
    leave(follower: Follower): void {
      follower.gone = deps.now();
    },
    close(): void {
      if (followers.size > 0) flush();
      followers.clear();
      stop?.();
    },
  };
}
