// sidecar: the stop (SPEC D10): a drain, perhaps before the signal; then last notices, last telemetry, the end.
import type { Admin } from '../admin/server.ts';
import type { Connection } from '../connection/connection.ts';
import type { Resumption } from '../connection/resumption.ts';
import type { Session } from '../delivery/session.ts';
import type { Tracker } from '../delivery/tracker.ts';
import type { Listener } from '../front/listener.ts';
import type { Hooks } from '../hooks/hooks.ts';
import { now } from '../time/clock.ts';
import { drain, SERVICE_RESTART, SERVICE_RESTART_REASON, until } from './drain.ts';
import { clientsFrom, FLUSH_MS, lastOutcome, SCRAPE_MARGIN_MS, timeOfNotices } from './grace.ts';
import type { LastScrapes, Scrapes } from './last-scrape.ts';
import type { OutcomeLines, Watch } from './observe.ts';
import { handsOver, type LastingStore } from './store.ts';
import type { UpstreamCheck } from './upstream-check.ts';

/** Where a sidecar stands on its way to its end. */
export interface DrainState {
  draining: boolean;
  /** Every client has been parted from. */
  drained: boolean;
  /** The store takes nothing more: what is read from here on, no other process has. */
  closed: boolean;
}

/** What of a running sidecar has to be stopped, or asked meanwhile. */
export interface Stoppable {
  readonly connections: Set<Connection>;
  readonly parked: { readonly count: number };
  readonly resumption: Resumption;
  readonly tracker: Tracker;
  readonly watch: Watch;
  readonly hooks: Hooks | undefined;
  readonly listener: Listener;
  readonly admin: Admin;
  readonly pending: () => number;
  readonly state: DrainState;
  readonly stopBeats: () => void;
  readonly stopLimitLog: () => void;
  readonly stopTlsFile: () => void;
  readonly closeStore: () => Promise<void>;
  readonly lasting: LastingStore | undefined;
  readonly upstreamCheck: UpstreamCheck;
  readonly scrapes: Scrapes;
}

export interface StopDeps {
  readonly config: {
    readonly shutdown: { readonly graceMs: number; readonly delayMs: number };
    readonly limits: { readonly patienceMs: number };
  };
  readonly log: Pick<OutcomeLines, 'warn'> & { info(fields: object, message: string): void };
}

/** Time for close handshakes beside the patience, ms, and their share of the clients' time. */
const CLOSE_MS = 500;
const CLOSE_SHARE = 3 / 4;
/** Most that a stop waits for a collector that takes nothing, ms; less where less is left. */
const QUIET_MS = 4000;

/** What a drain leaves behind for the stop that follows. */
interface Drained {
  readonly scrape: LastScrapes | undefined;
  readonly settledAt: number;
  /** Deliveries that were lost meanwhile. */
  readonly lost: number;
}

/** How a running sidecar comes to its end. */
export interface Stopper {
  /**
   * Parts from every client within `shutdown.grace`, while the process goes on: readiness drops,
   * then nothing new is taken, then clients are told to come again. Safe to call twice.
   */
  drain(reason: string): Promise<void>;
  /** Drains, unless that was done before, and ends everything within `shutdown.grace`. */
  stop(reason: string): Promise<void>;
}

export function createStopper(running: Stoppable, deps: StopDeps): Stopper {
  let draining: Promise<Drained> | undefined;
  let stopping: Promise<void> | undefined;
  const begin = (reason: string): Promise<Drained> => {
    draining ??= part(running, deps, reason);
    return draining;
  };
  return {
    async drain(reason) {
      await begin(reason);
    },
    stop(reason) {
      stopping ??= end(running, deps, begin, reason);
      return stopping;
    },
  };
}

async function part(running: Stoppable, { config, log }: StopDeps, reason: string): Promise<Drained> {
  const { connections, parked, resumption, tracker, watch, hooks, listener, state, pending } = running;
  const { graceMs, delayMs } = config.shutdown;
  const from = now();
  const scrape = running.scrapes.last(from + graceMs - SCRAPE_MARGIN_MS);
  const grace = { from, graceMs, delayMs, notices: hooks !== undefined, scrapeAt: scrape?.due };
  const closeBy = lastOutcome(grace);
  const before = losses(watch);
  state.draining = true;
  // Load balancers learn of it before their clients are turned away.
  if (delayMs > 0) await until(() => false, clientsFrom(grace));
  await listener.stopAccepting();
  const unconfirmed = () => log.warn({ pending: pending(), reason }, 'stopping with deliveries unconfirmed');
  const closing = Math.min(config.limits.patienceMs + CLOSE_MS, (closeBy - clientsFrom(grace)) * CLOSE_SHARE);
  const goesOn = (session: Session) => session.resumable && !state.closed && handsOver(running.lasting, session);
  const handshaking = () => listener.upgrading();
  await drain(
    { connections, parked, resumption, tracker, pending, goesOn, handshaking, unconfirmed },
    closeBy - closing,
    closeBy,
    from,
  );
  // Their clients would see a reset where a moment later there is an answer.
  await until(() => listener.answering() === 0, closeBy, from);
  state.drained = true;
  const settledAt = now();
  log.info({ reason, ms: Math.round(settledAt - from) }, 'drained: every client was told to come again');
  return { scrape, settledAt, lost: losses(watch) - before };
}

async function end(
  running: Stoppable,
  { config, log }: StopDeps,
  begin: (reason: string) => Promise<Drained>,
  reason: string,
): Promise<void> {
  const { watch, hooks, listener, admin, resumption } = running;
  const deadline = now() + config.shutdown.graceMs;
  const { scrape, settledAt, lost: before } = await begin(reason);
  await listener.close();
  const soFar = losses(watch);
  // The store may have failed since it was left to the next process.
  resumption.close(SERVICE_RESTART, SERVICE_RESTART_REASON, now(), true);
  const lost = before + losses(watch) - soFar;
  running.stopBeats();
  running.stopLimitLog();
  running.stopTlsFile();
  running.upstreamCheck.stop();
  running.state.closed = true;
  await running.closeStore();
  await hooks?.stop(timeOfNotices(deadline - now()));
  const seen = lost === 0 || scrape === undefined ? undefined : until(() => scrape.seen(settledAt), deadline);
  const left = Math.max(FLUSH_MS, deadline - now());
  await watch.shutdown(left, Math.min(QUIET_MS, Math.max(FLUSH_MS, left / 2)));
  if ((await seen)?.done === false)
    log.warn({ lost, reason }, 'stopped before a scrape saw the last losses: shutdown.grace ends before its turn');
  await admin.close();
}

/** Deliveries so far that were not confirmed, whatever the reason. */
function losses({ stats }: Watch): number {
  const { failed, timeout, unverifiable } = stats();
  return failed + timeout + unverifiable;
}
