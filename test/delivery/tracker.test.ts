// The rules of SPEC.md on the tracker itself, one clock and no sockets.
import { describe, expect, test } from 'vitest';
import { Owner } from '../../src/delivery/session.ts';
import { eventType, facts, MUST_PROCESS, setUp, THINKING, TOOL } from './harness.ts';

describe('confirming', () => {
  test('[E1] one pong confirms every earlier event', () => {
    const { tracker, connect, start, recorder } = setUp();
    const session = connect();
    for (let n = 1; n <= 5; n++) tracker.track(session, facts(), n, start);
    tracker.received(session, 4, start + 10);
    expect(recorder.log.filter((line) => line.startsWith('confirmed'))).toEqual(
      [1, 2, 3, 4].map((n) => `confirmed ${n}`),
    );
    expect(session.pending).toBe(1);
    tracker.received(session, 3, start + 20);
    expect(session.pending).toBe(1);
  });

  test('[E3] an application confirmation proves that everything before it was received', () => {
    const { tracker, connect, start, recorder } = setUp();
    const session = connect();
    tracker.track(session, facts(THINKING, 'a'), 1, start);
    tracker.track(session, facts(TOOL, 'b'), 2, start);
    tracker.track(session, facts(THINKING, 'c'), 3, start);
    expect(tracker.processed(session, 'b', false, '', start + 5)).toBe('confirmed');
    expect(recorder.settledDeliveries.map((d) => [d.eventId, d.status, d.level])).toEqual([
      ['b', 'confirmed', 'processed'],
      ['a', 'confirmed', 'received'],
    ]);
    expect(session.pending).toBe(1);
  });

  test('[D17] a word of the application never makes `auto` ask for more: one confirmation in forty turns nothing into a time-out', () => {
    const { tracker, connect, start, run, recorder } = setUp();
    const session = connect();
    for (let n = 1; n <= 400; n++) {
      tracker.track(session, facts(TOOL, `e${n}`), n, start);
      tracker.received(session, n, start + 1);
      if (n % 40 === 1) expect(tracker.processed(session, `e${n}`, false, '', start + 2)).toBe('upgraded');
    }
    run(start, start + 40_000);
    expect(recorder.settledDeliveries.map(({ status }) => status)).toEqual(new Array(400).fill('confirmed'));
    expect(recorder.upgrades).toBe(10);
  });

  test('[D17] an application that reports only failures: they are seen, and everything stays what the pong proved', () => {
    const { tracker, connect, start, recorder } = setUp();
    const session = connect();
    const [first, second] = ['a', 'b'].map((id, i) => tracker.track(session, facts(TOOL, id), i + 1, start)!);
    tracker.received(session, 2, start + 1);
    expect(tracker.processed(session, 'a', true, 'no room', start + 2)).toBe('noted');
    expect(tracker.processed(session, 'a', true, 'again', start + 3)).toBe('duplicate');
    expect([first!.status, first!.level, first!.rejectedAt, first!.errorText]).toEqual([
      'confirmed',
      'received',
      start + 2,
      'no room',
    ]);
    expect([recorder.rejections, recorder.unmatchedReasons, second!.rejectedAt]).toEqual([1, ['duplicate'], 0]);
  });

  test('[E4] a rule that asks for processed is not satisfied by a pong', () => {
    const { tracker, connect, start, run, recorder } = setUp();
    const session = connect();
    const delivery = tracker.track(session, facts(MUST_PROCESS, 'a'), 1, start)!;
    tracker.received(session, 1, start + 10);
    expect([delivery.status, delivery.level]).toEqual(['pending', 'received']);
    run(start, start + 30_100);
    expect([delivery.status, delivery.level]).toEqual(['timeout', 'received']);
    expect(recorder.attempts).toEqual([]);
  });

  test('[E6] capability grows from none to received to processed and never falls', () => {
    const { tracker, connect, start } = setUp();
    const session = connect(undefined, false);
    expect(session.capability).toBe('none');
    tracker.received(session, 0, start);
    expect(session.capability).toBe('received');
    tracker.track(session, facts(THINKING, 'a'), 1, start);
    tracker.processed(session, 'a', true, 'no', start);
    expect(session.capability).toBe('processed');
    tracker.received(session, 1, start);
    expect(session.capability).toBe('processed');
  });

  test('[E7] the application confirming after the pong is an upgrade that changes no outcome; once more is a duplicate', () => {
    const { tracker, connect, start, recorder } = setUp();
    const session = connect();
    const delivery = tracker.track(session, facts(THINKING, 'a'), 1, start)!;
    tracker.received(session, 1, start + 10);
    expect(tracker.processed(session, 'a', false, '', start + 20)).toBe('upgraded');
    expect(tracker.processed(session, 'a', false, '', start + 30)).toBe('duplicate');
    expect([delivery.settledAt, delivery.upgradedAt, delivery.level]).toEqual([start + 10, start + 20, 'processed']);
    expect(recorder.settledDeliveries).toHaveLength(1);
    expect([recorder.upgrades, recorder.unmatchedReasons]).toEqual([1, ['duplicate']]);
  });
});

