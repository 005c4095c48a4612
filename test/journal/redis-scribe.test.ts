// What waits while Redis takes nothing: the latest state of each session, told once, and nothing of what is over by then.
import { expect, it } from 'vitest';
import type { Delivery } from '../../src/delivery/record.ts';
import { Owner, Session } from '../../src/delivery/session.ts';
import { Tracker } from '../../src/delivery/tracker.ts';
import type { Outbox } from '../../src/journal/redis/outbox.ts';
import { RedisScribe } from '../../src/journal/redis/scribe.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { eventType, FakeLink, facts } from '../delivery/harness.ts';

const TYPE = eventType('seen', 0, { confirm: 'processed' });
const LIMITS = { pending: 1000, pendingPerUser: 1000 };

/** A scribe whose outbox notes what it is told, as text. */
function createScribe() {
  const told: string[] = [];
  const outbox = {
    ...{ open: true, full: false },
    together: (send: () => void) => send(),
    put: (ledger) => void told.push(`put ${ledger.session.key} ${ledger.take()}`),
    write: ({ session }, fields) => void told.push(`write ${session.key} ${fields}`),
    putOthers: (sets, gone) => void told.push(`others ${[...sets.keys()]} -${[...gone]}`),
    release: ({ session }) => void told.push(`release ${session.key}`),
    end: ({ session }) => void told.push(`end ${session.key}`),
    hold() {},
  } satisfies Outbox as Outbox & { open: boolean; full: boolean };
  const open = new Set<Delivery>();
  let letters = 0;
  const letterBox = {
    settled: ({ status }: Delivery) => status === 'failed' && ++letters > 0,
    handOver() {
      for (; letters > 0; letters--) told.push('letter');
    },
  };
  const scribe = new RedisScribe({
    ...{ outbox, letters: letterBox, afterMs: 100, wallOf: (at) => at },
    eachOpen: (visit) => open.forEach(visit),
    report() {},
  });
  const tracker = new Tracker({
    ...{ store: createMemoryStore({ history: 8 }), observer: scribe.steps, now: 0 },
    limits: LIMITS,
    random: () => 0.5,
  });
  const begin = (key: string): Session => {
    const session = new Session(key, new Owner('ann'));
    session.optedIn = session.resumable = true;
    session.link = new FakeLink();
    scribe.opened(session);
    scribe.handOver();
    return session;
  };
  const send = (session: Session, message?: string): number => {
    const delivery = tracker.track(session, facts(TYPE), ++session.lastOrdinal, 1)!;
    if (message !== undefined) delivery.payload = Buffer.from(message);
    scribe.tracked(delivery);
    return delivery.seq;
  };
  const pong = (session: Session, ordinal: number) => tracker.received(session, ordinal, 2);
  const confirm = (session: Session, ordinal: number) => tracker.confirmations.through(session, ordinal, 2);
  const reject = (session: Session, ordinal: number) => tracker.rejected(session, ordinal, 'no', 2);
  return { told, outbox, scribe, begin, send, pong, confirm, reject };
}

it('[P1] while the kernel takes nothing more, changes wait, and what ends meanwhile is never told', () => {
  const { told, outbox, scribe, begin, send, confirm } = createScribe();
  const session = begin('s');
  const before = send(session);
  scribe.handOver();
  told.length = 0;
  outbox.full = true;
  const meanwhile = [send(session), send(session)];
  scribe.handOver();
  confirm(session, 2);
  const last = send(session);
  scribe.handOver();
  expect(told).toEqual([]);
  outbox.full = false;
  scribe.handOver();
  expect(told).toHaveLength(1);
  expect(told[0]).toContain(`d${before}`);
  expect(told[0]).toContain(`d${last}`);
  expect(told[0]).not.toContain(`d${meanwhile[0]}`);
  scribe.handOver();
  expect(told).toHaveLength(1);
});

it('hands over so much at a time that the kernel is asked again, and the rest when it takes more', () => {
  const { told, outbox, scribe, begin, send } = createScribe();
  const sessions = Array.from({ length: 100 }, (_, i) => begin(`s${i}`));
  told.length = 0;
  for (const session of sessions) send(session);
  outbox.put = ({ session }) => {
    told.push(session.key);
    outbox.full = true;
  };
  scribe.handOver();
  expect(told).toEqual(sessions.slice(0, 64).map(({ key }) => key));
  outbox.full = false;
  scribe.handOver();
  expect(told).toEqual(sessions.map(({ key }) => key));
});

it('a session that goes elsewhere, and the end of the process, wait for no kernel', () => {
  const { told, outbox, scribe, begin, send } = createScribe();
  const [first, second] = [begin('first'), begin('second')];
  told.length = 0;
  outbox.full = true;
  for (const session of [first, second]) send(session);
  scribe.left(first, true);
  expect(told).toEqual([expect.stringMatching(/^put first /), 'release first']);
  scribe.finish();
  expect(told.at(-1)).toMatch(/^put second /);
});

