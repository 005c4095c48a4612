// Commands as bytes: what Redis would read is what was told, whatever the texts and however large.
import { expect, it } from 'vitest';
import { type Arg, Batch, Fixed } from '../../src/journal/redis/resp.ts';
import { chosenSeed, withSeed } from '../support/chance.ts';

const lengths = (command: Buffer[]): number[] => command.map(({ length }) => length);

/** Reads commands as Redis does: counts and lengths are of bytes. */
function readCommands(bytes: Buffer): Buffer[][] {
  const commands: Buffer[][] = [];
  let at = 0;
  const count = (mark: string): number => {
    const end = bytes.indexOf('\r\n', at);
    const line = bytes.toString('latin1', at, end);
    expect(line[0]).toBe(mark);
    at = end + 2;
    return Number(line.slice(1));
  };
  while (at < bytes.length) {
    const args: Buffer[] = [];
    for (let left = count('*'); left > 0; left--) {
      const size = count('$');
      args.push(bytes.subarray(at, at + size));
      at += size;
      expect(bytes.toString('latin1', at, at + 2)).toBe('\r\n');
      at += 2;
    }
    commands.push(args);
  }
  return commands;
}

it('commands of any text and size are read as they were told', async () => {
  await withSeed(chosenSeed(), async (chance) => {
    const batch = new Batch();
    for (let round = 0; round < 200; round++) {
      const told: Buffer[][] = [];
      let sizes = 0;
      for (let n = chance.between(1, 5); n > 0; n--) {
        const args: Arg[] = Array.from({ length: chance.between(0, 6) }, () => {
          const text = chance.of(['', 'a', 'é', '€', '\u{1f600}', '\r\n', '\ud800']).repeat(chance.of([1, 7, 5000]));
          return chance.next() < 0.5 ? text : Buffer.from(text);
        });
        const fixed = chance.of([['EVALSHA'], ['EVALSHA', 'é€', '']]);
        sizes += batch.add([chance.next() < 0.5 ? fixed : new Fixed(...fixed), args.slice(0, 2), args.slice(2)]);
        told.push([...fixed, ...args].map((arg) => Buffer.from(arg as string)));
      }
      const read = readCommands(batch.bytes);
      expect(read.map(lengths)).toEqual(told.map(lengths));
      expect(Buffer.concat(read.flat()).equals(Buffer.concat(told.flat()))).toBe(true);
      expect(batch.bytes).toHaveLength(sizes);
      batch.reset(false);
      expect(batch.bytes).toHaveLength(0);
    }
  });
});

it('bytes that are still being written are not written over by later commands', () => {
  const batch = new Batch();
  batch.add([['SET', 'first', Buffer.from('1')]]);
  const { bytes } = batch;
  const before = Buffer.from(bytes);
  batch.reset(true);
  batch.add([['SET', 'other', Buffer.from('2')]]);
  expect(bytes).toEqual(before);
});
