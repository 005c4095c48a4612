// admin-client: from a case to its cause, and the evidence for that cause in sentences. Pure: the page may use it too.
import type { ConnectionJson, DeliveryDetailJson } from '../admin/shapes.ts';
import { ALIKE_MS, endedAt } from './alike.ts';
import type { Cause } from './cause.ts';
import { CAUSES, type CauseId, endingOf, UNKNOWN_CAUSE } from './causes.ts';
import type { Case, Sighting } from './facts.ts';
import { printable, quoted } from './printable.ts';
import { BURST_SESSIONS } from './report.ts';
import { count, counted, deliveries, time } from './wording.ts';

/** A case explained. All texts are printable. */
export interface Explanation extends Cause {
  /** Name of the cause; undefined = the sidecar said a word that this build does not know. */
  readonly id: CauseId | undefined;
  /** What became of the delivery, in one sentence. */
  readonly headline: string;
  /** The evidence for the cause, one sentence each. */
  readonly evidence: readonly string[];
}

/**
 * Greatest distance at which the end of a connection and the end of a delivery count as one event,
 * ms.
 */
const SAME_MS = 50;

/** Explains a case from its facts alone. */
export function explain(facts: Case): Explanation {
  const id = causeOf(facts);
  const cause = id === undefined ? UNKNOWN_CAUSE : CAUSES[id];
  return { id, ...cause, headline: headline(facts.delivery), evidence: evidenceOf(facts, id) };
}

function causeOf(facts: Case): CauseId | undefined {
  const { delivery } = facts;
  const ending = endingOf(delivery);
  switch (ending) {
    case 'confirmed':
      if (delivery.rejected_ms !== null) return 'rejected_later';
      return delivery.level === 'processed' ? 'confirmed_processed' : 'confirmed_received';
    case 'timeout':
      if (isLate(delivery)) return 'slow_client';
      if (delivery.received_ms !== null) return facts.turnedAway.length > 0 ? 'foreign_confirmation' : 'not_processed';
      return waited(delivery) ? awayCause(facts) : 'timeout';
    case 'failed: disconnected':
      if (waited(delivery)) return awayCause(facts);
      if (delivery.sent_over?.closed_by === 'upstream') return 'upstream_gone';
      if ((facts.alike?.sessions ?? 0) >= BURST_SESSIONS) return 'storm';
      return delivery.sent_over?.closed_by === 'client' ? 'client_gone' : ending;
    default:
      return ending;
  }
}

/** Whether evidence came after the outcome. */
function isLate({ received_ms, settled_ms }: DeliveryDetailJson): boolean {
  return received_ms !== null && settled_ms !== null && received_ms > settled_ms;
}

/**
 * Whether the client had gone before the delivery ended: the session waited for the client to come
 * back.
 */
function waited(delivery: DeliveryDetailJson): boolean {
  const end = endedAt(delivery);
  const closed = delivery.sent_over?.closed_at;
  if (end === undefined || closed === undefined || closed === null) return false;
  return end - Date.parse(closed) > SAME_MS;
}

function awayCause(facts: Case): CauseId {
  return seenElsewhere(facts).length > 0 ? 'moved_instance' : 'not_back';
}

/**
 * Connections of the user that opened on another instance after the delivery's own connection had
 * ended.
 */
function seenElsewhere({ delivery, sightings = [] }: Case): readonly Sighting[] {
  const gone = delivery.sent_over?.closed_at;
  if (gone === undefined || gone === null) return [];
  return sightings.filter(
    ({ connection }) => connection.session !== delivery.session && Date.parse(connection.opened_at) >= Date.parse(gone),
  );
}

function headline(delivery: DeliveryDetailJson): string {
  const { id, type, event_id, user, settled_ms } = delivery;
  const event = event_id === null ? '' : `, event ${quoted(event_id)},`;
  const whose = user === null ? 'a client without a proven user' : `user ${quoted(user)}`;
  const after = settled_ms === null ? '' : ` after ${time(settled_ms)}`;
  return `Delivery ${quoted(id)} of ${quoted(type)}${event} to ${whose} ${became(delivery)}${after}.`;
}

function became({ status, error_type, unverifiable_reason }: DeliveryDetailJson): string {
  switch (status) {
    case 'pending':
      return 'is waiting for its client';
    case 'retrying':
      return 'was tried again and is waiting for its client';
    case 'confirmed':
      return 'was confirmed';
    case 'failed':
      return `failed (${error_type})`;
    case 'timeout':
      return 'timed out';
    case 'unverifiable':
      return `ended unverifiable (${unverifiable_reason})`;
    default:
      return `is ${printable(status satisfies never)}`;
  }
}

function evidenceOf(facts: Case, id: CauseId | undefined): string[] {
  const { delivery } = facts;
  return [
    ...proofLines(delivery),
    ...attemptLines(delivery),
    ...rejectionLines(delivery),
    ...connectionLines(delivery),
    ...sightingLines(facts),
    ...foreignLines(facts),
    ...alikeLines(facts, id),
  ];
}

