// Confirmations that come while messages of their session are still being read on the side (SPEC D3, D6).
import { describe, expect, test } from 'vitest';
import { Owner, Session } from '../../src/delivery/session.ts';
import { Tracker } from '../../src/delivery/tracker.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { FakeLink, facts, MUST_PROCESS, Recorder, setUp, THINKING } from './harness.ts';

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

  test('[R6] proves nothing of a message that the client missed, and that waits apart', () => {
    const start = 1_000;
    const tracker = new Tracker({
      ...{ store: createMemoryStore({ history: 10 }), observer: new Recorder(), now: start, random: () => 0.5 },
      ...{ limits: { pending: 10, pendingPerUser: 10 }, reemit: () => 'sent' as const },
    });
    const session = new Session('s', new Owner('anna'));
    Object.assign(session, { optedIn: true, resumable: true, link: new FakeLink() });
    // An event of that id was not tracked, so that a word by that id may be about it.
    tracker.confirmations.passed(session, 'y');
    const missed = tracker.track(session, facts(MUST_PROCESS, 'y'), 1, start)!;
    tracker.resumed(session, new FakeLink(), 0, start + 1);
    expect(missed.queue).toBe('reemission');
    session.undecoded = 1;
    for (const id of ['x', 'y']) tracker.processed(session, id, false, '', start + 3);
    const own = tracker.track(session, facts(MUST_PROCESS, 'x'), 2, start + 2, start + 4)!;
    session.undecoded = 0;
    tracker.decoded(session, start + 5);
    expect([own.status, missed.status, missed.word]).toEqual(['confirmed', 'retrying', 'confirmed']);
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
    expect([elsewhere.status, recorder.unmatchedReasons]).toEqual(['pending', ['duplicate']]);
  });

  test('[D3] [D13] confirms a twin that waits there only if the receipt of the twin was proven before the word came', () => {
    const { tracker, connect, start } = setUp();
    for (const proven of [true, false]) {
      const session = connect();
      tracker.track(session, facts(MUST_PROCESS, `x ${proven}`), 1, start);
      session.undecoded = 1;
      if (proven) tracker.received(session, 2, start + 2);
      tracker.processed(session, `x ${proven}`, false, '', start + 3);
      tracker.received(session, 2, start + 4);
      const twin = tracker.track(session, facts(MUST_PROCESS, `x ${proven}`), 2, start + 1, start + 5)!;
      session.undecoded = 0;
      tracker.decoded(session, start + 6);
      expect([twin.status, twin.word]).toEqual(proven ? ['confirmed', ''] : ['pending', 'confirmed']);
    }
  });

  test('[D3] [D13] that is repeated means the first of two messages that wait there, not each of them', () => {
    const { tracker, connect, start, recorder } = setUp();
    const session = connect();
    session.undecoded = 2;
    for (let n = 0; n < 2; n++) tracker.processed(session, 'x', false, '', start + 2);
    tracker.received(session, 2, start + 3);
    const [first, twin] = [1, 2].map((n) => tracker.track(session, facts(MUST_PROCESS, 'x'), n, start, start + 4)!);
    session.undecoded = 0;
    tracker.decoded(session, start + 5);
    expect([first!.level, first!.status, twin!.status, twin!.word]).toEqual([
      ...['processed', 'confirmed'],
      ...['pending', 'confirmed'],
    ]);
    expect(recorder.unmatchedReasons).toEqual(['duplicate']);
    tracker.disconnected(session, start + 6);
    expect([twin!.status, twin!.unverified]).toEqual(['unverifiable', 'ambiguous']);
  });

  test('[D3] [D13] means an untracked event of that id, unless receipt of the later one was proven before', () => {
    const { tracker, connect, start } = setUp();
    for (const proven of [true, false]) {
      const session = connect();
      tracker.confirmations.passed(session, `x ${proven}`);
      session.undecoded = 1;
      if (proven) tracker.received(session, 2, start + 2);
      tracker.processed(session, `x ${proven}`, false, '', start + 3);
      tracker.received(session, 2, start + 4);
      const made = [THINKING, MUST_PROCESS].map(
        (type, i) => tracker.track(session, facts(type, `x ${proven}`), 2 - i, start + 1, start + 5)!,
      );
      expect(made[0]!.level).toBe(proven ? 'processed' : 'received');
      expect(made[1]!.status).toBe(proven ? 'confirmed' : 'pending');
    }
  });

  test('[D3] gives way, where it means a known message, to one that means a message that waits', () => {
    const { tracker, connect, start } = setUp();
    const session = connect();
    for (let n = 1; n <= 64; n++) tracker.track(session, facts(MUST_PROCESS, `e${n}`), n, start);
    session.undecoded = 1;
    for (let n = 1; n <= 64; n++) tracker.processed(session, `e${n}`, false, '', start + 1);
    expect(tracker.processed(session, 'x', false, '', start + 2)).toBe('early');
    expect(tracker.track(session, facts(MUST_PROCESS, 'x'), 65, start, start + 3)!.status).toBe('confirmed');
  });

  test('[D3] [D13] confirms a twin whose receipt another word had proven that waited itself', () => {
    const { tracker, connect, start } = setUp();
    for (const [i, order] of [
      ['y', 'x'],
      ['x', 'y'],
    ].entries()) {
      const session = connect();
      tracker.track(session, facts(MUST_PROCESS, `x ${i}`), 1, start);
      session.undecoded = 2;
      for (const [n, id] of order.entries()) tracker.processed(session, `${id} ${i}`, false, '', start + 2 + n);
      const ids = ['x', 'y'].map((id, n) => [`${id} ${i}`, n + 2] as const);
      const [twin] = ids.map(([id, n]) => tracker.track(session, facts(MUST_PROCESS, id), n, start + 1, start + 5)!);
      expect(twin!.status).toBe(i === 0 ? 'confirmed' : 'pending');
    }
  });

  test('[D3] is kept where 64 wait, in the place of one whose message is known, and never beside them', () => {
    const { tracker, connect, start } = setUp();
    const session = connect('anna');
    tracker.track(session, facts(MUST_PROCESS, 'known'), 1, start);
    session.undecoded = 1;
    for (let n = 0; n < 64; n++) tracker.processed(session, 'known', false, '', start + 1);
    const kept = (id: string) => tracker.processed(session, id, false, '', start + 2) === 'early';
    expect([kept('x'), session.early?.length]).toEqual([true, 64]);
    for (let n = 0; n < 63; n++) kept(`y${n}`);
    expect([kept('z'), session.early?.length, session.early?.some(({ claimed }) => claimed)]).toEqual([
      false,
      64,
      false,
    ]);
    const read = tracker.track(session, facts(MUST_PROCESS, 'x'), 2, start, start + 3)!;
    expect(read.status).toBe('confirmed');
  });

  test('[D3] is kept over the end of its connection, for as long as a message is still being read', () => {
    const { tracker, connect, start, recorder } = setUp();
    const session = connect('anna');
    session.undecoded = 1;
    for (const id of ['x', 'y']) tracker.processed(session, id, false, '', start + 1);
    tracker.disconnected(session, start + 2);
    expect(recorder.unmatchedReasons).toEqual([]);
    const read = tracker.track(session, facts(MUST_PROCESS, 'x'), 1, start, start + 3)!;
    session.undecoded = 0;
    tracker.decoded(session, start + 4);
    expect([read.status, recorder.unmatchedReasons]).toEqual(['confirmed', ['unknown']]);
  });

  test.each([0, 2])(
    '[E6] shows that the application answers if it is about a message of this connection: proven through %i',
    (proven) => {
      const { tracker, connect, start } = setUp();
      const session = connect('anna');
      session.owner.restored = true;
      session.undecoded = 1;
      tracker.received(session, proven, start + 1);
      expect(tracker.processed(session, 'x', false, '', start + 2)).toBe('early');
      const read = tracker.track(session, facts(MUST_PROCESS, 'x'), 2, start, start + 3)!;
      expect([read.status, read.word, session.capability]).toEqual(
        proven === 0 ? ['pending', 'confirmed', 'received'] : ['confirmed', '', 'processed'],
      );
    },
  );

  test('[D13] of which more turns out to have been proven confirms no twin behind that', () => {
    const { tracker, connect, start } = setUp();
    const session = connect('anna');
    const [first, behind] = [1, 3].map((n) => tracker.track(session, facts(MUST_PROCESS, 'x'), n, start)!);
    session.undecoded = 1;
    tracker.processed(session, 'y', false, '', start + 1);
    tracker.processed(session, 'x', false, '', start + 1);
    tracker.track(session, facts(MUST_PROCESS, 'y'), 2, start, start + 3);
    expect([first!.status, behind!.status, behind!.word]).toEqual(['confirmed', 'pending', 'confirmed']);
  });

  test('[D2] gives a twin that waits there no second outcome, where a pong has proven the twin', () => {
    const { tracker, connect, start, recorder } = setUp();
    const session = connect('anna');
    const known = tracker.track(session, facts(MUST_PROCESS, 'x'), 1, start)!;
    session.undecoded = 1;
    tracker.received(session, 2, start + 1);
    expect(tracker.processed(session, 'x', false, '', start + 2)).toBe('confirmed');
    const twin = tracker.track(session, facts(THINKING, 'x'), 2, start, start + 3)!;
    expect([recorder.settledDeliveries, tracker.settled]).toEqual([[known, twin], 2]);
    expect([twin.status, recorder.unmatchedReasons]).toEqual(['confirmed', []]);
  });

  test('[D2] is late once, where it is about one that ended without evidence and has left the books', () => {
    const { tracker, connect, start, run, recorder } = setUp(undefined, 0);
    const session = connect('anna');
    tracker.track(session, facts(THINKING, 'x'), 1, start);
    run(start, start + 30_100);
    session.undecoded = 1;
    expect(tracker.processed(session, 'x', false, '', start + 31_000)).toBe('late');
    session.undecoded = 0;
    tracker.decoded(session, start + 31_001);
    expect(recorder.unmatchedReasons).toEqual(['late']);
  });

  test('[D2] of which more turns out to have been proven gives no second outcome, and is kept until all is read', () => {
    const { tracker, connect, start, recorder } = setUp();
    const session = connect('anna');
    const known = tracker.track(session, facts(MUST_PROCESS, 'x'), 1, start)!;
    session.undecoded = 1;
    for (const id of ['y', 'x', 'z']) tracker.processed(session, id, false, '', start + 1);
    const read = tracker.track(session, facts(MUST_PROCESS, 'y'), 2, start, start + 3)!;
    expect([recorder.settledDeliveries, tracker.settled]).toEqual([[known, read], 2]);
    session.undecoded = 0;
    for (let n = 0; n < 2; n++) tracker.decoded(session, start + 4);
    expect([session.early, recorder.unmatchedReasons]).toEqual([undefined, ['unknown']]);
  });

  test('[D13] of which more turns out to have been proven, although its own message has left the books', () => {
    const { tracker, connect, start } = setUp(undefined, 0);
    const session = connect('anna');
    tracker.track(session, facts(MUST_PROCESS, 'x'), 1, start);
    session.undecoded = 1;
    tracker.processed(session, 'y', false, '', start + 1);
    tracker.processed(session, 'x', false, '', start + 2);
    const read = tracker.track(session, facts(MUST_PROCESS, 'y'), 2, start, start + 3)!;
    expect([read.status, session.receivedThrough]).toEqual(['confirmed', 2]);
  });
});
