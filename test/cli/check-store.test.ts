// `ackspan check` on the store: a directory that takes what is written to it, one that does not, and one that is not there yet.
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { checkStore } from '../../src/cli/through/store.ts';
import { closeAll } from '../support/backends.ts';
import { runCli } from '../support/build.ts';
import { newDirectory } from '../support/store-directory.ts';
import { startWsBackend } from '../support/ws-peers.ts';

afterEach(closeAll);

const REST = { afterMs: 100, syncMs: 1000, keepMs: 1000, keepBytes: 1024, ca: undefined, prefix: 'x', leaseMs: 1000 };
const check = (directory: string, keepBytes = 1024) =>
  checkStore({ at: { kind: 'file', directory }, ...REST, keepBytes });

it('a directory that takes what is written to it is good, and nothing is left in it', async () => {
  const directory = newDirectory();
  expect(await check(directory)).toEqual([
    { check: 'store', grade: 'good', seen: `${directory} takes what is written to it.`, advice: '' },
  ]);
  expect(readdirSync(directory)).toEqual([]);
});

it('one that is not there yet is good where it can be made', async () => {
  const directory = join(newDirectory(), 'a', 'b');
  expect(await check(directory)).toMatchObject([
    { grade: 'good', seen: `${directory} is not there yet, and can be made.` },
  ]);
});

it('one on a file system that takes nothing is bad, with what to do', async () => {
  const [found] = await check('/proc/self');
  expect(found).toMatchObject({ check: 'store', grade: 'bad' });
  expect(found?.seen).toMatch(/^\/proc\/self cannot be written to: E\w+\.$/);
  expect(found?.advice).not.toBe('');
});

it('a file is no directory', async () => {
  const file = join(newDirectory(), 'file');
  writeFileSync(file, '');
  expect(await check(file)).toMatchObject([{ grade: 'bad', seen: `${file} cannot be written to: ENOTDIR.` }]);
  expect(await check(join(file, 'below'))).toMatchObject([{ grade: 'bad' }]);
});

it('a disk with less room than dead letters may take is worth a note', async () => {
  const found = await check(newDirectory(), 2 ** 60);
  expect(found).toMatchObject([{ grade: 'good' }, { check: 'store_room', grade: 'note' }]);
});

it('without a store there is nothing to check', async () => {
  expect(await checkStore({ at: { kind: 'memory' }, ...REST })).toEqual([]);
});

it('the command says so, and ends with 1 where the store cannot be used', async () => {
  const backend = await startWsBackend();
  const directory = join(newDirectory(), 'store');
  mkdirSync(directory);
  const good = await runCli(['check', '--upstream', backend.address, '--store', `file:${directory}`]);
  expect(good.code).toBe(0);
  expect(good.stdout).toContain(`ok       store: ${directory} takes what is written to it.`);
  const bad = await runCli(['check', '--upstream', backend.address, '--store', 'file:/proc/self']);
  expect(bad.code).toBe(1);
  expect(bad.stdout).toContain('problem  store: /proc/self cannot be written to');
});
