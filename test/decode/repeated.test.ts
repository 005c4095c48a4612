// Repeated texts: whatever came before, the string is what the bytes say.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RepeatedTexts } from '../../src/decode/repeated.ts';
import { propertyOptions } from '../support/seed.ts';

describe('repeated texts', () => {
  it('are what the bytes say, whoever had the slot before', () => {
    // Few letters and more texts than slots: many repeat, many share a slot, some are too long to
    // be kept.
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '0'), maxLength: 80 });
    const property = fc.property(
      fc.array(fc.tuple(text, fc.nat({ max: 5 })), { maxLength: 600, size: 'max' }),
      (all) => {
        const repeated = new RepeatedTexts();
        for (const [each, before] of all) {
          const buf = Buffer.from(`${'x'.repeat(before)}${each}yy`, 'latin1');
          for (let times = 0; times < 2; times++) expect(repeated.text(buf, before, before + each.length)).toBe(each);
        }
      },
    );
    fc.assert(property, propertyOptions(50));
  });
});
