// admin-client: text from outside made harmless: nothing in it moves a cursor, changes a colour, hides, or turns the direction of writing. Pure.

/**
 * What a terminal may act on or not show: controls (C0, DEL, C1), format characters (bidirectional marks, zero-width ones, tags), line
 * and paragraph separators, private use, halves of surrogate pairs, and code points that Unicode has not assigned.
 */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}\p{Cn}]/gu;
/** Blanks other than the blank: they look like nothing, or like one. */
const BLANKS = /[^\S ]|[\u2800\u3164\uffa0\u115f\u1160]/gu;
/** A few combining marks make a letter; a hundred run over the lines above and below. */
const MARKS = /(\p{M}{4})\p{M}+/gu;

/** One line of visible characters: whatever else there is stands as its code point, e.g. `\u{1b}`. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, codePoint).replace(BLANKS, codePoint).replace(MARKS, '$1…');
}

/** The same inside double quotes, cut to `limit` characters: what stands there is somebody else’s word, and cannot be taken for ours. */
export function quoted(text: string, limit = 200): string {
  const cut = text.length > limit ? `${text.slice(0, limit)}…` : text;
  return `"${printable(cut.replaceAll(/[\\"]/g, '\\$&'))}"`;
}

/** JSON on one line: the same to a program, and harmless when it meets a terminal. */
export function jsonLine(value: unknown): string {
  return JSON.stringify(value).replace(UNPRINTABLE, (found) =>
    Array.from({ length: found.length }, (_, i) => `\\u${found.charCodeAt(i).toString(16).padStart(4, '0')}`).join(''),
  );
}

function codePoint(found: string): string {
  return `\\u{${found.codePointAt(0)!.toString(16)}}`;
}
