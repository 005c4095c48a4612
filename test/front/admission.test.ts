// Handshakes whose admission takes time: held, counted, ended by whoever leaves first, and passed on as they came.
import { afterEach, describe, expect, it } from 'vitest';
import type { Refusal } from '../../src/front/listener.ts';
import { closeAll, handshake, rawClient, rawUpstream, startFront, switching } from '../support/backends.ts';
import { eventually } from '../support/child.ts';

afterEach(closeAll);

type Verdict = { resolve(refusal?: Refusal): void; reject(error: Error): void };

/** A front that asks the test about every handshake, in order. */
async function asking() {
  const upstream = await rawUpstream();
  const verdicts: Verdict[] = [];
  const front = await startFront(upstream.address, {
    admit: () => new Promise((resolve, reject) => verdicts.push({ resolve: (refusal) => resolve(refusal), reject })),
  });
  const verdict = (index: number) =>
    eventually(() => {
      expect(verdicts.length).toBeGreaterThan(index);
      return verdicts[index]!;
    });
  const ask = async (extra = '') => {
    const client = rawClient(front.port);
    client.send(handshake() + extra);
    return { client, verdict: await verdict(verdicts.length) };
  };
  return { upstream, front, ask };
}

describe('a handshake that is held', () => {
  it('reaches the upstream only when let in, with the bytes that came behind its head', async () => {
    const { upstream, front, ask } = await asking();
    const { client, verdict } = await ask('pipelined ');
    client.send('and later');
    expect([front.listener.handshaking, upstream.accepted.length]).toEqual([1, 0]);
    verdict.resolve();
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
    const { client, verdict } = await ask('a frame that nobody reads');
    verdict.resolve({ status, reason: 'not now' });
    const head = await client.head();
    expect([head.start, head.get('retry-after')]).toEqual([`HTTP/1.1 ${line}`, retryAfter]);
    expect(await client.rest()).toBe('not now\n');
    expect(front.counters.refusedByLimit).toBe(1);
    expect(front.faults).toMatchObject([{ stage: 'relay.limit' }]);
    expect([front.listener.handshaking, upstream.accepted.length]).toEqual([0, 0]);
  });

  it('[D8] is let in where whoever decides breaks', async () => {
    const { upstream, front, ask } = await asking();
    const { verdict } = await ask();
    verdict.reject(new Error('a bug'));
    await (await upstream.next()).head();
    expect(front.faults).toMatchObject([{ stage: 'relay.admit' }]);
  });

  it('does not hold up the others', async () => {
    const { upstream, front, ask } = await asking();
    const slow = await ask();
    const quick = await ask();
    expect(front.listener.handshaking).toBe(2);
    quick.verdict.resolve();
    const peer = await upstream.next();
    peer.send(switching());
    await quick.client.head();
    expect(front.listener.handshaking).toBe(1);
    slow.verdict.resolve({ status: 429, reason: 'not now' });
    expect((await slow.client.head()).start).toContain('429');
    expect(front.listener.handshaking).toBe(0);
  });
});

describe('a client that leaves while it is held', () => {
  it('by a reset: is let go when the decision comes, and the upstream never hears of it', async () => {
    const { upstream, front, ask } = await asking();
    const { client, verdict } = await ask();
    client.socket.resetAndDestroy();
    const { server } = front.listener;
    const open = () => new Promise<number>((resolve) => server.getConnections((_, count) => resolve(count)));
    await eventually(async () => expect(await open()).toBe(0));
    expect(front.listener.handshaking).toBe(1);
    verdict.resolve();
    await eventually(() => expect(front.counters.clientGone).toBe(1));
    expect([front.listener.handshaking, upstream.accepted.length, front.faults]).toEqual([0, 0, []]);
  });

  it('by an end: is noticed as soon as its socket is read again', async () => {
    const { front, ask } = await asking();
    const { client, verdict } = await ask();
    client.socket.end();
    verdict.resolve();
    await eventually(() => expect(front.counters).toMatchObject({ clientGone: 1, upgraded: 0 }));
    await client.gone();
    expect(front.listener.handshaking).toBe(0);
  });
});

describe('stopping while handshakes are held', () => {
  it('whoever would have been let in is answered 503', async () => {
    const { upstream, front, ask } = await asking();
    const { client, verdict } = await ask();
    await front.listener.stopAccepting();
    expect(front.listener.handshaking).toBe(1);
    verdict.resolve();
    expect((await client.head()).start).toBe('HTTP/1.1 503 Service Unavailable');
    expect([front.listener.handshaking, upstream.accepted.length]).toEqual([0, 0]);
  });

  it('close waits for no decision, and one that comes late changes nothing', async () => {
    const { upstream, front, ask } = await asking();
    const { client, verdict } = await ask();
    await front.listener.close();
    expect((await client.head()).start).toBe('HTTP/1.1 503 Service Unavailable');
    expect(front.listener.handshaking).toBe(0);
    verdict.resolve({ status: 429, reason: 'too late' });
    await client.gone();
    expect(front.counters).toMatchObject({ refusedByLimit: 1, clientGone: 0, upgraded: 0 });
    expect(upstream.accepted).toEqual([]);
  });
});
