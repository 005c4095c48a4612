// A decoder of one message that is obviously right and slow: JSON.parse, then the pointers one by one.
import { parsePointer } from '../../src/decode/pointer.ts';

/**
 * Numbers in the reference text are strings that start with this, so that their spelling survives
 * JSON.parse.
 */
export const NUMBER_MARK = '\u0001number ';

/**
 * How the reference text spells a key: without escapes, because JSON.parse of Node 24.21 (V8 13.6)
 * reads some `"\\u0062"` keys as `"\\"`.
 */
export function plainKey(key: string): string {
  return `k${Buffer.from(key, 'utf16le').toString('hex')}`;
}

/** The value at a pointer (RFC 6901), or undefined. */
function at(document: unknown, pointer: string): unknown {
  let value = document;
  for (const token of parsePointer(pointer)) {
    if (typeof value !== 'object' || value === null) return undefined;
    if (Array.isArray(value) && !/^(0|[1-9][0-9]*)$/.test(token)) return undefined;
    const key = Array.isArray(value) ? token : plainKey(token);
    if (!Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}

/**
 * A number's text as JSON.parse and JSON.stringify make it, or, where JSON.parse would lose digits,
 * all of them.
 */
function numberReference(text: string): string {
  const value: unknown = JSON.parse(text);
  if (Number.isSafeInteger(value) || Math.abs(value as number) < 2 ** 53) return JSON.stringify(value);
  const [digits, exponent = '0'] = text.toLowerCase().split('e') as [string, string?];
  // The tests spell whole numbers only that far out.
  return Number(exponent) === 0 ? digits : text;
}

/**
 * The text of the first pointer that leads to a string that is not empty or, if `numbers`, to a
 * number.
 */
export function firstHit(document: unknown, pointers: readonly string[], numbers: boolean): string | undefined {
  for (const pointer of pointers) {
    const value = at(document, pointer);
    if (typeof value !== 'string' || value === '') continue;
    if (!value.startsWith(NUMBER_MARK)) return value;
    if (numbers) return numberReference(value.slice(NUMBER_MARK.length));
  }
  return undefined;
}
