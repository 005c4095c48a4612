// sidecar: the stop (SPEC D10): no new connections, the clients' last chances, last notices, last telemetry.
import type { Admin } from '../admin/server.ts';
import type { Connection } from '../connection/connection.ts';
import type { Resumption } from '../connection/resumption.ts';
import type { Delivery } from '../delivery/record.ts';
import type { Tracker } from '../delivery/tracker.ts';
import type { Listener } from '../front/listener.ts';
import type { Hooks } from '../hooks/hooks.ts';
import { now } from '../time/clock.ts';
import { drain, until } from './drain.ts';
import type { LastScrapes, Scrapes } from './last-scrape.ts';
import type { OutcomeLines, Watch } from './observe.ts';
import { handsOver, type LastingStore } from './store.ts';
import type { UpstreamCheck } from './upstream-check.ts';

/** What of a running sidecar has to be stopped, or asked meanwhile. */
export interface Stoppable {
  readonly connections: Set<Connection>;
  readonly resumption: Resumption;
  readonly tracker: Tracker;
  readonly watch: Watch;
  readonly hooks: Hooks | undefined;
  readonly listener: Listener;
  readonly admin: Admin;
  readonly pending: () => number;
  readonly state: { draining: boolean };
  readonly stopBeats: () => void;
  readonly stopLimitLog: () => void;
  readonly closeStore: () => Promise<void>;
  readonly lasting: LastingStore | undefined;
  readonly upstreamCheck: UpstreamCheck;
  readonly scrapes: Scrapes;
}

export interface StopDeps {
  readonly config: {
    readonly shutdown: { readonly graceMs: number };
    readonly limits: { readonly patienceMs: number };
  };
  readonly log: Pick<OutcomeLines, 'warn'>;
}

/** Parts of the grace kept for close handshakes, last notices where there are hooks, and the last export, ms. */
const [CLOSE_MS, NOTICES_MS, FLUSH_MS] = [500, 1000, 1500];
/** From the last outcome to the scrape that is to see it, and from that scrape to the end, ms: clocks of scrapers are not ours. */
const SCRAPE_MARGIN_MS = 300;
/** Share of the grace that clients have at least, before the turn of a scraper ends it. */
const LEAST_FOR_CLIENTS = 1 / 4;

/** Drains, settles what is left, and gives those who collect the metrics the chance to see it, within `shutdown.graceMs`. */
export async function stop(running: Stoppable, { config, log }: StopDeps, reason: string): Promise<void> {
  const { connections, resumption, tracker, watch, hooks, listener, admin, state, pending } = running;
  const { graceMs } = config.shutdown;
  const from = now();
  const end = from + graceMs;
  const scrape = running.scrapes.last(end - SCRAPE_MARGIN_MS);
  const closeBy = lastCloses(scrape, { from, end, graceMs, notices: hooks !== undefined });
  const before = losses(watch);
  state.draining = true;
  await listener.stopAccepting();
  const unconfirmed = () => log.warn({ pending: pending(), reason }, 'stopping with deliveries unconfirmed');
  const closing = Math.min(config.limits.patienceMs + CLOSE_MS, graceMs / 2);
  const staysOpen = ({ session }: Delivery) => session.resumable && handsOver(running.lasting);
  await drain({ connections, resumption, tracker, pending, staysOpen, unconfirmed }, closeBy - closing, closeBy);
  // Their clients would see a reset where a moment later there is an answer.
  await until(() => listener.answering() === 0, closeBy);
  const settledAt = now();
  const lost = losses(watch) - before;
  await listener.close();
  running.stopBeats();
  running.stopLimitLog();
  running.upstreamCheck.stop();
  await running.closeStore();
  await hooks?.stop(Math.max(0, end - FLUSH_MS - now()));
  const seen = lost === 0 || scrape === undefined ? undefined : until(() => scrape.seen(settledAt), end);
  await watch.shutdown(Math.max(FLUSH_MS, end - now()));
  if ((await seen)?.done === false)
    log.warn({ lost, reason }, 'stopped before a scrape saw the last losses: shutdown.grace ends before its turn');
  await admin.close();
}

/** When the last outcome has to be there: before the flush, and before the turn of whoever scrapes, if that leaves clients their time. */
function lastCloses(
  scrape: LastScrapes | undefined,
  { from, end, graceMs, notices }: { from: number; end: number; graceMs: number; notices: boolean },
): number {
  const closeBy = end - FLUSH_MS - (notices ? NOTICES_MS : 0);
  if (scrape === undefined) return closeBy;
  const before = scrape.due - SCRAPE_MARGIN_MS;
  return before - from < graceMs * LEAST_FOR_CLIENTS ? closeBy : Math.min(closeBy, before);
}

/** Deliveries so far that were not confirmed, whatever the reason. */
function losses({ stats }: Watch): number {
  const { failed, timeout, unverifiable } = stats();
  return failed + timeout + unverifiable;
}
