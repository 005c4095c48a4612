// Text from outside cannot act on a terminal, hide in it, or pass for a sentence of ours.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { jsonLine, printable, quoted } from '../../src/admin-client/printable.ts';
import { fitted, padded, widthOf, wrapped } from '../../src/cli/terminal/width.ts';
import { anyText } from '../support/any-text.ts';
import { propertyOptions } from '../support/seed.ts';

const ACTS = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}\p{Cn}]/u;
/** Any text, with what attacks are made of more often than chance would have it. */
const hostile = fc
  .array(
    fc.oneof(
      anyText({ maxLength: 6 }),
      fc.constantFrom(
        '\x1b[2J',
        '\x1b]0;owned\x07',
        '\x9b31m',
        '\u202e',
        '\u2066',
        '\u200b',
        '\u{e0041}',
        '\r\n',
        '\0',
        '"',
        '\\',
        '\ud800',
        '\u2028',
        'é',
        '名前',
        '👩‍🚀',
      ),
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.join(''));

it('nothing that a terminal acts on is left of any text', () => {
  fc.assert(
    fc.property(hostile, (text) => {
      expect(printable(text)).not.toMatch(ACTS);
      expect(quoted(text)).not.toMatch(ACTS);
    }),
    propertyOptions(500),
  );
});

it.each([
  ['\x1b[31mred', '\\u{1b}[31mred'],
  ['\x9b31mred', '\\u{9b}31mred'],
  ['a\nb', 'a\\u{a}b'],
  ['evil\u202etxt', 'evil\\u{202e}txt'],
  ['zero\u200bwidth', 'zero\\u{200b}width'],
  ['tag\u{e0041}', 'tag\\u{e0041}'],
  ['no-break\u00a0blank', 'no-break\\u{a0}blank'],
  ['half \ud800', 'half \\u{d800}'],
  [`z${'\u0301'.repeat(50)}`, `z${'\u0301'.repeat(4)}…`],
  ['müller 名前 ok', 'müller 名前 ok'],
])('%j is shown as %j', (given, shown) => expect(printable(given)).toBe(shown));

it('a quoted text ends at its last quote, whatever is in it', () => {
  fc.assert(
    fc.property(hostile, (text) => {
      const inside = quoted(text).slice(1, -1);
      // Pairs of a backslash and what it escapes, and anything else but a quote or a lone
      // backslash.
      expect(inside).toMatch(/^(?:\\.|[^"\\])*$/u);
    }),
    propertyOptions(300),
  );
});

it('a long text is cut', () => expect(quoted('x'.repeat(500))).toHaveLength(203));

it('JSON means the same to a program, and does nothing to a terminal', () => {
  fc.assert(
    fc.property(fc.dictionary(hostile, hostile), (value) => {
      const line = jsonLine(value);
      expect(line).not.toMatch(ACTS);
      expect(JSON.parse(line)).toEqual(value);
    }),
    propertyOptions(300),
  );
});

it('texts are cut and filled to columns of the terminal, not to characters', () => {
  expect(widthOf('名前')).toBe(4);
  expect(fitted('名前は', 5)).toBe('名前…');
  expect(padded('名前', 6)).toBe('名前  ');
  expect(padded('12', 5, true)).toBe('   12');
  expect(wrapped('one two three', 8)).toEqual(['one two', 'three']);
  fc.assert(
    fc.property(hostile.map(printable), fc.integer({ min: 1, max: 30 }), (text, columns) => {
      expect(widthOf(fitted(text, columns))).toBeLessThanOrEqual(columns);
    }),
    propertyOptions(300),
  );
});
