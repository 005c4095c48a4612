// The rules R3 to R8 of SPEC.md on the tracker itself: confirmations by ordinal, resumes, resends, the backend asked again.
import { describe, expect, test } from 'vitest';
import { chooseAttempt } from '../../src/delivery/attempts.ts';
import type { Delivery } from '../../src/delivery/record.ts';
import { Owner, Session } from '../../src/delivery/session.ts';
import { Tracker } from '../../src/delivery/tracker.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { eventType, FakeLink, facts, Recorder, setUp, THINKING, TOOL } from './harness.ts';

const KEPT = {
  pending: 1000,
  pendingPerUser: 1000,
  retention: { bytes: 1e6, bytesPerSession: 1e6, bytesPerUser: 1e6 },
};

function world(reemit?: (delivery: Delivery) => 'sent' | 'failed') {
  const base = setUp(KEPT);
  const { start, store } = base;
  const recorder = new Recorder();
  const tracker = new Tracker({ store, observer: recorder, limits: KEPT, now: start, random: () => 0.5, reemit });
  const session = base.connect() as Session & { link: FakeLink };
  session.optedIn = true;
  session.resumable = true;
  /** The upstream sends: message `n`, kept or not. */
  const send = (n: number, { type = THINKING, id, kept = true, at = start }: SendOptions = {}): Delivery => {
    session.lastOrdinal = n;
    const delivery = tracker.track(session, facts(type, id ?? `e${n}`), n, at)!;
    if (kept) tracker.retention.keep(delivery, 3, () => Buffer.from(`m${n}.`));
    return delivery;
  };
  const ends = () =>
    recorder.settledDeliveries.map(({ ordinal, status, errorType }) => `${ordinal} ${status} ${errorType}`.trim());
  const tick = (from: number, to: number) => {
    for (let now = from; now <= to; now += 25) tracker.tick(now);
  };
  return { ...base, recorder, tracker, session, send, ends, tick };
}

interface SendOptions {
  type?: typeof THINKING;
  id?: string;
  kept?: boolean;
  at?: number;
}

describe('[R3] confirmations by ordinal', () => {
  test('confirm everything up to one, and those listed besides', () => {
    const { tracker, session, send, ends, start } = world();
    for (let n = 1; n <= 6; n++) send(n);
    expect(tracker.processedThrough(session, 2, [4, 6], start + 5)).toBe('confirmed');
    expect(ends()).toEqual(['1 confirmed', '2 confirmed', '4 confirmed', '6 confirmed']);
    expect([session.pending, session.capability, session.receivedThrough]).toEqual([2, 'processed', 6]);
    expect(session.open?.size).toBe(2);
  });

  test('the first word counts: a rejection stays one when a cumulative confirmation covers it', () => {
    const { tracker, session, send, ends, recorder, start } = world();
    for (let n = 1; n <= 3; n++) send(n);
    expect(tracker.rejected(session, 2, 'x'.repeat(300), start)).toBe('rejected');
    tracker.processedThrough(session, 3, [], start);
    expect(tracker.rejected(session, 1, 'too late', start)).toBe('duplicate');
    expect(ends()).toEqual(['2 failed rejected', '1 confirmed', '3 confirmed']);
    expect(recorder.settledDeliveries[0]!.errorText).toHaveLength(256);
    expect(recorder.unmatchedReasons).toEqual([]);
  });

  test('about the future are unknown as a whole, and teach nothing', () => {
    const { tracker, session, send, ends, recorder, start } = world();
    send(1);
    expect(tracker.processedThrough(session, 2, [], start)).toBe('unknown');
    expect(tracker.processedThrough(session, 1, [1, 2], start)).toBe('unknown');
    expect(tracker.rejected(session, 2, '', start)).toBe('unknown');
    expect(ends()).toEqual([]);
    expect(recorder.unmatchedReasons).toEqual(['unknown', 'unknown', 'unknown']);
    expect(session.capability).toBe('received');
  });

  test('about messages that are not tracked, or have their outcome, change nothing', () => {
    const { tracker, session, send, ends, recorder, start } = world();
    send(2);
    tracker.processedThrough(session, 2, [], start);
    session.lastOrdinal = 5;
    for (let again = 0; again < 3; again++) tracker.processedThrough(session, 2, [1, 2, 5], start);
    expect(ends()).toEqual(['2 confirmed']);
    expect(recorder.unmatchedReasons).toEqual([]);
  });

  test('by event id work as for everybody', () => {
    const { tracker, session, send, ends, start } = world();
    send(1, { id: 'a' });
    expect(tracker.processed(session, 'a', false, '', start)).toBe('confirmed');
    expect(ends()).toEqual(['1 confirmed']);
    expect(session.open?.size).toBe(0);
  });
});

