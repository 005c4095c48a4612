// embed: where the id of an event is in its data, and which values can be an id, as the sidecar reads them.
import { DEFAULT_ID_POINTERS } from '../decode/defaults.ts';
import { MAX_FIELD_BYTES } from '../decode/json.ts';
import { idOfNumber } from '../decode/number.ts';
import { parsePointer } from '../decode/pointer.ts';

const PLACES = DEFAULT_ID_POINTERS.map(parsePointer);
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
 * place that has one. Never throws.
 */
export function eventIdIn(data: unknown): string | undefined {
  try {
    for (const place of PLACES) {
      const id = idOf(at(data, place));
      if (id !== undefined) return id;
    }
  } catch {
    // Silence is right: a getter of the backend's own data threw, and data that cannot be read has
    // no id.
  }
  return undefined;
}

/** Reads own properties only: JSON has no others. */
function at(data: unknown, place: readonly string[]): unknown {
  let value = data;
  for (const key of place) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}
