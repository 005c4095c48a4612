// The fast run: what it leaves out exists, and what it runs starts no program.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { LEFT_OUT } from '../../vitest.fast.config.ts';

/** Calls that start a program, or skip a test without one. */
const STARTS = /\b(?:missing|findProgram|startSidecar|startChild|startExample|startPython\w+|runCli|builtCli|spawn)\(/;

const pathsOf = (glob: string): string => glob.replace('/**', '');

it('what is left out of `npm run test:fast` exists', () => {
  expect(LEFT_OUT.map(pathsOf).filter((path) => !existsSync(path))).toEqual([]);
});

it('no test of `npm run test:fast` starts a program: it needs none to be installed', () => {
  const tests = readdirSync('test', { recursive: true, encoding: 'utf8' })
    .map((name) => `test/${name}`)
    .filter((name) => name.endsWith('.test.ts'));
  const isOut = (name: string) => LEFT_OUT.map(pathsOf).some((path) => name === path || name.startsWith(`${path}/`));
  const fast = tests.filter((name) => !isOut(name));
  expect(fast.length).toBeGreaterThan(100);
  expect(fast.filter((name) => STARTS.test(readFileSync(name, 'utf8')))).toEqual([]);
});
