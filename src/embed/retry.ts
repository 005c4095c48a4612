// embed: retries of the library: calls the backend's callback, records each result once, keeps the schedule (SPEC D5).
import type { Reemit, Report } from '../delivery/ports.ts';
import { type Delivery, isSettled } from '../delivery/record.ts';
import type { Retry, Sending } from './sending.ts';

/**
 * Sends the event again, under the same id. A result other than true, or a throw, is a failed
 * retry.
 */
// biome-ignore lint/suspicious/noConfusingVoidType: a callback that forgets its answer is a failed retry, not a compile error of its caller.
export type RetryCallback = (id: string, type: string, data: unknown) => Promise<boolean | void> | boolean | void;

export interface RetrierDeps {
  callback(): RetryCallback | undefined;
  now(): number;
  /** Called for every call of the callback. */
  called(delivery: Delivery): void;
  /** Called once per retry, when its result is known. */
  retried(delivery: Delivery, retry: Retry): void;
  /** Must not throw. */
  readonly report: Report;
}

/** The retries of the library. */
export interface Retrier {
  /**
   * Returns `sent` when the callback is going to be called. The callback's own result comes later.
   */
  readonly reemit: Reemit;
  /** Gives every open call its result, because the event has its outcome. */
  settled(delivery: Delivery): void;
}

/**
 * Calls for one event that may be unanswered at a time: a backend that hangs is not given more and
 * more calls.
 */
const RUNNING_LIMIT = 3;
/** Characters of an error that are kept. */
const ERROR_LIMIT = 256;

/** The text of a thrown value or a reason. Never throws. */
export function errorText(error: unknown): string {
  try {
    return String(error instanceof Error ? error.message : error).slice(0, ERROR_LIMIT);
  } catch {
    // Silence is right: the value has no text form, and the text says so.
    return 'an error without a text';
  }
}

/**
 * The callback is never called inside the core's own step, because it may confirm, fail or track
 * events as it likes.
 */
export function createRetrier(deps: RetrierDeps): Retrier {
  return {
    reemit(delivery, now) {
      const sending = delivery.session as Sending;
      closeRunning(deps, delivery, 'the retry callback did not answer before the next retry');
      const retry: Retry = { number: delivery.attempts + 1, at: now, result: 'blocked', error: '' };
      sending.retries = [...sending.retries, retry];
      const callback = deps.callback();
      if (sending.running >= RUNNING_LIMIT || callback === undefined) {
        deps.retried(delivery, retry);
        return 'blocked';
      }
      const { data } = sending;
      // The schedule has no call after this one.
      if (retry.number > delivery.type.policy.attemptsMs.length) sending.data = undefined;
      sending.running++;
      queueMicrotask(() => {
        void call(deps, delivery, retry, { callback, data });
      });
      return 'sent';
    },
    settled(delivery) {
      const sending = delivery.session as Sending;
      const { error } = sending;
      const reached = delivery.status === 'confirmed' || delivery.errorType === 'rejected';
      if (reached) closeRunning(deps, delivery, '');
      else closeRunning(deps, delivery, 'the retry callback did not answer before the outcome');
      // The backend gave the event up and said why.
      if (delivery.errorType === 'disconnected') sending.error = error;
    },
  };
}

async function call(
  deps: RetrierDeps,
  delivery: Delivery,
  retry: Retry,
  { callback, data }: { readonly callback: RetryCallback; readonly data: unknown },
): Promise<void> {
  const sending = delivery.session as Sending;
  let error = '';
  if (isSettled(delivery)) {
    // The outcome came between the decision and the call: the retry stays `blocked`.
    sending.running--;
    deps.retried(delivery, retry);
    return;
  }
  retry.result = 'running';
  deps.called(delivery);
  try {
    const sent = await callback(delivery.eventId ?? delivery.id, delivery.type.name, data);
    if (sent !== true) error = 'the retry callback did not answer true';
  } catch (thrown) {
    error = errorText(thrown) || 'the retry callback threw';
    deps.report({ stage: 'retry', error: thrown });
  }
  sending.running--;
  // A late result does not change how the retry was counted. The event did go out in the end, which
  // is noted.
  if (retry.result === 'running') conclude(deps, delivery, retry, error);
  if (error !== '' || isSettled(delivery)) return;
  sending.failing = false;
  sending.markedSentAt ||= deps.now();
}

/** Gives every open call its result; `error` is '' where the event went out. */
function closeRunning(deps: RetrierDeps, delivery: Delivery, error: string): void {
  for (const retry of (delivery.session as Sending).retries)
    if (retry.result === 'running') conclude(deps, delivery, retry, error);
}

function conclude(deps: RetrierDeps, delivery: Delivery, retry: Retry, error: string): void {
  const sending = delivery.session as Sending;
  retry.result = error === '' ? 'sent' : 'failed';
  retry.error = error;
  if (error !== '') {
    sending.failing = true;
    sending.error = error;
  }
  deps.retried(delivery, retry);
}
