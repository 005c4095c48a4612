// Pages that follow from the code are what `npm run docs` writes, in lines that fit.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { generatedPages } from '../../src/cli/generated-pages.ts';
import { inLines } from '../../src/cli/page-lines.ts';

const pages = [...(await generatedPages())];

it.each(pages)('%s is what `npm run docs` writes', (path, text) => {
  expect(pages).toHaveLength(6);
  expect(readFileSync(path, 'utf8')).toBe(text);
});

it('prose is broken at 100 columns; a table, a heading and code are left alone', () => {
  const words = 'word '.repeat(30).trim();
  const page = [`# ${words}`, '', words, '', `| ${words} |`, '', '```', words, '```', ''].join('\n');
  const lines = inLines(page).split('\n');
  expect(lines.filter((line) => line.length > 100)).toEqual([`# ${words}`, `| ${words} |`, words]);
  expect(lines.join(' ').split(/\s+/)).toEqual(page.split(/\s+/));
});

it('the lines of a list item stand under its text, and a code span or a link is never broken', () => {
  const code = `\`${'x '.repeat(20).trim()}\``;
  const link = `[${'y '.repeat(20).trim()}](page.md)`;
  const item = `- ${'word '.repeat(14)}${code} and ${link}`;
  const lines = inLines(item).split('\n');
  expect(lines.length).toBeGreaterThan(1);
  expect(lines.slice(1).every((line) => /^ {2}\S/.test(line))).toBe(true);
  expect(lines.some((line) => line.includes(code))).toBe(true);
  expect(lines.some((line) => line.includes(link))).toBe(true);
});