/** Sentences about what the client has proven, and when. */
function proofLines(delivery: DeliveryDetailJson): string[] {
  const { received_ms, settled_ms, required, level, error_type } = delivery;
  if (received_ms === null && error_type === 'rejected')
    return ['The application’s answer shows that the client had it.'];
  if (received_ms === null)
    return level === 'processed'
      ? ['The application’s word proves that the client has it.']
      : [settled_ms === null ? 'No evidence has come yet.' : 'No evidence came that the client has it.'];
  if (isLate(delivery))
    return [
      `The proof that the client’s stack has it came ${time(received_ms)} after the send, ${time(received_ms - (settled_ms ?? 0))} after the outcome.`,
    ];
  const missing = settled_ms === null ? 'is needed and has not come yet' : 'was needed and did not come';
  const waiting = required === 'processed' && level !== 'processed' ? `; the application’s word ${missing}` : '';
  return [`The client’s stack proved it ${time(received_ms)} after the send${waiting}.`];
}

function attemptLines({ attempts, timeline }: DeliveryDetailJson): string[] {
  if (attempts <= 1) return [];
  const blocked = timeline.filter(({ result }) => result === 'blocked' || result === 'failed').length;
  const kinds = [...new Set(timeline.filter(({ number }) => (number ?? 1) > 1).map(({ step }) => step))].join(', ');
  return [
    `Ackspan tried again ${counted(attempts - 1, 'time')} (${kinds})${blocked === 0 ? '' : `, ${count(blocked)} of them blocked or failed`}.`,
  ];
}

function rejectionLines({ error_text, rejected_ms }: DeliveryDetailJson): string[] {
  const when = rejected_ms === null ? '' : ` ${time(rejected_ms)} after the send`;
  if (error_text !== null) return [`The application’s own words${when}: ${quoted(error_text, 300)}.`];
  return rejected_ms === null ? [] : [`The application rejected it${when}, without a text.`];
}

function connectionLines(delivery: DeliveryDetailJson): string[] {
  const { sent_over: connection } = delivery;
  if (connection === null) return ['The connection that it was sent over is not remembered any more.'];
  const opened = `It was sent over connection ${quoted(connection.id)} (${quoted(connection.path)} from ${quoted(connection.remote)}), capability ${connection.capability}`;
  if (connection.closed_at === null) return [`${opened}, which is still open.`];
  const end = endedAt(delivery);
  const lead = end === undefined ? 0 : end - Date.parse(connection.closed_at);
  const age = Date.parse(connection.closed_at) - Date.parse(connection.opened_at);
  const since = lead > SAME_MS ? `, ${time(lead)} before the outcome; its session waited for the client` : '';
  return [`${opened}. ${ended(connection)} after ${time(age)}${since}.`];
}

/**
 * How a connection ended, in words. Code 1006 means that one side broke off without a Close frame.
 */
export function ended({ closed_by, close_code }: ConnectionJson): string {
  const who = { client: 'The client', upstream: 'The backend', sidecar: 'Ackspan' }[closed_by ?? 'sidecar'];
  if (close_code === 1006) return `${who === 'Ackspan' ? who : `${who}’s side`} broke off without a Close frame (1006)`;
  return `${who} closed it with code ${close_code}${meaning(close_code)}`;
}

/** RFC 6455 §7.4.1 and the registry of codes, as far as people meet them. */
const CODES: Readonly<Record<number, string>> = {
  1000: 'normal end',
  1001: 'going away',
  1002: 'protocol error',
  1005: 'no code given',
  1007: 'invalid data',
  1008: 'policy',
  1009: 'message too big',
  1011: 'internal error',
  1012: 'service restart',
  1013: 'try again later',
  1014: 'bad gateway',
  4409: 'replaced by a newer connection',
};

function meaning(code: number | null): string {
  const text = code === null ? undefined : CODES[code];
  return text === undefined ? '' : ` (${text})`;
}

function sightingLines(facts: Case): string[] {
  const { delivery, sightings } = facts;
  if (sightings === undefined || !waited(delivery)) return [];
  const elsewhere = seenElsewhere(facts);
  if (elsewhere.length > 0)
    return elsewhere.slice(0, 3).map(({ base, connection }) => {
      return `The user is connected again since ${connection.opened_at}, as another session (${quoted(connection.session)}), on ${quoted(base)}.`;
    });
  const here = sightings.some(({ connection }) => connection.session === delivery.session);
  return here
    ? ['The session is connected again.']
    : ['No admin server that was asked knows a newer connection of this user.'];
}

function foreignLines({ turnedAway }: Case): string[] {
  return turnedAway.slice(0, 3).map(({ at, session, user, connection }) => {
    const whose = user === null ? '' : ` of user ${quoted(user)}`;
    const over = connection === null ? '' : `, over connection ${quoted(connection)}`;
    return `Session ${quoted(session)}${whose} confirmed this event at ${at}${over}. It was not sent the event, so that changed nothing.`;
  });
}

function alikeLines({ alike }: Case, id: CauseId | undefined): string[] {
  if (alike === undefined || alike.deliveries <= 1) return [];
  const many = `${alike.more ? 'at least ' : ''}${deliveries(alike.deliveries)} of ${counted(alike.sessions, 'session')}`;
  const storm = id === 'storm' ? ': far more than single clients would explain' : '';
  return [`Within ${time(ALIKE_MS)} of it, ${many} ended the same way${storm}.`];
}