describe('[D13] one id sent twice', () => {
  test('a confirmation proves what the oldest of them proves, and nothing between them', () => {
    const { tracker, connect, start } = setUp();
    const session = connect();
    const [x, a, b, again] = ['x', 'a', 'b', 'x'].map(
      (id, i) => tracker.track(session, facts(THINKING, id), i + 1, start)!,
    );
    expect(tracker.processed(session, 'x', false, '', start + 1)).toBe('confirmed');
    expect([x, a, b, again].map((each) => each!.status)).toEqual(['confirmed', 'pending', 'pending', 'pending']);
  });

  test('[D13] a word from before the receipt of the newer one proves nothing of it, one from behind it does', () => {
    const { tracker, connect, start, recorder } = setUp();
    const session = connect();
    for (const n of [1, 2]) tracker.track(session, facts(MUST_PROCESS, 'x'), n, start);
    tracker.processed(session, 'x', false, '', start + 1);
    tracker.received(session, 2, start + 2);
    expect(recorder.log.filter((line) => line.startsWith('confirmed'))).toEqual(['confirmed 1']);
    tracker.processed(session, 'x', false, '', start + 3);
    expect(recorder.settledDeliveries.map(({ status, level }) => `${status} ${level}`)).toEqual([
      'confirmed processed',
      'confirmed processed',
    ]);
    for (const n of [3, 4]) tracker.track(session, facts(MUST_PROCESS, 'y'), n, start);
    tracker.received(session, 4, start + 3);
    tracker.processed(session, 'y', false, '', start + 4);
    expect(recorder.settledDeliveries).toHaveLength(4);
  });

  test('a word about a message that could not be read proves nothing of a later event with its id, one about another does', () => {
    const { tracker, connect, start } = setUp();
    const session = connect();
    session.obscured = true;
    expect(tracker.processed(session, 'x', false, '', start)).toBe('unknown');
    const [copy, other] = ['x', 'y'].map((id, i) => tracker.track(session, facts(MUST_PROCESS, id), 2 + i, start)!);
    tracker.processed(session, 'x', false, '', start + 1);
    expect([copy!, other!].map(({ status }) => status)).toEqual(['pending', 'pending']);
    tracker.processed(session, 'y', false, '', start + 2);
    expect([copy!.status, copy!.level, other!.status]).toEqual(['pending', 'received', 'confirmed']);
    tracker.processed(session, 'x', false, '', start + 3);
    expect(copy!.status).toBe('confirmed');
  });

  test('[D6] a word from a connection with messages that could not be read is about none of another connection', () => {
    const { tracker, connect, start } = setUp();
    const one = connect('ann');
    const other = connect('ann');
    other.owner = one.owner;
    const delivery = tracker.track(other, facts(MUST_PROCESS, 'x'), 1, start)!;
    tracker.received(other, 1, start);
    one.obscured = true;
    expect(tracker.processed(one, 'x', false, '', start + 1)).toBe('foreign');
    expect(delivery.status).toBe('pending');
  });

  describe.each([
    ['one without a user', undefined, undefined],
    ['the same user', 'ann', 'ann'],
    ['one whose user was not known yet', undefined, 'ann'],
  ])('a client that comes back as %s and confirms an event of its earlier connection', (_, before, after) => {
    /**
     * The event is sent over both connections; the confirmation comes before any pong of the second
     * one.
     */
    function comeBack(history: number) {
      const { tracker, connect, start, ...rest } = setUp(undefined, history);
      const first = connect(before);
      tracker.track(first, facts(MUST_PROCESS, 'x'), 1, start);
      tracker.disconnected(first, start + 1);
      const second = connect(after, true, start + 2);
      const between = tracker.track(second, facts(MUST_PROCESS, 'a'), 1, start + 3)!;
      const again = tracker.track(second, facts(MUST_PROCESS, 'x'), 2, start + 3)!;
      const said = tracker.processed(second, 'x', false, '', start + 4);
      return { tracker, connect, start, second, between, again, said, ...rest };
    }

    test('proves neither the new message nor one before it', () => {
      const { between, again, said } = comeBack(100);
      expect([said, between.level, again.status, again.word]).toEqual(['noted', '', 'pending', 'confirmed']);
    });

    test('leaves the new message unverifiable, not lost, and confirms it when the receipt was proven', () => {
      const { tracker, second, again, start, run } = comeBack(100);
      run(start, start + 31_000);
      expect([again.status, again.unverified]).toEqual(['unverifiable', 'ambiguous']);
      const third = tracker.track(second, facts(MUST_PROCESS, 'x'), 3, start + 31_000)!;
      tracker.received(second, 3, start + 31_001);
      tracker.processed(second, 'x', false, '', start + 31_002);
      expect([third.status, third.level]).toEqual(['confirmed', 'processed']);
    });

    test.runIf(before === after)('also proves nothing when the earlier message has left the history', () => {
      const { between, again } = comeBack(0);
      expect([between.level, again.status]).toEqual(['', 'pending']);
    });
  });

  test('[D19] what a client says of messages that could not be read concerns no other client', () => {
    const { tracker, connect, start } = setUp(undefined, 0);
    const liar = connect();
    liar.obscured = true;
    tracker.processed(liar, 'x', false, '', start);
    const other = connect();
    const delivery = tracker.track(other, facts(MUST_PROCESS, 'x'), 1, start)!;
    tracker.processed(other, 'x', false, '', start + 1);
    expect(delivery.status).toBe('confirmed');
  });

  test('an event that goes to everybody at once is confirmed by each of them', () => {
    const { tracker, connect, start } = setUp();
    for (const user of [undefined, undefined, 'ann', 'ann', 'bob']) {
      const session = connect(user);
      const delivery = tracker.track(session, facts(MUST_PROCESS, 'x'), 1, start + 1)!;
      tracker.processed(session, 'x', false, '', start + 2);
      expect(delivery.status).toBe('confirmed');
    }
  });

  test('an event that other users were sent earlier is confirmed by one who comes later', () => {
    const { tracker, connect, start } = setUp();
    for (const user of ['ann', 'bob']) tracker.track(connect(user), facts(MUST_PROCESS, 'x'), 1, start + 1);
    const [carl, ann] = ['carl', 'ann'].map((user) => {
      const session = connect(user, true, start + 2);
      const delivery = tracker.track(session, facts(MUST_PROCESS, 'x'), 1, start + 3)!;
      tracker.processed(session, 'x', false, '', start + 4);
      return delivery.status;
    });
    expect([carl, ann]).toEqual(['confirmed', 'pending']);
  });

  test.each([0, 100])(
    'a word on a delivery that ended without evidence proves receipt up to it, with a history of %i too',
    (history) => {
      const { tracker, connect, start, run, recorder } = setUp(undefined, history);
      const session = connect();
      const soon = eventType('soon', 9, { timeoutMs: 500, attemptsMs: [] });
      const earlier = tracker.track(session, facts(THINKING, 'a'), 1, start)!;
      tracker.track(session, facts(soon, 'b'), 2, start);
      const later = tracker.track(session, facts(THINKING, 'c'), 3, start)!;
      run(start, start + 600);
      expect(tracker.processed(session, 'b', false, '', start + 700)).toBe('late');
      expect([earlier.status, earlier.level, later.status]).toEqual(['confirmed', 'received', 'pending']);
      expect(recorder.unmatchedReasons).toEqual(['late']);
    },
  );

  test.each([
    ['while nobody knew its user', 'the session itself'],
    ['over an earlier connection of its user', 'a later session of that user'],
  ])('an event that left the history %s is remembered of %s', (_, whose) => {
    const { tracker, connect, start } = setUp(undefined, 0);
    const first = connect(whose === 'the session itself' ? undefined : 'ann');
    tracker.track(first, facts(MUST_PROCESS, 'x'), 1, start);
    tracker.processed(first, 'x', false, '', start);
    let session = first;
    if (whose === 'the session itself') {
      first.formerOwner = first.owner;
      first.owner = new Owner('ann');
    } else session = connect('ann');
    const [between, again] = ['a', 'x'].map((id, i) => tracker.track(session, facts(MUST_PROCESS, id), i + 2, start)!);
    expect(tracker.processed(session, 'x', false, '', start)).toBe('noted');
    expect([between!.level, again!.level]).toEqual(['', '']);
    const stranger = connect('eve');
    const theirs = tracker.track(stranger, facts(MUST_PROCESS, 'x'), 1, start)!;
    tracker.processed(stranger, 'x', false, '', start);
    expect(theirs.status).toBe('confirmed');
  });

  test('of two that ended without evidence and left the books, a word means the older one', () => {
    const { tracker, connect, start, run } = setUp(undefined, 0);
    const session = connect();
    const soon = eventType('soon', 9, { timeoutMs: 500, attemptsMs: [] });
    tracker.track(session, facts(soon, 'b'), 1, start);
    const between = tracker.track(session, facts(THINKING, 'a'), 2, start)!;
    tracker.track(session, facts(soon, 'b'), 3, start);
    run(start, start + 600);
    tracker.processed(session, 'b', false, '', start + 700);
    expect(between.status).toBe('pending');
  });

  test.each([
    [1, 0, false],
    [1, 2, false],
    [1, 2, true],
    [2, 1, false],
  ])(
    'a repeated word proves nothing up to one that ended without evidence behind another of its id (history %i, %i after it, a newer one: %s)',
    (history, after, another) => {
      const { tracker, connect, start, run } = setUp(undefined, history);
      const session = connect();
      const soon = eventType('soon', 9, { timeoutMs: 500, attemptsMs: [] });
      tracker.track(session, facts(THINKING, 'x'), 1, start);
      tracker.processed(session, 'x', false, '', start + 1);
      const open = [undefined, 'x'].map((id, i) => tracker.track(session, facts(THINKING, id), 2 + i, start + 1)!);
      tracker.track(session, facts(soon, 'x'), 4, start + 2);
      if (another) open.push(tracker.track(session, facts(THINKING, 'x'), 5, start + 2)!);
      for (let n = 0; n < after; n++) tracker.track(session, facts(soon), 6 + n, start + 100);
      run(start + 2, start + 700);
      tracker.processed(session, 'x', false, '', start + 800);
      expect(open.filter(({ level }) => level !== '')).toEqual([]);
    },
  );

  test('a word that may mean the older one leaves the newer one unverifiable at its deadline, not lost', () => {
    const { tracker, connect, start, run } = setUp();
    const session = connect();
    tracker.track(session, facts(MUST_PROCESS, 'x'), 1, start);
    const newer = tracker.track(session, facts(MUST_PROCESS, 'x'), 2, start)!;
    tracker.processed(session, 'x', false, '', start + 1);
    run(start, start + 31_000);
    expect([newer.status, newer.unverified]).toEqual(['unverifiable', 'ambiguous']);
  });

  test.each([0, 1, 100])(
    'a repeated word proves nothing about the newer one, also when the older has left a history of %i',
    (history) => {
      const { tracker, connect, start } = setUp(undefined, history);
      const session = connect();
      tracker.track(session, facts(THINKING, 'x'), 1, start);
      tracker.processed(session, 'x', false, '', start + 1);
      for (let n = 2; n <= 5; n++) tracker.track(session, facts(THINKING, `f${n}`), n, start);
      tracker.received(session, 5, start + 2);
      const [between, newer] = ['b', 'x'].map((id, i) => tracker.track(session, facts(THINKING, id), 6 + i, start)!);
      tracker.processed(session, 'x', false, '', start + 3);
      expect([between!.status, newer!.status]).toEqual(['pending', 'pending']);
      tracker.received(session, 7, start + 4);
      expect([newer!.status, newer!.level]).toEqual(['confirmed', 'received']);
    },
  );
});

