// Rules that change while messages come: each type follows the new rules, and keeps its index and label.
import { expect, it } from 'vitest';
import { createDecoder } from '../../src/decode/decoder.ts';
import { DEFAULT_DECODE_OPTIONS } from '../../src/decode/defaults.ts';
import type { Rule } from '../../src/decode/rules.ts';
import { NO_CLAIM } from '../support/upgrades.ts';

const times = { confirm: 'auto', timeoutMs: 1000, attemptsMs: [] } as const;
const rule = (match: string, priority: Rule['priority'], track = true): Rule => ({
  match: [match],
  track,
  priority,
  ...times,
});

function start(rules: readonly Rule[], maxTypes = 100) {
  const decoder = createDecoder({ ...DEFAULT_DECODE_OPTIONS, rules, maxTypes });
  const reader = decoder.open(NO_CLAIM);
  const typeOf = (message: string) => {
    const bytes = Buffer.from(message);
    return reader.event(bytes, 0, bytes.length, bytes.length)?.type;
  };
  return { decoder, typeOf, event: (type: string) => typeOf(JSON.stringify({ type })) };
}

it('a type has the policy of the new rules, its old index, and what was tracked keeps its old policy', () => {
  const { decoder, event } = start([rule('a', 'low'), rule('*', 'normal')]);
  const [a, b] = [event('a')!, event('b')!];
  decoder.reload([rule('b', 'critical'), rule('*', 'high')]);
  expect([event('a')!, event('b')!].map(({ index, label, policy }) => [index, label, policy.priority])).toEqual([
    [a.index, 'a', 'high'],
    [b.index, 'b', 'critical'],
  ]);
  expect([a.policy.priority, b.policy.priority]).toEqual(['low', 'normal']);
});

it('a type that is left out is found again under its index when the rules want it again', () => {
  const { decoder, event } = start([rule('*', 'normal')]);
  const before = event('noise')!;
  decoder.reload([rule('noise', 'low', false), rule('*', 'normal')]);
  expect(event('noise')).toBeUndefined();
  expect(decoder.tracks).toBe(true);
  decoder.reload([rule('*', 'low')]);
  expect(event('noise')).toMatchObject({ index: before.index, label: 'noise', policy: { priority: 'low' } });
  decoder.reload([rule('*', 'low', false)]);
  expect([event('noise'), decoder.tracks]).toEqual([undefined, false]);
});

it('messages without an event follow the rules that name their shape', () => {
  const { decoder, typeOf } = start([rule('*', 'normal')]);
  const before = typeOf('no json')!;
  expect(before).toMatchObject({ name: 'text', policy: { priority: 'low' } });
  decoder.reload([rule('text', 'critical')]);
  expect(typeOf('no json')).toMatchObject({ index: before.index, policy: { priority: 'critical' } });
  decoder.reload([rule('text', 'low', false)]);
  expect(typeOf('no json')).toBeUndefined();
});

it('many more names than before find their place, past the limit under `other`', () => {
  const { decoder, event } = start([rule('*', 'normal')], 4);
  decoder.reload([...Array.from({ length: 200 }, (_, i) => rule(`named_${i}`, 'high')), rule('*', 'low')]);
  for (let i = 0; i < 200; i++)
    expect(event(`named_${i}`), String(i)).toMatchObject({ name: `named_${i}`, policy: { priority: 'high' } });
  expect(decoder.types.length).toBeLessThan(10);
  expect(event('named_199')!.label).toBe('other');
});
