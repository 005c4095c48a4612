// Unmasking (RFC 6455 §5.3): every length, key and place gives the bytes that the rule gives.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { beginsOurs, OBJECTS } from '../../src/relay/first-byte.ts';
import { unmask, unmasked } from '../../src/relay/mask.ts';
import { propertyOptions } from '../support/seed.ts';

const cases = fc.record({
  payload: fc.uint8Array({ maxLength: 9_000, size: 'max' }),
  key: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  before: fc.nat({ max: 9 }),
});

function mask(payload: Uint8Array, key: number, before: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(key);
  return Buffer.concat([Buffer.alloc(before, 7), payload.map((byte, i) => byte ^ bytes[i & 3]!), Buffer.alloc(5, 9)]);
}

it('both ways of unmasking follow the rule and leave the source as it is', () => {
  fc.assert(
    fc.property(cases, ({ payload, key, before }) => {
      const source = mask(payload, key, before);
      const copy = Buffer.from(source);
      const end = before + payload.length;
      const plain = Buffer.from(payload);
      expect(unmasked(source, before, end, key).subarray(0, payload.length).equals(plain)).toBe(true);
      const out = Buffer.alloc(payload.length + 6, 1);
      unmask(source, before, end, key, out, 3);
      expect(out.subarray(3, -3).equals(plain)).toBe(true);
      expect([...out.subarray(0, 3), ...out.subarray(-3)]).toEqual([1, 1, 1, 1, 1, 1]);
      expect(source.equals(copy)).toBe(true);
    }),
    propertyOptions(300),
  );
});

describe('a text begins as a JSON object does', () => {
  it.each([
    ['{"a":1}', true],
    ['  \t\r\n {', true],
    ['[{', false],
    ['x{', false],
    ['\uFEFF{', false],
    ['', 'blank'],
    [' \n', 'blank'],
  ])('%j: %s', (text, expected) => {
    for (const key of [0, 0x7b7b7b7b, -559038737]) {
      const source = mask(Buffer.from(text), key, 3);
      for (const blank of [true, false]) {
        const begins = beginsOurs(source, 3, source.length - 5, key, OBJECTS, blank);
        expect(begins).toBe(expected === 'blank' ? blank : expected);
      }
    }
  });
});
