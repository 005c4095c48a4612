// Simulation: the judge of silence: who is cut off had said nothing, and who has vanished is cut off (SPEC D22).
import type { Failure, History, Link } from './history.ts';
import { TIE_MS } from './tie.ts';

/**
 * Between a moment and the look that sees it, as a share of the silence; and besides, ms: beats,
 * and what a loop has to do.
 */
const LOOKS = 0.3;
const SLACK_MS = 400;

export function judgeSilence(history: History): Failure[] {
  const { silenceMs, cuts, links } = history;
  const failures: Failure[] = [];
  for (const cut of cuts) {
    const cutOff = links.filter(({ closedAt }) => Math.abs(closedAt - cut) < TIE_MS);
    const texts = cutOff.map((link) => spoke(history, link, cut));
    if (cutOff.length > 0 && texts.includes(undefined)) continue;
    const text = texts[0] ?? 'nobody was cut off then';
    failures.push({ kind: 'silence', text: `a client was cut off, but ${text}` });
  }
  if (silenceMs > 0) for (const link of links) if (kept(history, link)) failures.push(KEPT);
  return failures;
}

const KEPT: Failure = { kind: 'silence', text: 'a client that had vanished was not cut off' };

function spoke(
  { links, silenceMs }: History,
  { client, id, sdk, arrivals, joinedAt }: Link,
  cut: number,
): string | undefined {
  // A session that goes on has answered over an earlier connection, or by the request that resumed
  // it.
  const answers = links.some(
    (link) =>
      (link.id === id || (sdk && link.client === client)) &&
      link.evidence.some(({ readAt }) => readAt > 0 && readAt < cut),
  );
  if (!answers) return 'it had never answered';
  const heard = arrivals.find((at) => at > cut - silenceMs + TIE_MS && at < cut - TIE_MS);
  if (joinedAt > cut - silenceMs + TIE_MS) return `it had come only ${Math.round(cut - joinedAt)} ms before`;
  return heard === undefined ? undefined : `it had been heard ${Math.round(cut - heard)} ms before`;
}

/** A client that answers has vanished, and its connection outlived that for long. */
function kept({ silenceMs, standstills, upstreams, stopAt }: History, link: Link): boolean {
  const { vanishedAt, closedAt, closeSentAt, pauses, evidence, cutShort, supersededAt } = link;
  // One that takes no more bytes cannot be asked, nor one that was sent a Close frame because
  // another took its place.
  if (vanishedAt === 0 || cutShort || supersededAt > 0) return false;
  if (!evidence.some(({ kind, readAt }) => kind === 'pong' && readAt > 0 && readAt < vanishedAt)) return false;
  let until = vanishedAt + 2 * silenceMs * (1 + LOOKS) + SLACK_MS;
  // Time in which it stood still, or did not read the client, does not count.
  for (const { from, to } of standstills) if (to > vanishedAt) until += to - Math.max(from, vanishedAt);
  for (const { from, to } of pauses)
    if (to === 0) until = Number.POSITIVE_INFINITY;
    else if (to > vanishedAt) until += to - Math.max(from, vanishedAt) + 1000 + silenceMs * LOOKS;
  // Behind a Close frame, also one of a connection that is too old, nobody is asked; then other
  // bounds hold.
  const up = upstreams.find(({ id }) => id === link.upstream);
  const ends = [up?.close.arrivedAt ?? 0, up?.overAt ?? 0, closeSentAt, stopAt].filter((at) => at > 0);
  if (ends.length > 0 && Math.min(...ends) < until) return false;
  return closedAt === 0 || closedAt > until;
}
