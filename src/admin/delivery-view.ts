// admin: a delivery as JSON shows it: ids, times and evidence; never a payload, a token or a query string.
import { type Delivery, isSettled } from '../delivery/record.ts';
import {
  ATTEMPT_KINDS,
  type AttemptResult,
  type ErrorType,
  type Level,
  OUTCOMES,
  type Outcome,
  type UnverifiableReason,
} from '../delivery/words.ts';
import type { BookEntry } from './connection-book.ts';
import { connectionSummary } from './connection-view.ts';
import { isoTime } from './iso-time.ts';
import type { AdminDeps } from './ports.ts';
import type { DeliveryDetailJson, DeliveryJson, StepJson } from './shapes.ts';

/** The facts that a record does not hold: its trace, and its times by the wall clock. */
export type ViewDeps = Pick<AdminDeps, 'traceId' | 'wallOf'>;

/** ms with at most three decimals. Finer digits are noise of the clock. */
function roundedMs(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

function since(delivery: Delivery, at: number): number | null {
  return at === 0 ? null : roundedMs(at - delivery.sentAt);
}

/** One line of a list. Durations count from the send. */
export function deliverySummary(delivery: Delivery, deps: ViewDeps): DeliveryJson {
  return {
    id: delivery.id,
    event_id: delivery.eventId ?? null,
    type: delivery.type.name,
    priority: delivery.type.policy.priority,
    status: delivery.status,
    error_type: delivery.errorType === '' ? null : delivery.errorType,
    unverifiable_reason: delivery.unverified === '' ? null : delivery.unverified,
    level: delivery.level === '' ? null : delivery.level,
    required: delivery.required,
    attempts: delivery.attempts,
    session: delivery.session.key,
    user: delivery.session.user ?? null,
    claimed_user: delivery.session.claimedUser ?? null,
    run: delivery.run ?? null,
    tool: delivery.tool ?? null,
    tool_call: delivery.toolCall ?? null,
    ordinal: delivery.ordinal,
    bytes: delivery.bytes,
    kept: delivery.payload !== undefined,
    sent_at: isoTime(delivery.sentAt, deps),
    deadline_at: isoTime(delivery.deadlineAt, deps),
    received_ms: since(delivery, delivery.receivedAt),
    settled_ms: since(delivery, delivery.settledAt),
    rejected_ms: since(delivery, delivery.rejectedAt),
    trace_id: deps.traceId?.(delivery) ?? null,
  };
}

/**
 * Every step that a timeline can name. `late`: evidence after an outcome without any; `upgrade`:
 * evidence of a higher level; `rejected`: the application's refusal of a delivery that had been
 * confirmed as received.
 */
export const TIMELINE_STEPS = [...ATTEMPT_KINDS, 'received', ...OUTCOMES, 'late', 'upgrade', 'rejected'] as const;

/** One entry of a timeline; members that do not apply to the step are left out. */
interface Step {
  readonly step: StepJson['step'];
  readonly at: number;
  readonly number?: number;
  readonly delay?: number;
  readonly result?: AttemptResult;
  readonly errorType?: Exclude<ErrorType, ''>;
  readonly level?: Level;
  readonly reason?: UnverifiableReason;
}

function stepsOf(delivery: Delivery): Step[] {
  const steps: Step[] = [{ step: 'send', at: delivery.sentAt, number: 1, result: 'sent' }];
  for (const { kind, at, number, delay, result } of delivery.attemptLog ?? [])
    steps.push({ step: kind, at, number, delay, result });
  const { receivedAt, settledAt, upgradedAt, rejectedAt } = delivery;
  // Evidence after the outcome is shown as late, and without effect.
  const late = isSettled(delivery) && receivedAt > settledAt;
  if (receivedAt !== 0) steps.push({ step: late ? 'late' : 'received', at: receivedAt });
  if (isSettled(delivery)) {
    const outcome = { step: delivery.status as Outcome, at: settledAt };
    const { errorType, unverified } = delivery;
    const level = upgradedAt === 0 ? delivery.level : 'received';
    if (errorType !== '') steps.push({ ...outcome, errorType });
    else if (unverified !== '') steps.push({ ...outcome, reason: unverified });
    else steps.push(level === '' ? outcome : { ...outcome, level });
  }
  if (upgradedAt !== 0) steps.push({ step: 'upgrade', at: upgradedAt, level: 'processed' });
  if (rejectedAt !== 0) steps.push({ step: 'rejected', at: rejectedAt });
  // The sort is stable: steps of one instant stay in the order in which they happen.
  return steps.sort((a, b) => a.at - b.at);
}

/** Everything that happened, in order of time. */
function timelineOf(delivery: Delivery, deps: ViewDeps): readonly StepJson[] {
  return stepsOf(delivery).map(({ at, delay, errorType, ...step }) => ({
    ...step,
    at: isoTime(at, deps),
    after_ms: roundedMs(at - delivery.sentAt),
    ...(delay === undefined ? {} : { delay_ms: roundedMs(delay) }),
    ...(errorType === undefined ? {} : { error_type: errorType }),
  }));
}

/**
 * The whole record: the summary, its timeline, the connection that it was sent over, and the one
 * that carries the session now.
 */
export function deliveryDetail(
  delivery: Delivery,
  deps: ViewDeps & Pick<AdminDeps, 'book'>,
): Omit<DeliveryDetailJson, 'same_event'> {
  const over = sentOver(delivery, deps);
  return {
    ...deliverySummary(delivery, deps),
    /** The application's error text of a rejection. */
    error_text: delivery.errorText === '' ? null : delivery.errorText,
    connection: delivery.session.link?.id ?? null,
    sent_over: over === undefined ? null : connectionSummary(over, deps),
    timeline: timelineOf(delivery, deps),
  };
}

/** The connection of the session that was there at the send, or the one before. */
function sentOver({ session, sentAt }: Delivery, { book }: Pick<AdminDeps, 'book'>): BookEntry | undefined {
  let found: BookEntry | undefined;
  for (const entry of book?.each() ?? []) {
    const shown = entry.view();
    if (shown.session !== session.key || shown.openedAt > sentAt) continue;
    if (found === undefined || shown.openedAt > found.view().openedAt) found = entry;
  }
  return found;
}
