// Simulation: what the judge asks of outcomes that are no confirmations: whether their reason is the case, and whether a last barrier was sent (SPEC D7, D12, D13, D15, D16).
import { type Case, read } from './case.ts';
import type { Failure, Link, Message } from './history.ts';
import { TIE_MS } from './tie.ts';

/** RFC 6455 §7.4.1: a client that closes with one of these could not take what it was sent. */
const COMPLAINTS = [1002, 1003, 1007, 1009, 1010];
/**
 * Between the reading of what comes behind the end of a client and its outcome, ms; and how many
 * callbacks of a slow machine may lie there.
 */
const AT_ONCE_MS = 50;
const AT_ONCE_CALLBACKS = 4;
/** From the end of a socket to when the sidecar has heard of it, ms. */
const HEARD_MS = 15;

/**
 * A plain client's end, as the sidecar has read it; 0 = it has not. `orderly`: by a Close frame of
 * the client.
 */
function endRead(link: Link): { readonly at: number; readonly orderly: boolean } {
  let at = Number.POSITIVE_INFINITY;
  let orderly = false;
  const close = (moment: number, fine: boolean): void => {
    if (moment === 0 || moment > at + (fine ? HEARD_MS : 0)) return;
    at = moment;
    orderly = fine;
  };
  close(link.closedAt, false);
  close(link.overReadAt, false);
  for (const { kind, readAt } of link.evidence) if (kind === 'close') close(readAt, true);
  close(link.left.readAt, !COMPLAINTS.includes(link.leftCode));
  return { at: at === Number.POSITIVE_INFINITY ? 0 : at, orderly };
}

/** What comes when its client has gone ends `failed` at once. */
export function judgeGone({ told, own, message, outcome, history }: Case): Failure | undefined {
  if (own === undefined || own.sdk || own.broke) return undefined;
  const { at } = endRead(own);
  if (at === 0 || message.arrivedAt <= at + HEARD_MS) return undefined;
  if (told.status !== 'failed' || (told.errorType !== 'disconnected' && told.errorType !== 'shutdown'))
    return { kind: 'reason', text: `${outcome}, but its client had gone before it came` };
  return told.settledAt > told.trackedAt + AT_ONCE_MS + AT_ONCE_CALLBACKS * history.costMs
    ? { kind: 'reason', text: 'its client had gone before it came, and it did not end at once' }
    : undefined;
}

/**
 * Whether the reason of an outcome that nobody can verify is the case; and whether a loss should
 * have been such an outcome.
 */
export function judgeReason(one: Case): Failure | undefined {
  const { told } = one;
  const wrong = (text: string): Failure => ({ kind: 'reason', text: `${one.outcome}, but ${text}` });
  if (told.unverified === 'never_answered') {
    const said = one.history.links.find((link) => answered(link, one, told.settledAt - 2 * TIE_MS));
    return said === undefined ? undefined : wrong('its client had answered');
  }
  if (told.unverified === 'limit') return one.message.low ? undefined : wrong('it is CRITICAL');
  if (told.unverified === 'ambiguous') return ambiguous(one) ? undefined : wrong('nobody spoke of its event');
  if (told.unverified === 'closed') return judgeClosed(one);
  if (told.unverified === 'client_left') {
    if (one.own?.broke === true) return undefined;
    // Its stack had the message, and its application could say nothing of it any more.
    if (one.own?.sdk === true && told.level === 'received' && complained(one)) return undefined;
    const left = leftSince(one);
    if (left === undefined) return wrong('its client has not closed in good order');
    if (one.own?.sdk === true && told.level === 'received') return undefined;
    if (told.sentAt < left - TIE_MS) return wrong('it was sent long before its client closed');
    return undefined;
  }
  if (told.status === 'unverifiable') return wrong('no reason is given');
  return judgeCutShort(one) ?? judgeLeft(one);
}

/** A rule spells out that the application must confirm it. */
const asksForWord = ({ emitted }: Message): boolean => emitted?.type === 'processed' || emitted?.type === 'again';

/**
 * Its backend, or the sidecar for a reason that the history has, had ended a connection of its
 * client by then, or the sidecar had sent its client a Close frame.
 */
function endedFor({ own, history }: Case, at: number): boolean {
  return history.links.some((link) => {
    if (link.client !== own?.client) return false;
    const up = history.upstreams.find(({ id }) => id === link.upstream);
    const { closedAt, supersededAt, closeSentAt } = link;
    const moments = [up?.close.arrivedAt ?? 0, up?.overAt ?? 0, closedAt, supersededAt, closeSentAt];
    return moments.some((moment) => moment > 0 && moment <= at);
  });
}

/**
 * An application that could not say more, because somebody else had closed the connection (SPEC
 * D24).
 */
function judgeClosed(one: Case): Failure | undefined {
  const { told, own, places, history, message } = one;
  const wrong = (text: string): Failure => ({ kind: 'reason', text: `${one.outcome}, but ${text}` });
  if (own?.sdk !== true || told.level !== 'received') return wrong('nobody had to say more');
  if (places.length === 0) return wrong('its client never had it');
  if (asksForWord(message)) return wrong('a rule asks for the word');
  if (history.stopAt > 0) return undefined;
  if (!endedFor(one, told.settledAt + TIE_MS)) return wrong('nothing but its client had closed the connection');
  if (history.links.filter(({ client }) => client === own.client).length > 1 || own.leftAt > 0) return undefined;
  const answer = own.evidence.find(({ kind }) => kind === 'close');
  // A client that was asked to come again can speak then.
  const closedAt = history.upstreams.find(({ id }) => id === own.upstream)?.close.arrivedAt ?? 0;
  if (closedAt === 0 || closedAt > (answer?.sentAt ?? 0)) return undefined;
  // For one that never answered before, or that broke the rules, nothing is worth a wait.
  const spoke = own.evidence.some((each) => each !== answer && each.readAt > 0 && read(each, answer?.sentAt ?? 0));
  return spoke && !own.broke && answer !== undefined && answer.sentAt < told.sentAt + history.patienceMs - TIE_MS
    ? wrong('the Close frame did not wait for the word')
    : undefined;
}