it('before bytes go to a client, what was told of its session is handed over; the rest waits for the end of the turn', async () => {
  const { told, scribe, begin, send } = createScribe();
  const [first, second] = [begin('first'), begin('second')];
  told.length = 0;
  for (const session of [first, second]) send(session);
  scribe.handOver(first);
  expect(told).toEqual([expect.stringMatching(/^put first /)]);
  await turnEnd();
  expect(told.slice(1)).toEqual([expect.stringMatching(/^put second /)]);
});

it('[P8] what a word of the SDK has ended is handed over with the word, before anything else happens', () => {
  const { told, scribe, begin, send, confirm } = createScribe();
  const session = begin('s');
  const seq = send(session, 'kept');
  scribe.handOver(session);
  told.length = 0;
  confirm(session, 1);
  expect(told).toEqual([]);
  scribe.heard(session, 1);
  expect(told).toEqual([expect.stringMatching(new RegExp(`^put s .*heard,1.*d${seq},m${seq}`))]);
});

it('the end of a confirmed message is told with the next one of its session, or on the beat', async () => {
  const { told, scribe, begin, send, confirm } = createScribe();
  const [session, other] = [begin('s'), begin('other')];
  const [first, second] = [send(session, 'kept'), send(session)];
  scribe.handOver();
  told.length = 0;
  confirm(session, 1);
  send(other);
  scribe.handOver(other);
  await turnEnd();
  expect(told).toEqual([expect.stringMatching(/^put other /)]);
  const third = send(session);
  scribe.handOver(session);
  expect(told.slice(1)).toEqual([expect.stringMatching(new RegExp(`^put s .*d${third},.*,d${first},m${first}`))]);
  confirm(session, 2);
  await turnEnd();
  expect(told).toHaveLength(2);
  scribe.look(3);
  expect(told.slice(2)).toEqual([`put s 0,d${second}`]);
});

it('that a message was received is told on the beat, and where another instance goes on; not with the next message', async () => {
  const { told, scribe, begin, send, pong } = createScribe();
  const [session, other] = [begin('s'), begin('other')];
  const seq = send(session);
  send(other);
  scribe.handOver();
  told.length = 0;
  pong(session, 1);
  pong(other, 1);
  await turnEnd();
  const next = send(session);
  scribe.handOver(session);
  expect(told).toEqual([expect.stringContaining(`d${next}`)]);
  expect(told[0]).not.toContain(`x${seq}`);
  scribe.left(other, true);
  expect(told.slice(1)).toEqual([expect.stringMatching(/^put other .*"receivedAt":2/), 'release other']);
  scribe.look(3);
  expect(told.slice(3)).toEqual([expect.stringMatching(new RegExp(`^put s .*x${seq},.*"receivedAt":2`))]);
});

it('of a message that is confirmed before the beat, no receipt is told, and only what was told is removed', () => {
  const { told, scribe, begin, send, pong, confirm } = createScribe();
  const session = begin('s');
  const seq = send(session);
  scribe.handOver();
  told.length = 0;
  pong(session, 1);
  confirm(session, 1);
  scribe.look(3);
  expect(told).toEqual([`put s 0,d${seq}`]);
  scribe.look(4);
  expect(told).toHaveLength(1);
});

it('what leaves the process is behind every end that was noted: a hand-over of everything leaves nothing', () => {
  const { told, scribe, begin, send, confirm } = createScribe();
  const session = begin('s');
  const seq = send(session);
  scribe.handOver();
  confirm(session, 1);
  told.length = 0;
  scribe.handOver();
  expect(told).toEqual([expect.stringContaining(`d${seq}`)]);
});

it('a loss is told at the end of the turn, behind its letter', async () => {
  const { told, scribe, begin, send, reject } = createScribe();
  const session = begin('s');
  const seq = send(session);
  scribe.handOver();
  told.length = 0;
  reject(session, 1);
  await turnEnd();
  expect(told).toEqual(['letter', expect.stringContaining(`d${seq}`)]);
});

it('[P2] a session that is to be left while everything is told again is told first, where that can be handed to the kernel', () => {
  const { told, outbox, scribe, begin, send } = createScribe();
  const session = begin('s');
  const seq = send(session);
  scribe.handOver();
  expect(scribe.hasWhole(session)).toBe(true);
  scribe.startAnew();
  told.length = 0;
  outbox.full = true;
  expect(scribe.hasWhole(session)).toBe(false);
  outbox.full = false;
  outbox.open = false;
  expect(scribe.hasWhole(session)).toBe(false);
  expect(told).toEqual([]);
  outbox.open = true;
  expect(scribe.hasWhole(session)).toBe(true);
  expect(told).toEqual([expect.stringMatching(`write s .*d${seq}`)]);
  scribe.ended(session);
  expect(scribe.hasWhole(session)).toBe(false);
});

function turnEnd(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