describe('outcomes', () => {
  test('[D1] a rejection ends the delivery as failed: rejected, with the text cut to 256 characters', () => {
    const { tracker, connect, start } = setUp();
    const session = connect();
    const delivery = tracker.track(session, facts(THINKING, 'a'), 1, start)!;
    expect(tracker.processed(session, 'a', true, 'x'.repeat(1000), start + 5)).toBe('rejected');
    expect([delivery.status, delivery.errorType, delivery.errorText.length]).toEqual(['failed', 'rejected', 256]);
    expect(tracker.processed(session, 'a', false, '', start + 6)).toBe('late');
    expect(delivery.status).toBe('failed');
  });

  test('[D2] a confirmation after the deadline is late and changes nothing', () => {
    const { tracker, connect, start, run, recorder } = setUp();
    const session = connect();
    const delivery = tracker.track(session, facts(THINKING, 'a'), 1, start)!;
    run(start, start + 30_100);
    expect(delivery.status).toBe('timeout');
    tracker.received(session, 1, start + 31_000);
    expect(tracker.processed(session, 'a', false, '', start + 32_000)).toBe('late');
    expect(recorder.unmatchedReasons).toEqual(['late', 'late']);
    // Cumulative evidence and the word are two; a word alone is one.
    const other = tracker.track(session, facts(THINKING, 'b'), 2, start + 33_000)!;
    run(start + 33_000, start + 63_100);
    tracker.processed(session, 'b', false, '', start + 64_000);
    expect([other.status, recorder.unmatchedReasons]).toEqual(['timeout', ['late', 'late', 'late']]);
    expect([delivery.status, delivery.errorType]).toEqual(['timeout', 'timeout']);
    expect(recorder.settledDeliveries).toHaveLength(2);
  });

  test('[D3] a barrier that overtook the record confirms it when the record comes', () => {
    const { tracker, connect, start } = setUp();
    const session = connect();
    tracker.received(session, 3, start);
    expect(tracker.track(session, facts(), 2, start + 1)?.status).toBe('confirmed');
    expect(tracker.track(session, facts(), 4, start + 1)?.status).toBe('pending');
  });

  test('[D3] a confirmation by id that overtook its record counts', () => {
    const { tracker, connect, start, recorder } = setUp();
    const session = connect();
    session.undecoded = 1;
    expect(tracker.processed(session, 'a', false, '', start)).toBe('early');
    const delivery = tracker.track(session, facts(THINKING, 'a'), 1, start, start + 1)!;
    session.undecoded = 0;
    tracker.decoded(session, start + 2);
    expect([delivery.status, delivery.level]).toEqual(['confirmed', 'processed']);
    expect(recorder.unmatchedReasons).toEqual([]);
  });

  test('[D3] an early confirmation that nothing claims is unknown in the end, and at most 64 are kept', () => {
    const { tracker, connect, start, recorder } = setUp();
    const session = connect();
    session.undecoded = 1;
    for (let n = 0; n < 70; n++) tracker.processed(session, `e${n}`, false, '', start);
    expect(recorder.unmatchedReasons).toHaveLength(6);
    session.undecoded = 0;
    tracker.decoded(session, start + 2);
    expect(recorder.unmatchedReasons).toEqual(new Array(70).fill('unknown'));
  });

  test('[D13] a confirmation proves receipt up to a delivery that was lost and has left the history, also when the event was sent again', () => {
    const { tracker, connect, start, run, recorder } = setUp(undefined, 0);
    const session = connect();
    const patient = eventType('patient', 7, { timeoutMs: 600_000, attemptsMs: [] });
    const before = tracker.track(session, facts(patient), 1, start)!;
    tracker.track(session, facts(THINKING, 'x'), 2, start);
    run(start, start + 31_000);
    expect(recorder.log.at(-1)).toBe('timeout 2');
    const [between, again] = [undefined, 'x'].map(
      (id, i) => tracker.track(session, facts(patient, id), 3 + i, start + 31_000)!,
    );
    expect(tracker.processed(session, 'x', false, '', start + 31_001)).toBe('late');
    expect([before.status, between!.status, again!.status, again!.word]).toEqual([
      ...['confirmed', 'pending'],
      ...['pending', 'confirmed'],
    ]);
    expect(recorder.unmatchedReasons).toEqual(['late']);
  });

  test('[D4] 100,000 deadlines are noticed within 100 ms, also when the wheel works in slices', () => {
    const { tracker, connect, start, recorder } = setUp({ pending: 1e6, pendingPerUser: 1e6 }, 0);
    const session = connect();
    for (let n = 1; n <= 100_000; n++) tracker.track(session, facts(), n, start + (n % 1000));
    for (let now = start; now <= start + 31_200; now += 25) while (tracker.tick(now, 500));
    expect(recorder.settledDeliveries).toHaveLength(100_000);
    const lateness = recorder.settledDeliveries.map((d) => d.settledAt - d.deadlineAt);
    expect(Math.min(...lateness.slice(0, 1000))).toBeGreaterThanOrEqual(0);
    expect(lateness.reduce((a, b) => Math.max(a, b))).toBeLessThan(100);
  });

  test('[D5] a blocked probe schedules the next; used-up attempts leave the deadline', () => {
    const { tracker, connect, start, run, recorder } = setUp();
    const session = connect();
    session.link.result = 'blocked';
    const delivery = tracker.track(session, facts(), 1, start)!;
    run(start, start + 29_900);
    expect(recorder.attempts.map((a) => [a.kind, a.number, a.result, Math.round((a.at - start) / 100) * 100])).toEqual([
      ['probe', 2, 'blocked', 1000],
      ['probe', 3, 'blocked', 3000],
      ['probe', 4, 'blocked', 7000],
    ]);
    expect(recorder.attempts.map((a) => Math.round(a.delay / 100) * 100)).toEqual([1000, 2000, 4000]);
    expect(delivery.status).toBe('retrying');
    tracker.received(session, 1, start + 29_950);
    expect([delivery.status, delivery.attempts]).toEqual(['confirmed', 4]);
  });

  test('[D5] attempts are spread by ten percent either way', () => {
    for (const [random, at] of [
      [0, 900],
      [0.999999, 1100],
    ] as const) {
      const { tracker, connect, start, recorder } = setUp(undefined, 0, () => random);
      const session = connect();
      tracker.track(session, facts(), 1, start);
      for (let now = start; now < start + 2000; now += 1) tracker.tick(now);
      expect(Math.abs(recorder.attempts[0]!.at - start - at)).toBeLessThanOrEqual(26);
    }
  });

  test('[D5] the last attempt before the deadline is made, however chance spreads it', () => {
    const type = eventType('x', 9, { timeoutMs: 4100, attemptsMs: [4000] });
    for (const random of [0, 0.5, 0.75, 0.999999]) {
      const { tracker, connect, start, recorder } = setUp(undefined, 0, () => random);
      tracker.track(connect(), facts(type), 1, start);
      for (let now = start; now < start + 4100; now += 10) tracker.tick(now);
      expect(recorder.attempts.map(({ kind }) => kind)).toEqual(['probe']);
    }
  });

  test('[D6] a session cannot confirm what belongs to another session or user', () => {
    const { tracker, connect, start, recorder } = setUp();
    const mine = connect('alice');
    const other = connect('mallory');
    const nobody = connect();
    const delivery = tracker.track(mine, facts(THINKING, 'a'), 1, start)!;
    expect(tracker.processed(other, 'a', false, '', start)).toBe('foreign');
    expect(tracker.processed(nobody, 'a', true, 'x', start)).toBe('foreign');
    expect(tracker.processed(other, 'zzz', false, '', start)).toBe('unknown');
    expect(delivery.status).toBe('pending');
    expect(other.capability).toBe('received');
    expect(recorder.unmatchedReasons).toEqual(['foreign', 'foreign', 'unknown']);
  });

  test('[D6] another session of the same user may confirm, but a session with its own delivery of the id confirms only that', () => {
    const { tracker, connect, start } = setUp();
    const [one, two, three] = [connect('alice'), connect('alice'), connect('alice')];
    const first = tracker.track(one, facts(MUST_PROCESS, 'a'), 1, start)!;
    const second = tracker.track(two, facts(MUST_PROCESS, 'a'), 1, start)!;
    expect(tracker.processed(one, 'a', false, '', start)).toBe('confirmed');
    expect([first.status, second.status]).toEqual(['confirmed', 'pending']);
    // Nobody can say which of the two a third one speaks of.
    expect(tracker.processed(three, 'a', false, '', start)).toBe('foreign');
    expect(second.status).toBe('pending');
  });

  test('[D6] what only one session of the user was sent, another may confirm if its receipt has been proven', () => {
    const { tracker, connect, start } = setUp();
    const [one, other] = [connect('alice'), connect('alice')];
    const [a, b] = ['a', 'b'].map((id, i) => tracker.track(one, facts(MUST_PROCESS, id), i + 1, start)!);
    tracker.received(one, 1, start);
    expect(tracker.processed(other, 'a', false, '', start)).toBe('confirmed');
    expect(tracker.processed(other, 'b', false, '', start)).toBe('noted');
    expect([a!.status, b!.status, b!.level]).toEqual(['confirmed', 'pending', '']);
    tracker.received(one, 2, start);
    expect(b!.status).toBe('pending');
    expect(tracker.processed(other, 'b', false, '', start)).toBe('confirmed');
  });

  test.each([0, 3, 100])('[D6] two tabs, a history of %i: the word of one confirms nothing of the other', (history) => {
    const { tracker, connect, start } = setUp(undefined, history);
    const owner = new Owner('alice');
    const [one, two] = [connect('alice'), connect('alice')];
    one.owner = two.owner = owner;
    const [, other] = [one, two].map((tab) => tracker.track(tab, facts(THINKING, 'shared'), 1, start)!);
    for (let n = 2; n < 10; n++) tracker.track(one, facts(THINKING, `f${n}`), n, start);
    tracker.received(one, 9, start);
    tracker.processed(one, 'shared', false, '', start + 1);
    expect([other!.status, other!.word]).toEqual(['pending', '']);
  });

  test('[D7] shedding starts at LOW and reaches CRITICAL last, which takes the places of LOW and NORMAL at a full limit', () => {
    const { tracker, connect, start, recorder } = setUp({ pending: 100, pendingPerUser: 1000 });
    const session = connect();
    const types = (['low', 'normal', 'high', 'critical'] as const).map((priority, n) =>
      eventType(priority, n, { priority }),
    );
    const tracked: Record<string, number> = {};
    let ordinal = 0;
    for (const type of types) {
      for (let n = 0; n < 100; n++) {
        if (tracker.track(session, facts(type), ++ordinal, start)) tracked[type.name] = (tracked[type.name] ?? 0) + 1;
      }
    }
    expect(tracked).toEqual({ low: 80, normal: 10, high: 5, critical: 95 });
    expect([tracker.tracked, session.pending]).toEqual([190, 100]);
    expect(recorder.shedReasons).toHaveLength(210);
    const gaveWay = recorder.settledDeliveries.map(
      ({ type, status, unverified }) => `${type.name} ${status} ${unverified}`,
    );
    expect(gaveWay.slice(0, 80)).toEqual(new Array(80).fill('low unverifiable limit'));
    expect(gaveWay.slice(80)).toEqual(new Array(10).fill('normal unverifiable limit'));
    // The oldest go first.
    expect(recorder.settledDeliveries[0]!.ordinal).toBe(1);
  });

  test('[D7] where memory is short LOW and NORMAL events are shed, HIGH and CRITICAL ones are not', () => {
    const { tracker, connect, start, recorder } = setUp({ pending: 1000, pendingPerUser: 1000 });
    const session = connect();
    const priorities = ['low', 'normal', 'high', 'critical'] as const;
    const tracked = () =>
      priorities.filter((priority, n) => {
        const type = { ...TOOL, policy: { ...TOOL.policy, priority } };
        return tracker.track(session, facts(type), n + 1, start) !== undefined;
      });
    tracker.short = true;
    expect(tracked()).toEqual(['high', 'critical']);
    expect(recorder.shedReasons).toEqual(['memory', 'memory']);
    tracker.short = false;
    expect(tracked()).toEqual(priorities);
  });

  test('[D7] one owner at its limit sheds alone', () => {
    const { tracker, connect, start, recorder } = setUp({ pending: 1000, pendingPerUser: 10 });
    const [greedy, modest] = [connect('g'), connect('m')];
    for (let n = 1; n <= 20; n++) tracker.track(greedy, facts(TOOL), n, start);
    expect(greedy.pending).toBe(10);
    expect(tracker.track(modest, facts(TOOL), 1, start)).toBeDefined();
    expect(new Set(recorder.shedReasons)).toEqual(new Set(['pending_per_user']));
  });

  test('[D1] a disconnect ends everything in flight as failed: disconnected, received or not', () => {
    const { tracker, connect, start, recorder } = setUp();
    const session = connect();
    tracker.track(session, facts(MUST_PROCESS, 'a'), 1, start);
    tracker.received(session, 1, start);
    tracker.track(session, facts(), 2, start);
    tracker.disconnected(session, start + 5);
    expect(recorder.settledDeliveries.map((d) => [d.status, d.errorType, d.level])).toEqual([
      ['failed', 'disconnected', ''],
      ['failed', 'disconnected', 'received'],
    ]);
    expect([tracker.waiting, session.owner.pending]).toEqual([0, 0]);
  });

  test('[D12] a connection that never answered ends unverifiable at its deadline, its disconnect and at shutdown', () => {
    const { tracker, connect, start, run, recorder } = setUp();
    const [a, b, c] = [connect('a', false), connect('b', false), connect('c', false)];
    for (const session of [a, b, c]) tracker.track(session, facts(), 1, start);
    tracker.disconnected(b, start + 10);
    run(start, start + 30_050);
    tracker.track(c, facts(), 2, start + 30_060);
    tracker.shutdown(start + 30_070);
    expect(recorder.settledDeliveries.map((d) => [d.status, d.errorType])).toEqual(
      new Array(4).fill(['unverifiable', '']),
    );
  });

  test('[D12] a connection that answered once and then stops is a timeout', () => {
    const { tracker, connect, start, run, recorder } = setUp();
    tracker.track(connect(), facts(), 1, start);
    run(start, start + 30_050);
    expect(recorder.settledDeliveries.map((d) => [d.status, d.errorType, d.attempts])).toEqual([
      ['timeout', 'timeout', 4],
    ]);
  });

  test('[D10] shutdown ends what is in flight as failed: shutdown', () => {
    const { tracker, connect, start, recorder, store } = setUp();
    const session = connect();
    for (let n = 1; n <= 3; n++) tracker.track(session, facts(), n, start);
    tracker.shutdown(start + 10);
    expect(recorder.settledDeliveries.map((d) => d.errorType)).toEqual(['shutdown', 'shutdown', 'shutdown']);
    expect([store.pending, tracker.settled]).toEqual([0, 3]);
  });

  test('[D10] an event that is read behind the shutdown, from a socket that had not closed yet, ends at once', () => {
    const { tracker, connect, start, recorder, store } = setUp();
    const [gone, stays] = [connect(), connect()];
    tracker.shutdown(start + 10, ({ session }) => session === stays);
    const lost = tracker.track(gone, facts(), 1, start + 20);
    const left = tracker.track(stays, facts(), 1, start + 20);
    expect([lost?.status, left?.status]).toEqual(['failed', 'pending']);
    expect(recorder.settledDeliveries.map((d) => [d.errorType, d.settledAt])).toEqual([['shutdown', start + 20]]);
    expect([tracker.tracked, store.pending, tracker.settled]).toEqual([2, 1, 1]);
  });
});