describe('a resume', () => {
  test('[R4] [R5] replays what is open above `last`, in order; what the client has been handed waits for its word', () => {
    const { tracker, session, send, ends, recorder, start } = world();
    for (let n = 1; n <= 5; n++) send(n);
    tracker.received(session, 3, start);
    tracker.processedThrough(session, 1, [4], start);
    tracker.disconnected(session, start + 10);
    send(6, { at: start + 20 });
    const link = new FakeLink();
    const replays = tracker.resumed(session, link, 2, start + 30);
    expect(replays.map(({ ordinal }) => ordinal)).toEqual([3, 5, 6]);
    expect(recorder.attempts.map(({ kind, result, number }) => `${kind} ${result} ${number}`)).toEqual([
      ...['replay sent 2', 'replay sent 2', 'replay sent 2'],
    ]);
    expect(ends()).toEqual(['1 confirmed', '4 confirmed']);
    expect(session.link).toBe(link);
    tracker.processedThrough(session, 6, [], start + 40);
    expect(session.pending).toBe(0);
    expect(tracker.retention.bytes).toBe(0);
  });

  test('[R4] `last` alone confirms nothing that needs the application', () => {
    const { tracker, session, send, ends, start } = world();
    send(1);
    send(2, { type: eventType('seen', 7, { confirm: 'received' }) });
    tracker.disconnected(session, start);
    expect(tracker.resumed(session, new FakeLink(), 99, start)).toEqual([]);
    expect(ends()).toEqual(['2 confirmed']);
    expect(session.receivedThrough).toBe(2);
  });

  test('[R4] a `last` of 0 shows no capability: the client was handed nothing', () => {
    const { tracker, session, send, start } = world();
    session.capability = 'none';
    send(1);
    tracker.disconnected(session, start);
    tracker.resumed(session, new FakeLink(), 0, start + 1);
    expect(session.capability).toBe('none');
    tracker.resumed(session, new FakeLink(), 1, start + 2);
    expect(session.capability).toBe('received');
  });

  test('[R6] what was not kept ends `failed: disconnected`, and the word that covers it is not late', () => {
    const { tracker, session, send, ends, recorder, start } = world();
    send(1);
    send(2, { kept: false });
    send(3);
    tracker.disconnected(session, start);
    expect(tracker.resumed(session, new FakeLink(), 0, start + 5).map(({ ordinal }) => ordinal)).toEqual([1, 3]);
    expect(ends()).toEqual(['2 failed disconnected']);
    tracker.processedThrough(session, 3, [], start + 9);
    expect(recorder.unmatchedReasons).toEqual([]);
  });

  test('[R6] what was not kept is asked of the backend; only a word about the event itself confirms it', () => {
    const asked: string[] = [];
    const { tracker, session, send, ends, recorder, start } = world(({ eventId }) => {
      asked.push(eventId!);
      return 'sent';
    });
    for (let n = 1; n <= 3; n++) send(n, { kept: n === 2 });
    tracker.disconnected(session, start);
    tracker.resumed(session, new FakeLink(), 0, start + 5);
    expect(asked).toEqual(['e1', 'e3']);
    expect(recorder.attempts.map(({ kind }) => kind)).toEqual(['reemit', 'replay', 'reemit']);
    tracker.received(session, 3, start + 6);
    expect(tracker.processedThrough(session, 3, [1], start + 7)).toBe('confirmed');
    expect(tracker.rejected(session, 3, '', start + 7)).toBe('duplicate');
    expect(ends()).toEqual(['2 confirmed']);
    expect(session.pending).toBe(2);
    // The backend emits the first one again: confirmed by its new ordinal, both are.
    send(4, { id: 'e1', at: start + 8 });
    tracker.processedThrough(session, 4, [], start + 9);
    expect(ends()).toEqual(['2 confirmed', '4 confirmed', '1 confirmed']);
    // The other one by its id.
    expect(tracker.processed(session, 'e3', false, '', start + 10)).toBe('confirmed');
    expect([session.pending, tracker.tracked, tracker.settled]).toEqual([0, 4, 4]);
  });

  test('[R6] asking goes on by schedule, and the deadline ends it', () => {
    let asked = 0;
    const { tracker, session, send, ends, start, tick } = world(() => {
      asked++;
      return 'failed';
    });
    send(1, { kept: false, type: eventType('quick', 8, { timeoutMs: 5000, attemptsMs: [1000, 1000, 1000] }) });
    tracker.disconnected(session, start);
    tracker.resumed(session, new FakeLink(), 0, start);
    tick(start, start + 5100);
    expect(asked).toBe(3);
    expect(ends()).toEqual(['1 timeout timeout']);
    expect(session.missed?.size).toBe(0);
  });
});

