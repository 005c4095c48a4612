// A connection that does not speak JSON: the seam for wire protocols from the frames of both sides to outcomes.
import { expect, it } from 'vitest';
import { Connection } from '../../src/connection/connection.ts';
import { OverdueWords } from '../../src/connection/overdue-words.ts';
import { createResendBudget } from '../../src/connection/resending.ts';
import { createDecoder } from '../../src/decode/decoder.ts';
import { DEFAULT_DECODE_OPTIONS } from '../../src/decode/defaults.ts';
import { Owner, Session } from '../../src/delivery/session.ts';
import { Tracker } from '../../src/delivery/tracker.ts';
import { BINARY } from '../../src/relay/frames.ts';
import { DEFAULT_RELAY_LIMITS, RelayCounters } from '../../src/relay/tap.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { FACTS } from '../support/bare-connection.ts';
import { lineProtocol } from '../support/line-protocol.ts';
import { clientFrame, frame, readCompleteFrames } from '../support/raw-frames.ts';
import { silentObserver } from '../support/silent-observer.ts';
import { MemorySocket, settle } from '../support/socket-pair.ts';

async function open(subprotocol: string | undefined) {
  const store = createMemoryStore({ history: 10 });
  const limits = { pending: 10, pendingPerUser: 10 };
  const tracker = new Tracker({ store, observer: silentObserver, limits, now: 1, random: () => 0.5 });
  const relay = { counters: new RelayCounters(), limits: DEFAULT_RELAY_LIMITS, now: () => 1, report() {} };
  const deps = {
    ...{ tracker, relay, parked: { count: 0 }, overdue: new OverdueWords(), resendBudget: createResendBudget() },
    observer: { opened() {}, capability() {}, closed() {} },
    unread: { binary: 0, too_large: 0, unreadable: 0, superseded: 0 },
    decoder: createDecoder(DEFAULT_DECODE_OPTIONS, [lineProtocol]),
  };
  const connection = new Connection({ ...FACTS, subprotocol }, new Session('s', new Owner(undefined)), deps);
  const [client, upstream] = [new MemorySocket(), new MemorySocket()];
  connection.start({ client, upstream, deflate: undefined });
  await settle();
  /** What has reached the backend since the last look. */
  const reached = () => readCompleteFrames(upstream.drain()).frames.map(({ payload }) => payload.toString());
  const levels = (ids: readonly string[]) =>
    ids.map((id) => store.withEvent(id).map(({ status, level, errorType }) => `${status} ${errorType || level}`)[0]);
  return { client, upstream, reached, levels, counters: relay.counters, decoder: deps.decoder };
}

it('its events are confirmed and rejected by its own words; a word that the backend waits for goes on', async () => {
  const { client, upstream, reached, levels, counters } = await open('lines');
  for (const id of ['a', 'b', 'c']) upstream.send(frame(`EVENT note ${id}`));
  client.send(clientFrame('OK a'));
  client.send(clientFrame('DONE b'));
  client.send(clientFrame('FAIL c no room'));
  client.send(clientFrame('OTHER d'));
  expect(reached()).toEqual(['OK a', 'OTHER d']);
  expect(levels(['a', 'b', 'c'])).toEqual(['confirmed processed', 'confirmed processed', 'failed rejected']);
  expect([counters.confirmationsSwallowed, counters.heldBytes]).toEqual([2, 0]);
});

it('of a message in pieces nothing goes on until it is known to be for the backend', async () => {
  const { client, upstream, reached, levels } = await open('lines');
  upstream.send(frame('EVENT note a'));
  client.send(clientFrame('DO', { fin: false }));
  expect(reached()).toEqual([]);
  client.send(clientFrame('NE a', { opcode: 0 }));
  expect([reached(), levels(['a'])]).toEqual([[], ['confirmed processed']]);
  client.send(clientFrame('xD', { fin: false }));
  expect(reached()).toEqual(['xD']);
});

it('the words of one protocol mean nothing to a connection of another', async () => {
  const { client, upstream, reached, levels } = await open(undefined);
  upstream.send(frame('{"type":"note","event_id":"a"}'));
  client.send(clientFrame('DONE a'));
  expect([reached(), levels(['a'])]).toEqual([['DONE a'], ['pending ']]);
  client.send(clientFrame('{"type":"event_confirmation","event_id":"a"}'));
  expect([reached(), levels(['a'])]).toEqual([[], ['confirmed processed']]);
});

it('[D21] a protocol of text messages is not shown binary ones; until it is settled, JSON reads them and decides nothing', async () => {
  const lines = await open('lines');
  lines.upstream.send(frame('{"type":"note","event_id":"a"}', { opcode: BINARY }));
  expect([lines.levels(['a']), lines.decoder.unread.binary]).toEqual([[undefined], 1]);
  const undecided = await open(undefined);
  undecided.upstream.send(frame('{"type":"note","event_id":"a"}', { opcode: BINARY }));
  undecided.upstream.send(frame('EVENT note b'));
  undecided.client.send(clientFrame('DONE b'));
  expect([undecided.levels(['a', 'b']), undecided.decoder.unread.binary]).toEqual([
    ['confirmed received', 'confirmed processed'],
    0,
  ]);
});
