// Test support: text of any characters. fast-check's own units ('binary', 'grapheme') build tables of Unicode for 0.7 s a process.
import fc from 'fast-check';

/** Any code point that UTF-8 can hold; a third of them are ASCII. */
const character = fc
  .oneof(fc.nat({ max: 0x7f }), fc.nat({ max: 0xd7ff }), fc.integer({ min: 0xe000, max: 0x10ffff }))
  .map((code) => String.fromCodePoint(code));

/** Text of any characters, within `bounds` of its number of characters. */
export function anyText(
  bounds: { readonly minLength?: number; readonly maxLength?: number } = {},
): fc.Arbitrary<string> {
  return fc.string({ unit: character, ...bounds });
}
