// Globs, rules and the table of types: who decides, and how far hostile names can go.
import { expect, test } from 'vitest';
import { createDecoder } from '../../src/decode/decoder.ts';
import { DEFAULT_DECODE_OPTIONS } from '../../src/decode/defaults.ts';
import { globMatches } from '../../src/decode/glob.ts';
import { createRuleBook, type Rule } from '../../src/decode/rules.ts';
import { SCHEDULES } from '../../src/delivery/policy.ts';
import type { Priority } from '../../src/delivery/words.ts';
import { NO_CLAIM } from '../support/upgrades.ts';

const rule = (match: string, priority: Priority, track = true): Rule => ({
  match: match.split(' '),
  track,
  priority,
  confirm: 'auto',
  timeoutMs: 1000,
  attemptsMs: [],
});

function table(rules: readonly Rule[], maxTypes = 200) {
  const decoder = createDecoder({ ...DEFAULT_DECODE_OPTIONS, rules, maxTypes });
  const reader = decoder.open(NO_CLAIM);
  return {
    decoder,
    see(type: string) {
      const buf = Buffer.from(JSON.stringify({ type }));
      return reader.event(buf, 0, buf.length)?.type;
    },
  };
}

test.each<[string, string, boolean]>([
  ['*', '', true],
  ['*', 'anything at all/2.x', true],
  ['', '', true],
  ['', 'a', false],
  ['tool_*', 'tool_', true],
  ['tool_*', 'tool_executing', true],
  ['tool_*', 'my_tool_x', false],
  ['*_completed', 'tool_completed', true],
  ['*_completed', 'tool_completed_twice', false],
  ['a*b*c', 'a--b--b--c', true],
  ['a*b*c', 'a--c--b', false],
  ['a?c', 'abc', true],
  ['a?c', 'ac', false],
  ['?', 'é', true],
  ['a.c', 'abc', false],
  ['(x|y)', '(x|y)', true],
  ['Tool', 'tool', false],
  [`${'*a'.repeat(30)}*b`, 'a'.repeat(1000), false],
])('glob %s on %s: %s', (pattern, name, matches) => {
  expect(globMatches(pattern, name)).toBe(matches);
});

test('the first rule that matches decides, whether by name or by glob', () => {
  const { see } = table([
    rule('tool_*', 'critical'),
    rule('tool_progress', 'low', false),
    rule('a b', 'high'),
    rule('no*', 'low', false),
  ]);
  expect(see('tool_progress')?.policy.priority).toBe('critical');
  expect(see('b')?.policy).toEqual({ priority: 'high', confirm: 'auto', timeoutMs: 1000, attemptsMs: [] });
  expect(see('noise')).toBeUndefined();
  expect(see('unheard_of')).toBeUndefined();
});

test('types that rules name have the first indexes, in order; the others follow as they arrive', () => {
  const { see, decoder } = table([rule('b a', 'high'), rule('quiet', 'low', false), rule('*', 'low')]);
  const late = see('late');
  expect(decoder.types.map((type) => type.name)).toEqual(['other', 'b', 'a', 'late']);
  expect(decoder.types.map((type) => type.index)).toEqual([0, 1, 2, 3]);
  expect(see('late')).toBe(late);
  expect(see('b')).toBe(decoder.types[1]);
  expect(see('quiet')).toBeUndefined();
  expect(see('other')).toBe(decoder.types[0]);
});

test('index 0 has a policy even where no rule tracks a type called other', () => {
  const { see, decoder } = table([rule('a', 'high')]);
  expect(see('other')).toBeUndefined();
  expect(decoder.types[0]).toMatchObject({ name: 'other', index: 0, policy: { priority: 'low', ...SCHEDULES.low } });
});

test('types past the limit share the index and label of other, under their own name and policy', () => {
  const { see, decoder } = table([rule('vip_*', 'critical'), rule('*', 'low')], 2);
  for (const name of ['one', 'two', 'three']) see(name);
  expect(see('two')).toMatchObject({ index: 2, label: 'two' });
  expect(see('three')).toMatchObject({ name: 'three', index: 0, label: 'other', policy: { priority: 'low' } });
  expect(see('vip_x')).toMatchObject({ name: 'vip_x', index: 0, label: 'other', policy: { priority: 'critical' } });
  expect(see('three')).toBe(see('three'));
  expect(decoder.types).toHaveLength(3);
});

test('endless new names leave the table as it was, and known types right', () => {
  const { see, decoder } = table([rule('known', 'high'), rule('*', 'low')], 5);
  for (let i = 0; i < 50_000; i++) {
    const type = see(`name ${i}`);
    if (type?.name !== `name ${i}`) throw new Error(`name ${i} was taken for ${type?.name}`);
  }
  expect(decoder.types).toHaveLength(6);
  expect(see('known')).toBe(decoder.types[1]);
});

test('named types are listed once, without globs', () => {
  expect(createRuleBook([rule('a b* c', 'low'), rule('c d?', 'low')]).named).toEqual(['a', 'c']);
});
