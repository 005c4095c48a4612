// delivery: times in which no process had a session: no deadline passed then (SPEC D14). Pure.
import type { Delivery } from './record.ts';

/** One such time by its end, and how long it was, ms. */
export interface Gap {
  readonly until: number;
  readonly ms: number;
}

/** Most that are told apart. Of more, the oldest two become one. */
const APART = 8;

/**
 * The gaps of a session that goes on, whose oldest delivery in flight was sent at `since`: those
 * before concern none. `awayMs`: how long no process had it until `now`.
 */
export function gapsOf(before: readonly Gap[], since: number, awayMs: number, now: number): readonly Gap[] {
  const gaps = before.filter(({ until }) => until >= since);
  if (awayMs > 0) gaps.push({ until: now, ms: awayMs });
  const [first, second, ...rest] = gaps;
  if (gaps.length <= APART || first === undefined || second === undefined) return gaps;
  // A delivery that was sent between the two gets more time, and never less.
  return [{ until: second.until, ms: first.ms + second.ms }, ...rest];
}

/** How long no process could hear the client of the delivery, ms. */
export function unheard({ session, sentAt }: Delivery): number {
  let all = 0;
  for (const { until, ms } of session.gaps) if (sentAt <= until) all += ms;
  return all;
}
