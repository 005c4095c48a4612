// Confirmations that come while messages of their session are still being read on the side (SPEC D3, D6).
import { describe, expect, test } from 'vitest';
import { facts, MUST_PROCESS, setUp, THINKING } from './harness.ts';

describe('a word that comes while messages of its session are read on the side', () => {
  test('[D6] is about the message that waits there, not about the same event in another tab', () => {
    const { tracker, connect, start } = setUp();
    const [mine, other] = [connect('anna'), connect('anna')];
    const elsewhere = tracker.track(other, facts(MUST_PROCESS, 'x'), 1, start)!;
    tracker.received(other, 1, start + 1);
    mine.undecoded = 1;
    expect(tracker.processed(mine, 'x', false, '', start + 3)).toBe('early');
    const own = tracker.track(mine, facts(MUST_PROCESS, 'x'), 1, start + 2, start + 4)!;
    mine.undecoded = 0;
    tracker.decoded(mine, start + 5);
    expect([own.status, own.level]).toEqual(['confirmed', 'processed']);
    expect([elsewhere.status, elsewhere.level]).toEqual(['pending', 'received']);
  });

  test('[D6] counts for another tab when all is read, if receipt there was proven before the word came', () => {
    const { tracker, connect, start, recorder } = setUp();
    const [mine, other] = [connect('anna'), connect('anna')];
    const [proven, late] = ['x', 'y'].map((id, i) => tracker.track(other, facts(MUST_PROCESS, id), i + 1, start)!);
    tracker.received(other, 1, start + 1);
    mine.undecoded = 1;
    for (const id of ['x', 'y']) tracker.processed(mine, id, false, '', start + 2);
    tracker.received(other, 2, start + 3);
    mine.undecoded = 0;
    tracker.decoded(mine, start + 4);
    expect([proven!.status, late!.status, late!.word]).toEqual(['confirmed', 'pending', 'confirmed']);
    expect(recorder.unmatchedReasons).toEqual([]);
  });

  test('[D3] proves nothing of a message that was sent after it', () => {
    const { tracker, connect, start, recorder } = setUp();
    const session = connect('anna');
    session.undecoded = 2;
    tracker.processed(session, 'x', false, '', start + 1);
    const before = tracker.track(session, facts(THINKING, 'a'), 1, start, start + 3)!;
    const after = tracker.track(session, facts(THINKING, 'x'), 2, start + 2, start + 3)!;
    session.undecoded = 0;
    tracker.decoded(session, start + 4);
    expect([before.status, after.status, after.word]).toEqual(['pending', 'pending', '']);
    expect(recorder.unmatchedReasons).toEqual(['foreign']);
  });

  test('[D3] is claimed once: an equal one beside it confirms no other tab', () => {
    const { tracker, connect, start, recorder } = setUp();
    const [mine, other] = [connect('anna'), connect('anna')];
    const elsewhere = tracker.track(other, facts(MUST_PROCESS, 'x'), 1, start)!;
    tracker.received(other, 1, start + 1);
    mine.undecoded = 1;
    for (let n = 0; n < 2; n++) tracker.processed(mine, 'x', false, '', start + 2);
    tracker.track(mine, facts(MUST_PROCESS, 'x'), 1, start, start + 3);
    mine.undecoded = 0;
    tracker.decoded(mine, start + 4);
    expect([elsewhere.status, recorder.unmatchedReasons]).toEqual(['pending', ['foreign']]);
  });
});
