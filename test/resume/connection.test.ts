// [D8] [R10] A connection and the protocol for clients that have opted in: faults in there, and a connection that another one has replaced.
import { expect, it } from 'vitest';
import { Connection } from '../../src/connection/connection.ts';
import type { OptedIn } from '../../src/connection/opted-in.ts';
import { OverdueWords } from '../../src/connection/overdue-words.ts';
import { createDecoder } from '../../src/decode/decoder.ts';
import { DEFAULT_DECODE_OPTIONS } from '../../src/decode/defaults.ts';
import { Owner, Session } from '../../src/delivery/session.ts';
import { Tracker } from '../../src/delivery/tracker.ts';
import { DEFAULT_RELAY_LIMITS, RelayCounters } from '../../src/relay/tap.ts';
import { looksLikeNotice } from '../../src/resume/messages.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { FACTS, PLAIN } from '../support/bare-connection.ts';
import { clientFrame, frame, readFrames } from '../support/raw-frames.ts';
import { silentObserver } from '../support/silent-observer.ts';
import { MemorySocket, settle } from '../support/socket-pair.ts';

function open(session: Session, optedIn: OptedIn) {
  const faults: string[] = [];
  const store = createMemoryStore({ history: 10 });
  const tracker = new Tracker({
    ...{ store, observer: silentObserver, now: 1, random: () => 0.5 },
    limits: { pending: 10, pendingPerUser: 10, retention: { bytes: 999, bytesPerSession: 999, bytesPerUser: 999 } },
  });
  const relay = {
    counters: new RelayCounters(),
    limits: DEFAULT_RELAY_LIMITS,
    now: () => 1,
    report: ({ stage }: { stage: string }) => void faults.push(stage),
  };
  const observer = { opened() {}, capability() {}, closed() {} };
  const counts = {
    unread: { binary: 0, too_large: 0, unreadable: 0, superseded: 0 },
    overdue: new OverdueWords(),
    parked: { count: 0 },
  };
  const decoder = createDecoder(DEFAULT_DECODE_OPTIONS);
  const connection = new Connection(FACTS, session, { tracker, decoder, relay, observer, ...counts, optedIn });
  const [client, upstream] = [new MemorySocket(), new MemorySocket()];
  connection.start({ client, upstream, deflate: undefined });
  return { connection, client, upstream, faults, tracker, session };
}

function optedInSession(): Session {
  const session = new Session('s', new Owner(undefined));
  session.optedIn = true;
  session.resumable = true;
  return session;
}

const event = (id: string): Buffer => frame(`{"type":"agent_thinking","event_id":"${id}"}`);

it('[D8] a greeting that fails costs the client its session, not its connection', async () => {
  const greet = () => {
    throw new Error('a bug');
  };
  const { client, upstream, faults, tracker } = open(optedInSession(), { ...PLAIN, greet });
  await settle();
  upstream.send(event('a'));
  client.send(clientFrame('hello'));
  expect(readFrames(client.taken()).map(({ payload }) => payload.toString())).toContain(
    '{"type":"agent_thinking","event_id":"a"}',
  );
  expect(readFrames(upstream.taken())).toHaveLength(1);
  expect(faults).toEqual(['resume']);
  expect(tracker.tracked).toBe(1);
});

it('[D8] a notice that fails leaves a plain connection behind', async () => {
  const notice = () => {
    throw new Error('a bug');
  };
  const { client, upstream, faults } = open(optedInSession(), { ...PLAIN, notice });
  await settle();
  upstream.send(event('a'));
  upstream.send(event('b'));
  expect(readFrames(client.taken()).filter(({ opcode }) => opcode === 1)).toHaveLength(2);
  expect(faults).toEqual(['tap']);
});

it('[R10] a connection that was replaced relays what is left, and counts, tracks and confirms nothing', async () => {
  const session = optedInSession();
  const { connection, client, upstream, tracker } = open(session, PLAIN);
  await settle();
  upstream.send(event('a'));
  expect([session.lastOrdinal, tracker.tracked]).toEqual([1, 1]);
  const ping = readFrames(client.drain()).at(-1)!;
  connection.superseded = true;
  upstream.send(event('b'));
  upstream.send(frame('binary', { opcode: 2 }));
  client.send(clientFrame(ping.payload, { opcode: 10 }));
  expect(readFrames(client.taken()).filter(({ opcode }) => opcode < 8)).toHaveLength(2);
  expect([session.lastOrdinal, tracker.tracked, session.receivedThrough]).toEqual([1, 1, 0]);
});

it('[D21] JSON in a binary message is tracked and not kept, because it would come again as text', async () => {
  const notice: OptedIn['notice'] = (buf, start, end) =>
    looksLikeNotice(buf, start, end) ? Buffer.from('not yours') : undefined;
  const { client, upstream, tracker, session } = open(optedInSession(), { ...PLAIN, notice });
  const texts = () => readFrames(client.taken()).filter(({ opcode }) => opcode === 1);
  await settle();
  // The client looks for our notices in text messages only.
  upstream.send(frame('{"ackspan":"replay","type":"agent_thinking","event_id":"a"}', { opcode: 2 }));
  expect([tracker.tracked, tracker.retention.bytes, session.lastOrdinal, texts()]).toEqual([1, 0, 1, []]);
  upstream.send(event('b'));
  expect([tracker.tracked, session.lastOrdinal, texts().length]).toEqual([2, 2, 1]);
  expect(tracker.retention.bytes).toBeGreaterThan(0);
});
