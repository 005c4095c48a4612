// Prose: what a program can check of it: how long lines are, and how comments begin.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readPages } from './docs/pages.ts';

const COLUMNS = 100;
const FIRST_LINE = 120;
/** First words that leave a comment without a subject. */
const RIDDLE = /^(?:Those|The same|Whoever|Whom|Who|Nobody|Somebody|Everybody|It|Its|They|He|That)\b/;

const length = (line: string) => [...line].length;

/**
 * Lines of prose with their numbers: no table, no heading, no code, and nothing that a program
 * writes between marks.
 */
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
  const pages = readPages();
  expect(pages.length).toBeGreaterThan(20);
  const long = pages.flatMap(({ path, text }) =>
    proseOf(text)
      .filter((each) => length(each.text) > COLUMNS && isBreakable(each.text))
      .map(({ line }) => `${path}:${line}`),
  );
  expect(long).toEqual([]);
});

/** The first line of every comment, without its marks. */
function commentsOf(lines: readonly string[]): { line: number; text: string }[] {
  return lines.flatMap((each, index) => {
    const before = lines[index - 1] ?? '';
    const text =
      /^\s*\/\*\*? +(.*)$/.exec(each)?.[1] ??
      (/^\s*\/\*\*?$/.test(before) ? /^\s*\* (.*)$/.exec(each)?.[1] : undefined) ??
      (/^\s*\/\//.test(before) ? undefined : /^\s*\/\/ (.*)$/.exec(each)?.[1]);
    return text === undefined ? [] : [{ line: index + 1, text }];
  });
}

const SOURCES = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.tsx?$/.test(name))
  .map((name) => ({ name, lines: readFileSync(join('src', name), 'utf8').split('\n') }));

test(`the first line of a source file has at most ${FIRST_LINE} characters`, () => {
  expect(SOURCES.length).toBeGreaterThan(200);
  expect(SOURCES.filter(({ lines }) => length(lines[0]!) > FIRST_LINE).map(({ name }) => name)).toEqual([]);
});

test(`a comment has at most ${COLUMNS} columns`, () => {
  const long = SOURCES.flatMap(({ name, lines }) =>
    lines.flatMap((line, index) =>
      index > 0 && /^\s*(?:\/\/(?! biome-ignore)|\/\*\*|\*)/.test(line) && length(line) > COLUMNS
        ? [`${name}:${index + 1}`]
        : [],
    ),
  );
  expect(long).toEqual([]);
});

test('a comment begins with a noun or a verb, not with a pronoun', () => {
  const comments = SOURCES.flatMap(({ name, lines }) => commentsOf(lines).map((each) => ({ name, ...each })));
  expect(comments.length).toBeGreaterThan(2000);
  const riddles = comments.filter(({ text }) => RIDDLE.test(text));
  expect(riddles.map(({ name, line, text }) => `${name}:${line}: ${text}`)).toEqual([]);
});

test('the riddles of an example are found', () => {
  const example = [
    '/**',
    ' * Whoever wants it.',
    ' * That is no riddle: the line goes on.',
    ' */',
    '  // The same for all.',
  ];
  expect(commentsOf(example).filter(({ text }) => RIDDLE.test(text))).toHaveLength(2);
});
