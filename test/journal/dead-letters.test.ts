// Dead letters in files: the contract of every engine, and what files alone can do: grow old, grow large, be damaged, meet a full disk.
import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { openFileLetters } from '../../src/journal/file-letters.ts';
import type { LetterFileSystem } from '../../src/journal/letter-files.ts';
import { closeAll } from '../support/backends.ts';
import { chosenSeed, withSeed } from '../support/chance.ts';
import { KEEP_MS, LOST_AT, letterOf, lettersContract, type OpenedLetters } from '../support/letters-contract.ts';
import { propertyOptions } from '../support/seed.ts';
import { newDirectory } from '../support/store-directory.ts';

afterEach(closeAll);

interface Options {
  readonly segmentBytes?: number;
  readonly limitBytes?: number;
}

/** Letters in a directory, whose clock and disk are the test's. */
function openIn(directory: string, { segmentBytes = 1200, limitBytes = 1 << 20 }: Options = {}) {
  const state = { wall: LOST_AT + 60_000, now: 1, fault: undefined as string | undefined, purged: 0 };
  const said: string[] = [];
  const fail = (): void => {
    if (state.fault !== undefined) throw Object.assign(new Error(state.fault), { code: state.fault });
  };
  const files: LetterFileSystem = {
    ...fs,
    openSync: (...args) => {
      fail();
      return fs.openSync(...args);
    },
    writeSync: ((...args: Parameters<typeof fs.writeSync>) => {
      fail();
      return fs.writeSync(...args);
    }) as LetterFileSystem['writeSync'],
  };
  const letters = openFileLetters({
    ...{ directory, names: fs.readdirSync(directory), keepMs: KEEP_MS, limitBytes, segmentBytes, files },
    now: () => state.now,
    wall: () => state.wall,
    report: ({ error }) => void said.push((error as Error).message),
    purged: () => state.purged++,
  });
  return { letters, state, said };
}

const filesIn = (directory: string) => fs.readdirSync(directory).filter((name) => name.startsWith('lost-'));
const seqsOf = async (letters: { find: ReturnType<typeof openIn>['letters']['find'] }) =>
  (await letters.find({}, { limit: 10_000, messages: false })).found.map(({ letter }) => letter.seq);

describe('the contract, over many small files', () => {
  const opened = (directory: string): OpenedLetters => {
    const { letters, state } = openIn(directory);
    return {
      letters,
      at: (wall) => {
        state.wall = wall;
      },
      reopen: async () => opened(directory),
    };
  };
  lettersContract(async () => opened(newDirectory()));
});

it('files whose letters are all too old go, and a file is begun often enough for that', () => {
  const directory = newDirectory();
  const { letters, state } = openIn(directory, { segmentBytes: 1 << 20 });
  const lose = (seq: number, wall: number): void => {
    state.wall = wall;
    letters.add(letterOf(seq, { settledAt: wall }), undefined);
    letters.handOver();
    letters.look();
  };
  lose(1, LOST_AT);
  lose(2, LOST_AT + KEEP_MS / 8 - 1);
  expect(filesIn(directory)).toHaveLength(1);
  lose(3, LOST_AT + KEEP_MS / 8);
  expect(filesIn(directory)).toHaveLength(2);
  state.wall = LOST_AT + KEEP_MS + KEEP_MS / 8;
  letters.look();
  expect(filesIn(directory)).toHaveLength(1);
  state.wall += KEEP_MS;
  letters.look();
  expect(filesIn(directory)).toEqual([]);
  expect(letters.bytes).toBe(0);
});

it('[D18] a clock that was set back meanwhile hides no letter from a search by time', async () => {
  const directory = newDirectory();
  const { letters, state } = openIn(directory);
  letters.add(letterOf(1, { settledAt: LOST_AT }), undefined);
  letters.handOver();
  letters.anew();
  state.wall = LOST_AT - KEEP_MS / 16;
  letters.add(letterOf(2, { settledAt: state.wall }), undefined);
  letters.handOver();
  expect(filesIn(directory)).toHaveLength(2);
  const { found } = await letters.find({ since: LOST_AT - 1 }, { limit: 10, messages: false });
  expect(found.map(({ letter }) => letter.seq)).toEqual([1]);
});

it('beyond the limit of bytes the oldest go first, and the figure is what is on the disk', async () => {
  const directory = newDirectory();
  const { letters } = openIn(directory, { limitBytes: 5000 });
  for (let seq = 1; seq <= 60; seq++) {
    letters.add(letterOf(seq), undefined);
    letters.handOver();
    letters.look();
  }
  const left = await seqsOf(letters);
  expect(left[0]).toBe(60);
  expect(left).toEqual(Array.from(left, (_, i) => 60 - i));
  expect(left.length).toBeGreaterThan(2);
  const onDisk = filesIn(directory).reduce((sum, name) => sum + fs.statSync(join(directory, name)).size, 0);
  expect(letters.bytes).toBe(onDisk);
  expect(onDisk).toBeLessThan(5000 + 1200);
});

