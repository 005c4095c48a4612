// Reads a client's message as the confirmation that Ackspan understands out of the box; everything else is none of its business.

/** What the application on the other side says about an event. */
export interface ConfirmationMessage {
  readonly id: string;
  readonly rejected: boolean;
  readonly error: string;
}

/** Longer messages are no confirmations. UTF-16 units or bytes. */
const SIZE_LIMIT = 4096;

/**
 * Reads `{"type":"event_confirmation","event_id":…,"status":"confirmed"|"failed","error":…}` from text, bytes or the
 * parsed object; undefined for everything else, also for text that is not JSON.
 */
export function readConfirmation(message: unknown): ConfirmationMessage | undefined {
  const parsed = typeof message === 'object' && message !== null && !isBytes(message) ? message : parse(message);
  if (typeof parsed !== 'object' || parsed === null) return undefined;
  const { type, event_id, status, error } = parsed as Record<string, unknown>;
  if (type !== 'event_confirmation' || typeof event_id !== 'string' || event_id === '') return undefined;
  return { id: event_id, rejected: status === 'failed', error: typeof error === 'string' ? error : '' };
}

function isBytes(value: object): value is Uint8Array {
  return value instanceof Uint8Array;
}

function parse(message: unknown): unknown {
  let text: string;
  if (typeof message === 'string') text = message;
  else if (message instanceof Uint8Array && message.length <= SIZE_LIMIT) text = new TextDecoder().decode(message);
  else return undefined;
  if (text.length > SIZE_LIMIT || !text.includes('event_confirmation')) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    // Silence is right: the client may send what it likes, and this is no confirmation.
    return undefined;
  }
}
