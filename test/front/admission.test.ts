// Handshakes whose admission takes time: held, counted, ended by whoever leaves first, and passed on as they came.
import type { Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createFrontCounters } from '../../src/front/counters.ts';
import { createListener, type Refusal } from '../../src/front/listener.ts';
import {
  atEnd,
  closeAll,
  handshake,
  rawClient,
  rawUpstream,
  startFront,
  switching,
  upstreamAt,
} from '../support/backends.ts';
import { eventually } from '../support/child.ts';

afterEach(closeAll);

type Decision = { letIn(): void; refuse(refusal: Refusal): void; reject(error: Error): void };

/** A front that asks the test about every handshake, in order. */
async function asking() {
  const upstream = await rawUpstream();
  const decisions: Decision[] = [];
  const front = await startFront(upstream.address, {
    admit: () =>
      new Promise((resolve, reject) =>
        decisions.push({
          letIn: () => resolve({ ticket: undefined }),
          refuse: (refusal) => resolve({ refusal }),
          reject,
        }),
      ),
  });
  const decision = (index: number) =>
    eventually(() => {
      expect(decisions.length).toBeGreaterThan(index);
      return decisions[index]!;
    });
  const ask = async (extra = '') => {
    const client = rawClient(front.port);
    client.send(handshake() + extra);
    return { client, decision: await decision(decisions.length) };
  };
  return { upstream, front, ask };
}

describe('a handshake that is held', () => {
  it('reaches the upstream only when let in, with the bytes that came behind its head', async () => {
    const { upstream, front, ask } = await asking();
    const { client, decision } = await ask('pipelined ');
    client.send('and later');
    expect([front.listener.handshaking, upstream.accepted.length]).toEqual([1, 0]);
    decision.letIn();
    const peer = await upstream.next();
    expect((await peer.head()).start).toBe('GET /ws HTTP/1.1');
    expect(front.listener.handshaking).toBe(1);
    peer.send(switching());
    expect((await client.head()).start).toContain('101');
    expect(await peer.take(19)).toBe('pipelined and later');
    expect(front.listener.handshaking).toBe(0);
    expect(front.counters).toMatchObject({ upgraded: 1, clientGone: 0, refusedByLimit: 0 });
  });

  it.each([
    [429, '429 Too Many Requests', '1'],
    [503, '503 Service Unavailable', '1'],
    [403, '403 Forbidden', undefined],
  ])('[D7] is refused with %i as if it had been refused at once', async (status, line, retryAfter) => {
    const { upstream, front, ask } = await asking();
    const { client, decision } = await ask('a frame that nobody reads');
    decision.refuse({ status, reason: 'not now' });
    const head = await client.head();
    expect([head.start, head.get('retry-after')]).toEqual([`HTTP/1.1 ${line}`, retryAfter]);
    expect(await client.rest()).toBe('not now\n');
    expect(front.counters.refusedByLimit).toBe(1);
    expect(front.faults).toMatchObject([{ stage: 'relay.limit' }]);
    expect([front.listener.handshaking, upstream.accepted.length]).toEqual([0, 0]);
  });

  it('[D8] is let in where whoever decides breaks', async () => {
    const { upstream, front, ask } = await asking();
    const { decision } = await ask();
    decision.reject(new Error('a bug'));
    await (await upstream.next()).head();
    expect(front.faults).toMatchObject([{ stage: 'relay.admit' }]);
  });

  it('does not hold up the others', async () => {
    const { upstream, front, ask } = await asking();
    const slow = await ask();
    const quick = await ask();
    expect(front.listener.handshaking).toBe(2);
    quick.decision.letIn();
    const peer = await upstream.next();
    peer.send(switching());
    await quick.client.head();
    expect(front.listener.handshaking).toBe(1);
    slow.decision.refuse({ status: 429, reason: 'not now' });
    expect((await slow.client.head()).start).toContain('429');
    expect(front.listener.handshaking).toBe(0);
  });
});

