// A connection and its deliveries at every end: what counts as evidence, what is lost, and what nobody can say (SPEC D12–D17).
import { describe, expect, it } from 'vitest';
import { Connection } from '../../src/connection/connection.ts';
import { OverdueWords } from '../../src/connection/overdue-words.ts';
import { createResendBudget } from '../../src/connection/resending.ts';
import { createDecoder } from '../../src/decode/decoder.ts';
import { DEFAULT_DECODE_OPTIONS } from '../../src/decode/defaults.ts';
import type { Rule } from '../../src/decode/rules.ts';
import { type Delivery, isSettled } from '../../src/delivery/record.ts';
import { Owner, Session } from '../../src/delivery/session.ts';
import { Tracker } from '../../src/delivery/tracker.ts';
import { BINARY, CLOSE, CONTINUATION, PING, PONG } from '../../src/relay/frames.ts';
import type { Deflate } from '../../src/relay/spliced-sockets.ts';
import { DEFAULT_RELAY_LIMITS, RelayCounters } from '../../src/relay/tap.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { FACTS } from '../support/bare-connection.ts';
import { clientFrame, closePayload, createDeflater, frame, readCompleteFrames } from '../support/raw-frames.ts';
import { silentObserver } from '../support/silent-observer.ts';
import { MemorySocket, settle } from '../support/socket-pair.ts';
import { DEFLATE } from '../support/spliced.ts';

const RULES = [
  { match: ['strict'], track: true, priority: 'high', confirm: 'processed', timeoutMs: 5000, attemptsMs: [] },
  { match: ['ping'], track: false, priority: 'low', confirm: 'auto', timeoutMs: 5000, attemptsMs: [] },
  { match: ['*'], track: true, priority: 'high', confirm: 'auto', timeoutMs: 5000, attemptsMs: [] },
] as const;

/** One client in front of a backend, with the clock in the test's hands. */
async function open(first?: Pick<Rule, 'match' | 'track' | 'priority'>, deflate?: Deflate) {
  const time = { now: 1_000_000 };
  const reports: string[] = [];
  const closed: string[] = [];
  const closedAt: number[] = [];
  const store = createMemoryStore({ history: 1000 });
  const tracker = new Tracker({
    ...{ store, observer: silentObserver, now: time.now, random: () => 0.5 },
    limits: { pending: 1000, pendingPerUser: 1000 },
  });
  const relay = {
    counters: new RelayCounters(),
    limits: { ...DEFAULT_RELAY_LIMITS, patienceMs: 2000 },
    now: () => time.now,
    report: ({ stage, error }: { stage: string; error: unknown }) => void reports.push(`${stage}: ${error}`),
  };
  const observer = {
    opened() {},
    capability() {},
    closed(_: unknown, { by, at }: { by: string; at: number }) {
      closed.push(by);
      closedAt.push(at);
    },
  };
  const unread = { binary: 0, too_large: 0, unreadable: 0, superseded: 0 };
  const overdue = new OverdueWords();
  const decoder = createDecoder({
    ...DEFAULT_DECODE_OPTIONS,
    rules: first === undefined ? RULES : [{ ...RULES[1], ...first }, ...RULES],
  });
  const session = new Session('s', new Owner(undefined));
  const deps = {
    tracker,
    decoder,
    relay,
    observer,
    unread,
    overdue,
    parked: { count: 0 },
    resendBudget: createResendBudget(),
  };
  const connection = new Connection({ ...FACTS, openedAt: time.now }, session, deps);
  const [client, upstream] = [new MemorySocket(), new MemorySocket()];
  connection.start({ client, upstream, deflate });
  await settle();
  const pings = () => readCompleteFrames(client.drain()).frames.filter(({ opcode }) => opcode === PING);
  const pong = (payload: Buffer) => client.send(clientFrame(payload, { opcode: PONG }));
  const answer = () => {
    for (const { payload } of pings()) pong(payload);
  };
  const word = (id: string, status = 'confirmed') =>
    client.send(clientFrame(JSON.stringify({ type: 'event_confirmation', event_id: id, status })));
  const outcomes = () => {
    const all: Delivery[] = [];
    store.each((delivery) => all.push(delivery) > 0);
    return all
      .sort((a, b) => a.ordinal - b.ordinal || a.seq - b.seq)
      .map(
        (one) =>
          `${one.eventId} ${one.status}${isSettled(one) ? ` ${one.errorType || one.unverified || one.level}` : ''}`,
      );
  };
  const run = (ms: number) => {
    for (const end = time.now + ms; time.now < end; time.now += 25) {
      tracker.tick(time.now);
      overdue.look(time.now);
    }
  };
  return {
    client,
    upstream,
    connection,
    tracker,
    store,
    unread,
    decoder,
    relay,
    reports,
    closed,
    closedAt,
    time,
    pings,
    pong,
    answer,
    word,
    outcomes,
    run,
  };
}