describe('[R7] while the client is away', () => {
  test('deliveries keep their deadlines, and what is kept is left alone', () => {
    const { tracker, session, send, ends, recorder, start, tick } = world();
    send(1);
    tracker.disconnected(session, start);
    send(2, { at: start + 1000 });
    tick(start, start + 29_900);
    expect(ends()).toEqual([]);
    tick(start + 29_900, start + 31_200);
    expect(ends()).toEqual(['1 timeout timeout', '2 timeout timeout']);
    expect(recorder.attempts).toEqual([]);
    expect(tracker.resumed(session, new FakeLink(), 0, start + 32_000)).toEqual([]);
  });

  test('a session that is over ends what it has, also what waits to be emitted again', () => {
    const { tracker, session, send, ends, start } = world(() => 'sent');
    send(1, { kept: false });
    tracker.disconnected(session, start);
    tracker.resumed(session, new FakeLink(), 0, start);
    send(2);
    tracker.ended(session, start + 1);
    expect(ends()).toEqual(['2 failed disconnected', '1 failed disconnected']);
    expect([session.pending, session.owner.pending, tracker.waiting, tracker.retention.bytes]).toEqual([0, 0, 0, 0]);
  });
});

describe('[R8] attempts', () => {
  test('what was received and not processed is sent again on its schedule, whatever becomes of it', () => {
    const { tracker, session, send, recorder, start, tick } = world();
    send(1);
    tracker.received(session, 1, start);
    tick(start, start + 1100);
    session.link.result = 'blocked';
    tick(start + 1100, start + 8000);
    expect(session.link.resent).toEqual([1, 1, 1]);
    expect(recorder.attempts.map(({ kind, result }) => `${kind} ${result}`)).toEqual([
      ...['resend sent', 'resend blocked', 'resend blocked'],
    ]);
  });

  const YES = { optedIn: true, linked: true, received: true, kept: true, missed: false, resend: false, reemit: true };
  test.each([
    [{}, 'resend'],
    [{ received: false }, 'probe'],
    [{ received: false, kept: false }, 'probe'],
    [{ received: false, optedIn: false }, 'probe'],
    [{ optedIn: false }, 'reemit'],
    [{ optedIn: false, reemit: false }, undefined],
    [{ optedIn: false, resend: true }, 'resend'],
    [{ optedIn: false, resend: true, kept: false, reemit: false }, undefined],
    [{ kept: false }, 'reemit'],
    [{ kept: false, reemit: false }, undefined],
    [{ linked: false }, undefined],
    [{ linked: false, received: false }, undefined],
    [{ linked: false, kept: false }, 'reemit'],
    [{ linked: false, kept: false, reemit: false }, undefined],
    [{ missed: true, kept: false, received: false }, 'reemit'],
    [{ missed: true, kept: false }, 'reemit'],
    [{ missed: true, kept: false, linked: false }, 'reemit'],
  ] as const)('%o: %s', (differs, kind) => {
    const { optedIn, linked, received, kept, missed, resend, reemit } = { ...YES, ...differs };
    const { session, send, tracker, start } = world(() => 'sent');
    const delivery = send(1, { kept, type: eventType('x', 9, { resend, confirm: 'processed' }) });
    if (received) tracker.received(session, 1, start);
    if (missed) {
      tracker.disconnected(session, start);
      tracker.resumed(session, new FakeLink(), 0, start);
    }
    session.optedIn = optedIn;
    if (!linked) (session as Session).link = undefined;
    expect(chooseAttempt(delivery, { reemit })).toBe(kind);
  });
});

