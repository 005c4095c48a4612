// A directory whose lock was removed while its process runs, alone or with everything else in it.
import { readdirSync, rmSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { openDirectory, type StoreDirectory } from '../../src/journal/directory.ts';
import { openFileStore } from '../../src/journal/file-store.ts';
import { atEnd, closeAll } from '../support/backends.ts';
import { eventually } from '../support/child.ts';
import { newDirectory } from '../support/store-directory.ts';

afterEach(closeAll);

async function open(path: string): Promise<StoreDirectory> {
  const directory = await openDirectory(path);
  atEnd(() => directory.release());
  return directory;
}

it.each(['lock', 'everything'])('%s is removed: the directory stays that of one process', async (what) => {
  const path = join(newDirectory(), 'store');
  const first = await open(path);
  if (what === 'everything') rmSync(path, { recursive: true });
  else unlinkSync(join(path, 'lock'));
  first.mend();
  expect(readdirSync(path).sort()).toEqual(['ackspan-store', 'key', 'lock']);
  await expect(openDirectory(path)).rejects.toThrow(/is used by another process \(process \d+\)/);
  first.mend();
  first.release();
  expect(readdirSync(path)).not.toContain('lock');
  expect((await open(path)).key).toBe(first.key);
});

it('another process has taken the directory meanwhile: it keeps it, and its lock', async () => {
  const path = newDirectory();
  const first = await open(path);
  unlinkSync(join(path, 'lock'));
  const second = await open(path);
  expect(() => first.mend()).toThrow('is used by another process');
  first.release();
  second.mend();
  await expect(openDirectory(path)).rejects.toThrow('is used by another process');
});

it('a path that is too long for a socket is locked again, too', async () => {
  const path = join(newDirectory(), 'x'.repeat(120));
  const first = await open(path);
  rmSync(path, { recursive: true });
  first.mend();
  await expect(openDirectory(path)).rejects.toThrow('is used by another process');
});

/** A store of which nothing is used but its directory; `beat` moves its time on by 6 s. */
async function openStore(directory: string) {
  let at = 1000;
  const clocks = { now: () => at, wall: () => at, wallOf: (time: number) => time };
  const store = await openFileStore(
    { directory, afterMs: 100, syncMs: 0, keepMs: 3_600_000, keepBytes: 1024 * 1024 },
    { ...clocks, report() {}, latest: () => 0, traceId: () => undefined, eachOpen() {} },
  );
  atEnd(() => store.close());
  const beat = (): void => {
    at += 6000;
    store.look(at);
  };
  return { store, beat };
}

it('a store whose lock was removed makes it again', async () => {
  const path = newDirectory();
  const { store, beat } = await openStore(path);
  unlinkSync(join(path, 'lock'));
  beat();
  await eventually(() => expect(readdirSync(path)).toContain('lock'));
  await expect(openDirectory(path)).rejects.toThrow('is used by another process');
  expect(store.degraded).toBeUndefined();
});

it('a store that another process has taken writes nothing more, and leaves that one its files', async () => {
  const path = newDirectory();
  const first = await openStore(path);
  unlinkSync(join(path, 'lock'));
  const second = await openStore(path);
  const files = readdirSync(path);
  first.beat();
  await eventually(() => expect(first.store.degraded).toContain('is used by another process'));
  first.beat();
  expect(first.store.degraded).toContain('is used by another process');
  expect(readdirSync(path)).toEqual(expect.arrayContaining(files));
  second.beat();
  expect(second.store.degraded).toBeUndefined();
});
