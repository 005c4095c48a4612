// admin: a delivery as JSON shows it: ids, times and evidence; never a payload, a token or a query string.
import { type Delivery, isSettled } from '../delivery/record.ts';
import { ATTEMPT_KINDS, OUTCOMES } from '../delivery/words.ts';
import type { AdminDeps } from './ports.ts';

/** What a record does not say by itself: the trace that it belongs to, and its times by the wall clock. */
export type ViewDeps = Pick<AdminDeps, 'traceId' | 'wallOf'>;

/** ms with at most three decimals: finer digits are noise of the clock. */
function roundedMs(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

/** A monotonic time as ISO 8601 with ms, UTC; null for 0, which means "not yet". */
export function isoTime(at: number, { wallOf }: Pick<ViewDeps, 'wallOf'>): string | null {
  return at === 0 ? null : new Date(wallOf(at)).toISOString();
}

function since(delivery: Delivery, at: number): number | null {
  return at === 0 ? null : roundedMs(at - delivery.sentAt);
}

/** One line of a list. Durations count from the send. */
export function deliverySummary(delivery: Delivery, deps: ViewDeps): object {
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
    sent_at: isoTime(delivery.sentAt, deps),
    deadline_at: isoTime(delivery.deadlineAt, deps),
    received_ms: since(delivery, delivery.receivedAt),
    settled_ms: since(delivery, delivery.settledAt),
    rejected_ms: since(delivery, delivery.rejectedAt),
    trace_id: deps.traceId?.(delivery) ?? null,
  };
}

/** Every step a timeline can name. `late`: evidence after an outcome without any; `upgrade`: evidence of a higher level; `rejected`: the
 * application's refusal of what had been confirmed as received. */
export const TIMELINE_STEPS = [...ATTEMPT_KINDS, 'received', ...OUTCOMES, 'late', 'upgrade', 'rejected'] as const;

/** One entry of a timeline; members that do not apply to the step are left out. */
interface Step {
  readonly step: string;
  readonly at: number;
  readonly number?: number;
  readonly delay?: number;
  readonly result?: string;
  readonly errorType?: string;
  readonly level?: string;
}

function stepsOf(delivery: Delivery): Step[] {
  const steps: Step[] = [{ step: 'send', at: delivery.sentAt, number: 1, result: 'sent' }];
  for (const { kind, at, number, delay, result } of delivery.attemptLog ?? [])
    steps.push({ step: kind, at, number, delay, result });
  const { receivedAt, settledAt, upgradedAt, rejectedAt } = delivery;
  // Evidence after the outcome is shown as what it is: late, and without effect.
  const late = isSettled(delivery) && receivedAt > settledAt;
  if (receivedAt !== 0) steps.push({ step: late ? 'late' : 'received', at: receivedAt });
  if (isSettled(delivery)) {
    const outcome = { step: delivery.status, at: settledAt };
    const level = upgradedAt === 0 ? delivery.level : 'received';
    if (delivery.errorType !== '') steps.push({ ...outcome, errorType: delivery.errorType });
    else steps.push(delivery.status === 'confirmed' ? { ...outcome, level } : outcome);
  }
  if (upgradedAt !== 0) steps.push({ step: 'upgrade', at: upgradedAt, level: 'processed' });
  if (rejectedAt !== 0) steps.push({ step: 'rejected', at: rejectedAt });
  // Stable: steps of one instant stay in the order in which they happen.
  return steps.sort((a, b) => a.at - b.at);
}

/** Everything that happened, in order of time. */
function timelineOf(delivery: Delivery, deps: ViewDeps): readonly object[] {
  return stepsOf(delivery).map(({ step, at, number, delay, result, errorType, level }) => ({
    step,
    at: isoTime(at, deps),
    after_ms: since(delivery, at),
    number,
    delay_ms: delay === undefined ? undefined : roundedMs(delay),
    result,
    level,
    error_type: errorType,
  }));
}

/** The whole record: the summary, its timeline, and who carries the session now. */
export function deliveryDetail(delivery: Delivery, deps: ViewDeps): object {
  return {
    ...deliverySummary(delivery, deps),
    /** What the application said when it rejected the event. */
    error_text: delivery.errorText === '' ? null : delivery.errorText,
    connection: delivery.session.link?.id ?? null,
    timeline: timelineOf(delivery, deps),
  };
}
