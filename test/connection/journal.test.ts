// [D8] What the journal is told by a connection: before the client can have the bytes, and without a say in what the client gets.
import { expect, it } from 'vitest';
import { Connection } from '../../src/connection/connection.ts';
import { OverdueWords } from '../../src/connection/overdue-words.ts';
import type { ConnectionDeps } from '../../src/connection/parts.ts';
import { createResendBudget } from '../../src/connection/resending.ts';
import { createDecoder } from '../../src/decode/decoder.ts';
import { DEFAULT_DECODE_OPTIONS } from '../../src/decode/defaults.ts';
import type { Journal } from '../../src/delivery/journal.ts';
import { Owner, Session } from '../../src/delivery/session.ts';
import { Tracker } from '../../src/delivery/tracker.ts';
import { DEFAULT_RELAY_LIMITS, RelayCounters } from '../../src/relay/tap.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { FACTS, openSession } from '../support/bare-connection.ts';
import { frame, readFrames } from '../support/raw-frames.ts';
import { recordJournal } from '../support/recorded-journal.ts';
import { silentObserver } from '../support/silent-observer.ts';
import { MemorySocket, settle } from '../support/socket-pair.ts';

/**
 * A connection; each write to its client is noted with how much the journal had been told and had
 * handed over.
 */
async function open(optedIn: boolean, disturb: Partial<Journal> = {}) {
  const recorded = recordJournal();
  const journal = Object.assign(recorded.journal, disturb);
  const retention = { bytes: 1e6, bytesPerSession: 1e6, bytesPerUser: 1e6 };
  const tracker = new Tracker({
    ...{ store: createMemoryStore({ history: 10 }), observer: silentObserver, now: 1, random: () => 0.5 },
    limits: { pending: 10, pendingPerUser: 10, retention },
  });
  const faults: string[] = [];
  const opening = optedIn ? openSession(tracker) : undefined;
  const session = opening?.resumable.session ?? new Session('s', new Owner(undefined));
  if (optedIn) journal.opened(session);
  const deps: ConnectionDeps = {
    ...{
      tracker,
      decoder: createDecoder(DEFAULT_DECODE_OPTIONS),
      overdue: new OverdueWords(),
      resendBudget: createResendBudget(),
      journal,
    },
    ...{ parked: { count: 0 }, unread: { binary: 0, too_large: 0, unreadable: 0, superseded: 0 } },
    observer: { opened() {}, capability() {}, closed() {} },
    relay: {
      ...{ counters: new RelayCounters(), limits: DEFAULT_RELAY_LIMITS, now: () => 1 },
      report: ({ stage }) => void faults.push(stage),
    },
  };
  const connection = new Connection(FACTS, session, deps, opening?.resumable);
  opening?.begin(connection);
  const [client, upstream] = [new MemorySocket(), new MemorySocket()];
  const writes: { told: number; handedOver: number; bytes: number }[] = [];
  const write = client._write.bind(client);
  client._write = (chunk, encoding, callback) => {
    writes.push({ told: recorded.entries.length, handedOver: recorded.handedOver, bytes: chunk.length });
    write(chunk, encoding, callback);
  };
  connection.start({ client, upstream, deflate: undefined });
  await settle();
  writes.length = 0;
  client.drain();
  const begun = recorded.entries.length;
  return { journal, client, upstream, writes, faults, connection, entries: () => recorded.entries.slice(begun) };
}

const event = (id: string): Buffer => frame(`{"type":"agent_thinking","event_id":"${id}"}`);
const texts = (client: MemorySocket) => readFrames(client.taken()).filter(({ opcode }) => opcode === 1);

it('a message of a client that may come back has been handed over before its first byte of the last chunk is written', async () => {
  const { upstream, writes, entries } = await open(true);
  upstream.send(Buffer.concat([event('a'), event('b')]));
  expect(entries().map(({ kind }) => kind)).toEqual(['tracked', 'tracked']);
  expect(writes[0]).toMatchObject({ told: 3, handedOver: 3 });
  const cut = event('c');
  upstream.send(cut.subarray(0, 9));
  upstream.send(cut.subarray(9));
  expect(writes.at(-1)).toMatchObject({ told: 4, handedOver: 4 });
});

it('messages that are no deliveries count too: the client numbers them', async () => {
  const { upstream, entries } = await open(true);
  upstream.send(Buffer.concat([frame('{"type":"heartbeat"}'), frame('bytes', { opcode: 2 }), event('a')]));
  expect(entries().map((entry) => [entry.kind, entry.kind === 'changed' && entry.changes.ordinal])).toEqual([
    ['changed', 1],
    ['tracked', false],
    ['tracked', false],
  ]);
});

it('what is kept goes along, as it was when it was told', async () => {
  const { upstream, entries } = await open(true);
  upstream.send(event('a'));
  const [told] = entries();
  expect(told?.kind === 'tracked' && Buffer.from(told.message!).toString()).toBe(
    '{"type":"agent_thinking","event_id":"a"}',
  );
});

it('other clients do not wait for the journal: it is told of what stays in flight', async () => {
  const { upstream, writes, entries, client, journal } = await open(false);
  upstream.send(event('a'));
  upstream.send(event('b'));
  expect(texts(client)).toHaveLength(2);
  expect(writes.map(({ handedOver }) => handedOver)).toEqual(writes.map(() => 0));
  expect(entries()).toHaveLength(0);
  journal.look(1);
  expect(entries().map(({ kind }) => kind)).toEqual(['tracked', 'tracked']);
});

it('a text of ours goes out behind what was told before', async () => {
  const { connection, upstream, writes, client } = await open(true);
  upstream.send(event('a'));
  connection.sendMessage(Buffer.from('{"ackspan":"heard","s":1}'));
  expect(texts(client)).toHaveLength(2);
  expect(writes.at(-1)).toMatchObject({ told: 2, handedOver: 2 });
});

it('[D8] a journal that throws costs the client its session, not its connection: the bytes go through', async () => {
  const { upstream, client, faults } = await open(true, {
    handOver() {
      throw new Error('a bug');
    },
  });
  upstream.send(event('a'));
  upstream.send(event('b'));
  expect(texts(client)).toHaveLength(2);
  // The welcome is the first that it is asked for.
  expect(faults).toEqual(['resume', 'tap']);
});
