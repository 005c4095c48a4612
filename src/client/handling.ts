// client: when a message counts as handled: every listener has returned, and every promise that they returned is resolved.
import type { HandlerResult } from './listeners.ts';
import { showError } from './platform.ts';

/** Called with nothing when the application has handled the message, else with the reason why it has not. The first call counts. */
export type End = (reason?: string) => void;

/** What is told to the sidecar when nobody listened: the application did not get the message. */
const NO_HANDLER = 'no message handler';

/** Watches what the listeners of one message do. With `manual`, success is left to the application; failures end it all the same. */
export function watch(results: readonly HandlerResult[], manual: boolean, end: End): void {
  let unfinished = results.length;
  const finish = (): void => {
    unfinished--;
    if (unfinished === 0 && !manual) end();
  };
  const fail = (error: unknown): void => {
    showError(error);
    end(reasonText(error));
  };
  if (unfinished === 0) end(NO_HANDLER);
  for (const { threw, value } of results) {
    if (threw) end(reasonText(value));
    else if (isThenable(value)) value.then(finish, fail);
    else finish();
  }
}

/** An error, or whatever was thrown, as text. */
export function reasonText(reason: unknown): string {
  try {
    return String(reason);
  } catch {
    // An object without a text form: that it failed is what matters.
    return 'unprintable';
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function';
}
