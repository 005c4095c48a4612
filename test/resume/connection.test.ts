// [D8] [R10] A connection and the protocol for clients that have opted in: faults in there, and a connection that another one has replaced.
import { expect, it } from 'vitest';
import { Connection } from '../../src/connection/connection.ts';
import { OverdueWords } from '../../src/connection/overdue-words.ts';
import { createResendBudget } from '../../src/connection/resending.ts';
import { createDecoder } from '../../src/decode/decoder.ts';
import { DEFAULT_DECODE_OPTIONS } from '../../src/decode/defaults.ts';
import { Tracker } from '../../src/delivery/tracker.ts';
import { DEFAULT_RELAY_LIMITS, RelayCounters } from '../../src/relay/tap.ts';
import { createTokens } from '../../src/resume/token.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { FACTS, openSession } from '../support/bare-connection.ts';
import { clientFrame, frame, readFrames } from '../support/raw-frames.ts';
import { silentObserver } from '../support/silent-observer.ts';
import { MemorySocket, settle } from '../support/socket-pair.ts';

/** A client that has opted in; `tokens` makes its tokens. */
function open(tokens = createTokens(['key'], 60_000)) {
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
    resendBudget: createResendBudget(),
  };
  const decoder = createDecoder(DEFAULT_DECODE_OPTIONS);
  const opening = openSession(tracker, tokens);
  const { resumable } = opening;
  const deps = { tracker, decoder, relay, observer, ...counts };
  const connect = () => new Connection(FACTS, resumable.session, deps, resumable);
  const connection = connect();
  const [client, upstream] = [new MemorySocket(), new MemorySocket()];
  opening.begin(connection);
  connection.start({ client, upstream, deflate: undefined });
  return { connection, connect, client, upstream, faults, tracker, resumable, unread: counts.unread };
}

const event = (id: string): Buffer => frame(`{"type":"agent_thinking","event_id":"${id}"}`);

it('[D8] a greeting that fails costs the client its session, not its connection', async () => {
  const sign = () => {
    throw new Error('a bug');
  };
  const { client, upstream, faults, tracker } = open({ ...createTokens(['key'], 60_000), sign });
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

it('[D8] a session that fails while a message is told leaves a plain connection behind', async () => {
  const { client, upstream, faults, resumable } = open();
  await settle();
  client.drain();
  Object.defineProperty(resumable, 'connection', {
    get() {
      throw new Error('a bug');
    },
  });
  upstream.send(event('a'));
  upstream.send(event('b'));
  expect(readFrames(client.taken()).filter(({ opcode }) => opcode === 1)).toHaveLength(2);
  expect(faults).toEqual(['tap']);
});

it('[D16] [R10] a connection that was replaced relays what is left, and counts, tracks and confirms nothing', async () => {
  const { connect, client, upstream, tracker, resumable, unread } = open();
  const { session } = resumable;
  await settle();
  const lastPing = () => readFrames(client.drain()).findLast(({ opcode }) => opcode === 9)!;
  // The first barrier is outstanding until it is answered.
  client.send(clientFrame(lastPing().payload, { opcode: 10 }));
  upstream.send(event('a'));
  expect([session.lastOrdinal, tracker.tracked]).toEqual([1, 1]);
  const ping = lastPing();
  const left = event('b');
  upstream.send(left.subarray(0, 20));
  resumable.goOn(connect(), resumable.claim(0));
  upstream.send(Buffer.concat([left.subarray(20), frame('binary', { opcode: 2 })]));
  client.send(clientFrame(ping.payload, { opcode: 10 }));
  const got = readFrames(client.taken()).filter(({ opcode }) => opcode !== 9);
  expect(got.map(({ opcode, payload }) => (opcode === 8 ? payload.readUInt16BE() : `${payload}`))).toEqual([
    '{"type":"agent_thinking","event_id":"b"}',
    'binary',
    4409,
  ]);
  expect([session.lastOrdinal, tracker.tracked, session.receivedThrough, unread.superseded]).toEqual([1, 1, 0, 2]);
});

it('[D21] JSON in a binary message is tracked and kept like a text, and announced by no notice', async () => {
  const { client, upstream, tracker, resumable } = open();
  const { session } = resumable;
  const texts = () => readFrames(client.taken()).filter(({ opcode }) => opcode === 1);
  await settle();
  client.drain();
  // The client looks for our notices in text messages only.
  const binary = '{"ackspan":"replay","type":"agent_thinking","event_id":"a"}';
  upstream.send(frame(binary, { opcode: 2 }));
  expect([tracker.tracked, tracker.retention.bytes, session.lastOrdinal, texts()]).toEqual([1, binary.length, 1, []]);
  upstream.send(event('b'));
  expect([tracker.tracked, session.lastOrdinal, texts().length]).toEqual([2, 2, 1]);
  expect(tracker.retention.bytes).toBeGreaterThan(binary.length);
});

it('[R12] what a page still says when another has taken its place counts, and acknowledges nothing that the other has said', async () => {
  const { connection, client, upstream, tracker, resumable } = open();
  const texts = (socket: MemorySocket) =>
    readFrames(socket.taken())
      .filter(({ opcode }) => opcode === 1)
      .map(({ payload }) => `${payload}`);
  const say = (socket: MemorySocket, message: object) => socket.send(clientFrame(JSON.stringify(message)));
  await settle();
  upstream.send(Buffer.concat([event('a'), event('b')]));
  say(client, { ackspan: 'confirm', through: 0, s: 1 });
  await settle();
  const newer = new MemorySocket();
  resumable.goOn(connection, resumable.claim(2));
  connection.rejoin(FACTS, newer, Buffer.alloc(0), 4409, 'replaced');
  await settle();
  say(client, { ackspan: 'confirm', through: 1, s: 9 });
  await settle();
  expect([resumable.heard, tracker.settled]).toEqual([1, 1]);
  say(newer, { ackspan: 'reject', n: 2, s: 2 });
  await settle();
  expect(resumable.heard).toBe(2);
  expect(texts(newer).slice(1)).toEqual(['{"ackspan":"heard","s":2}']);
});