it.each(['ENOSPC', 'EROFS'])(
  '%s: counts what it could not keep, says so once, and goes on when it is over',
  async (fault) => {
    const directory = newDirectory();
    const { letters, state, said } = openIn(directory);
    const lose = (seq: number): void => {
      letters.add(letterOf(seq), undefined);
      letters.handOver();
    };
    lose(1);
    state.fault = fault;
    for (let seq = 2; seq <= 5; seq++) lose(seq);
    expect(letters.degraded).toBe(`dead letters cannot be written down: ${fault}`);
    expect(said).toEqual([`dead letters cannot be written down: ${fault}`]);
    expect(letters.counters).toEqual({ kept: 1, failed: 4 });
    state.fault = undefined;
    lose(6);
    expect(letters.counters.failed).toBe(5);
    state.now += 1000;
    lose(7);
    expect(letters.degraded).toBeUndefined();
    expect(letters.counters).toEqual({ kept: 2, failed: 5 });
    expect(await seqsOf(letters)).toEqual([7, 1]);
  },
);

it('a purge leaves no byte of the user on the disk, damaged stretches included, and keeps the age of what stays', async () => {
  const directory = newDirectory();
  const { letters, state } = openIn(directory, { segmentBytes: 1 << 20 });
  letters.add(letterOf(1), Buffer.from('the words of ann'));
  letters.add(letterOf(2, { user: 'bob' }), Buffer.from('the words of bob'));
  letters.add(letterOf(3, { user: 'ann' }), Buffer.from('more words of ann'));
  letters.handOver();
  const path = join(directory, filesIn(directory)[0]!);
  const bytes = fs.readFileSync(path);
  // One bit in the message: the record can be read no more, and may be anybody's.
  bytes[bytes.indexOf('more words of ann')]! ^= 1;
  fs.writeFileSync(path, bytes);
  expect(await letters.purge({ user: 'ann' })).toBe(1);
  expect(state.purged).toBe(1);
  const left = filesIn(directory)
    .map((name) => fs.readFileSync(join(directory, name), 'latin1'))
    .join();
  expect(left).toContain('the words of bob');
  expect(left).not.toMatch(/words of ann/);
  expect(fs.statSync(path).mtimeMs).toBe(LOST_AT + 60_000);
});

it('a purge that was interrupted leaves nothing behind at the next start', async () => {
  const directory = newDirectory();
  const first = openIn(directory);
  first.letters.add(letterOf(1), undefined);
  first.letters.handOver();
  fs.writeFileSync(join(directory, 'lost-00000001.log.new'), 'half of it');
  expect(await seqsOf(openIn(directory).letters)).toEqual([1]);
  expect(filesIn(directory)).toEqual(['lost-00000001.log']);
});

const PLACES = propertyOptions(500).numRuns;

it(`files cut and bits flipped at ${PLACES} random places: what is left is true, and later letters are not lost`, async () => {
  await withSeed(chosenSeed(), async (chance) => {
    const origin = newDirectory();
    const { letters } = openIn(origin, { segmentBytes: 4096 });
    for (let seq = 1; seq <= 40; seq++) letters.add(letterOf(seq), Buffer.alloc(chance.between(0, 300), seq));
    letters.handOver();
    const { found: all } = await letters.find({}, { limit: 100, messages: true });
    const whole = new Set(all.map(({ letter, message }) => JSON.stringify([letter, message])));
    expect(whole.size).toBe(40);
    for (let i = 0; i < PLACES; i++) {
      const directory = newDirectory();
      for (const name of filesIn(origin)) fs.copyFileSync(join(origin, name), join(directory, name));
      const names = filesIn(directory);
      const path = join(directory, names[chance.between(0, names.length - 1)]!);
      const bytes = fs.readFileSync(path);
      const at = chance.between(0, bytes.length - 1);
      if (chance.next() < 0.5) fs.truncateSync(path, at);
      else {
        bytes[at]! ^= 1 << chance.between(0, 7);
        fs.writeFileSync(path, bytes);
      }
      const after = openIn(directory, { segmentBytes: 4096 });
      after.letters.add(letterOf(41), undefined);
      after.letters.handOver();
      const { found } = await after.letters.find({}, { limit: 100, messages: true });
      const [newest, ...rest] = found.map(({ letter, message }) => JSON.stringify([letter, message]));
      expect(newest).toContain('"seq":41');
      expect(rest.filter((each) => !whole.has(each))).toEqual([]);
      fs.rmSync(directory, { recursive: true });
    }
  });
});