test('[D2] what is read behind the shutdown and was proven before has been confirmed, and ends once', () => {
  const { tracker, connect, start, recorder } = setUp();
  const session = connect();
  tracker.received(session, 1, start + 1);
  tracker.shutdown(start + 2, () => false);
  tracker.track(session, facts(), 1, start, start + 3);
  expect([recorder.log, tracker.settled]).toEqual([['tracked 1', 'received 1', 'confirmed 1'], 1]);
});

test('[D7] a CRITICAL message takes the place of LOW ones where the limit is full', () => {
  const limits = { bytes: 100, bytesPerSession: 1000, bytesPerUser: 1000 };
  const { tracker, connect, start } = setUp({ pending: 1000, pendingPerUser: 1000, retention: limits });
  const session = connect('a');
  const keep = (priority: 'low' | 'critical', n: number) => {
    const delivery = tracker.track(session, facts(eventType(priority, n, { priority })), n, start + n)!;
    return { delivery, kept: tracker.retention.keep(delivery, 20, () => new Uint8Array(20)) };
  };
  const low = [1, 2, 3, 4].map((n) => keep('low', n));
  expect(low.map(({ kept }) => kept)).toEqual([true, true, true, true]);
  const critical = [5, 6, 7].map((n) => keep('critical', n));
  expect(critical.map(({ kept }) => kept)).toEqual([true, true, true]);
  // The oldest gave way; they are as open as before.
  expect(low.map(({ delivery }) => [delivery.payload === undefined, delivery.status])).toEqual([
    [true, 'pending'],
    [true, 'pending'],
    [false, 'pending'],
    [false, 'pending'],
  ]);
  expect(tracker.retention.bytes).toBe(100);
});