const event = (id: string, type = 'note') => frame(JSON.stringify({ type, event_id: id }));
const close = (code: number) => frame(closePayload(code), { opcode: CLOSE });
const clientClose = (code: number) => clientFrame(closePayload(code), { opcode: CLOSE });

it('[D14] a pong that came before the deadline behind more than one turn reads counts', async () => {
  const { client, upstream, outcomes, pings, pong, time, run, tracker, relay } = await open();
  pong(pings()[0]!.payload);
  upstream.send(event('a'));
  const [barrier] = pings();
  run(4975);
  // The loop wakes late, and the turn ends with a whole read of what the client had sent before.
  time.now += 200;
  const upload = clientFrame(Buffer.alloc(3 * 65_536), { opcode: BINARY });
  client.send(upload.subarray(0, 65_536));
  tracker.tick(time.now);
  expect(outcomes()).toEqual(['a pending']);
  client.send(upload.subarray(65_536, 3 * 65_536));
  client.send(upload.subarray(3 * 65_536));
  pong(barrier!.payload);
  expect(outcomes()).toEqual(['a confirmed received']);
  expect(relay.counters.protocolErrors).toBe(0);
});

it('a connection that opened in the turn in which all were cut off does not end before it began', async () => {
  const { connection, closedAt, time } = await open();
  connection.destroy(time.now - 40);
  await settle();
  expect(closedAt).toEqual([time.now]);
});

it('[D14] an upload of which no more waits holds no deadline up', async () => {
  const { client, upstream, outcomes, pings, pong, time, run, tracker } = await open();
  pong(pings()[0]!.payload);
  upstream.send(event('a'));
  upstream.send(event('b', 'strict'));
  run(4900);
  const upload = clientFrame(Buffer.alloc(4 * 65_536), { opcode: BINARY });
  client.send(upload.subarray(0, 65_536));
  // That was read in an earlier turn, after which the socket was empty.
  run(125);
  expect(outcomes()).toEqual(['a timeout timeout', 'b timeout timeout']);
  upstream.send(event('c'));
  run(4975);
  client.send(upload.subarray(65_536, 131_072));
  client.send(upload.subarray(131_072, 131_080));
  time.now += 50;
  tracker.tick(time.now);
  expect(outcomes()[2]).toBe('c timeout timeout');
});

it.each<[string, (texts: string[]) => string]>([
  ['each ended by RS, as SignalR has it', (texts) => texts.map((text) => `${text}\x1e`).join('')],
  ['in lines', (texts) => texts.join('\n')],
  ['in an array', (texts) => `[${texts.join()}]`],
])(
  '[E3] events and confirmations %s: each confirmation is about its event, and what it is sent with goes on',
  async (_, join) => {
    const { client, upstream, outcomes, answer } = await open();
    const about = (id: string, more: object = {}) => ({ event_id: id, ...more });
    const events = ['a', 'b', 'c'].map((id) => JSON.stringify(about(id, { type: 'strict' })));
    upstream.send(frame(join(events)));
    answer();
    upstream.drain();
    const type = 'event_confirmation';
    const words = [about('a', { type }), about('b', { type, status: 'failed' })].map((one) => JSON.stringify(one));
    client.send(clientFrame(join(words)));
    expect(upstream.drain()).toHaveLength(0);
    expect(outcomes()).toEqual(['a confirmed processed', 'b failed rejected', 'c pending']);
    const mixed = join([JSON.stringify({ type: 'chat' }), JSON.stringify(about('c', { type }))]);
    client.send(clientFrame(mixed));
    expect(readCompleteFrames(upstream.drain()).frames.map(({ payload }) => payload.toString())).toEqual([mixed]);
    expect(outcomes()[2]).toBe('c confirmed processed');
  },
);

