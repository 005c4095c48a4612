// admin: GET /api/v1/stream: every step of the wanted deliveries as server-sent events. Bounded, drops counted, free while nobody follows.
import type { ServerResponse } from 'node:http';
import type { Observer } from '../delivery/ports.ts';
import type { Delivery } from '../delivery/record.ts';
import { deliverySummary, isoTime } from './delivery-view.ts';
import { type DeliveryFilter, readFilter } from './filter.ts';
import type { AdminDeps } from './ports.ts';
import { createQuery } from './query.ts';
import { badQuery, problem } from './reply.ts';
import type { Route } from './route.ts';

/** How often what happened is sent, ms: often enough to look live, seldom enough to share the cost. */
const FLUSH_MS = 100;
/** Most steps per flush; the rest is dropped and counted. */
const STEP_LIMIT = 250;
/** Most followers at once. */
const FOLLOWER_LIMIT = 16;
/** A follower that has not read this much, in bytes, gets nothing more until it has. */
const UNREAD_LIMIT = 256 * 1024;
/** Flushes without a word before a comment keeps the connection open: 15 s. */
const QUIET_FLUSHES = 150;

/** Kept on the hot path: no text is built there. */
interface HeldStep {
  readonly step: string;
  readonly at: number;
  readonly delivery: Delivery;
}

interface Follower {
  readonly response: ServerResponse;
  readonly wanted: DeliveryFilter;
  dropped: number;
  quiet: number;
}

/** Collects steps between flushes; what does not fit is only counted. */
function createCollector() {
  let steps: HeldStep[] = [];
  let dropped = 0;
  const hold = (step: string, at: number, delivery: Delivery): void => {
    if (steps.length >= STEP_LIMIT) {
      dropped++;
      return;
    }
    delivery.kept = true;
    steps.push({ step, at, delivery });
  };
  const nothing = (): void => undefined;
  const observer: Observer = {
    tracked: (delivery) => hold('send', delivery.sentAt, delivery),
    attempted: (delivery, attempt) => hold(attempt.kind, attempt.at, delivery),
    received: (delivery, now) => hold('received', now, delivery),
    settled: (delivery) => hold(delivery.status, delivery.settledAt, delivery),
    upgraded: (delivery, now) => hold('upgrade', now, delivery),
    // Counted in the statistics; clients could flood the stream with them.
    unmatched: nothing,
    shed: nothing,
  };
  const drain = (): { readonly held: readonly HeldStep[]; readonly missed: number } => {
    const drained = { held: steps, missed: dropped };
    steps = [];
    dropped = 0;
    return drained;
  };
  return { observer, drain };
}

/** Sends a follower its share, or counts it as dropped when the follower does not keep up. */
function feed(follower: Follower, held: readonly HeldStep[], lines: readonly string[], missed: number): void {
  const { response, wanted } = follower;
  const mine = lines.filter((_, i) => wanted((held[i] as HeldStep).delivery));
  follower.dropped += missed;
  if (response.writableLength > UNREAD_LIMIT) {
    follower.dropped += mine.length;
    return;
  }
  if (follower.dropped > 0) mine.push(`event: dropped\ndata: {"count":${follower.dropped}}\n\n`);
  follower.dropped = 0;
  follower.quiet = mine.length === 0 ? follower.quiet + 1 : 0;
  if (mine.length > 0) response.write(mine.join(''));
  else if (follower.quiet % QUIET_FLUSHES === 0) response.write(':\n\n');
}

/** The live stream. Takes the filters of the list; an event `dropped` says how many steps a follower missed. */
export function streamRoute(deps: AdminDeps): Route {
  const followers = new Set<Follower>();
  const collector = createCollector();
  let stop: (() => void) | undefined;

  const text = ({ step, at, delivery }: HeldStep): string => {
    const body = { step, at: isoTime(at, deps), delivery: deliverySummary(delivery, deps) };
    return `event: step\ndata: ${JSON.stringify(body)}\n\n`;
  };
  const flush = (): void => {
    const { held, missed } = collector.drain();
    const lines = held.map(text);
    for (const follower of followers) feed(follower, held, lines, missed);
  };
  const begin = (watch: NonNullable<AdminDeps['watch']>): void => {
    const unwatch = watch(collector.observer);
    const timer = setInterval(flush, FLUSH_MS).unref();
    stop = () => {
      clearInterval(timer);
      unwatch();
      collector.drain();
      stop = undefined;
    };
  };

  return {
    path: '/api/v1/stream',
    open: false,
    answer({ search }) {
      const { watch } = deps;
      if (watch === undefined) return problem(404, 'This process has nothing to follow.');
      const query = createQuery(search);
      const wanted = readFilter(query, deps);
      const faults = query.faults();
      if (faults.length > 0) return badQuery(faults);
      if (followers.size >= FOLLOWER_LIMIT) return problem(503, `${FOLLOWER_LIMIT} followers are the most.`);
      return {
        kind: 'stream',
        contentType: 'text/event-stream',
        open(response) {
          const follower: Follower = { response, wanted, dropped: 0, quiet: 0 };
          if (stop === undefined) begin(watch);
          followers.add(follower);
          response.on('close', () => {
            followers.delete(follower);
            if (followers.size === 0) stop?.();
          });
          // Sends the head at once, so that the follower knows that it follows.
          response.write('retry: 2000\n\n');
        },
      };
    },
  };
}
