// The rules of src/relay/SPEC.md: each is carried by a test, and no test and no comment carries a number that is none.
import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

/** Text of all files with that ending in a folder of this repository and below it. */
function texts(folder: string, ending: string): string[] {
  const root = new URL(`../../${folder}/`, import.meta.url);
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith(ending));
  return files.map((file) => readFileSync(new URL(file, root), 'utf8'));
}

/** Group 1 of every match, as numbers. */
function numbers(pattern: RegExp, text: string): number[] {
  return [...text.matchAll(pattern)].map((match) => Number(match[1]));
}

const spec = texts('src/relay', 'SPEC.md').join('');
const rules = numbers(/^- \*\*W(\d+)\*\* /gm, spec);
/** Numbers at the beginning of a title, perhaps behind those of other rules. */
const titled = texts('test', '.test.ts').flatMap((text) => numbers(/['"`](?:\[[A-Z]\d+\])*\[W(\d+)\][ []/g, text));

it('the W rules are numbered from 1, in order and without a gap', () => {
  expect(rules.length).toBeGreaterThan(0);
  expect(rules).toEqual(rules.map((_, index) => index + 1));
});

it('every W rule has a test, and every number in a title is a rule', () => {
  expect([...new Set(titled)].sort((a, b) => a - b)).toEqual(rules);
});

it('every W number that the relay and its page mention is a rule', () => {
  const mentioned = [spec, ...texts('src/relay', '.ts')].flatMap((text) => numbers(/\bW(\d+)\b/g, text));
  for (const number of new Set(mentioned)) expect(rules).toContain(number);
});
