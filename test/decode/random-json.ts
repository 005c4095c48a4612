// Random JSON documents for fast-check, each rendered twice: as sent, and as the reference reads it (numbers marked, keys plain).
import fc from 'fast-check';
import { anyText } from '../support/any-text.ts';
import { NUMBER_MARK, plainKey } from './reference.ts';

/** Keys that pointers below use too, so that hits, misses and duplicates all happen. */
export const KEYS = ['type', 'a', 'b', 'a/b', '', '0', '1', '日本', 'm~n', '__proto__'];

/** One document in both spellings. */
export interface Rendered {
  readonly sent: string;
  readonly reference: string;
}

const blank = fc.oneof(
  { weight: 6, arbitrary: fc.constant('') },
  { weight: 1, arbitrary: fc.stringMatching(/^[ \t\r\n]{1,3}$/) },
);

const PLAIN = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      'tool_executing',
      'x',
      'run_1',
      '',
      '"',
      '\\',
      'a"b',
      '\\"',
      '\n',
      '€',
      '日本語',
      '😀',
      '\u007f',
    ),
  },
  { weight: 2, arbitrary: fc.string({ maxLength: 12 }) },
  { weight: 1, arbitrary: anyText({ maxLength: 6 }) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom('long ', '\\"', 'ü', '"'), fc.integer({ min: 10, max: 90 }))
      .map(([s, n]) => s.repeat(n)),
  },
);

/** A string literal for `value`; `choice` decides which characters are escaped that need not be. */
function literal(value: string, choice: number): string {
  let out = '';
  let turn = choice;
  for (const character of value) {
    turn = (Math.imul(turn, 1103515245) + 12345) >>> 0;
    if (choice % 3 === 0 && turn % 7 === 0) {
      for (const unit of character.split('')) out += `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
    } else if (character === '/' && choice % 5 === 0) out += '\\/';
    else out += JSON.stringify(character).slice(1, -1);
  }
  return `"${out}"`;
}

const text = (source: fc.Arbitrary<string>) =>
  fc.tuple(source, fc.nat()).map(([value, choice]): Rendered => {
    const one = literal(value, choice);
    return { sent: one, reference: one };
  });

const key = fc
  .tuple(fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...KEYS) }, PLAIN), fc.nat())
  .map(([value, choice]): Rendered => ({ sent: literal(value, choice), reference: `"${plainKey(value)}"` }));

const number = fc
  .oneof(
    fc.constantFrom('0', '-0', '1e3', '1.50', '-12.5E-2', '12345678901234567890', '9007199254740993', '1e400'),
    fc.integer().map(String),
  )
  .map((n): Rendered => ({ sent: n, reference: JSON.stringify(NUMBER_MARK + n) }));

/**
 * What JSON does not have, and Python's json.dumps writes, is a value like `true`: the reference
 * cannot read it.
 */
const NO_NUMBERS = ['NaN', 'Infinity', '-Infinity'];

const word = fc
  .constantFrom('true', 'false', 'null', ...NO_NUMBERS)
  .map((w): Rendered => ({ sent: w, reference: NO_NUMBERS.includes(w) ? 'true' : w }));

function join(
  open: string,
  close: string,
  parts: readonly (readonly [string, Rendered, string])[],
  inside: string,
): Rendered {
  const body = (which: keyof Rendered) => parts.map(([before, one, after]) => before + one[which] + after).join(',');
  if (parts.length === 0) return { sent: open + inside + close, reference: open + inside + close };
  return { sent: open + body('sent') + close, reference: open + body('reference') + close };
}

/** More containers inside one another than are entered or matched. */
const deep = fc.tuple(fc.integer({ min: 1, max: 80 }), fc.boolean()).map(([n, objects]): Rendered => {
  const both = (open: string) => `${open.repeat(n)}1${(objects ? '}' : ']').repeat(n)}`;
  const mark = JSON.stringify(`${NUMBER_MARK}1`);
  const sent = both(objects ? '{"a":' : '[');
  return {
    sent,
    reference: objects ? both(`{"${plainKey('a')}":`).replace('1}', `${mark}}`) : sent.replace('1', mark),
  };
});

const tree = fc.letrec<{ value: Rendered; object: Rendered; array: Rendered }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    { weight: 5, arbitrary: text(PLAIN) },
    { weight: 2, arbitrary: number },
    { weight: 1, arbitrary: word },
    { weight: 1, arbitrary: deep },
    { weight: 3, arbitrary: tie('object') },
    { weight: 2, arbitrary: tie('array') },
  ),
  object: fc
    .tuple(fc.array(fc.tuple(blank, key, blank, blank, tie('value'), blank), { maxLength: 6 }), blank)
    .map(([members, inside]) =>
      join(
        '{',
        '}',
        members.map(([a, key, b, c, value, d]) => [
          a,
          { sent: `${key.sent}${b}:${c}${value.sent}`, reference: `${key.reference}:${value.reference}` },
          d,
        ]),
        inside,
      ),
    ),
  array: fc
    .tuple(fc.array(fc.tuple(blank, tie('value'), blank), { maxLength: 4 }), blank)
    .map(([elements, inside]) => join('[', ']', elements, inside)),
}));

/**
 * A member that gives a document a type, found by the pointer `/kind`: without one no other field
 * would be looked at.
 */
const kind: Rendered = { sent: '"kind":"k"', reference: `"${plainKey('kind')}":"k"` };

/** A whole document: an object, with white space around it; most have a kind, first or last. */
export const documents: fc.Arbitrary<Rendered> = fc
  .tuple(blank, tree.object, blank, fc.constantFrom('first', 'last', 'first', 'none'))
  .map(([before, one, after, where]) => {
    const render = (which: keyof Rendered) => {
      const members = one[which].slice(1, -1);
      if (where === 'none') return before + one[which] + after;
      if (members.trim() === '') return `${before}{${kind[which]}}${after}`;
      const body = where === 'first' ? `${kind[which]},${members}` : `${members},${kind[which]}`;
      return `${before}{${body}}${after}`;
    };
    return { sent: render('sent'), reference: render('reference') };
  });

/**
 * Pointers of up to three tokens into such documents, mostly short, so that many hit; now and then
 * one for the whole document.
 */
export const pointers: fc.Arbitrary<string> = fc
  .oneof(
    { weight: 5, arbitrary: fc.tuple(fc.constantFrom(...KEYS)) },
    { weight: 3, arbitrary: fc.tuple(fc.constantFrom(...KEYS), fc.constantFrom(...KEYS)) },
    { weight: 1, arbitrary: fc.array(fc.constantFrom(...KEYS), { maxLength: 3 }) },
  )
  .map((tokens) => tokens.map((token) => `/${token.replaceAll('~', '~0').replaceAll('/', '~1')}`).join(''));
