// Attempts of the library: calls the backend's retry callback; whatever comes of a call is written down and the schedule goes on (SPEC D5).
import type { Reemit } from '../delivery/ports.ts';
import type { Delivery } from '../delivery/record.ts';
import type { Retry, Sending } from './sending.ts';

/** Sends the event again, under the same id. Anything but true, or a throw, is a failed retry. */
// biome-ignore lint/suspicious/noConfusingVoidType: a callback that forgets its answer is a failed retry, not a compile error of its caller.
export type RetryCallback = (id: string, type: string, data: unknown) => Promise<boolean | void> | boolean | void;

export interface RetrierDeps {
  callback(): RetryCallback | undefined;
  now(): number;
  /** Told once per retry, when its result is known. */
  retried(delivery: Delivery, retry: Retry): void;
  report(fault: { stage: string; error: unknown }): void;
}

/** Characters of an error that are kept. */
const ERROR_LIMIT = 256;

/** What is kept of a thrown value or a reason. */
export function errorText(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, ERROR_LIMIT);
}

/** The core's way to try again. Answers `sent` when the callback was called: its own answer comes later. */
export function createRetrier(deps: RetrierDeps): Reemit {
  return (delivery, now) => {
    const sending = delivery.session as Sending;
    const retry: Retry = { number: delivery.attempts + 1, at: now, result: 'running', error: '' };
    sending.retries = [...sending.retries, retry];
    const callback = deps.callback();
    if (sending.running || callback === undefined) {
      retry.result = 'blocked';
      deps.retried(delivery, retry);
      return 'blocked';
    }
    void call(deps, callback, delivery, retry);
    return 'sent';
  };
}

async function call(deps: RetrierDeps, callback: RetryCallback, delivery: Delivery, retry: Retry): Promise<void> {
  const sending = delivery.session as Sending;
  const { data } = sending;
  // This call is the last that the schedule has.
  if (delivery.attempts >= delivery.type.policy.attemptsMs.length) sending.data = undefined;
  sending.running = true;
  try {
    const sent = await callback(delivery.eventId ?? delivery.id, delivery.type.name, data);
    if (sent !== true) retry.error = 'the retry callback did not answer true';
  } catch (error) {
    retry.error = errorText(error) || 'the retry callback threw';
    deps.report({ stage: 'retry', error });
  }
  sending.running = false;
  const failed = retry.error !== '';
  retry.result = failed ? 'failed' : 'sent';
  sending.failing = failed;
  if (failed) sending.error = retry.error;
  else sending.markedSentAt ||= deps.now();
  deps.retried(delivery, retry);
}
