// Simulation: the judge. Compares what the sidecar said about each delivery with what its client knew and said, and when that had arrived.
import { Case } from './case.ts';
import { judgeBarrier, judgeGone, judgeReason } from './endings.ts';
import type { Failure, History, Message, Told } from './history.ts';
import { judgeSilence } from './silence.ts';
import { TIE_MS } from './tie.ts';

/** Every breach of a promise in the history. */
export function judge(history: History): Failure[] {
  const failures: Failure[] = [];
  for (const told of history.deliveries) {
    const failure = judgeOne(history, told, history.byUid.get(told.uid));
    if (failure !== undefined) failures.push({ ...failure, uid: told.uid });
  }
  const uncounted = judgeCounts(history);
  if (uncounted !== undefined) failures.push(uncounted);
  failures.push(...judgeSilence(history));
  for (const text of history.leaks) failures.push({ kind: 'leak', text });
  for (const text of history.faults) failures.push({ kind: 'fault', text });
  return failures;
}

function judgeOne(history: History, told: Told, message: Message | undefined): Failure | undefined {
  if (told.outcomes === 0 && history.handedOver?.has(told.seq) === true) return judgeHandedOver(history, message);
  if (told.outcomes !== 1) return { kind: 'outcomes', text: `it has ${told.outcomes} outcomes` };
  if (message === undefined) return { kind: 'false confirm', text: 'nobody sent such a message' };
  const one = new Case(history, told, message);
  if (told.status === 'confirmed') return judgeConfirmed(one);
  const gone = judgeGone(one);
  if (gone !== undefined) return gone;
  if (told.errorType === 'rejected') return judgeRejected(one);
  const wrong = judgeReason(one);
  if (wrong !== undefined) return wrong;
  if (told.unverified === 'limit') return undefined;
  const proof = one.proofInTime();
  if (proof !== undefined) return { kind: 'false loss', text: `${one.outcome}, but ${proof}` };
  return judgeBarrier(one);
}

/**
 * The next process finds it in the journal, with its session: its client must be one that comes
 * back to that.
 */
function judgeHandedOver({ links }: History, message: Message | undefined): Failure | undefined {
  const own = links.find(({ upstream }) => upstream === message?.upstream);
  return own?.sdk === true
    ? undefined
    : { kind: 'outcomes', text: 'it was left to the next process without a session' };
}

function judgeConfirmed(one: Case): Failure | undefined {
  const { told } = one;
  if (one.endedByCopy()) return undefined;
  if (!one.wasReceived(told.settledAt)) {
    const text = `confirmed (${told.level}) without proof that the client's stack had it${one.cause()}`;
    return { kind: 'false confirm', text };
  }
  // Where it was raised later, the level in the end is that.
  if (told.level === 'processed' && told.upgradedAt === 0 && !one.wasProcessed(told.settledAt)) {
    const text = `confirmed (processed), but its application had not said so${one.cause()}`;
    return { kind: 'false confirm', text };
  }
  if (told.upgradedAt > 0 && !one.wasProcessed(told.upgradedAt))
    return { kind: 'false confirm', text: 'raised to processed, but its application had not said so' };
  if (told.rejectedAt > 0 && !one.wasRejected(told.rejectedAt))
    return { kind: 'false loss', text: 'noted as rejected later, but nobody rejected it' };
  return undefined;
}

function judgeRejected(one: Case): Failure | undefined {
  if (one.endedByCopy()) return undefined;
  if (!one.wasRejected(one.told.settledAt))
    return { kind: 'false loss', text: 'failed (rejected), but nobody rejected it' };
  if (one.told.required === 'received' && one.wasSurelyReceived(one.told.settledAt - 2 * TIE_MS))
    return { kind: 'false loss', text: 'failed (rejected), but a pong had been read that confirms it' };
  return undefined;
}

/** What the backend sent is in exactly one figure. */
function judgeCounts(history: History): Failure | undefined {
  const { messages, upstreams, deliveries, shed, untracked, patienceMs, stopAt, closeBy } = history;
  const told = new Set(deliveries.map(({ uid }) => uid));
  const ups = new Map(upstreams.map((up) => [up.id, up]));
  const owed = messages.filter(({ arrivedAt, readAt, upstream }) => {
    const up = ups.get(upstream);
    if (up?.joined !== true || arrivedAt === 0) return false;
    // A sidecar that stops does not read on for clients that take nothing.
    const stopped = stopAt > 0 && up.closedAt >= (up.closedUnread ? stopAt : closeBy);
    if (readAt === 0 && stopped) return false;
    if (up.closedAt > 0 && arrivedAt >= up.closedAt - TIE_MS) return false;
    return up.goneAt === 0 || arrivedAt < up.goneAt + patienceMs * 0.9;
  });
  const figures = deliveries.length + shed + untracked;
  const missing = owed.filter(({ uid }) => !told.has(uid));
  if (missing.length > shed + untracked) {
    const uids = missing.filter(({ tracked }) => tracked).map(({ uid }) => `m${uid}`);
    const names = uids.length > 0 ? `, perhaps ${uids.slice(0, 8).join(', ')}` : '';
    return {
      kind: 'uncounted',
      text: `${owed.length} messages were owed a figure, ${figures} have one${names}`,
      ...(uids.length > 0 && { uid: Number(uids[0]!.slice(1)) }),
    };
  }
  const read = messages.filter(({ readAt, upstream }) => readAt > 0 && ups.get(upstream)?.joined === true).length;
  return figures === read ? undefined : { kind: 'uncounted', text: `${figures} figures for ${read} messages` };
}