/** Its client closed with a complaint, over this connection or another one. */
function complained({ own, told, history }: Case): boolean {
  return history.links.some(
    ({ client, left, leftCode }) =>
      client === own?.client &&
      COMPLAINTS.includes(leftCode) &&
      left.readAt > 0 &&
      left.readAt <= told.settledAt + TIE_MS,
  );
}

/**
 * A loss although the client had the message, and a Close frame had cut its application short (SPEC
 * D24): one of its backend, one with a complaint, or at a deadline any, because the session then
 * waits for the client.
 */
function judgeCutShort(one: Case): Failure | undefined {
  const { told, own, message, history } = one;
  if (own?.sdk !== true || own.broke || told.level !== 'received') return undefined;
  const lost = told.status === 'timeout' || (told.status === 'failed' && told.errorType === 'disconnected');
  if (!lost || asksForWord(message) || told.reemittedAt > 0) return undefined;
  const left = own.left.readAt > 0 && own.left.readAt < told.settledAt - TIE_MS;
  // Its session was over with that, wherever its client went then.
  const quit = own.left.readAt > 0 && own.left.readAt <= told.settledAt + TIE_MS && own.supersededAt === 0;
  const complained = quit && COMPLAINTS.includes(own.leftCode) && told.status === 'failed';
  // One connection, whose end its client has answered.
  if (!complained && history.links.filter(({ client }) => client === own.client).length > 1) return undefined;
  const answered = own.evidence.some((each) => each.kind === 'close' && read(each, told.settledAt));
  if (told.status === 'failed' && !complained) {
    const up = history.upstreams.find(({ id }) => id === message.upstream);
    const closed = up?.close.arrivedAt ?? 0;
    if (closed === 0 || message.arrivedAt > closed || own.leftAt > 0) return undefined;
  }
  const closing = own.closeSentAt > 0 && own.closeSentAt < told.settledAt - TIE_MS;
  return answered || complained || ((left || closing) && told.status === 'timeout')
    ? { kind: 'reason', text: `${one.outcome}, but its client had it, and was closed upon before it could say more` }
    : undefined;
}

/** A loss at the end of a client that closed in good order right behind the message. */
function judgeLeft(one: Case): Failure | undefined {
  const { told, own } = one;
  if (own === undefined || own.sdk || own.broke || told.errorType !== 'disconnected') return undefined;
  const left = leftSince(one);
  if (left === undefined || told.sentAt <= left + TIE_MS) return undefined;
  if (told.level === 'received' || told.trackedAt > endRead(own).at - TIE_MS) return undefined;
  return { kind: 'reason', text: `${one.outcome}, but its client had closed in good order right behind it` };
}

/**
 * From when on a message had no chance to be answered; undefined = its client has not closed in
 * good order.
 */
function leftSince({ own, told, history }: Case): number | undefined {
  // A session may have gone on over a later connection.
  const links = own?.sdk ? history.links.filter(({ client }) => client === own.client) : own === undefined ? [] : [own];
  let since: number | undefined;
  for (const link of links) {
    const { at, orderly } = endRead(link);
    if (!orderly || at > told.settledAt + TIE_MS) continue;
    since = Math.min(since ?? Number.POSITIVE_INFINITY, at - history.patienceMs);
  }
  return since;
}

/** The session had shown that it answers. */
function answered(link: Link, asked: Case, at: number): boolean {
  const { own } = asked;
  if (link !== own) return false;
  return link.evidence.some(
    (one) =>
      one.moot !== true &&
      one.kind !== 'close' &&
      one.sure > 0 &&
      read(one, at) &&
      (one.kind !== 'word' || asked.isKnown(one, link)),
  );
}

/** A word that may mean another message of its event has been read. */
function ambiguous(one: Case): boolean {
  const { told, own, history, message } = one;
  const { eventId } = message;
  const twins = history.messages.filter((each) => each.eventId === eventId && each.readAt > 0).length > 1;
  return history.links.some((link) => {
    if (link !== own && (link.user === undefined || link.user !== own?.user)) return false;
    if (link === own && !twins && !one.isObscured(link)) return false;
    return link.evidence.some((said) => said.kind === 'word' && said.eventId === eventId && read(said, told.settledAt));
  });
}

/**
 * A message was the last before the end of its stream, and nothing followed it that could have been
 * answered.
 */
export function judgeBarrier(one: Case): Failure | undefined {
  const { told, places, message, outcome, history } = one;
  if (told.level === 'received' || told.settledAt >= told.sentAt + told.timeoutMs) return undefined;
  const up = history.upstreams.find(({ id }) => id === message.upstream);
  const began = [up?.overAt ?? 0, up?.close.arrivedAt ?? 0, history.stopAt].filter((at) => at > 0);
  if (began.length === 0 || told.settledAt <= Math.min(...began) + TIE_MS) return undefined;
  for (const { link, through } of places) {
    const { streamEnd } = link;
    if (link.sdk || link.cutShort || streamEnd === undefined || through <= streamEnd.covered) continue;
    if (history.cuts.some((cut) => Math.abs(cut - link.closedAt) < TIE_MS)) continue;
    if (link.upstream !== message.upstream || told.settledAt < message.readAt + TIE_MS) continue;
    return { kind: 'barrier', text: `${outcome}, and no barrier went between it and the end of the stream` };
  }
  return undefined;
}
