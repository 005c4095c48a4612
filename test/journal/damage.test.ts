// Files cut and bits flipped at 1,000 random places: what an earlier process left is read, what is missing is said, and no outcome is made up.
import { linkSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { written } from '../../src/journal/codec.ts';
import type { Entry } from '../../src/journal/entry.ts';
import { Image } from '../../src/journal/image.ts';
import { Item } from '../../src/journal/item.ts';
import { readState } from '../../src/journal/read-state.ts';
import { HEADER_BYTES } from '../../src/journal/segment.ts';
import { closeAll } from '../support/backends.ts';
import { type Chance, chosenSeed, withSeed } from '../support/chance.ts';
import { propertyOptions } from '../support/seed.ts';
import { newDirectory, openLog } from '../support/store-directory.ts';

afterEach(closeAll);

/** Places that are damaged, one at a time. */
const PLACES = propertyOptions(1000).numRuns;

/** Writes a random history; answers its entries and the byte at which each ends, by file. */
function write(directory: string, chance: Chance) {
  const { log, names } = openLog(directory);
  const entries: { entry: Entry; file: string; end: number }[] = [];
  const items = new Map<number, Item>();
  const add = (entry: Entry, message?: Buffer): void => {
    const file = names().at(-1)!;
    const before = readFileSync(join(directory, file)).length;
    let bytes = 0;
    if (entry.kind === 'tracked') {
      const item = new Item();
      items.set(entry.delivery.seq, item);
      log.place(item, written(entry), message);
      ({ bytes } = item);
    } else bytes = log.append(written(entry));
    entries.push({ entry, file, end: before + bytes });
    log.flush();
  };
  const open: number[] = [];
  for (let i = 0; i < 4; i++) add(session(`s${i}`));
  for (let seq = 1; seq <= 60; seq++) {
    const message = chance.next() < 0.5 ? Buffer.alloc(chance.between(1, 200), seq) : undefined;
    add(tracked(seq, `s${chance.between(0, 5)}`, message), message);
    open.push(seq);
    while (open.length > 0 && chance.next() < 0.45) {
      const [over] = open.splice(chance.between(0, open.length - 1), 1);
      add(settled(over!));
    }
  }
  log.close();
  return entries;
}

const session = (key: string): Entry => ({
  kind: 'session',
  session: {
    ...{ key, boundTo: 'ann', user: 'ann', traceparent: '', ordinal: 0, capability: 'processed' },
    ...{ serial: 1, used: 0, heard: 0 },
  },
});
const tracked = (seq: number, key: string, message: Buffer | undefined): Entry => ({
  kind: 'tracked',
  delivery: {
    ...{ seq, session: key, user: 'ann', capability: 'processed', connection: 'c', ordinal: seq, type: 't' },
    ...{ eventId: `e${seq}`, run: undefined, tool: undefined, toolCall: undefined, traceparent: undefined },
    ...{ bytes: 10, required: 'processed', sentAt: seq },
  },
  state: { receivedAt: 0, attempts: [], word: '', errorText: '', missed: false, kept: message !== undefined },
  message,
});
const settled = (seq: number): Entry => ({
  kind: 'settled',
  seq,
  outcome: {
    ...{ status: 'confirmed', errorType: '', unverified: '', level: 'processed', errorText: '' },
    ...{ receivedAt: 0, settledAt: seq, attempts: 1 },
  },
});

/** What follows from entries, as text. */
function shown(image: Image): string[] {
  const open = [...image.open.values()].map(({ delivery, message }) => [delivery.seq, delivery, message]);
  return [...image.sessions.values(), ...open].map((each) => JSON.stringify(each));
}

function imageOf(entries: readonly Entry[]): string[] {
  const image = new Image();
  for (const entry of entries) image.apply(JSON.parse(JSON.stringify(entry), revive));
  return shown(image);
}

/** JSON's form of a Buffer, and what undefined became. */
function revive(_: string, value: { type?: string; data?: number[] }): unknown {
  return value?.type === 'Buffer' ? Buffer.from(value.data!) : value;
}

test(`[P4] ${PLACES} places: starts, says what it dropped, never makes up an outcome`, async () => {
  const seed = chosenSeed();
  await withSeed(seed, async (chance) => {
    const clean = newDirectory();
    const entries = write(clean, chance);
    const files = readdirSync(clean).sort();
    expect(files.length).toBeGreaterThan(1);
    const whole = imageOf(entries.map(({ entry }) => entry));
    const over = new Set(entries.flatMap(({ entry }) => (entry.kind === 'settled' ? [entry.seq] : [])));
    expect(shown(readState(clean, files).image)).toEqual(whole);
    const damaged = join(newDirectory(), 'damaged');

    for (let place = 0; place < PLACES; place++) {
      rmSync(damaged, { recursive: true, force: true });
      mkdirSync(damaged);
      const file = chance.of(files);
      for (const name of files) if (name !== file) linkSync(join(clean, name), join(damaged, name));
      const bytes = readFileSync(join(clean, file));
      const at = chance.between(0, bytes.length - 1);
      const cut = chance.next() < 0.5;
      if (!cut) bytes[at]! ^= 1 << chance.between(0, 7);
      writeFileSync(join(damaged, file), cut ? bytes.subarray(0, at) : bytes);
      const what = `${cut ? 'cut' : 'flipped'} ${file} at ${at}`;

      const { image, dropped } = readState(damaged, files);
      const got = shown(image);
      if (cut && file === files.at(-1)) {
        // As if the process had ended there.
        const told = entries.filter((each) => each.file < file || (each.file === file && each.end <= at));
        expect(got, what).toEqual(imageOf(told.map(({ entry }) => entry)));
        expect(dropped.files, what).toEqual([]);
        continue;
      }
      expect(
        got.filter((each) => !whole.includes(each)),
        what,
      ).toEqual([]);
      expect(
        [...image.open.keys()].filter((seq) => over.has(seq)),
        what,
      ).toEqual([]);
      // Each header is there twice.
      if (at >= HEADER_BYTES || cut) expect([what, dropped.files]).toEqual([what, [file]]);
      else expect([what, got]).toEqual([what, whole]);
      // Reading mends nothing that it would have to say again.
      if (place % 10 === 0) expect(shown(readState(damaged, files).image), what).toEqual(got);
    }
  });
});

test('a file of a newer version is refused, and left as it is', async () => {
  const directory = newDirectory();
  write(directory, { next: () => 0.5, between: (from) => from, of: ([first]) => first! });
  const [name] = readdirSync(directory).sort();
  const path = join(directory, name!);
  const bytes = readFileSync(path);
  // As that version would write it, with its checksum.
  const { crc32 } = await import('node:zlib');
  for (const copy of [0, 32]) {
    bytes.writeUInt32LE(2, copy + 8);
    bytes.writeUInt32LE(crc32(bytes.subarray(copy, copy + 28)), copy + 28);
  }
  writeFileSync(path, bytes);
  expect(() => readState(directory, readdirSync(directory))).toThrow(
    /state-00000001\.log was written by a newer version of Ackspan \(format 2, this one reads up to 1\)/,
  );
  expect(readFileSync(path)).toEqual(bytes);
});

test('a file that is missing between others is damage', () => {
  const directory = newDirectory();
  write(directory, { next: () => 0.4, between: (from) => from, of: ([first]) => first! });
  const names = readdirSync(directory).sort();
  const [, second] = names;
  rmSync(join(directory, second!));
  const { image, dropped } = readState(directory, readdirSync(directory));
  expect(dropped.files).toEqual([`files before ${names[2]}`]);
  expect(image.sessions.size).toBe(0);
});
