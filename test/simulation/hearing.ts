// Simulation: until when the sidecar has to listen to a client: to the client's own end, or, where it ends the connection itself, so long as it owes patience.
import type { History, Link } from './history.ts';
import { cutOffMs, TIE_MS } from './tie.ts';

/** Of the patience that it owes, for clocks and beats. */
const SHARE = 0.9;

/**
 * What arrives from the connection up to that moment counts. `upstream`: the backend's connection
 * that the message came over.
 */
export function heardUntil(history: History, link: Link, upstream: number): number {
  let until = Number.POSITIVE_INFINITY;
  const end = (at: number): void => {
    if (at > 0) until = Math.min(until, at);
  };
  end(link.left.arrivedAt);
  for (const { kind, arrivedAt } of link.evidence) if (kind === 'close') end(arrivedAt);
  end(link.overAt);
  if (link.supersededAt > 0) end(link.supersededAt - TIE_MS);
  end(link.brokenAt);
  const closedAt = decidedAt(history, link.closedAt);
  if (closedAt === 0 || until <= closedAt) return until;
  const owed = owedUntil(history, link, upstream, closedAt);
  return Math.min(until, Math.max(closedAt - TIE_MS, owed));
}

/** When the sidecar decided on the end of a socket that it closed at that moment. */
function decidedAt(history: History, closedAt: number): number {
  const { stopAt, closeBy } = history;
  const cutOff = stopAt > 0 && closedAt > closeBy;
  return cutOff ? Math.max(closeBy, closedAt - cutOffMs(history)) : closedAt;
}

/** The sidecar has closed the socket by itself: until when it should have waited at least. */
function owedUntil(history: History, link: Link, upstream: number, at: number): number {
  const { upstreams, patienceMs, cuts, stopAt, closeBy } = history;
  const answers = link.evidence.some(({ kind, readAt }) => kind === 'pong' && readAt > 0 && readAt < at);
  if (!answers || link.sdk || cuts.some((cut) => Math.abs(cut - at) < TIE_MS)) return 0;
  const up = upstreams.find(({ id }) => id === upstream);
  const ends = [up?.overAt ?? 0, up?.close.arrivedAt ?? 0, stopAt].filter((moment) => moment > 0 && moment <= at);
  if (ends.length === 0) return 0;
  const owed = Math.min(...ends) + patienceMs * SHARE;
  return stopAt > 0 ? Math.min(owed, closeBy) : owed;
}