test('[E4] every event to a client that has opted in waits for the application, unless its rule says otherwise', () => {
  const { send } = world();
  expect(send(1).required).toBe('processed');
  expect(send(2, { type: TOOL }).required).toBe('processed');
  expect(send(3, { type: eventType('seen', 7, { confirm: 'received' }) }).required).toBe('received');
});

describe('[R6] a copy that the backend emitted again', () => {
  const reemitting = (store = createMemoryStore({ history: 100 })) => {
    const start = 1_000_000;
    const recorder = new Recorder();
    const limits = { pending: 100, pendingPerUser: 100 };
    const deps = { store, observer: recorder, limits, now: start, random: () => 0.5, reemit: () => 'sent' as const };
    return { tracker: new Tracker(deps), recorder, start };
  };

  test('and that its client has received ends the original, under a rule that asks for no more', () => {
    const { tracker, recorder, start } = reemitting();
    const session = new Session('s', new Owner(undefined));
    session.optedIn = session.resumable = true;
    session.link = new FakeLink();
    const type = eventType('t', 7, { confirm: 'received' });
    tracker.track(session, facts(type, 'x'), 1, start);
    session.lastOrdinal = 1;
    tracker.disconnected(session, start + 1);
    tracker.resumed(session, new FakeLink(), 0, start + 2);
    tracker.track(session, facts(type, 'x'), 2, start + 3);
    tracker.received(session, 2, start + 4);
    expect(recorder.log.filter((line) => line.startsWith('confirmed'))).toEqual(['confirmed 2', 'confirmed 1']);
    expect(session.pending).toBe(0);
  });

  test('to another connection of the same user ends it too; to another user it ends nothing', () => {
    const { tracker, recorder, start } = reemitting();
    const owner = new Owner('anna');
    const [away, there] = [new Session('a', owner), new Session('b', owner)];
    const stranger = new Session('c', new Owner('mallory'));
    away.resumable = true;
    for (const session of [away, there, stranger]) tracker.received(session, 0, start);
    const original = tracker.track(away, facts(eventType('t', 7), 'x'), 1, start)!;
    tracker.disconnected(away, start + 1);
    for (let now = start; now < start + 1500; now += 25) tracker.tick(now);
    expect(recorder.attempts.map(({ kind }) => kind)).toEqual(['reemit']);
    for (const session of [stranger, there]) {
      tracker.track(session, facts(eventType('t', 7), 'x'), 1, start + 1500);
      tracker.received(session, 1, start + 1501);
      expect(original.status).toBe(session === there ? 'confirmed' : 'retrying');
      expect(original.level).toBe(session === there ? 'received' : '');
    }
  });

  test.each([0, 1, 100])('ends the originals of two sessions, with a history of %i', (history) => {
    const { tracker, start } = reemitting(createMemoryStore({ history }));
    const owner = new Owner('anna');
    const [one, two] = [new Session('a', owner), new Session('b', owner)];
    one.resumable = two.resumable = true;
    for (const session of [one, two]) tracker.received(session, 0, start);
    const originals = [one, two].map((session) => tracker.track(session, facts(eventType('t', 7), 'x'), 1, start)!);
    for (const session of [one, two]) tracker.disconnected(session, start + 1);
    for (let now = start; now < start + 1500; now += 25) tracker.tick(now);
    tracker.resumed(two, new FakeLink(), 0, start + 1500);
    tracker.track(two, facts(eventType('t', 7), 'x'), 2, start + 1500);
    tracker.received(two, 2, start + 1501);
    expect(originals.map(({ status }) => status)).toEqual(['confirmed', 'confirmed']);
  });

  test('is not meant by a word that may be about an earlier message of the id, though its stack had the original', () => {
    const { tracker, recorder, start } = reemitting(createMemoryStore({ history: 0 }));
    const session = new Session('s', new Owner('anna'));
    session.optedIn = session.resumable = true;
    session.link = new FakeLink();
    tracker.track(session, facts(THINKING, 'x'), 1, start);
    session.lastOrdinal = 1;
    tracker.processedThrough(session, 1, [], start + 1);
    const missed = tracker.track(session, facts(THINKING, 'x'), 2, start + 2)!;
    session.lastOrdinal = 2;
    tracker.received(session, 2, start + 3);
    tracker.disconnected(session, start + 4);
    tracker.resumed(session, new FakeLink(), 1, start + 5);
    expect([missed.queue, missed.level, recorder.attempts.length]).toEqual(['reemission', 'received', 1]);
    expect([session.pending, session.awaitingProcessed.size, session.awaitingProcessed.head]).toEqual([
      1,
      0,
      undefined,
    ]);
    expect(tracker.processed(session, 'x', false, '', start + 6)).toBe('noted');
    expect([missed.status, missed.word]).toEqual(['retrying', 'confirmed']);
  });

  test('and that its application confirms before any pong is what the word means, and ends the original with it', () => {
    const { tracker, start } = reemitting();
    const session = new Session('s', new Owner('anna'));
    session.optedIn = session.resumable = true;
    session.link = new FakeLink();
    const missed = tracker.track(session, facts(THINKING, 'x'), 1, start)!;
    session.lastOrdinal = 1;
    tracker.disconnected(session, start + 1);
    tracker.resumed(session, new FakeLink(), 0, start + 2);
    const between = tracker.track(session, facts(THINKING, 'y'), 2, start + 3)!;
    const copy = tracker.track(session, facts(THINKING, 'x'), 3, start + 3)!;
    expect(tracker.processed(session, 'x', false, '', start + 4)).toBe('confirmed');
    expect([missed.status, copy.status, between.level]).toEqual(['confirmed', 'confirmed', 'received']);
    expect([missed.level, copy.level]).toEqual(['processed', 'processed']);
  });

  /** A user whose session `away` was sent an event and missed it; the backend was asked for it. */
  const asking = () => {
    const { tracker, recorder, start } = reemitting();
    const owner = new Owner('anna');
    const [away, there] = [new Session('a', owner), new Session('b', owner)];
    away.resumable = true;
    for (const session of [away, there]) tracker.received(session, 0, start);
    const type = eventType('t', 7, { timeoutMs: 5000, attemptsMs: [1000] });
    const patient = eventType('p', 8, { timeoutMs: 60_000, attemptsMs: [1000] });
    const send = (session: Session, what: typeof type, ordinal: number, at: number) =>
      tracker.track(session, facts(what, 'x'), ordinal, at)!;
    const ask = (from: number) => {
      tracker.disconnected(away, from);
      for (let now = from; now < from + 1500; now += 25) tracker.tick(now);
      expect(recorder.attempts.map(({ kind }) => kind)).toContain('reemit');
    };
    return { tracker, start, away, there, type, patient, send, ask };
  };

  test('and that its application rejects is a rejection of the original', () => {
    const { tracker, start, away, there, patient, send, ask } = asking();
    const original = send(away, patient, 1, start);
    ask(start);
    send(there, eventType('s', 9, { confirm: 'processed' }), 1, start + 1500);
    tracker.received(there, 1, start + 1500);
    expect(tracker.processed(there, 'x', true, 'no', start + 1501)).toBe('rejected');
    expect([original.status, original.errorType, original.errorText]).toEqual(['failed', 'rejected', 'no']);
  });

  test('and that is lost too ends nothing', () => {
    const { tracker, start, away, there, type, patient, send, ask } = asking();
    const original = send(away, patient, 1, start);
    ask(start);
    const copy = send(there, type, 1, start + 1500);
    for (let now = start + 1500; now < start + 7000; now += 25) tracker.tick(now);
    expect([copy.status, original.status]).toEqual(['timeout', 'retrying']);
  });

  test('to a client without a user ends none of another client without a user', () => {
    const { tracker, start } = reemitting();
    const [one, two] = [new Session('a', new Owner(undefined)), new Session('b', new Owner(undefined))];
    one.resumable = two.resumable = true;
    for (const session of [one, two]) tracker.received(session, 0, start);
    const originals = [one, two].map((session) => tracker.track(session, facts(eventType('t', 7), 'x'), 1, start)!);
    for (const session of [one, two]) tracker.disconnected(session, start + 1);
    for (let now = start; now < start + 1500; now += 25) tracker.tick(now);
    tracker.resumed(two, new FakeLink(), 0, start + 1500);
    tracker.track(two, facts(eventType('t', 7), 'x'), 2, start + 1500);
    tracker.received(two, 2, start + 1501);
    expect(originals.map(({ status }) => status)).toEqual(['retrying', 'confirmed']);
  });

  test('is not there yet: a word on two messages of one id, both missed, may mean either and proves neither', () => {
    const { tracker, start } = reemitting();
    const session = new Session('s', new Owner('anna'));
    session.optedIn = session.resumable = true;
    session.link = new FakeLink();
    const missed = [1, 2].map((n) => tracker.track(session, facts(THINKING, 'x'), n, start)!);
    session.lastOrdinal = 2;
    tracker.disconnected(session, start + 1);
    tracker.resumed(session, new FakeLink(), 0, start + 2);
    expect(tracker.processed(session, 'x', false, '', start + 3)).toBe('noted');
    expect(missed.map(({ status, word }) => `${status} ${word}`)).toEqual(['retrying confirmed', 'retrying confirmed']);
  });

  test('ends only what the backend was asked for', () => {
    const { tracker, start, away, there, patient, send, ask } = asking();
    tracker.track(away, facts(patient, 'y'), 1, start);
    const strict = eventType('s', 9, { confirm: 'processed', timeoutMs: 60_000, attemptsMs: [] });
    const other = send(there, strict, 1, start);
    ask(start);
    const third = new Session('c', there.owner);
    const later = send(third, patient, 1, start + 1500);
    tracker.received(third, 1, start + 1501);
    expect([later.status, other.status]).toEqual(['confirmed', 'pending']);
  });

  test('ends none that was sent after it: that one is asked for on its own account', () => {
    const { tracker, start, away, there, patient, send, ask } = asking();
    send(there, patient, 1, start);
    const newer = send(away, patient, 1, start + 1);
    ask(start + 1);
    tracker.received(there, 1, start + 2000);
    expect(newer.status).toBe('retrying');
  });

  test('ends no original a second time that an observer has ended meanwhile (D2)', () => {
    const { tracker, recorder, start } = reemitting();
    const owner = new Owner('anna');
    const [one, two] = [new Session('a', owner), new Session('b', owner)];
    one.resumable = two.resumable = true;
    for (const session of [one, two]) tracker.received(session, 0, start);
    const originals = [one, two].map((session) => tracker.track(session, facts(eventType('t', 7), 'x'), 1, start)!);
    for (const session of [one, two]) tracker.disconnected(session, start + 1);
    for (let now = start; now < start + 1500; now += 25) tracker.tick(now);
    tracker.resumed(two, new FakeLink(), 0, start + 1500);
    const told = recorder.settled.bind(recorder);
    recorder.settled = (delivery) => {
      told(delivery);
      if (!originals.includes(delivery)) return;
      for (const each of originals) if (each !== delivery) tracker.operator.fail(each, start + 1502);
    };
    tracker.track(two, facts(eventType('t', 7), 'x'), 2, start + 1500);
    tracker.received(two, 2, start + 1501);
    expect(recorder.settledDeliveries).toHaveLength(3);
    expect([tracker.tracked, tracker.settled, one.pending, two.pending, owner.pending]).toEqual([3, 3, 0, 0, 0]);
  });
});

