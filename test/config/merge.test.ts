// YAML as compose users write it: anchors under `x-`, merge keys, and rules of which some are never reached.
import { expect, it } from 'vitest';
import { DEFAULTS } from '../../src/cli/defaults.ts';
import { loadConfig } from '../../src/config/load.ts';

const load = (text: string) =>
  loadConfig({ env: {}, defaults: DEFAULTS, file: { name: 'a.yaml', text: `upstream: http://b:1\n${text}` } });

it('anchors under x- keys and merge keys work; own keys win, then the first mapping', () => {
  const { config, faults, warnings } = load(`
x-fast: &fast { timeout: 5s, attempts: [1s], priority: high }
x-slow: &slow { timeout: 60s, confirm: received }
events:
  rules:
    - { <<: *fast, match: a, priority: critical }
    - { <<: [*fast, *slow], match: b }
`);
  expect([faults, warnings]).toEqual([[], []]);
  expect(config!.events.rules).toMatchObject([
    { match: ['a'], timeoutMs: 5000, attemptsMs: [1000], priority: 'critical' },
    { match: ['b'], timeoutMs: 5000, attemptsMs: [1000], priority: 'high', confirm: 'received' },
  ]);
});

it('a merge of what is no mapping is a fault; x- keys below the first level are keys like others', () => {
  expect(load('limits: { <<: 5 }').faults.map(({ message }) => message)).toContain('merges what is no mapping');
  expect(load('limits: { x-mine: 5 }').faults.map(({ key }) => key)).toEqual(['limits.x-mine']);
});

it.each([
  ['[{ match: a }, { match: a }]', 'events.rules[1].match'],
  ['[{ match: "tool_*" }, { match: tool_executing }]', 'events.rules[1].match'],
  ['[{ match: a }, { match: b }, { match: [b, a] }]', 'events.rules[2].match'],
])('a rule that others before it shadow is told: %s', (rules, key) => {
  expect(load(`events: { rules: ${rules} }`).warnings.map((each) => each.key)).toContain(key);
});

it.each([
  '[{ match: tool_executing }, { match: "tool_*" }]',
  '[{ match: a }, { match: [a, b] }]',
  '[{ match: "a.c" }, { match: abc }]',
])('a rule that is reached is not: %s', (rules) => {
  expect(load(`events: { rules: ${rules} }`).warnings.filter(({ message }) => message.includes('never used'))).toEqual(
    [],
  );
});

it('where nothing is tracked, that is told', () => {
  const told = (text: string) => load(text).warnings.some(({ message }) => message.startsWith('nothing is tracked'));
  expect(told('events: { rules: [{ match: "*", track: false }] }')).toBe(true);
  expect(told('events: { unread: count, rules: [{ match: a, track: false }] }')).toBe(true);
  expect(told('events: { unread: track, rules: [{ match: a, track: false }] }')).toBe(false);
  expect(told('events: { rules: [{ match: a }, { match: "*", track: false }] }')).toBe(false);
});
