// The connection on which Redis answers nothing: what marks say of a Redis that is behind, one that stands still, and one that drops commands.
import { expect, it } from 'vitest';
import { OneWay } from '../../src/journal/redis/one-way.ts';
import { DO, ECHO_MARK } from '../../src/journal/redis/scripts.ts';

/** A connection to a Redis that reads when the test says so. */
async function createOneWay() {
  const clock = { now: 1000 };
  const stream = { writable: true, writableLength: 0, write: (_: Buffer) => true };
  const redis = { stream, call: () => Promise.resolve('OK') };
  const counters = { answered: 0, refused: 0, dropped: 0, bytes: 0 };
  const doubts: boolean[] = [];
  const oneWay = new OneWay({
    ...{ redis: redis as never, echo: 'echo', presence: 'presence', marks: 'marks', instance: 'i', counters },
    now: () => clock.now,
    doubtful: (certain) => void doubts.push(certain),
  });
  await oneWay.prepare();
  /** Numbers of the marks that were written and not read, in order. */
  const marks: number[] = [];
  stream.write = (bytes) => {
    for (const [, number] of bytes.toString().matchAll(/\r\necho\r\n\$\d+\r\n(\d+)\r\n(?=\*|$)/g))
      if (isMark(bytes, number!)) marks.push(Number(number));
    return true;
  };
  const write = (): void => oneWay.run(DO, ['key'], ['SET', 'x']);
  const pass = (ms: number): void => {
    clock.now += ms;
    oneWay.mark(clock.now);
  };
  const read = (number = marks.shift()): void => oneWay.heard(`${ECHO_MARK} ${number}`);
  return { oneWay, stream, doubts, marks, write, pass, read, still: () => oneWay.stillMs(clock.now) };
}

const isMark = (bytes: Buffer, number: string): boolean =>
  new RegExp(`marks\\r\\n\\$1\\r\\ni\\r\\n\\$4\\r\\necho\\r\\n\\$\\d+\\r\\n${number}\\r\\n`).test(bytes.toString());

it('[P10] a Redis that is far behind, and reads on, neither stands still nor has dropped anything', async () => {
  const { oneWay, doubts, marks, write, pass, read, still } = await createOneWay();
  for (let i = 0; i < 20; i++) {
    write();
    pass(500);
  }
  expect(marks.length).toBeGreaterThan(10);
  expect(oneWay.waitingMs(1000 + 20 * 500)).toBe(10_000);
  read();
  while (marks.length > 0) {
    pass(200);
    expect(still()).toBeLessThanOrEqual(200);
    read();
  }
  // Only the first one came after a standstill.
  expect(doubts).toEqual([false]);
  expect(oneWay.waitingBytes).toBe(0);
});

it('[P10] one that has read nothing for more than 3 s may have dropped commands; a mark that it skips says that it has', async () => {
  const { doubts, marks, write, pass, read, still } = await createOneWay();
  write();
  pass(2999);
  expect(still()).toBe(2999);
  while (marks.length > 0) read();
  expect(doubts).toEqual([]);
  write();
  pass(600);
  pass(600);
  expect(marks.length).toBeGreaterThan(1);
  read(marks.pop());
  expect(doubts).toEqual([true]);
  expect(still()).toBe(0);
});

it('counts what is written while the kernel takes nothing more, until it does', async () => {
  const { oneWay, stream, write } = await createOneWay();
  write();
  expect([oneWay.full, oneWay.heldBytes]).toEqual([false, 0]);
  stream.writableLength = 1;
  write();
  write();
  expect(oneWay.full).toBe(true);
  expect(oneWay.heldBytes).toBeGreaterThan(100);
  stream.writableLength = 0;
  write();
  expect(oneWay.heldBytes).toBe(0);
});
