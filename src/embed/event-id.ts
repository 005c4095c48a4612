// embed: where the id of an event is in its data, and which values can be an id, as the sidecar reads them.
import { DEFAULT_DECODE_OPTIONS, DEFAULT_ID_POINTERS } from '../decode/defaults.ts';
import { JsonMessage, MAX_FIELD_BYTES } from '../decode/json.ts';
import { idOfNumber } from '../decode/number.ts';
import { createPaths } from '../decode/paths.ts';
import { parsePointer } from '../decode/pointer.ts';
import { bytesOf } from './bytes.ts';

const PLACES = DEFAULT_ID_POINTERS.map(parsePointer);
const { scanBytes } = DEFAULT_DECODE_OPTIONS;
const PATHS = createPaths(DEFAULT_ID_POINTERS);
const NODES = DEFAULT_ID_POINTERS.map(PATHS.node);
const READER = new JsonMessage(PATHS.root, scanBytes);
/** UTF-16 units of a text that is never too long, even if each of them is escaped. */
const SURELY_SHORT = MAX_FIELD_BYTES / 6;

/**
 * The text of an id: a string of 1 to 1,024 bytes (between its quotes, as JSON), or a finite
 * number, with `1.0` and `1` being one. Undefined for everything else, which no client could
 * confirm. Never throws.
 */
export function idOf(value: unknown): string | undefined {
  if (typeof value === 'number') return idOfNumber(value);
  if (typeof value !== 'string' || value === '') return undefined;
  if (value.length <= SURELY_SHORT) return value;
  if (value.length > MAX_FIELD_BYTES) return undefined;
  return Buffer.byteLength(JSON.stringify(value)) - 2 <= MAX_FIELD_BYTES ? value : undefined;
}

/**
 * The id that the application on the other side will find in the event and confirm: at the first
 * place that has one. `data` is the event as the backend sends it: JSON as text or bytes, or a
 * value that JSON.stringify is going to turn into one. Never throws.
 */
export function eventIdIn(data: unknown): string | undefined {
  try {
    const bytes = bytesOf(data, scanBytes);
    if (bytes !== undefined) return idInBytes(bytes);
    const event = asJson(data, '');
    for (const place of PLACES) {
      const id = idOf(at(event, place));
      if (id !== undefined) return id;
    }
  } catch {
    // Silence is right: a getter of the backend's own data threw, and data that cannot be read has
    // no id.
  }
  return undefined;
}

/** As the sidecar looks for it: in the first bytes of a long event, and beyond 2^53 by digits. */
function idInBytes(bytes: Buffer): string | undefined {
  const readable = READER.read(bytes, 0, bytes.length, bytes.length) === '';
  const id = readable ? READER.firstText(NODES, true) : undefined;
  const { broken } = READER;
  READER.release();
  return broken ? undefined : id;
}

/** Reads own properties only: JSON has no others. */
function at(data: unknown, place: readonly string[]): unknown {
  let value = data;
  for (const key of place) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = asJson((value as Record<string, unknown>)[key], key);
  }
  return value;
}

/**
 * The value that JSON.stringify writes (ECMA-262 §25.5.2.2 SerializeJSONProperty, steps 2 to 4).
 */
function asJson(given: unknown, key: string): unknown {
  let value = given;
  if (typeof value !== 'object' || value === null) return value;
  if ('toJSON' in value && typeof value.toJSON === 'function') value = value.toJSON(key) as unknown;
  return value instanceof String || value instanceof Number ? value.valueOf() : value;
}