describe('[D15] the backend closes behind its events', () => {
  it.each([1000, 1011, 1012, 4401])(
    'with %i: the pong to the last barrier proves what no barrier had been for',
    async (code) => {
      const it = await open();
      it.answer();
      it.upstream.send(event('a'));
      const first = it.pings();
      it.upstream.send(Buffer.concat([event('b'), event('c'), close(code)]));
      it.upstream.fin();
      await settle();
      for (const { payload } of [...first, ...it.pings()]) it.pong(payload);
      it.client.send(clientClose(code));
      it.client.fin();
      await settle();
      expect(it.outcomes()).toEqual(['a confirmed received', 'b confirmed received', 'c confirmed received']);
      expect(it.closed).toEqual(['upstream']);
    },
  );

  it.each([
    [1012, 'restart', 'a confirmed received'],
    [1012, '', 'a unverifiable client_left'],
    [1000, 'restart', 'a unverifiable client_left'],
    [1011, 'restart', 'a unverifiable client_left'],
    [4401, 'restart', 'a unverifiable client_left'],
  ])('no pong came, and Close %i with text "%s" answers that of the backend: %s', async (code, text, outcome) => {
    const it = await open();
    it.answer();
    it.upstream.send(Buffer.concat([event('a'), frame(closePayload(code, 'restart'), { opcode: CLOSE })]));
    it.client.send(clientFrame(closePayload(code, text), { opcode: CLOSE }));
    await settle();
    expect(it.outcomes()).toEqual([outcome]);
  });

  it.each([
    ['answers no ping at all', 0],
    ['answers its first ping behind its Close frame', 1],
  ])('a client that %s answers Close 1012 without a text: that is proof', async (_, pongs) => {
    const it = await open();
    const first = it.pings()[0]!.payload;
    it.upstream.send(Buffer.concat([event('a'), frame(closePayload(1012, 'restart'), { opcode: CLOSE })]));
    const behind = Array.from({ length: pongs }, () => clientFrame(first, { opcode: PONG }));
    it.client.send(Buffer.concat([clientClose(1012), ...behind]));
    await settle();
    expect(it.outcomes()).toEqual(['a confirmed received']);
  });
});

