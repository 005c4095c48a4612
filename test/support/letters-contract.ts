// Test support: what every engine of dead letters must do, as tests that run against each of them.
import { expect, it } from 'vitest';
import type { DeadLetter, DeadLetters } from '../../src/delivery/dead-letters.ts';

/** When the letters of these tests were lost, ms since the epoch. */
export const LOST_AT = Date.parse('2026-03-01T12:00:00.000Z');
/** How long the engine under test keeps letters, ms. */
export const KEEP_MS = 3_600_000;

/** A letter of number `seq`, lost `seq` seconds after the beginning. */
export function letterOf(seq: number, change: Partial<DeadLetter> = {}): DeadLetter {
  return {
    ...{ id: `d-${seq.toString(36)}`, seq, eventId: `e-${seq}`, type: 'tool_completed', priority: 'high' },
    ...{ status: 'timeout', errorType: 'timeout', errorText: '', level: '', required: 'received' },
    ...{ capability: 'received', session: 's-1', user: 'ann', claimedUser: undefined, connection: 'c-1' },
    ...{ run: 'run-1', tool: undefined, toolCall: undefined, ordinal: seq, bytes: 40 },
    attempts: [{ kind: 'probe', number: 2, at: LOST_AT - 1000, delay: 1000, result: 'sent' }],
    ...{ sentAt: LOST_AT - 30_000, receivedAt: 0, settledAt: LOST_AT + seq * 1000, traceId: undefined },
    ...change,
  };
}

export interface OpenedLetters {
  readonly letters: DeadLetters;
  /** Sets the wall clock, ms since the epoch. */
  at(wall: number): void;
  /** As a process that starts on what the one before has left, which was killed. */
  reopen(): Promise<OpenedLetters>;
}

const idsOf = async (letters: DeadLetters, ...[filter, page]: Partial<Parameters<DeadLetters['find']>>) => {
  const { found } = await letters.find(filter ?? {}, { limit: 1000, messages: false, ...page });
  return found.map(({ letter }) => letter.seq);
};

/**
 * Declares the tests. `open` begins with an empty place, and with the clock a minute after
 * `LOST_AT`.
 */
