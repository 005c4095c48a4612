// A client that has opted in, over several connections: who is counted as there, what each client proves, and how what is open ends.
import { describe, expect, it } from 'vitest';
import { CLOSE, CONTINUATION, PING, PONG } from '../../src/relay/frames.ts';
import { answer, event, leave, openOptedIn as open, texts } from '../support/opted-in-connection.ts';
import { clientFrame, closePayload, frame, readFrames } from '../support/raw-frames.ts';
import { settle } from '../support/socket-pair.ts';

describe('a client that goes and comes back', () => {
  it('is told as closed and opened, and is counted as away in between', async () => {
    const { client, connection, resumable, parked, told, time, rejoin } = await open();
    time.now = 11_000;
    client.reset();
    await settle();
    expect([parked.count, connection.attended, connection.asked]).toEqual([1, false, false]);
    time.now = 12_000;
    await rejoin(0);
    expect([parked.count, connection.attended, connection.id]).toEqual([0, true, 'c-2']);
    expect([resumable.session.link, resumable.waits]).toEqual([connection, false]);
    expect(told).toEqual(['opened c-1', 'closed by client 1006 at 11000', 'opened c-2']);
  });

  it('[E6] has to show again what it can confirm: its first barrier goes out at once', async () => {
    const { client, told, rejoin, resumable } = await open();
    answer(client);
    client.reset();
    await settle();
    const next = await rejoin(0);
    expect(texts(next)).toEqual(['welcome']);
    expect(readFrames(next.taken()).at(-1)!.opcode).toBe(PING);
    answer(next);
    expect(resumable.session.capability).toBe('received');
    expect(told.filter((line) => line.includes(' to '))).toEqual(['none to received', 'none to received']);
  });

  it('whose upstream ends meanwhile is counted as away no longer, and told as closed once', async () => {
    const { client, upstream, parked, told } = await open();
    client.reset();
    await settle();
    upstream.fin();
    await settle();
    expect([parked.count, told]).toEqual([0, ['opened c-1', 'closed by client 1006 at 10000']]);
  });

  it('while its old connection is still there replaces that one, which is told as closed', async () => {
    const { client, told, parked, rejoin } = await open();
    await rejoin(0);
    expect([parked.count, client.finished]).toEqual([0, true]);
    expect(told).toEqual(['opened c-1', 'closed by sidecar 4409 at 10000', 'opened c-2']);
  });

  it('[R5] gets what it missed, and a binary message as binary', async () => {
    const { client, upstream, rejoin, outcomes } = await open();
    upstream.send(event('a'));
    client.reset();
    await settle();
    upstream.send(event('b'));
    upstream.send(frame(JSON.stringify({ type: 'agent_thinking', event_id: 'c' }), { opcode: 2 }));
    const next = await rejoin(1);
    expect(texts(next)).toEqual(['welcome', 'replay', 'b', 'replay', 'binary c']);
    expect(outcomes()).toEqual(['a pending', 'b retrying', 'c retrying']);
  });

  it('[R2] is told the number of the next message', async () => {
    const { client, upstream, rejoin } = await open();
    upstream.send(event('a'));
    client.reset();
    await settle();
    upstream.send(event('b'));
    const [welcome] = readFrames((await rejoin(2)).taken());
    expect(JSON.parse(`${welcome!.payload}`)).toMatchObject({ recovered: true, rejoined: true, next: 3 });
  });

  it('[D24] and stays is owed nothing for its earlier Close frame: a deadline that passes is a time-out', async () => {
    const { client, upstream, tracker, time, rejoin, outcomes } = await open();
    answer(client);
    upstream.send(event('a'));
    answer(client);
    client.send(leave(1001));
    await settle();
    answer(await rejoin(1));
    for (const end = time.now + 300_000; time.now < end; time.now += 100) tracker.tick(time.now);
    expect(outcomes()).toEqual(['a timeout timeout']);
  });

  it('cannot be joined to an upstream that has closed', async () => {
    const { client, upstream, connection, parked } = await open();
    client.reset();
    await settle();
    upstream.send(frame(closePayload(1001), { opcode: CLOSE }));
    expect(connection.rejoin(connection.facts, client, Buffer.alloc(0), 4409, 'replaced')).toBe(false);
    expect([parked.count, connection.attended]).toEqual([1, false]);
  });

  it('[R2] in the middle of a message that cannot be read has to come again', async () => {
    const { client, upstream, rejoin } = await open();
    upstream.send(frame('\x01\x02', { opcode: 2, fin: false }));
    client.reset();
    await settle();
    const next = await rejoin(0);
    upstream.send(frame('\x03', { opcode: CONTINUATION }));
    await settle();
    expect(next.finished).toBe(true);
  });
});

it('[R10] a client whose session goes on over another connection proves nothing any more', async () => {
  const { client, upstream, connect, resumable } = await open();
  answer(client);
  upstream.send(event('a'));
  const ping = readFrames(client.drain()).find(({ opcode }) => opcode === PING)!;
  resumable.goOn(connect(), resumable.claim(0));
  client.send(clientFrame(ping.payload, { opcode: PONG }));
  expect(resumable.session.receivedThrough).toBe(0);
});

