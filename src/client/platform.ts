// client: the platform as structural types: browsers, workers and Node with `ws`. No DOM types leave this room.

/**
 * A close as the platform reports it (RFC 6455 §7.4; 1005 = no code, 1006 = the connection was
 * lost).
 */
export interface CloseDetails {
  readonly code: number;
  readonly reason: string;
  readonly wasClean: boolean;
}

/** The types that `send` takes. */
export type SendData = string | ArrayBufferLike | ArrayBufferView | Blob;

/** The platform's WebSocket, as far as the SDK uses it. */
export interface PlainSocket {
  readonly url: string;
  readonly readyState: number;
  readonly protocol: string;
  readonly extensions: string;
  readonly bufferedAmount: number;
  binaryType: string;
  onopen: unknown;
  onmessage: unknown;
  onclose: unknown;
  onerror: unknown;
  send(data: never): void;
  close(code?: number, reason?: string): void;
}

/** `WebSocket` of a browser or worker, or the class of that name from `ws`. */
export type PlainSocketConstructor = new (url: string, protocols?: string | string[]) => PlainSocket;

interface Platform {
  readonly WebSocket?: PlainSocketConstructor;
  readonly CloseEvent?: new (type: string, init: object) => Event;
  readonly document?: { readonly visibilityState: string };
  addEventListener?(type: string, listener: (event: Event) => void): void;
  removeEventListener?(type: string, listener: (event: Event) => void): void;
  reportError?(error: unknown): void;
}

/** The global scope, with everything optional that some platform lacks. */
export const platform = globalThis as unknown as Platform;

/** Whether the page is hidden. Its timers are slow then, and it may be closing. */
export function isHidden(): boolean {
  return platform.document?.visibilityState === 'hidden';
}

/** Microtasks between the end of a handler and the word on its message, with many to spare. */
const TURNS = 128;

/**
 * Runs `act` behind the microtasks that follow on what has happened so far. A page that is going
 * away has no later task, and never runs a timer again.
 */
export function afterTurns(act: () => unknown): void {
  let turns = TURNS;
  const turn = (): unknown => (turns-- ? queueMicrotask(turn) : act());
  turn();
}

/**
 * A `close` event: the platform's own where it has the class (Node has it from 23 on), else an
 * event with the properties of one.
 */
export function createCloseEvent(close: CloseDetails): Event {
  return platform.CloseEvent ? new platform.CloseEvent('close', close) : Object.assign(new Event('close'), close);
}

/** Runs what may throw, and shows what it throws. Returns whether it threw. */
export function threw(run: () => unknown): boolean {
  try {
    run();
    return false;
  } catch (error) {
    showError(error);
    return true;
  }
}

/** Shows an error of the application as the platform shows uncaught ones, else on the console. */
export function showError(error: unknown): void {
  try {
    if (platform.reportError) platform.reportError(error);
    else console.error(error);
  } catch {
    // A property of the error throws. What follows from the failure must follow all the same.
    console.error('an error without a text');
  }
}
