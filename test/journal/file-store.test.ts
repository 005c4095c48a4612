// The store in a directory on its own: a disk that takes no more and comes back, files that stay small, a directory that is not for this process.
import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import type { DeadLetters } from '../../src/delivery/dead-letters.ts';
import type { Report } from '../../src/delivery/ports.ts';
import { Delivery } from '../../src/delivery/record.ts';
import { Owner, Session } from '../../src/delivery/session.ts';
import { openFileStore } from '../../src/journal/file-store.ts';
import type { Files } from '../../src/journal/log.ts';
import { newHeader, writeHeader } from '../../src/journal/segment.ts';
import { atEnd, closeAll } from '../support/backends.ts';
import { eventType, facts } from '../support/deliveries.ts';
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
    { directory, afterMs: 100, syncMs: 0, keepMs: 3_600_000, keepBytes: 1024 * 1024 },
    {
      ...{ files, report, segmentBytes: 8192, now: () => state.now, wall: () => state.now, wallOf: (at) => at },
      latest: () => seq,
      traceId: () => undefined,
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
    store.journal.steps.settled?.(delivery);
    store.journal.handOver();
  };
  /** Ends as lost, told like every outcome. */
  const lose = (delivery: Delivery, more: Partial<Delivery> = {}): void => {
    Object.assign(delivery, { status: 'timeout', errorType: 'timeout', settledAt: state.now, ...more });
    open.delete(delivery);
    session.open?.delete(delivery.ordinal);
    store.journal.steps.settled?.(delivery);
  };
  const beat = (ms: number): void => {
    state.now += ms;
    store.look(state.now);
  };
  return { store, said, state, track, confirm, lose, beat, close };
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
    expect(store.handsOver()).toBe(false);
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
    expect(store.handsOver()).toBe(true);
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

const lettersOf = async ({ deadLetters }: { deadLetters: DeadLetters }) =>
  (await deadLetters.find({}, { limit: 100, messages: true })).found;

it('[P6] a lost delivery is a dead letter; a confirmed or unverifiable one is none', async () => {
  const { store, track, confirm, lose } = await openStore(newDirectory());
  confirm(track('fine'));
  lose(track('nobody can say'), { status: 'unverifiable', errorType: '', unverified: 'never_answered' });
  lose(track('gone'), { status: 'failed', errorType: 'disconnected' });
  lose(track('late'));
  store.journal.handOver();
  const found = await lettersOf(store);
  expect(found.map(({ letter: { status, errorType, user } }) => [status, errorType, user])).toEqual([
    ['timeout', 'timeout', 'ann'],
    ['failed', 'disconnected', 'ann'],
  ]);
});

it('[P6] the message is with its letter only where the rule says so and it was kept', async () => {
  const { store, track, lose } = await openStore(newDirectory());
  const type = eventType('answer');
  const willing = { ...type, policy: { ...type.policy, keepLost: true } };
  lose(track('not allowed'));
  lose(track('allowed'), { type: willing });
  lose(track('allowed, and not kept any more'), { type: willing, payload: undefined });
  store.journal.handOver();
  const messages = (await lettersOf(store)).map(({ message }) => message && Buffer.from(message).toString());
  expect(messages).toEqual([undefined, 'allowed', undefined]);
});

it('[P6] killed between a letter and the end of its delivery: the next process knows it as over, and loses it no second time', async () => {
  const directory = newDirectory();
  const first = await openStore(directory);
  const lost = first.track('lost');
  first.track('open');
  first.lose(lost);
  // What the process had written when it died: the letter is in its file, and nothing of the
  // outcome in the other.
  const name = stateFiles(directory).at(-1)!;
  const before = fs.readFileSync(join(directory, name));
  first.store.journal.handOver();
  await first.close();
  fs.writeFileSync(join(directory, name), before);
  const second = await openStore(directory);
  expect([...second.store.left.deliveries.values()].flat().map(({ message }) => String(message))).toEqual(['open']);
  expect(await lettersOf(second.store)).toHaveLength(1);
  await second.close();
  // A third process does not depend on the letter any more.
  for (const each of fs.readdirSync(directory)) if (each.startsWith('lost-')) fs.unlinkSync(join(directory, each));
  expect((await leftIn(directory)).messages).toEqual(['open']);
});

it('[P6] a purge also takes the messages of ended deliveries from the files of what is in flight', async () => {
  const directory = newDirectory();
  const { store, track, confirm, beat } = await openStore(directory);
  confirm(track('what ann was told'));
  track('still in flight');
  const onDisk = () =>
    stateFiles(directory)
      .map((name) => fs.readFileSync(join(directory, name), 'latin1'))
      .join();
  expect(onDisk()).toContain('what ann was told');
  await store.deadLetters.purge({ user: 'ann' });
  beat(50);
  expect(onDisk()).not.toContain('what ann was told');
  expect(onDisk()).toContain('still in flight');
});
