// The stages of faults: the union in ports.ts is what the source reports, and the shape of a fault is written there only.
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';

const SRC = resolve(import.meta.dirname, '../../src');
const PORTS = join('delivery', 'ports.ts');
const sources = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => ({ name, text: readFileSync(join(SRC, name), 'utf8') }));
const ports = sources.find(({ name }) => name === PORTS)!.text;
const union = /export type Stage =([^;]*);/.exec(ports)![1]!;
const stages = [...union.matchAll(/'([^']+)'/g)].map(([, stage]) => stage!);

test.each(stages)('some part reports faults of the stage %s', (stage) => {
  const reporters = sources.filter(({ name, text }) => name !== PORTS && text.includes(`stage: '${stage}'`));
  expect(reporters.map(({ name }) => name)).not.toEqual([]);
});

test('the shape of a fault is written out in ports.ts only', () => {
  const again = sources.filter(({ text }) => /\bstage: (string|'[^']*');\s*(readonly )?error: unknown/.test(text));
  expect(again.map(({ name }) => name)).toEqual([]);
});
