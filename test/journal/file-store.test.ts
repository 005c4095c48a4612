// The store in a directory on its own: a disk that takes no more and comes back, files that stay small, a directory that is not for this process.
import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import type { Report } from '../../src/delivery/ports.ts';
import { Delivery } from '../../src/delivery/record.ts';
import { Owner, Session } from '../../src/delivery/session.ts';
import { openFileStore } from '../../src/journal/file-store.ts';
import type { Files } from '../../src/journal/log.ts';
import { newHeader, writeHeader } from '../../src/journal/segment.ts';
import { atEnd, closeAll } from '../support/backends.ts';
import { facts } from '../support/deliveries.ts';
import { newDirectory } from '../support/store-directory.ts';

afterEach(closeAll);

/** A store whose clock and disk are the test's. */
async function openStore(directory: string) {
  const said: string[] = [];
  const report: Report = ({ error }) => void said.push((error as Error).message);
  const state = { now: 1000, fault: undefined as string | undefined };
  const fail = (): void => {
    if (state.fault !== undefined) throw Object.assign(new Error(state.fault), { code: state.fault });
  };
  const files: Files = {
    ...fs,
    openSync: (...args) => {
      fail();
      return fs.openSync(...args);
    },
    writeSync: ((...args: Parameters<typeof fs.writeSync>) => {
      fail();
      return fs.writeSync(...args);
    }) as Files['writeSync'],
  };
  const open = new Set<Delivery>();
  const store = await openFileStore(
    { directory, afterMs: 100, syncMs: 0 },
    {
      ...{ files, report, segmentBytes: 8192, now: () => state.now, wall: () => state.now, wallOf: (at) => at },
      latest: () => seq,
      eachOpen: (visit) => open.forEach(visit),
    },
  );
  let closed = false;
  const close = async (): Promise<void> => {
    if (!closed) await store.close();
    closed = true;
  };
  atEnd(close);
  let seq = store.left.highest;
  const session = new Session('s', new Owner('ann'));
  session.optedIn = session.resumable = true;
  store.journal.opened(session);
  const track = (text = 'hello'): Delivery => {
    const delivery = new Delivery(++seq, session, ++session.lastOrdinal, facts(), 'processed', state.now);
    delivery.payload = Buffer.from(text);
    session.hold(delivery);
    open.add(delivery);
    store.journal.tracked(delivery);
    store.journal.handOver();
    return delivery;
  };
  const confirm = (delivery: Delivery): void => {
    Object.assign(delivery, { status: 'confirmed', level: 'processed', settledAt: state.now });
    open.delete(delivery);
    session.open?.delete(delivery.ordinal);
    store.journal.steps.settled(delivery);
    store.journal.handOver();
  };
  const beat = (ms: number): void => {
    state.now += ms;
    store.look(state.now);
  };
  return { store, said, state, track, confirm, beat, close };
}

const stateFiles = (directory: string) => fs.readdirSync(directory).filter((name) => name.startsWith('state-'));

/** What the next process finds. */
async function leftIn(directory: string) {
  const { store, close } = await openStore(directory);
  const { left } = store;
  await close();
  return {
    sessions: left.sessions.map(({ entry }) => [entry.key, entry.ordinal]),
    messages: [...left.deliveries.values()].flat().map(({ message }) => Buffer.from(message!).toString()),
    dropped: left.dropped,
  };
}

it.each(['ENOSPC', 'EROFS', 'EIO'])(
  '[P5] %s: says so once, goes on without the disk, and writes everything when it is back',
  async (fault) => {
    const directory = newDirectory();
    const { store, said, state, track, confirm, beat, close } = await openStore(directory);
    const before = track('before');
    const over = track('over');
    expect(store.degraded).toBeUndefined();
    state.fault = fault;
    track('meanwhile');
    confirm(over);
    expect(store.degraded).toBe(`the store cannot be written to: ${fault}`);
    // What is there is older than what clients are told from here on.
    expect(stateFiles(directory)).toEqual([]);
    beat(500);
    track('later');
    expect(said).toEqual([
      `the store cannot be written to (${fault}): the sidecar goes on with its memory, and what is in flight would not outlive it`,
    ]);
    state.fault = undefined;
    beat(600);
    beat(100);
    expect(store.degraded).toBeUndefined();
    expect(said.at(-1)).toBe('the store can be written to again');
    expect(store.counters.failures).toBe(1);
    confirm(before);
    await close();
    expect(await leftIn(directory)).toMatchObject({ sessions: [['s', 4]], messages: ['meanwhile', 'later'] });
  },
);

it('a disk that stays full is tried again, less and less often, and every try is counted', async () => {
  const { store, state, track, beat } = await openStore(newDirectory());
  state.fault = 'ENOSPC';
  track();
  for (let i = 0; i < 600; i++) beat(100);
  expect(store.counters.failures).toBeGreaterThan(4);
  expect(store.counters.failures).toBeLessThan(10);
  expect(store.degraded).toBe('the store cannot be written to: ENOSPC');
});

it('what holds no more leaves the disk: the files stay small, whatever has gone through them', async () => {
  const directory = newDirectory();
  const { store, track, confirm, beat, close } = await openStore(directory);
  // The oldest of them stays in flight and has to move.
  track('kept');
  let most = 0;
  for (let i = 0; i < 2000; i++) {
    confirm(track('x'.repeat(100)));
    beat(10);
    most = Math.max(most, store.bytes);
  }
  expect(store.counters.written).toBeGreaterThan(500_000);
  expect(most).toBeLessThan(8192 * 6);
  const onDisk = stateFiles(directory).reduce((sum, name) => sum + fs.statSync(join(directory, name)).size, 0);
  expect(onDisk).toBe(store.bytes);
  await close();
  expect(await leftIn(directory)).toMatchObject({ sessions: [['s', 2001]], messages: ['kept'] });
});

it('a record whose writing was cut short is left out, and nothing is said to be damaged', async () => {
  const directory = newDirectory();
  const { track, close } = await openStore(directory);
  track('first');
  track('second');
  await close();
  const file = join(directory, stateFiles(directory).at(-1)!);
  fs.truncateSync(file, fs.statSync(file).size - 3);
  const { sessions, messages, dropped } = await leftIn(directory);
  expect({ sessions, messages }).toEqual({ sessions: [['s', 1]], messages: ['first'] });
  expect(dropped.files).toEqual([]);
});

it('a file of a newer version: refused with what to do, and left as it is', async () => {
  const directory = newDirectory();
  const { close } = await openStore(directory);
  await close();
  const file = join(directory, 'state-00000009.log');
  const bytes = writeHeader({ ...newHeader(1), format: 7 });
  fs.writeFileSync(file, bytes);
  await expect(openStore(directory)).rejects.toThrow(
    'state-00000009.log was written by a newer version of Ackspan (format 7, this one reads up to 1): start that version, or give this one a directory of its own',
  );
  expect(fs.readFileSync(file)).toEqual(bytes);
  // Nobody holds the directory now.
  fs.unlinkSync(file);
  await (await openStore(directory)).close();
});

it('numbers of deliveries are never given twice, also of those that were not written down', async () => {
  const directory = newDirectory();
  const first = await openStore(directory);
  const { highest } = first.store.left;
  const last = first.track().seq;
  await first.close();
  const second = await openStore(directory);
  expect(highest).toBe(0);
  expect(second.store.left.highest).toBeGreaterThanOrEqual(last + 999_000);
});