test('[P2] an observer hears that a client missed a delivery, and that a word was noted, because the journal must', () => {
  const changed: string[] = [];
  const observer = {
    changed: ({ ordinal, queue, word }: Delivery) => void changed.push(`${ordinal} ${queue} ${word}`),
  };
  const deps = { observer, limits: KEPT, now: 0, random: () => 0.5, reemit: () => 'sent' as const };
  const tracker = new Tracker({ ...deps, store: createMemoryStore({ history: 100 }) });
  const session = new Session('s', new Owner('anna'));
  session.optedIn = session.resumable = true;
  for (const n of [1, 2]) tracker.track(session, facts(THINKING, 'x'), n, n);
  session.lastOrdinal = 2;
  tracker.processed(session, 'x', false, '', 3);
  expect(changed).toEqual(['2 received confirmed']);
  tracker.resumed(session, new FakeLink(), 1, 4);
  expect(changed).toEqual(['2 received confirmed', '2 reemission confirmed']);
});

test('[R6] nor is it late where the client came back before its old connection was gone', () => {
  const { tracker, session, send, recorder, ends, start } = world();
  send(1, { kept: false });
  send(2);
  tracker.resumed(session, new FakeLink(), 0, start + 1);
  tracker.processedThrough(session, 2, [], start + 2);
  expect([ends(), recorder.unmatchedReasons]).toEqual([['1 failed disconnected', '2 confirmed'], []]);
});

test('[E3] [E6] a client that rejects a message has all before it, and has shown that its application answers', () => {
  const { tracker, session, send, start } = world();
  const [one, , three] = [1, 2, 3].map((n) => send(n));
  tracker.rejected(session, 2, 'no', start);
  expect([session.capability, one!.level, three!.level]).toEqual(['processed', 'received', '']);
});

test('[D6] another process is told of each session of the user that was sent the event, or that nobody can say', () => {
  const { tracker, connect, start } = setUp();
  const [one, two, other] = [connect('ann'), connect('ann'), connect('bob')];
  for (const each of [one, two, other]) tracker.track(each, facts(THINKING, 'x'), 1, start);
  const found = tracker.confirmations.sessionsOf('ann', 'x');
  expect(found?.map(({ session }) => session.key).sort()).toEqual([one.key, two.key]);
  expect(tracker.confirmations.sessionsOf('ann', 'y')).toEqual([]);
  // Its books do not go back far enough.
  one.owner.restored = true;
  expect(tracker.confirmations.sessionsOf('ann', 'x')).toBeUndefined();
});
