// embed: reads a client's message with the sidecar's own reader of confirmations.
import { MAX_BATCH } from '../decode/batch.ts';
import { type Confirmation, createConfirmationReader } from '../decode/confirmation.ts';
import { DEFAULT_DECODE_OPTIONS } from '../decode/defaults.ts';
import { bytesOf } from './bytes.ts';

const { confirmations, type: typePointers, scanBytes } = DEFAULT_DECODE_OPTIONS;
const read = createConfirmationReader(confirmations, typePointers, scanBytes);
/** The parts of a message that the reader looks at. */
const FIELDS = ['event', 'type', 'event_id', 'status', 'error'] as const;

/**
 * The event that a message confirms or rejects, and those that follow. The message is text, bytes
 * (also in the pieces in which `ws` may hand them over), or what was parsed from it. Undefined for
 * everything else. Give the text rather than the object where ids are numbers beyond 2^53:
 * JSON.parse loses their last digits. Never throws.
 */
export function readConfirmation(message: unknown): Confirmation | undefined {
  try {
    const bytes = bytesOf(message, scanBytes) ?? parsedBytes(message);
    return bytes === undefined ? undefined : read(bytes, 0, bytes.length);
  } catch {
    // Silence is right: a value that did not come from JSON (a getter that throws, a bigint) is no
    // message of a client.
    return undefined;
  }
}

/** The parsed object, or array of objects, as the client may have written it. */
function parsedBytes(parsed: unknown): Buffer | undefined {
  if (!Array.isArray(parsed)) return objectBytes(parsed);
  if (parsed.length > MAX_BATCH) return undefined;
  const objects = parsed.map(objectBytes);
  return objects.includes(undefined) ? undefined : Buffer.from(`[${objects.join()}]`);
}

/** One object with the parts that the reader looks at. */
function objectBytes(parsed: unknown): Buffer | undefined {
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return undefined;
  const seen: Record<string, unknown> = {};
  for (const field of FIELDS) {
    const value = Object.hasOwn(parsed, field) ? (parsed as Record<string, unknown>)[field] : undefined;
    // The content of an object does not matter: it is no id, no status and no reason.
    seen[field] = typeof value === 'object' && value !== null ? {} : value;
  }
  return Buffer.from(JSON.stringify(seen));
}