describe('[D15] the client closes', () => {
  it('in good order right behind a message: nobody can say; what it was sent long before and left unanswered is lost', async () => {
    const it = await open();
    it.answer();
    it.upstream.send(event('old'));
    it.run(2500);
    it.upstream.send(event('last'));
    it.client.send(clientClose(1000));
    await settle();
    expect(it.outcomes()).toEqual(['old failed disconnected', 'last unverifiable client_left']);
  });

  it.each([
    ['with 1000 cannot answer any more', clientClose(1000), 'big unverifiable client_left'],
    ['with a complaint has not taken it', clientClose(1007), 'big failed disconnected'],
    ['without a Close frame has lost it', undefined, 'big failed disconnected'],
  ])('a client that leaves while its last message is read on the side, %s', async (_name, last, outcome) => {
    const it = await open(undefined, DEFLATE);
    it.answer();
    const text = JSON.stringify({ type: 'note', event_id: 'big', data: 'a'.repeat(500_000) });
    it.upstream.send(frame(await createDeflater(false)(Buffer.from(text)), { rsv1: true }));
    if (last !== undefined) it.client.send(last);
    it.client.fin();
    expect(it.outcomes()).toEqual([]);
    while (it.outcomes().length === 0) await settle();
    expect(it.outcomes()).toEqual([outcome]);
  });

  it("behind its Close frame nothing is proof, not in its chunk either: Node's WebSocket answers pings then, and hands on no message", async () => {
    const it = await open();
    it.answer();
    it.upstream.send(event('a'));
    it.upstream.send(event('b', 'strict'));
    const word = clientFrame(JSON.stringify({ type: 'event_confirmation', event_id: 'b' }));
    const pongs = it.pings().map(({ payload }) => clientFrame(payload, { opcode: PONG }));
    it.client.send(Buffer.concat([clientClose(1000), ...pongs, word]));
    await settle();
    expect(it.outcomes()).toEqual(['a unverifiable client_left', 'b unverifiable client_left']);
  });

  it.each([1002, 1003, 1007, 1009])('with the complaint %i: it did not take what it was sent', async (code) => {
    const it = await open();
    it.answer();
    it.upstream.send(event('a'));
    it.client.send(clientClose(code));
    await settle();
    expect(it.outcomes()).toEqual(['a failed disconnected']);
  });

  it('with a complaint after its backend had gone, too; a code that repeats that of the backend complains of nothing', async () => {
    const garbled = await open();
    garbled.answer();
    garbled.upstream.send(Buffer.concat([event('a'), Buffer.from([0xf3, 0x02, 0x68, 0x69])]));
    garbled.upstream.fin();
    garbled.client.send(clientClose(1002));
    await settle();
    expect(garbled.outcomes()).toEqual(['a failed disconnected']);
    const told = await open();
    told.upstream.send(Buffer.concat([event('a'), close(1002)]));
    told.client.send(clientClose(1002));
    await settle();
    expect(told.outcomes()).toEqual(['a unverifiable never_answered']);
  });

  it('with a frame that breaks the rules: a word behind it says nothing, a pong does', async () => {
    const it = await open();
    it.answer();
    it.upstream.send(event('a'));
    it.upstream.send(event('b', 'strict'));
    const pings = it.pings();
    it.client.send(clientFrame('?', { opcode: 3 }));
    it.word('b');
    expect(it.outcomes()).toEqual(['a pending', 'b pending']);
    it.pong(pings.at(-1)!.payload);
    expect(it.outcomes()).toEqual(['a confirmed received', 'b pending']);
  });

  it('and is not there any more for those who look for silent ones', async () => {
    const it = await open();
    it.answer();
    it.upstream.send(event('a'));
    expect(it.connection.asked).toBe(true);
    it.client.reset();
    await settle();
    expect(it.connection.asked).toBe(false);
  });

  it('by a reset: what is not proven has failed, or was never provable', async () => {
    for (const [answers, outcome] of [
      [true, 'a failed disconnected'],
      [false, 'a unverifiable never_answered'],
    ] as const) {
      const it = await open();
      if (answers) it.answer();
      it.upstream.send(event('a'));
      it.client.reset();
      await settle();
      expect(it.outcomes()).toEqual([outcome]);
    }
  });
});

describe('[D16] the client has gone', () => {
  it.each(['reset', 'fin', 'close'] as const)(
    'by %s: what the backend still sends is tracked and has failed, to its end',
    async (how) => {
      const it = await open();
      it.answer();
      if (how === 'close') it.client.send(clientClose(1000));
      else it.client[how]();
      await settle();
      it.upstream.send(
        Buffer.concat([event('a'), event('b'), frame('binary', { opcode: BINARY }), event('c', 'ping')]),
      );
      it.upstream.fin();
      await settle();
      const all = ['a failed disconnected', 'b failed disconnected', 'undefined failed disconnected'];
      expect(it.outcomes()).toEqual(all);
      expect([it.unread.binary, it.decoder.others.untracked, it.relay.counters.messagesToClient]).toEqual([0, 1, 4]);
      it.client.fin();
      await settle();
      expect(it.closed).toHaveLength(1);
    },
  );

  it('because the sidecar stops: its answer proves also what the backend had sent until it heard of that', async () => {
    const it = await open();
    it.answer();
    it.upstream.send(event('a'));
    it.connection.close(1012, 'service restart', 'shutdown');
    it.upstream.send(Buffer.concat([event('b'), frame(closePayload(1012), { opcode: CLOSE })]));
    await settle();
    it.client.send(clientFrame(closePayload(1012, 'service restart'), { opcode: CLOSE }));
    await settle();
    expect(it.outcomes()).toEqual(['a confirmed received', 'b confirmed received']);
  });

  it('because the sidecar stops: another sidecar in front of it that stops too has answered nothing, its client has taken nothing', async () => {
    const front = await open();
    front.connection.close(1012, 'service restart', 'shutdown');
    const it = await open();
    it.answer();
    it.upstream.send(event('a'));
    it.connection.close(1012, 'service restart', 'shutdown');
    it.upstream.send(close(1012));
    await settle();
    it.client.send(front.upstream.taken());
    await settle();
    expect(it.outcomes()).toEqual(['a unverifiable client_left']);
  });

  it('because the sidecar stops: shutdown is why, where nothing is proven', async () => {
    const it = await open();
    it.answer();
    it.upstream.send(event('a'));
    it.connection.close(1012, 'service restart', 'shutdown');
    it.client.reset();
    await settle();
    expect(it.outcomes()).toEqual(['a failed shutdown']);
  });
});

