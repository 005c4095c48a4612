// What the client counts and says, by itself: numbers, batches, and bounds on what is remembered.
import { describe, expect, test } from 'vitest';
import { Ledger } from '../../src/client/ledger.ts';

const fresh = () => new Ledger('s', 't', 1, 0);
const said = (ledger: Ledger) => ledger.frames().map((text) => JSON.parse(text));

describe('ledger', () => {
  test('confirms cumulatively, up to the first message whose handlers have not finished', () => {
    const ledger = fresh();
    for (let n = 1; n <= 4; n++) expect(ledger.take(0)).toBe(n);
    ledger.end(1);
    ledger.end(2);
    expect(said(ledger)).toEqual([{ ackspan: 'confirm', through: 2 }]);
    ledger.end(4);
    expect(said(ledger)).toEqual([{ ackspan: 'confirm', through: 2, also: [4] }]);
    ledger.end(3);
    expect(said(ledger)).toEqual([{ ackspan: 'confirm', through: 4 }]);
  });

  test('a rejection goes before the confirmation that covers it', () => {
    const ledger = fresh();
    ledger.take(0);
    ledger.take(0);
    ledger.end(1, 'broken');
    ledger.end(2);
    expect(said(ledger)).toEqual([
      { ackspan: 'reject', n: 1, reason: 'broken' },
      { ackspan: 'confirm', through: 2 },
    ]);
  });

  test('the first word about a message counts', () => {
    const ledger = fresh();
    ledger.take(0);
    expect(ledger.end(1, 'broken')).toBe(true);
    expect(ledger.end(1)).toBe(false);
    expect(ledger.end(7)).toBe(false);
  });

  test('reasons are cut at 256 characters', () => {
    const ledger = fresh();
    ledger.take(0);
    ledger.end(1, 'x'.repeat(1000));
    expect(said(ledger)[0].reason).toHaveLength(256);
  });

  test('nothing handed, nothing said', () => expect(said(fresh())).toEqual([]));

  test('after a resume, the last 64 endings are said again and no more', () => {
    const ledger = fresh();
    for (let n = 1; n <= 100; n++) {
      ledger.take(0);
      ledger.end(n, 'broken');
    }
    expect(said(ledger)).toHaveLength(101);
    ledger.resume('t2', 101);
    expect(said(ledger).map(({ n, through }) => n ?? through)).toEqual([
      ...Array.from({ length: 64 }, (_, index) => 37 + index),
      100,
    ]);
    expect(ledger.unsent).toBe(0);
  });

  test('ten thousand messages may be unfinished; then the oldest is given up', () => {
    const ledger = fresh();
    for (let n = 1; n <= 10_001; n++) ledger.take(0);
    expect(ledger.through).toBe(1);
    expect(said(ledger)).toEqual([
      { ackspan: 'reject', n: 1, reason: 'unfinished' },
      { ackspan: 'confirm', through: 1 },
    ]);
  });

  test('a replay that skips lost messages moves on; one that repeats is a duplicate', () => {
    const ledger = new Ledger('s', 't', 1, 0);
    ledger.take(0);
    ledger.resume('t2', 9);
    expect([ledger.take(4), ledger.take(4), ledger.take(2), ledger.take(7), ledger.take(0)]).toEqual([4, 0, 0, 7, 9]);
  });
});
