// client: when a message counts as handled: listeners have returned, and the promises they returned are resolved.
import type { HandlerResult } from './listeners.ts';
import { showError } from './platform.ts';

/**
 * Called without a reason when the application has handled the message, else with the reason why
 * not. The first call counts.
 */
export type End = (reason?: string) => void;

/** The reason when there is no listener: the application did not get the message. */
const NO_HANDLER = 'no message handler';

/**
 * Watches the listeners of one message. With `manual`, success is left to the application; failures
 * end the message all the same.
 */
export function watch(results: readonly HandlerResult[], manual: boolean, end: End): void {
  let unfinished = results.length;
  const finish = (): void => {
    if (!--unfinished && !manual) end();
  };
  const fail = (error: unknown): void => {
    showError(error);
    end(reasonText(error));
  };
  if (!unfinished) end(NO_HANDLER);
  for (const { threw, value } of results) {
    if (threw) end(reasonText(value));
    // Whatever it is, its `then` may throw, or call back twice. `Promise.resolve` would hand back a
    // promise as it is, and throw where the promise cannot be read.
    else if (Object(value) === value) new Promise((resolve) => resolve(value)).then(finish, fail);
    else finish();
  }
}

/** An error, or any other thrown value, as text. */
export function reasonText(reason: unknown): string {
  try {
    return String(reason);
  } catch {
    // The object has no text form. Its failure is what matters.
    return 'unprintable';
  }
}