describe('[D21] a message that holds no event', () => {
  it('is confirmed by a pong like any other, and never counted as untracked', async () => {
    const it = await open();
    it.answer();
    it.upstream.send(Buffer.concat([frame('42["note",1]'), frame('binary', { opcode: BINARY }), frame('[1]')]));
    it.upstream.send(frame('{"no":"type"}'));
    it.answer();
    await settle();
    it.answer();
    const types: string[] = [];
    it.store.each(({ type, status, level }) => types.push(`${type.name} ${status} ${level}`) > 0);
    expect(types.sort()).toEqual(['array', 'binary', 'json', 'text'].map((shape) => `${shape} confirmed received`));
    expect([it.tracker.tracked, it.unread.binary, it.decoder.others.no_type]).toEqual([4, 0, 0]);
  });

  it('has failed where its client was gone', async () => {
    const it = await open();
    it.answer();
    it.upstream.send(frame('binary', { opcode: BINARY }));
    it.client.reset();
    await settle();
    expect(it.outcomes()).toEqual(['undefined failed disconnected']);
  });

  it('of a message that holds several events, each is a delivery of its own, and one pong confirms all', async () => {
    const it = await open();
    it.answer();
    it.upstream.send(frame(`[${['a', 'b', 'c'].map((id) => `{"type":"note","event_id":"${id}"}`).join()}]`));
    expect(it.outcomes()).toEqual(['a pending', 'b pending', 'c pending']);
    it.answer();
    expect(it.outcomes()).toEqual(['a', 'b', 'c'].map((id) => `${id} confirmed received`));
    expect([it.tracker.tracked, it.decoder.batched, it.connection.messages]).toEqual([3, 2, 1]);
  });

  it('JSON in a binary message is an event, and each event of it a delivery of its own', async () => {
    const it = await open();
    it.answer();
    const several = ['b', 'c'].map((id) => `{"type":"note","event_id":"${id}"}`).join('\n');
    it.upstream.send(frame('{"type":"note","event_id":"a"}', { opcode: BINARY }));
    it.upstream.send(frame(several, { opcode: BINARY }));
    it.upstream.send(frame('{"type":"ping"}', { opcode: BINARY }));
    expect(it.outcomes()).toEqual(['a pending', 'b pending', 'c pending']);
    it.word('b');
    it.answer();
    expect(it.outcomes()).toEqual(['a confirmed received', 'b confirmed processed', 'c confirmed received']);
    expect([it.decoder.others.untracked, it.unread.binary, it.connection.messages]).toEqual([1, 0, 3]);
  });

  it('[D13] a binary message that could not be looked into may have held an event, one that is no JSON has not', async () => {
    const it = await open();
    const limit = it.relay.limits.messageBytes;
    it.upstream.send(frame(Buffer.alloc(limit + 1, '.'), { opcode: BINARY }));
    expect(it.connection.session.obscured).toBe(false);
    it.upstream.send(frame(Buffer.alloc(limit + 1, '{'), { opcode: BINARY }));
    expect(it.connection.session.obscured).toBe(true);
    expect(it.decoder.unread).toEqual({ text: 0, binary: 2, json: 0, array: 0 });
  });

  it('a word about one event of a message proves the receipt of the others, its twin included, and says of the twin no more', async () => {
    const it = await open();
    it.answer();
    it.upstream.send(frame(['a', 'b', 'b', 'c'].map((id) => `{"type":"note","event_id":"${id}"}`).join('\n')));
    it.word('b');
    const processed = it.outcomes().map((line) => line.replace('confirmed ', ''));
    expect(processed.sort()).toEqual(['a received', 'b processed', 'b received', 'c received']);
  });

  it('events that one message brought are lost together', async () => {
    const it = await open();
    it.answer();
    it.upstream.send(frame('{"type":"note","event_id":"a"}\x1e{"type":"note","event_id":"b"}\x1e'));
    it.client.reset();
    await settle();
    expect(it.outcomes()).toEqual(['a failed disconnected', 'b failed disconnected']);
  });

  it('is left out where a rule says so', async () => {
    const it = await open({ match: ['binary', 'text'], track: false, priority: 'low' });
    it.upstream.send(Buffer.concat([frame('binary', { opcode: BINARY }), frame('text'), event('a')]));
    expect([it.tracker.tracked, it.unread.binary, it.decoder.others.untracked]).toEqual([1, 1, 1]);
  });
});

