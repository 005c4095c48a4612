// admin-client: the losses of a time range summed up by cause, type and user, and where many came at once. Pure.
import type { DeliveryJson } from '../admin/shapes.ts';
import { ALIKE_MS } from './alike.ts';
import { brief } from './brief.ts';

/** A name with the number of losses under it. */
export interface Share {
  readonly name: string;
  readonly count: number;
}

/** A burst: many sessions that lost deliveries for one reason within seconds. */
export interface Burst {
  /** Time of the first and of the last end, ms since the epoch. */
  readonly from: number;
  readonly to: number;
  readonly why: string;
  readonly deliveries: number;
  readonly sessions: number;
}

export interface Report {
  readonly deliveries: number;
  readonly sessions: number;
  readonly users: number;
  /** The causes, most losses first. */
  readonly byCause: readonly (Share & { readonly example: string })[];
  readonly byType: readonly Share[];
  /** The users, most losses first. Deliveries without a user are left out. */
  readonly byUser: readonly Share[];
  /** The bursts in order of time. */
  readonly bursts: readonly Burst[];
}

/** Fewest sessions of a burst. So many that end alike at once are one event of the network. */
export const BURST_SESSIONS = 5;

/** Sums up deliveries that were not confirmed. */
export function reportOf(lost: readonly DeliveryJson[]): Report {
  const examples = new Map<string, string>();
  for (const delivery of lost) if (!examples.has(brief(delivery))) examples.set(brief(delivery), delivery.id);
  return {
    deliveries: lost.length,
    sessions: new Set(lost.map(({ session }) => session)).size,
    users: new Set(lost.flatMap(({ user }) => (user === null ? [] : [user]))).size,
    byCause: shares(lost.map(brief)).map((share) => ({ ...share, example: examples.get(share.name) ?? '' })),
    byType: shares(lost.map(({ type }) => type)),
    byUser: shares(lost.flatMap(({ user }) => (user === null ? [] : [user]))),
    bursts: burstsOf(lost),
  };
}

function shares(names: readonly string[]): Share[] {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].map(([name, count]) => ({ name, count })).sort((a, b) => b.count - a.count);
}

/** Finds the bursts: ends of one reason with gaps below `ALIKE_MS`, over enough sessions. */
function burstsOf(lost: readonly DeliveryJson[]): Burst[] {
  const groups = new Map<string, { at: number; session: string }[]>();
  for (const delivery of lost) {
    if (delivery.settled_ms === null) continue;
    const group = groups.get(brief(delivery)) ?? [];
    group.push({ at: Date.parse(delivery.sent_at) + delivery.settled_ms, session: delivery.session });
    groups.set(brief(delivery), group);
  }
  const bursts: Burst[] = [];
  for (const [why, ends] of groups) {
    ends.sort((a, b) => a.at - b.at);
    let first = 0;
    for (let i = 1; i <= ends.length; i++) {
      if (i < ends.length && ends[i]!.at - ends[i - 1]!.at <= ALIKE_MS) continue;
      const part = ends.slice(first, i);
      const sessions = new Set(part.map(({ session }) => session)).size;
      if (sessions >= BURST_SESSIONS)
        bursts.push({ from: part[0]!.at, to: part.at(-1)!.at, why, deliveries: part.length, sessions });
      first = i;
    }
  }
  return bursts.sort((a, b) => a.from - b.from);
}
