// embed: reads a client's message with the sidecar's own reader of confirmations.
import { type Confirmation, createConfirmationReader } from '../decode/confirmation.ts';
import { DEFAULT_DECODE_OPTIONS } from '../decode/defaults.ts';

const { confirmations, type: typePointers, scanBytes } = DEFAULT_DECODE_OPTIONS;
const read = createConfirmationReader(confirmations, typePointers, scanBytes);
/** The parts of a message that the reader looks at. */
const FIELDS = ['event', 'type', 'event_id', 'status', 'error'] as const;

/**
 * The event that a message confirms or rejects. The message is text, bytes (also in the pieces in
 * which `ws` may hand them over), or the object that was parsed from it. Undefined for everything
 * else. Give the text rather than the object where ids are numbers beyond 2^53: JSON.parse loses
 * their last digits. Never throws.
 */
export function readConfirmation(message: unknown): Confirmation | undefined {
  try {
    const bytes = bytesOf(message);
    return bytes === undefined ? undefined : read(bytes, 0, bytes.length);
  } catch {
    // Silence is right: a value that did not come from JSON (a getter that throws, a bigint) is no
    // message of a client.
    return undefined;
  }
}

function bytesOf(message: unknown): Buffer | undefined {
  // A text has at least as many bytes as UTF-16 units.
  if (typeof message === 'string') return message.length > scanBytes ? undefined : Buffer.from(message);
  if (typeof message !== 'object' || message === null) return undefined;
  if (ArrayBuffer.isView(message)) return Buffer.from(message.buffer, message.byteOffset, message.byteLength);
  if (message instanceof ArrayBuffer) return Buffer.from(message);
  return Array.isArray(message) ? joined(message) : textOf(message);
}

function joined(pieces: readonly unknown[]): Buffer | undefined {
  let length = 0;
  for (const piece of pieces) {
    if (!(piece instanceof Uint8Array)) return undefined;
    length += piece.length;
  }
  return length > scanBytes ? undefined : Buffer.concat(pieces as readonly Uint8Array[]);
}

/** The parsed object as the client may have written it, with the parts that the reader looks at. */
function textOf(parsed: object): Buffer {
  const seen: Record<string, unknown> = {};
  for (const field of FIELDS) {
    const value = Object.hasOwn(parsed, field) ? (parsed as Record<string, unknown>)[field] : undefined;
    // The content of an object does not matter: it is no id, no status and no reason.
    seen[field] = typeof value === 'object' && value !== null ? {} : value;
  }
  return Buffer.from(JSON.stringify(seen));
}