it('[E6] where the rules track nothing, the client gets no frame of ours', async () => {
  const it = await open({ match: ['*'], track: false, priority: 'low' });
  it.upstream.send(Buffer.concat([event('a'), frame('text'), frame('binary', { opcode: BINARY })]));
  expect(it.connection.probe(it.time.now)).toBe('failed');
  it.upstream.send(close(1000));
  await settle();
  expect(it.pings()).toEqual([]);
  expect(it.tracker.tracked).toBe(0);
});

describe('[D14] evidence that waits unread', () => {
  it('while the backend takes no more of the client, and a second after, nothing of that client expires', async () => {
    const it = await open();
    it.answer();
    it.upstream.stall();
    it.client.send(clientFrame('x'.repeat(40_000), { opcode: BINARY }));
    expect(it.client.isPaused()).toBe(true);
    it.upstream.send(event('a'));
    const pings = it.pings();
    for (const { payload } of pings) it.pong(payload);
    it.run(20_000);
    expect(it.outcomes()).toEqual(['a pending']);
    it.upstream.unstall();
    await settle();
    expect(it.outcomes()).toEqual(['a confirmed received']);
  });

  it('a client that is read and silent expires all the same', async () => {
    const it = await open();
    it.answer();
    it.upstream.stall();
    it.client.send(clientFrame('x'.repeat(40_000), { opcode: BINARY }));
    it.upstream.send(event('a'));
    it.run(10_000);
    it.upstream.unstall();
    await settle();
    it.run(3000);
    expect(it.outcomes()).toEqual(['a timeout timeout']);
  });

  it('a standstill puts deadlines off by as long as it lasted', async () => {
    const it = await open();
    it.answer();
    it.upstream.send(event('a'));
    it.run(1000);
    it.tracker.stoodStill(it.time.now, it.time.now + 60_000);
    it.time.now += 60_000;
    it.run(3900);
    expect(it.outcomes()).toEqual(['a pending']);
    it.run(300);
    expect(it.outcomes()).toEqual(['a timeout timeout']);
  });
});