export function lettersContract(open: () => Promise<OpenedLetters>): void {
  const withLetters = async (...all: readonly DeadLetter[]) => {
    const opened = await open();
    for (const letter of all) opened.letters.add(letter, undefined);
    opened.letters.handOver();
    return opened;
  };

  it('[P6] letters come back as they were, the newest loss first, with their messages byte by byte', async () => {
    const { letters } = await open();
    const message = Buffer.from('{"type":"tool_completed","text":"naïve ☃"}');
    const rejected = letterOf(2, { status: 'failed', errorType: 'rejected', errorText: 'no room', level: 'received' });
    letters.add(letterOf(1), message);
    letters.add(rejected, undefined);
    letters.handOver();
    const { found, more } = await letters.find({}, { limit: 10, messages: true });
    expect(more).toBe(false);
    expect(found.map(({ letter }) => letter)).toMatchObject([JSON.parse(JSON.stringify(rejected)), { seq: 1 }]);
    expect(found[1]!.letter).toEqual(JSON.parse(JSON.stringify(letterOf(1))));
    expect(found.map((each) => [each.messageBytes, each.message && Buffer.from(each.message)])).toEqual([
      [0, undefined],
      [message.length, message],
    ]);
    expect(letters.counters).toEqual({ kept: 2, failed: 0 });
    expect(letters.bytes).toBeGreaterThan(message.length);
  });

  it('messages are left out where nobody wants them', async () => {
    const { letters } = await open();
    letters.add(letterOf(1), Buffer.from('secret'));
    letters.handOver();
    const { found } = await letters.find({}, { limit: 10, messages: false });
    expect(found.map((each) => [each.messageBytes, each.message])).toEqual([[6, undefined]]);
  });

  it('pages follow one another without a gap, whatever comes meanwhile', async () => {
    const { letters } = await withLetters(...[1, 2, 3, 4, 5].map((seq) => letterOf(seq)));
    const first = await letters.find({}, { limit: 2, messages: false });
    expect([first.found.map(({ letter }) => letter.seq), first.more]).toEqual([[5, 4], true]);
    letters.add(letterOf(6), undefined);
    letters.handOver();
    const after = first.found.at(-1)!.cursor;
    expect(letters.isCursor(after)).toBe(true);
    const second = await letters.find({}, { after, limit: 2, messages: false });
    expect([second.found.map(({ letter }) => letter.seq), second.more]).toEqual([[3, 2], true]);
    const last = await letters.find({}, { after: second.found.at(-1)!.cursor, limit: 2, messages: false });
    expect([last.found.map(({ letter }) => letter.seq), last.more]).toEqual([[1], false]);
    for (const text of ['', 'x y', '../1', 'ÿ', '1'.repeat(100)]) expect(letters.isCursor(text)).toBe(false);
  });

  it('each filter alone, and all together', async () => {
    const { letters } = await withLetters(
      letterOf(1),
      letterOf(2, { user: 'bob', type: 'run_end', session: 's-2' }),
      letterOf(3, { user: undefined, claimedUser: 'ann', priority: 'low' }),
      letterOf(4, { status: 'failed', errorType: 'disconnected' }),
    );
    const find = (filter: Parameters<DeadLetters['find']>[0]) => idsOf(letters, filter);
    expect(await find({ user: 'ann' })).toEqual([4, 1]);
    expect(await find({ claimedUser: 'ann' })).toEqual([3]);
    expect(await find({ session: 's-2' })).toEqual([2]);
    expect(await find({ eventId: 'e-3' })).toEqual([3]);
    expect(await find({ types: new Set(['run_end', 'no such']) })).toEqual([2]);
    expect(await find({ priorities: new Set(['low']) })).toEqual([3]);
    expect(await find({ reasons: new Set(['disconnected']) })).toEqual([4]);
    expect(await find({ since: LOST_AT + 3000 })).toEqual([4, 3]);
    expect(await find({ until: LOST_AT + 3000 })).toEqual([2, 1]);
    expect(await find({ user: 'ann', reasons: new Set(['timeout']), since: LOST_AT })).toEqual([1]);
    expect(await find({ user: 'nobody' })).toEqual([]);
  });

  it('[P6] what was handed over outlives a process that is killed, and later letters come in front of it', async () => {
    const { reopen } = await withLetters(letterOf(1), letterOf(2));
    const { letters } = await reopen();
    expect(await idsOf(letters)).toEqual([2, 1]);
    letters.add(letterOf(3), undefined);
    letters.handOver();
    expect(await idsOf(letters)).toEqual([3, 2, 1]);
  });

  it('[P6] a purge removes the letters of one user, for good, and no others', async () => {
    const { letters, reopen } = await withLetters(
      letterOf(1),
      letterOf(2, { user: 'bob' }),
      letterOf(3),
      letterOf(4, { user: undefined, claimedUser: 'ann' }),
      letterOf(5, { user: 'ann ' }),
    );
    expect(await letters.purge({ user: 'ann' })).toBe(2);
    expect(await idsOf(letters)).toEqual([5, 4, 2]);
    letters.add(letterOf(6), undefined);
    letters.handOver();
    expect(await idsOf(letters)).toEqual([6, 5, 4, 2]);
    const next = (await reopen()).letters;
    expect(await idsOf(next)).toEqual([6, 5, 4, 2]);
    expect(await next.purge({ claimedUser: 'ann' })).toBe(1);
    expect(await next.purge({ user: 'nobody' })).toBe(0);
    expect(await idsOf(next)).toEqual([6, 5, 2]);
  });

  it('[P6] a letter older than it may be is not shown any more', async () => {
    const { letters, at } = await withLetters(letterOf(1), letterOf(10));
    at(LOST_AT + KEEP_MS + 5000);
    expect(await idsOf(letters)).toEqual([10]);
    at(LOST_AT + KEEP_MS + 20_000);
    expect(await idsOf(letters)).toEqual([]);
  });

  it('several readers and a purge at one time all get whole answers', async () => {
    const { letters } = await withLetters(
      ...[1, 2, 3, 4].map((seq) => letterOf(seq, { user: seq % 2 ? 'ann' : 'bob' })),
    );
    const [before, purged, after] = await Promise.all([
      idsOf(letters),
      letters.purge({ user: 'ann' }),
      idsOf(letters, { user: 'bob' }),
    ]);
    expect(before).toEqual([4, 3, 2, 1]);
    expect(purged).toBe(2);
    expect(after).toEqual([4, 2]);
  });
}
