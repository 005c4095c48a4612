// Records on disk: whatever happens to a file, what is read of it was written, and what is missing is said.
import { expect, test } from 'vitest';
import { Batch, readPayload } from '../../src/journal/codec.ts';
import { readFrames } from '../../src/journal/frame.ts';
import { newHeader, readHeader, writeHeader } from '../../src/journal/segment.ts';
import { chosenSeed, withSeed } from '../support/chance.ts';

const NONCE = 0x5eed1234;

function file(records: readonly [object, Buffer?][], nonce = NONCE): Buffer {
  const batch = new Batch();
  for (const [value, message] of records) batch.add(value, message, nonce);
  return Buffer.from(batch.bytes);
}

function read(buf: Buffer, nonce = NONCE) {
  const values: unknown[] = [];
  const damage: [number, number][] = [];
  const end = readFrames(buf, 0, nonce, {
    record: (start, stop) => void values.push(readPayload(buf, start, stop)),
    damaged: (from, to) => void damage.push([from, to]),
  });
  return { values: values.map((each) => (each as [unknown, Buffer] | undefined)?.[0]), damage, end };
}

const three = () => file([[{ n: 1 }], [{ n: 2, text: 'ü€😀' }, Buffer.from('message')], [{ n: 3 }]]);

test('what was written is read, with its message', () => {
  const buf = three();
  expect(read(buf)).toEqual({ values: [{ n: 1 }, { n: 2, text: 'ü€😀' }, { n: 3 }], damage: [], end: buf.length });
});

test('a record whose end is missing is no damage: its writing was cut short', () => {
  const buf = three();
  const second = file([[{ n: 1 }]]).length;
  for (let cut = second; cut < buf.length; cut++) {
    const { values, damage, end } = read(buf.subarray(0, cut));
    expect(damage, `cut at ${cut}`).toEqual([]);
    expect(end).toBeLessThanOrEqual(cut);
    expect(values).toEqual([{ n: 1 }, { n: 2, text: 'ü€😀' }].slice(0, values.length));
  }
});

test('a flipped bit costs its record, is said, and nothing else is lost', () => {
  const clean = three();
  for (let bit = 0; bit < clean.length * 8; bit++) {
    const buf = Buffer.from(clean);
    buf[bit >> 3]! ^= 1 << (bit & 7);
    const { values, damage, end } = read(buf);
    expect(values.length, `bit ${bit}`).toBe(2);
    expect(damage.length + (end < buf.length ? 1 : 0)).toBe(1);
    // The last record's length may say that its end is missing, with a chance of 1 in 65,536, and
    // never before that.
    if (bit >> 3 < clean.length - 40) expect(damage.length).toBe(1);
  }
});

test('a message cannot pass for a record: its author does not know how the checksums of the file begin', () => {
  const forged = file([[{ n: 'forged' }]], 1);
  const buf = file([[{ n: 1 }, Buffer.concat([forged, forged])], [{ n: 2 }]]);
  expect(read(buf).values).toEqual([{ n: 1 }, { n: 2 }]);
  // Even where the record around it cannot be read.
  buf[20]! ^= 1;
  expect(read(buf).values).toEqual([{ n: 2 }]);
});

test('a message full of marks does not make reading slow', () => {
  const marks = Buffer.alloc(2 * 1024 * 1024, Buffer.from([0xac, 0x4a, 0xff, 0xff, 0, 0]));
  const buf = file([[{ n: 1 }, marks], [{ n: 2 }]]);
  buf[20]! ^= 1;
  expect(read(buf).values).toEqual([{ n: 2 }]);
});

test('random damage never makes up a record', async () => {
  await withSeed(chosenSeed(), async (chance) => {
    const records = Array.from({ length: 50 }, (_, n): [object, Buffer] => [
      { n },
      Buffer.alloc(chance.between(0, 300), n),
    ]);
    const clean = file(records);
    for (let run = 0; run < 300; run++) {
      const buf = Buffer.from(clean.subarray(0, chance.between(0, clean.length)));
      for (let flips = chance.between(0, 3); flips > 0 && buf.length > 0; flips--)
        buf[chance.between(0, buf.length - 1)]! ^= 1 << chance.between(0, 7);
      const { values } = read(buf);
      const numbers = values.map((value) => (value as { n: number }).n);
      expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
      expect(numbers.every((n) => n >= 0 && n < 50)).toBe(true);
    }
  });
});

test('a header outlives damage to one of its copies, and says nothing when both are gone', () => {
  const header = newHeader(1_750_000_000_000);
  const clean = writeHeader(header);
  expect(readHeader(clean)).toEqual(header);
  for (let at = 0; at < clean.length; at++) {
    const one = Buffer.from(clean);
    one[at]! ^= 0x10;
    expect(readHeader(one)).toEqual(header);
  }
  const both = Buffer.from(clean);
  both[12]! ^= 1;
  both[44]! ^= 1;
  expect(readHeader(both)).toBeUndefined();
  expect(readHeader(clean.subarray(0, 31))).toBeUndefined();
});
