// Prose: what a program can check of it: how long the lines of a page are.
import { expect, test } from 'vitest';
import { readPages } from './docs/pages.ts';

const COLUMNS = 110;
/** Pages whose lines are not wrapped yet. */
const WIDE_PAGES = new Set([
  'ARCHITECTURE.md',
  'docs/admin-api.md',
  'docs/causes.md',
  'docs/cli.md',
  'docs/identity.md',
  'docs/mcp.md',
  'docs/page.md',
  'docs/reliability.md',
  'docs/spans.md',
  'docs/store.md',
]);

const length = (line: string) => [...line].length;

/** Lines of prose with their numbers: no table, no heading, no code, and nothing that a program writes between marks. */
function proseOf(text: string): { line: number; text: string }[] {
  let fenced = false;
  let generated = false;
  return text.split('\n').flatMap((each, index) => {
    if (/^\s*```/.test(each)) fenced = !fenced;
    else if (each.startsWith('<!-- bench: begin')) generated = true;
    else if (each.startsWith('<!-- bench: end')) generated = false;
    else if (!fenced && !generated && !/^(\s*\||#|<!--)/.test(each)) return [{ line: index + 1, text: each }];
    return [];
  });
}

/** Whether a line could be broken in two: code in backticks and links stay whole. */
function isBreakable(text: string): boolean {
  const joined = text.trim().replace(/`[^`]*`|\[[^\]]*\]\([^)]*\)/g, (part) => part.replaceAll(' ', '_'));
  return joined.replace(/^([-*]|\d+\.) /, '').includes(' ');
}

test(`lines of prose in a page have at most ${COLUMNS} columns`, () => {
  const pages = readPages().filter(({ path }) => !WIDE_PAGES.has(path));
  expect(pages.length).toBeGreaterThan(20);
  const long = pages.flatMap(({ path, text }) =>
    proseOf(text)
      .filter((each) => length(each.text) > COLUMNS && isBreakable(each.text))
      .map(({ line }) => `${path}:${line}`),
  );
  expect(long).toEqual([]);
});
