// The end of a turn: after what the turn's sockets brought, once per request, in order; the barrier that a pong made possible rides with an event; and what goes ahead.
import { expect, it } from 'vitest';
import { Connection } from '../../src/connection/connection.ts';
import { OverdueWords } from '../../src/connection/overdue-words.ts';
import { createResendBudget } from '../../src/connection/resending.ts';
import { whenTurnEnds } from '../../src/connection/turn-end.ts';
import { createDecoder } from '../../src/decode/decoder.ts';
import { DEFAULT_DECODE_OPTIONS } from '../../src/decode/defaults.ts';
import { Owner, Session } from '../../src/delivery/session.ts';
import { Tracker } from '../../src/delivery/tracker.ts';
import { DEFAULT_RELAY_LIMITS, RelayCounters } from '../../src/relay/tap.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { FACTS } from '../support/bare-connection.ts';
import { clientFrame, frame, readFrames } from '../support/raw-frames.ts';
import { silentObserver } from '../support/silent-observer.ts';
import { MemorySocket, settle } from '../support/socket-pair.ts';
import { NO_CLAIM } from '../support/upgrades.ts';

/**
 * A connection whose first barrier is answered, with one event confirmed as far as barriers go: the
 * client owes a pong for it.
 */
async function open() {
  const limits = { pending: 10, pendingPerUser: 10 };
  const store = createMemoryStore({ history: 10 });
  const tracker = new Tracker({ store, observer: silentObserver, limits, now: 1, random: () => 0.5 });
  const relay = { counters: new RelayCounters(), limits: DEFAULT_RELAY_LIMITS, now: () => 1, report() {} };
  const observer = { opened() {}, capability() {}, closed() {} };
  const counts = {
    unread: { binary: 0, too_large: 0, unreadable: 0, superseded: 0 },
    overdue: new OverdueWords(),
    parked: { count: 0 },
    resendBudget: createResendBudget(),
  };
  const decoder = createDecoder(DEFAULT_DECODE_OPTIONS);
  const reader = decoder.open(NO_CLAIM);
  const [client, upstream] = [new MemorySocket(), new MemorySocket()];
  /** Writes to the client so far, at each event that is read. */
  const writesWhenRead: number[] = [];
  const read = reader.event.bind(reader);
  reader.event = (...args) => {
    writesWhenRead.push(client.writes.length);
    return read(...args);
  };
  const session = new Session('s', new Owner(undefined));
  const connection = new Connection(FACTS, session, { tracker, decoder, relay, observer, ...counts });
  connection.start({ client, upstream, deflate: undefined });
  await settle();
  const got = () => readFrames(client.drain());
  const send = (id: string) => upstream.send(frame(`{"type":"agent_thinking","event_id":"${id}"}`));
  const pong = (ping: { payload: Buffer }) => client.send(clientFrame(ping.payload, { opcode: 10 }));
  pong(got()[0]!);
  send('a');
  send('b');
  const [a, ping, b] = got();
  expect([a!.opcode, ping!.opcode, b!.opcode]).toEqual([1, 9, 1]);
  return { got, send, answer: () => pong(ping!), tracker, client, session, writesWhenRead };
}

const opcodes = (frames: readonly { opcode: number }[]): number[] => frames.map(({ opcode }) => opcode);

it('[E2] the barrier that a pong made possible is carried by the next write of the turn', async () => {
  const { got, send, answer, client } = await open();
  const before = client.writes.length;
  answer();
  expect(got()).toEqual([]);
  send('c');
  expect(opcodes(got())).toEqual([1, 9]);
  expect(client.writes.length - before).toBe(1);
  await settle();
  expect(got()).toEqual([]);
});

it('[E2] without another write it goes by itself when the turn ends, and once, however many pongs came', async () => {
  const { got, answer, tracker } = await open();
  answer();
  answer();
  await settle();
  expect(opcodes(got())).toEqual([9]);
  expect([tracker.tracked, tracker.settled]).toEqual([2, 1]);
});

it('a turn ends once per request, in order, and what is asked for at its end waits for the next', async () => {
  const said: string[] = [];
  const task = (name: string, more?: () => void) => ({
    atTurnEnd() {
      said.push(name);
      more?.();
    },
  });
  whenTurnEnds(task('a', () => whenTurnEnds(task('later'))));
  whenTurnEnds(task('b'));
  expect(said).toEqual([]);
  await new Promise<void>((resolve) => setImmediate(() => resolve()));
  expect(said).toEqual(['a', 'b']);
  await new Promise<void>((resolve) => setImmediate(() => resolve()));
  expect(said).toEqual(['a', 'b', 'later']);
});

it('[E2] the next event is written before it is read, with its barrier, once two have needed one', async () => {
  const { got, send, answer, client, writesWhenRead } = await open();
  answer();
  const before = client.writes.length;
  send('c');
  expect(writesWhenRead.at(-1)).toBe(before + 1);
  expect(opcodes(got())).toEqual([1, 9]);
  await settle();
  expect(got()).toEqual([]);
});

it('a client that has opted in is told what to number before it gets an event: nothing goes ahead', async () => {
  const { send, client, session, writesWhenRead } = await open();
  session.optedIn = true;
  const before = client.writes.length;
  send('c');
  expect(writesWhenRead.at(-1)).toBe(before);
});