describe('what was sent to a client that does not come back', () => {
  it('[R7] is lost, where it went without a Close frame', async () => {
    const { client, upstream, resumable, outcomes } = await open();
    answer(client);
    upstream.send(event('a'));
    answer(client);
    client.reset();
    await settle();
    resumable.expire('expired');
    expect(outcomes()).toEqual(['a failed disconnected']);
  });

  it('[D24] [D15] is not called lost, where it went away with Close 1001', async () => {
    const { client, upstream, resumable, outcomes } = await open();
    answer(client);
    upstream.send(event('received'));
    answer(client);
    upstream.send(event('on its way'));
    client.send(leave(1001));
    await settle();
    expect(outcomes()).toEqual(['received pending', 'on its way pending']);
    resumable.expire('expired');
    expect(outcomes()).toEqual(['received unverifiable client_left', 'on its way unverifiable client_left']);
  });

  it('[D24] is closed upon, where it was asked to come again: what it had not proven is lost', async () => {
    const { client, upstream, connection, resumable, outcomes } = await open();
    answer(client);
    upstream.send(event('received'));
    answer(client);
    upstream.send(event('on its way'));
    expect(connection.retire(1012, 'old')).toBe(true);
    client.reset();
    await settle();
    resumable.expire('expired');
    expect(outcomes()).toEqual(['received unverifiable closed', 'on its way failed disconnected']);
  });
});

describe('a connection that ends while the client is there', () => {
  /** One event is proven, another one is not. */
  const proven = async (options?: Parameters<typeof open>[0]) => {
    const here = await open(options);
    answer(here.client);
    here.upstream.send(event('received'));
    answer(here.client);
    here.upstream.send(event('on its way'));
    return here;
  };

  it('[R7] by its upstream without a Close frame leaves the session waiting', async () => {
    const { upstream, client, resumable, counters } = await proven();
    upstream.fin();
    await settle();
    client.fin();
    await settle();
    expect([resumable.waits, counters.ended.closed]).toEqual([true, 0]);
  });

  it.each([
    [1000, 'unverifiable client_left'],
    [4000, 'unverifiable client_left'],
    // A complaint: it did not take what is not proven.
    [1009, 'failed disconnected'],
  ])('[D15] [D24] by Close %i of the client is the end of the session', async (code, other) => {
    const { client, upstream, resumable, counters, outcomes } = await proven();
    client.send(leave(code));
    upstream.fin();
    client.fin();
    await settle();
    expect(outcomes()).toEqual(['received unverifiable client_left', `on its way ${other}`]);
    expect([resumable.waits, counters.ended.closed]).toEqual([false, 1]);
  });

  it('[D24] by Close 1000 of the upstream, which the client answers: what is proven was closed upon', async () => {
    const { client, upstream, outcomes } = await proven();
    upstream.send(frame(closePayload(1000), { opcode: CLOSE }));
    client.send(leave(1000));
    upstream.fin();
    client.fin();
    await settle();
    expect(outcomes()[0]).toBe('received unverifiable closed');
  });

  it('[R7] by a Close frame of the upstream that the client has not been sent is no goodbye', async () => {
    const { client, upstream, resumable, outcomes } = await proven();
    // The frame waits for words about the events.
    upstream.send(frame(closePayload(1001), { opcode: CLOSE }));
    client.reset();
    upstream.fin();
    await settle();
    expect(resumable.waits).toBe(true);
    resumable.expire('expired');
    expect(outcomes()).toEqual(['received failed disconnected', 'on its way failed disconnected']);
  });

  it('[D24] by a Close frame of the upstream that the client has been sent is one, also where it says nothing more', async () => {
    const { client, upstream, resumable, time, outcomes } = await proven();
    time.now += 3000;
    upstream.send(frame(closePayload(1001), { opcode: CLOSE }));
    await settle();
    client.reset();
    upstream.fin();
    await settle();
    expect(resumable.waits).toBe(true);
    resumable.expire('expired');
    expect(outcomes()).toEqual(['received unverifiable closed', 'on its way failed disconnected']);
  });

  it('[D24] by a Close frame of the upstream lets the client speak first', async () => {
    const { client, upstream, outcomes } = await proven();
    client.drain();
    upstream.send(frame(closePayload(1000), { opcode: CLOSE }));
    await settle();
    expect(readFrames(client.drain()).map(({ opcode }) => opcode)).not.toContain(CLOSE);
    client.send(clientFrame(JSON.stringify({ ackspan: 'confirm', through: 2, also: [] })));
    await settle();
    expect(readFrames(client.drain()).map(({ opcode }) => opcode)).toContain(CLOSE);
    expect(outcomes()).toEqual(['received confirmed', 'on its way confirmed']);
  });

  it('with Close 1001 of a client in the middle of a message leaves the session waiting, though nobody can join its upstream', async () => {
    const { client, upstream, resumable, parked } = await open();
    client.send(clientFrame('half', { fin: false, opcode: 2 }));
    client.send(leave(1001));
    upstream.fin();
    client.fin();
    await settle();
    expect([parked.count, resumable.waits]).toEqual([0, true]);
  });

  it.each([
    ['the client', 0, false],
    ['the client', 5000, true],
    ['the upstream', 0, true],
  ])(
    'with Close 1001 of %s, where pages have %i ms to reload: whether the session waits',
    async (by, reloadMs, waits) => {
      const { client, upstream, resumable } = await open({ reloadMs });
      // The upstream has gone, so that the client is not parked.
      if (by === 'the upstream') upstream.send(frame(closePayload(1001), { opcode: CLOSE }));
      client.send(leave(1001));
      upstream.fin();
      client.fin();
      await settle();
      expect(resumable.waits).toBe(waits);
    },
  );

  it('[R7] by the sidecar is the end of the session', async () => {
    const { client, upstream, connection, resumable, counters } = await proven();
    connection.close(1012, 'restart');
    upstream.fin();
    client.fin();
    await settle();
    expect([resumable.waits, counters.ended.stopped]).toEqual([false, 1]);
  });
});