describe('[E5] [D17] an application that speaks', () => {
  it('saves barriers while its words come, and a word that does not come costs 100 ms, not a loss', async () => {
    const it = await open();
    it.answer();
    for (const id of ['a', 'b', 'c']) {
      it.upstream.send(event(id));
      it.answer();
      it.word(id);
    }
    it.pings();
    it.upstream.send(event('d'));
    expect(it.pings()).toEqual([]);
    it.run(75);
    expect(it.pings()).toEqual([]);
    it.run(75);
    it.answer();
    expect(it.outcomes().at(-1)).toBe('d confirmed received');
    // It is not expected to speak any more: the next one is asked for at once.
    it.upstream.send(event('e'));
    expect(it.pings()).toHaveLength(1);
  });

  it('[E3] may come in a binary message, also in fragments, and is for nobody else', async () => {
    const it = await open();
    it.answer();
    it.upstream.send(Buffer.concat([event('a', 'strict'), event('b', 'strict'), event('c', 'strict')]));
    it.upstream.drain();
    const text = (id: string) => JSON.stringify({ type: 'event_confirmation', event_id: id });
    it.client.send(clientFrame(text('a'), { opcode: BINARY }));
    it.client.send(clientFrame(text('b').slice(0, 9), { opcode: BINARY, fin: false }));
    it.client.send(clientFrame(text('b').slice(9), { opcode: CONTINUATION }));
    expect(it.outcomes()).toEqual(['a confirmed processed', 'b confirmed processed', 'c pending']);
    expect(it.upstream.drain()).toHaveLength(0);
    const other = clientFrame('{"type":"voice"}', { opcode: BINARY });
    it.client.send(other);
    expect(it.upstream.drain()).toEqual(other);
  });

  it('[D13] says nothing of an event whose id a message that a rule leaves out had before', async () => {
    const it = await open();
    it.answer();
    it.upstream.send(Buffer.concat([frame('{"type":"ping","event_id":"x"}'), event('x')]));
    it.word('x');
    expect(it.outcomes()).toEqual(['x pending']);
    it.answer();
    expect(it.outcomes()).toEqual(['x confirmed received']);
    it.word('x');
    expect(it.outcomes()).toEqual(['x confirmed processed']);
  });

  it.each([
    [
      'more events than are taken apart',
      JSON.stringify(Array.from({ length: 70 }, (_, i) => ({ type: 'note', event_id: `x${i}` }))),
    ],
    ['a longer list than is looked through', `[${JSON.stringify({ type: 'note', event_id: 'x0' }).padEnd(70_000)},{}]`],
    ['an object without a type', JSON.stringify({ event_id: 'x0' })],
    ['a list of something else', JSON.stringify([1, 'note', { event_id: 'x0' }])],
  ])(
    '[D13] says nothing of a copy of an event that came in a message that is not taken apart: %s',
    async (_, first) => {
      const it = await open();
      it.answer();
      it.upstream.send(frame(first));
      it.answer();
      it.upstream.send(Buffer.concat([event('a'), event('x0', 'strict')]));
      it.word('x0');
      await settle();
      expect(it.outcomes().slice(1)).toEqual(['a pending', 'x0 pending']);
      it.answer();
      it.word('x0');
      expect(it.outcomes().slice(1)).toEqual(['a confirmed received', 'x0 confirmed processed']);
    },
  );

  it('[D13] is asked by a barrier at once about an id that it was sent before', async () => {
    const it = await open();
    it.answer();
    it.upstream.send(event('a'));
    it.answer();
    it.word('a');
    it.upstream.send(event('a'));
    expect(it.pings()).toHaveLength(1);
  });

  it('a client that must process an event and closes in good order has not processed it', async () => {
    const it = await open();
    it.answer();
    it.upstream.send(event('a', 'strict'));
    it.answer();
    it.client.send(clientClose(1000));
    await settle();
    expect(it.outcomes()).toEqual(['a failed disconnected']);
  });
});

describe('[E2] the first barrier', () => {
  it('is one, also where the upstream speaks first', async () => {
    const it = await open();
    expect(it.pings()).toHaveLength(1);
  });
});

it('[D22] what a client has taken is told while bytes wait for it, and more that wait do not change it', async () => {
  const it = await open();
  expect(it.connection.taken).toBe(-1);
  it.client.stall();
  it.upstream.send(event('a'));
  await settle();
  const { taken } = it.connection;
  expect(taken).toBeGreaterThanOrEqual(0);
  it.upstream.send(event('b'));
  expect(it.connection.taken).toBe(taken);
  it.client.unstall();
  await settle();
  expect(it.connection.taken).toBe(-1);
});
