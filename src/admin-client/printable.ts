// admin-client: text from outside made harmless: it moves no cursor, changes no colour, hides nothing. Pure.

/**
 * Characters that a terminal may act on or not show: controls (C0, DEL, C1), format characters
 * (bidirectional marks, zero-width ones, tags), line and paragraph separators, private use, halves
 * of surrogate pairs, and code points that Unicode has not assigned.
 */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}\p{Cn}]/gu;
/** Blanks other than U+0020. They look like it, or like nothing. */
const BLANKS = /[^\S ]|[\u2800\u3164\uffa0\u115f\u1160]/gu;
/**
 * Combining marks behind the first four. A hundred of them would run over the lines above and
 * below.
 */
const MARKS = /(\p{M}{4})\p{M}+/gu;

/**
 * One line of visible characters. Every other character stands as its code point, e.g. `\u{1b}`.
 */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, codePoint).replace(BLANKS, codePoint).replace(MARKS, '$1…');
}

/**
 * The printable text in double quotes, cut to `limit` characters. The quotes show that the words
 * are somebody else's.
 */
export function quoted(text: string, limit = 200): string {
  const cut = text.length > limit ? `${text.slice(0, limit)}…` : text;
  return `"${printable(cut.replaceAll(/[\\"]/g, '\\$&'))}"`;
}

/**
 * JSON on one line that is harmless when it meets a terminal. A program reads the same value from
 * it.
 */
export function jsonLine(value: unknown): string {
  return harmlessJson(JSON.stringify(value));
}

/** A line of JSON of the far end, made harmless as `jsonLine` does. */
export function harmlessJson(line: string): string {
  return line.replace(UNPRINTABLE, (found) =>
    Array.from({ length: found.length }, (_, i) => `\\u${found.charCodeAt(i).toString(16).padStart(4, '0')}`).join(''),
  );
}

function codePoint(found: string): string {
  return `\\u{${found.codePointAt(0)!.toString(16)}}`;
}
