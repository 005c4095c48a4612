// Ids that are numbers: the same number is the same id however it is spelled, in events and in confirmations.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createDecoder } from '../../src/decode/decoder.ts';
import { DEFAULT_DECODE_OPTIONS } from '../../src/decode/defaults.ts';
import { idOfNumber, isPlainWhole, numberText } from '../../src/decode/number.ts';
import { enough, propertyOptions } from '../support/seed.ts';
import { NO_CLAIM } from '../support/upgrades.ts';

const reader = createDecoder(DEFAULT_DECODE_OPTIONS).open(NO_CLAIM);
const bytes = (text: string) => Buffer.from(text);

/** The id of an event, and of a confirmation, that spell their id like this. */
function idsIn(spelling: string): (string | undefined)[] {
  const event = bytes(`{"type":"x","event_id":${spelling}}`);
  const word = bytes(`{"type":"event_confirmation","event_id":${spelling}}`);
  return [reader.event(event, 0, event.length)?.id, reader.confirmation(word, 0, word.length)?.eventId];
}

describe('one number, one id', () => {
  test.each<[string, string[]]>([
    ['1', ['1', '1.0', '1e0', '10e-1', '0.1E+1', '1.000000000000000000', '"1"']],
    ['0', ['0', '-0', '0.0', '-0e5', '0e-400', '1e-400']],
    ['-12', ['-12', '-12.0', '-1.2e1']],
    ['0.1', ['0.1', '0.10', '1e-1', '0.1000000000000000055']],
    ['9007199254740991', ['9007199254740991', '9007199254740991.0', '9.007199254740991e15']],
    ['9007199254740992', ['9007199254740992', '9007199254740992.0', '9.007199254740992e15']],
    ['9007199254740993', ['9007199254740993', '9007199254740993.00', '9.007199254740993e15']],
    ['100000000000000000000', ['1e20', '100000000000000000000', '1E+20']],
    ['1e400', ['1e400', '10e399', `1${'0'.repeat(400)}`]],
    ['-1e401', ['-1e401']],
  ])('%s', (id, spellings) => {
    for (const spelling of spellings) expect(idsIn(spelling), spelling).toEqual([id, id]);
  });

  test('a string is itself: its digits are not read as a number', () => {
    expect(idsIn('"1.0"')).toEqual(['1.0', '1.0']);
  });

  test('what JSON has no number for is no id', () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])
      expect(idOfNumber(value)).toBeUndefined();
    for (const spelling of ['01', '1.', '.5', '1e', '-', '+1', '0x1', '1e+']) {
      expect(idsIn(spelling), spelling).toEqual([undefined, undefined]);
    }
  });

  test('an exponent of a thousand digits costs nothing', () => {
    const [id] = idsIn(`1e${'9'.repeat(1000)}`);
    expect(id).toBe(`1e${'9'.repeat(1000)}`);
  });
});

/** JSON's grammar of numbers, with many spellings of the same few values. */
const digits = (max: number) => fc.stringMatching(new RegExp(`^[0-9]{1,${max}}$`));
const spelled = fc
  .record({
    sign: fc.constantFrom('', '-'),
    whole: fc.oneof(
      digits(17).map((d) => d.replace(/^0+(?=.)/, '')),
      fc.constantFrom('0', '1', '10', '9007199254740991', '9007199254740992', '9007199254740993', '18014398509481984'),
    ),
    fraction: fc.oneof(
      { weight: 2, arbitrary: fc.constant('') },
      fc.constantFrom('.0', '.00', '.5', '.50', '.4', '.6'),
      digits(20).map((d) => `.${d}`),
    ),
    exponent: fc.oneof(
      { weight: 3, arbitrary: fc.constant('') },
      fc.constantFrom('e0', 'E+0', 'e-1', 'e1', 'e+2', 'e-05', 'e15', 'e307', 'e400', 'e-400'),
    ),
  })
  .map(({ sign, whole, fraction, exponent }) => sign + whole + fraction + exponent);

/** The exact value as a fraction in whole numbers, told without the code under test. */
function exact(text: string): readonly [bigint, bigint] {
  const [mantissa, exponent = '0'] = text.toLowerCase().split('e') as [string, string?];
  const [whole, fraction = ''] = mantissa.split('.') as [string, string?];
  const power = Number(exponent) - fraction.length;
  const value = BigInt(whole.replace('-', '') + fraction) * (text.startsWith('-') ? -1n : 1n);
  return power >= 0 ? [value * 10n ** BigInt(power), 1n] : [value, 10n ** BigInt(-power)];
}

function sameNumber(a: string, b: string): boolean {
  const [x, y] = [JSON.parse(a) as number, JSON.parse(b) as number];
  const far = [x, y].some((value) => Math.abs(value) > Number.MAX_SAFE_INTEGER);
  if (!far) return x === y;
  const [[p, q], [r, s]] = [exact(a), exact(b)];
  return p * s === r * q;
}

describe('against JSON.parse', () => {
  test('two spellings are one id exactly if JSON.parse reads one number, and beyond 2^53 if all digits agree', () => {
    let same = 0;
    const pair = fc.oneof(
      fc.tuple(spelled, spelled),
      // Two spellings that JSON.parse cannot tell apart, or can hardly.
      spelled.map((text): [string, string] => [text, JSON.stringify(JSON.parse(text)) ?? text]),
      fc.tuple(spelled, fc.constantFrom('0', '00', '000')).map(([text, zeros]): [string, string] => {
        const [mantissa, exponent] = text.split(/(?=[eE])/) as [string, string?];
        return [text, (mantissa.includes('.') ? mantissa + zeros : `${mantissa}.${zeros}`) + (exponent ?? '')];
      }),
    );
    fc.assert(
      fc.property(pair, ([a, b]) => {
        if (b === 'null') return;
        const equal = sameNumber(a, b);
        if (equal) same++;
        expect(numberText(a) === numberText(b), `${a} and ${b}`).toBe(equal);
        expect(idsIn(a)).toEqual([numberText(a), numberText(a)]);
      }),
      propertyOptions(3000),
    );
    expect(same).toBeGreaterThan(enough(100));
  });

  test('the text of a number reads as that number, and is its own text', () => {
    fc.assert(
      fc.property(spelled, (text) => {
        expect(numberText(numberText(text))).toBe(numberText(text));
        expect(JSON.parse(numberText(text)) === JSON.parse(text)).toBe(true);
      }),
      propertyOptions(3000),
    );
  });

  test('what takes the direct path is its own text already', () => {
    fc.assert(
      fc.property(fc.oneof(spelled, fc.nat().map(String), digits(18)), (text) => {
        const direct = isPlainWhole(bytes(text), 0, text.length);
        expect(direct).toBe(/^(0|[1-9][0-9]{0,14})$/.test(text));
        if (direct) expect(numberText(text)).toBe(text);
      }),
      propertyOptions(3000),
    );
  });
});
