// Which deliveries get a span: the table of outcome × choice, and the consistency of the choice within a trace.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Outcome } from '../../src/delivery/words.ts';
import { createSampling } from '../../src/telemetry/spans/sampling.ts';
import { createTraceparentParser, type Parent, parseTraceparent } from '../../src/telemetry/spans/traceparent.ts';
import { facts, session, Walk } from '../support/deliveries.ts';
import { propertyOptions } from '../support/seed.ts';
import { silentObserver } from '../support/silent-observer.ts';

function parent(random56: string, flags = '01'): Parent {
  return parseTraceparent(`00-0af7651916cd43dd84${random56}-b7ad6b7169203331-${flags}`)!;
}

test.each<[number, number, boolean]>([
  [1, 0, true],
  [1, 0.999, true],
  [0, 0.999, false],
  [0.25, 0.74, false],
  [0.25, 0.76, true],
])('without a parent, keep %s and random %s: chosen %s', (keepConfirmed, random, chosen) => {
  const sampling = createSampling({ keepConfirmed, slowMs: 1000, random: () => random });
  expect(sampling.chosen(undefined)).toBe(chosen);
});

test.each<[number, string, string, boolean]>([
  [1, '00000000000000', '01', true],
  [0, 'ffffffffffffff', '01', false],
  [0.5, '7fffffffffffff', '01', false],
  [0.5, '80000000000000', '01', true],
  [0.01, 'fd70a3d70a3d70', '01', true],
  [0.01, 'fd70000000000f', '01', false],
  [1, 'ffffffffffffff', '00', false],
])('with a parent, keep %s, trace id …%s, flags %s: chosen %s', (keepConfirmed, id, flags, chosen) => {
  const random = () => {
    throw new Error('must not be asked');
  };
  expect(createSampling({ keepConfirmed, slowMs: 1000, random }).chosen(parent(id, flags))).toBe(chosen);
});

test('two instances keep the same traces, and a higher share keeps at least those of a lower one', () => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: 0n, max: 2n ** 56n - 1n }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (bits, a, b) => {
        const of = parent(bits.toString(16).padStart(14, '0'));
        const low = createSampling({ keepConfirmed: Math.min(a, b), slowMs: 1 });
        const high = createSampling({ keepConfirmed: Math.max(a, b), slowMs: 1 });
        expect(low.chosen(of)).toBe(createSampling({ keepConfirmed: Math.min(a, b), slowMs: 1 }).chosen(of));
        if (low.chosen(of)) expect(high.chosen(of)).toBe(true);
      },
    ),
    propertyOptions(100),
  );
});

test.each<[Outcome, number, boolean]>([
  ['confirmed', 1000, false],
  ['confirmed', 1000.001, true],
  ['failed', 1, true],
  ['timeout', 30_000, true],
  ['unverifiable', 30_000, true],
])('not chosen, ended %s after %s ms: worth keeping %s', (outcome, afterMs, worth) => {
  const walk = new Walk(silentObserver, session(), facts(), 5000);
  if (outcome === 'confirmed') walk.confirmed(5000 + afterMs);
  else walk.ended(outcome, '', 5000 + afterMs);
  expect(createSampling({ keepConfirmed: 0, slowMs: 1000 }).worthKeeping(walk.delivery)).toBe(worth);
});

describe('traceparent', () => {
  const ID = '0af7651916cd43dd8448eb211c80319c';
  const SPAN = 'b7ad6b7169203331';

  test.each([
    `00-${ID}-${SPAN}-01`,
    `00-${ID}-${SPAN}-00`,
    `00-${ID}-${SPAN}-ff`,
    `01-${ID}-${SPAN}-01`,
    `cc-${ID}-${SPAN}-01-what-the-future-brings`,
  ])('%s is a parent', (text) => {
    expect(parseTraceparent(text)).toMatchObject({ traceId: ID, spanId: SPAN, isRemote: true });
  });

  test('only the sampled bit of the flags is kept', () => {
    expect(parseTraceparent(`00-${ID}-${SPAN}-fe`)?.traceFlags).toBe(0);
    expect(parseTraceparent(`00-${ID}-${SPAN}-ff`)?.traceFlags).toBe(1);
  });

  test.each([
    '',
    'nonsense',
    `ff-${ID}-${SPAN}-01`,
    `00-${ID}-${SPAN}-01-extra`,
    `00-${ID}-${SPAN}-01x`,
    `cc-${ID}-${SPAN}-01.x`,
    `00-${ID.toUpperCase()}-${SPAN}-01`,
    `00-${'0'.repeat(32)}-${SPAN}-01`,
    `00-${ID}-${'0'.repeat(16)}-01`,
    `00-${ID}-${SPAN}-0`,
    `00-${ID}-${SPAN}-0g`,
    `00-${ID}_${SPAN}-01`,
  ])('%s is ignored', (text) => {
    expect(parseTraceparent(text)).toBeUndefined();
  });

  test('the last answer is remembered, also when it was none', () => {
    const parse = createTraceparentParser();
    const first = parse(`00-${ID}-${SPAN}-01`);
    expect(parse(`00-${ID}-${SPAN}-01`)).toBe(first);
    expect(parse('nonsense')).toBeUndefined();
    expect(parse(undefined)).toBeUndefined();
    expect(parse(`00-${ID}-${SPAN}-01`)).toEqual(first);
  });
});
