// What the client counts and says, by itself: numbers, batches, what is said again, and bounds on what is remembered.
import { describe, expect, test } from 'vitest';
import { Ledger } from '../../src/client/ledger.ts';

const SESSION = { session: 's', token: 't' };
const fresh = () => new Ledger({ ...SESSION, last: 0 }, 0);
/** As it is sent, less the serial. */
const said = (ledger: Ledger) =>
  ledger.frames().map((frame) => ({ ...JSON.parse(JSON.stringify(frame)), s: undefined }));
const welcome = (next: number, more: object = {}) => ({ ...SESSION, token: 't2', next, recovered: true, ...more });
/** Of a sidecar that says what it has heard. */
const answering = (): Ledger => {
  const ledger = fresh();
  ledger.resume(welcome(1, { recovered: false, silence: 0 }));
  return ledger;
};
/** Takes `count` messages and ends them. */
const ended = (ledger: Ledger, count: number, reason?: string): void => {
  for (let i = 0; i < count; i++) ledger.end(ledger.take(0), reason);
};

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

  test('serials ascend over all frames and connections', () => {
    const ledger = answering();
    ended(ledger, 3, 'broken');
    const serials = (frames: object[]) => frames.map((frame) => (frame as { s: number }).s);
    expect(serials(ledger.frames())).toEqual([1, 2, 3, 4]);
    ledger.resume(welcome(4, { silence: 0 }));
    expect(serials([ledger.still(), ...ledger.frames()])).toEqual([5, 6, 7, 8, 9]);
    // Another page of the session has said more.
    ledger.resume(welcome(4, { silence: 0, heard: 40 }));
    expect(serials([ledger.still()])).toEqual([41]);
  });

  test('whatever is unheard is said again after a resume, rejections first, however much it is', () => {
    const ledger = answering();
    const slow = ledger.take(0);
    ended(ledger, 500, 'broken');
    ended(ledger, 1);
    expect(said(ledger)).toHaveLength(501);
    ledger.resume(welcome(503, { silence: 0 }));
    const again = said(ledger);
    expect(again.slice(0, -1).map(({ n }) => n)).toEqual(Array.from({ length: 500 }, (_, i) => i + 2));
    expect(again.at(-1)).toEqual({ ackspan: 'confirm', through: 0, also: [502] });
    ledger.end(slow);
    expect(said(ledger)).toEqual([{ ackspan: 'confirm', through: 502 }]);
  });

  test('what was heard is said no more: told at once, or by the next welcome', () => {
    const ledger = answering();
    ended(ledger, 3, 'broken');
    ledger.frames();
    ledger.hear(1);
    ledger.resume(welcome(4, { silence: 0, heard: 2 }));
    expect(said(ledger).map(({ n, through }) => n ?? through)).toEqual([3, 3]);
    expect(ledger.resumption(true).words).toHaveLength(1);
  });

  test('a word that is not said yet, or only on an earlier connection, is not taken for heard', () => {
    const ledger = answering();
    ended(ledger, 1, 'said');
    ledger.frames();
    ended(ledger, 1, 'unsaid');
    ledger.hear(99);
    expect(said(ledger).map(({ n }) => n)).toEqual([2, undefined]);
    ledger.resume(welcome(3, { silence: 0 }));
    ledger.hear(99);
    expect(said(ledger).map(({ n }) => n)).toEqual([2, undefined]);
  });

  test('a confirmation that `through` covers takes no room', () => {
    const ledger = answering();
    ended(ledger, 5000);
    ledger.frames();
    expect(ledger.resumption(true).words).toEqual([]);
  });

  test('an also is cut into words that a sidecar reads', () => {
    const ledger = answering();
    const slow = ledger.take(0);
    ended(ledger, 1500);
    const words = said(ledger);
    expect(words.flatMap(({ also }) => also)).toEqual(Array.from({ length: 1500 }, (_, i) => i + 2));
    for (const word of words) {
      expect(word.also.length).toBeLessThanOrEqual(1024);
      expect(JSON.stringify(word).length).toBeLessThan(2048);
    }
    ledger.end(slow);
    expect(said(ledger)).toEqual([{ ackspan: 'confirm', through: 1501 }]);
  });

  test('ten thousand unheard words are enough: no message is taken until some are heard', () => {
    const ledger = answering();
    ended(ledger, 10_000, 'broken');
    expect(ledger.full).toBe(true);
    ledger.frames();
    ledger.hear(5000);
    expect(ledger.full).toBe(false);
  });

  test('an older sidecar, which never answers: the last 1024 words are said again and no more', () => {
    const ledger = fresh();
    ledger.resume(welcome(1, { recovered: false }));
    ended(ledger, 2000, 'broken');
    expect(said(ledger)).toHaveLength(2001);
    expect(ledger.full).toBe(false);
    ledger.resume(welcome(2001));
    expect(said(ledger).map(({ n, through }) => n ?? through)).toEqual([
      ...Array.from({ length: 1024 }, (_, index) => 977 + index),
      2000,
    ]);
    expect(ledger.unsaid).toBe(0);
  });

  test('a later page says what an earlier one left unheard, and hands on nothing that was ended there', () => {
    const earlier = answering();
    const slow = earlier.take(0);
    ended(earlier, 1, 'broken');
    ended(earlier, 1);
    earlier.frames();
    const kept = JSON.parse(JSON.stringify(earlier.resumption(true)));
    expect(kept).toEqual({
      ...SESSION,
      token: 't2',
      last: 0,
      words: [
        [2, 'broken'],
        [3, null],
      ],
    });
    const later = new Ledger(kept, kept.last);
    later.resume(welcome(4, { silence: 0 }));
    expect(said(later)).toEqual([
      { ackspan: 'reject', n: 2, reason: 'broken' },
      { ackspan: 'confirm', through: 0, also: [3] },
    ]);
    expect([later.take(slow), later.take(2), later.take(3), later.take(0)]).toEqual([1, 0, 0, 4]);
    expect(later.through).toBe(0);
  });

  test('[R12] every rejection is kept for a sidecar that acknowledges, however many there are', () => {
    const ledger = answering();
    ended(ledger, 1100, 'broken');
    expect(said(ledger)).toHaveLength(1101);
    ledger.resume(welcome(1101, { silence: 0 }));
    expect(said(ledger)).toHaveLength(1101);
  });

  test('of what was acknowledged nothing is remembered', () => {
    const ledger = answering();
    ended(ledger, 3, 'broken');
    const frames = said(ledger).length;
    ledger.hear(frames);
    expect([ledger.unsaid, ledger.resumption(false).words]).toEqual([0, []]);
    ended(ledger, 1, 'broken');
    expect(ledger.unsaid).toBe(1);
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
    const ledger = fresh();
    ledger.take(0);
    ledger.resume(welcome(9));
    expect([ledger.take(4), ledger.take(4), ledger.take(2), ledger.take(7), ledger.take(0)]).toEqual([4, 0, 0, 7, 9]);
  });
});