describe('a client that leaves while it is held', () => {
  it('by a reset: is let go when the decision comes, and the upstream never hears of it', async () => {
    const { upstream, front, ask } = await asking();
    const { client, decision } = await ask();
    client.socket.resetAndDestroy();
    const { server } = front.listener;
    const open = () => new Promise<number>((resolve) => server.getConnections((_, count) => resolve(count)));
    await eventually(async () => expect(await open()).toBe(0));
    expect(front.listener.handshaking).toBe(1);
    decision.letIn();
    await eventually(() => expect(front.counters.clientGone).toBe(1));
    expect([front.listener.handshaking, upstream.accepted.length, front.faults]).toEqual([0, 0, []]);
  });

  it('by an end: is noticed as soon as its socket is read again', async () => {
    const { front, ask } = await asking();
    const { client, decision } = await ask();
    client.socket.end();
    decision.letIn();
    await eventually(() => expect(front.counters).toMatchObject({ clientGone: 1, upgraded: 0 }));
    await client.gone();
    expect(front.listener.handshaking).toBe(0);
  });
});

describe('stopping while handshakes are held', () => {
  it('whoever would have been let in is answered 503', async () => {
    const { upstream, front, ask } = await asking();
    const { client, decision } = await ask();
    await front.listener.stopAccepting();
    expect(front.listener.handshaking).toBe(1);
    decision.letIn();
    expect((await client.head()).start).toBe('HTTP/1.1 503 Service Unavailable');
    expect([front.listener.handshaking, upstream.accepted.length]).toEqual([0, 0]);
  });

  it('close waits for no decision, and one that comes late changes nothing', async () => {
    const { upstream, front, ask } = await asking();
    const { client, decision } = await ask();
    await front.listener.close();
    expect((await client.head()).start).toBe('HTTP/1.1 503 Service Unavailable');
    expect(front.listener.handshaking).toBe(0);
    decision.refuse({ status: 429, reason: 'too late' });
    await client.gone();
    expect(front.counters).toMatchObject({ refusedWhileStopping: 1, refusedByLimit: 0, clientGone: 0, upgraded: 0 });
    expect(upstream.accepted).toEqual([]);
  });
});

describe('the ticket of a handshake', () => {
  it('is handed on with its own request, to those that are passed on and to those that are answered here', async () => {
    const upstream = await rawUpstream();
    const counters = createFrontCounters();
    const seen: string[] = [];
    const joined: { socket: Socket; head: string }[] = [];
    const listener = createListener<string>({
      ...{ upstream: upstreamAt(upstream.address), counters, report: ({ error }) => expect.fail(String(error)) },
      ...{ handshakeTimeoutMs: 10_000, stallMs: 60_000 },
      admit: async ({ url }) => ({ ticket: `of ${url}` }),
      uncompressed(_, ticket) {
        seen.push(`offer ${ticket}`);
        return ticket === 'of /a';
      },
      rejoin(_, ticket) {
        if (ticket !== 'of /back') return undefined;
        return { subprotocol: 'chat', join: (socket, head) => joined.push({ socket, head: String(head) }) };
      },
      onUpgraded(upgraded, ticket) {
        seen.push(`upgraded ${ticket}`);
        upgraded.client.on('error', () => {}).destroy();
        upgraded.upstream.on('error', () => {}).destroy();
      },
    });
    const { port } = await listener.listen('127.0.0.1', 0);
    atEnd(() => listener.close());
    const offers = ['Sec-WebSocket-Extensions: permessage-deflate'];
    for (const path of ['/a', '/b']) {
      rawClient(port).send(handshake(path, offers));
      const peer = await upstream.next();
      expect((await peer.head()).get('sec-websocket-extensions')).toBe(
        path === '/a' ? undefined : 'permessage-deflate',
      );
      peer.send(switching());
      await eventually(() => expect(seen).toContain(`upgraded of ${path}`));
    }
    const back = rawClient(port);
    back.send(`${handshake('/back')}first words`);
    const head = await back.head();
    expect([head.start, head.get('sec-websocket-protocol')]).toEqual(['HTTP/1.1 101 Switching Protocols', 'chat']);
    expect(head.get('sec-websocket-accept')).toBe('s3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
    expect(joined.map((one) => one.head)).toEqual(['first words']);
    joined[0]!.socket.destroy();
    expect(seen).toEqual(['offer of /a', 'upgraded of /a', 'offer of /b', 'upgraded of /b']);
    expect([counters.upgraded, upstream.accepted.length]).toEqual([2, 2]);
  });
});
