// [D7] What the public port takes on has bounds: bodies and answers that stand still, late heads, file descriptors.
import { once } from 'node:events';
import { createServer as createNet, type Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import { createDescriptors } from '../../src/front/descriptors.ts';
import { isShortage, unreachable } from '../../src/front/http.ts';
import {
  atEnd,
  closeAll,
  handshake,
  httpUpstream,
  listenOn,
  rawClient,
  rawUpstream,
  startFront,
  switching,
} from '../support/backends.ts';
import { eventually } from '../support/child.ts';

afterEach(closeAll);

const STALL = 200;
const POST = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nx';
const stalls = ({ faults }: { faults: { stage: string }[] }) => faults.filter(({ stage }) => stage === 'relay.stall');

/** Writes for as long as somebody reads. */
function flood(to: Writable): void {
  const chunk = Buffer.alloc(65_536);
  const more = (): void => {
    while (to.write(chunk));
  };
  to.on('drain', more);
  more();
}

describe('a body that does not go on', () => {
  it('is answered 408; the upstream is told by an end, and so is the log', async () => {
    const upstream = await rawUpstream();
    const front = await startFront(upstream.address, { stallMs: STALL });
    const client = rawClient(front.port);
    client.send(POST);
    const peer = await upstream.next();
    const head = await client.head();
    expect([head.start, head.get('connection')]).toEqual(['HTTP/1.1 408 Request Timeout', 'close']);
    await Promise.all([client.gone(), peer.gone()]);
    expect(front.counters).toMatchObject({ bodiesStalled: 1, requestErrors: 0 });
    expect(stalls(front)).toHaveLength(1);
  });

  it('of an upgrade that is no WebSocket is answered 408 too', async () => {
    const upstream = await rawUpstream();
    const front = await startFront(upstream.address, { stallMs: STALL });
    const client = rawClient(front.port);
    client.send('POST / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 9\r\n\r\nx');
    const peer = await upstream.next();
    expect((await client.head()).start).toBe('HTTP/1.1 408 Request Timeout');
    await peer.gone();
    expect(front.counters.bodiesStalled).toBe(1);
    expect(front.listener.handshaking).toBe(0);
  });

  it('is no fault of a client that is not read, or that waits for a 100', async () => {
    const upstream = await rawUpstream();
    const stuck: Socket[] = [];
    const sink = createNet((socket) => void stuck.push(socket.pause()));
    atEnd(() => stuck.map((socket) => socket.destroy()));
    const [front, blocked] = [
      await startFront(upstream.address, { stallMs: STALL }),
      await startFront(`http://127.0.0.1:${await listenOn(sink)}`, { stallMs: STALL }),
    ];
    const unread = rawClient(blocked.port);
    unread.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n');
    flood(unread.socket);
    const waiting = rawClient(front.port);
    waiting.send('POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n');
    const peer = await upstream.next();
    await peer.head();
    // Three that are given up one after the other: by then the first two would have been.
    for (let i = 0; i < 3; i++) {
      const stalled = rawClient(front.port);
      stalled.send(POST);
      expect((await stalled.head()).start).toContain('408');
    }
    expect([unread.closed, waiting.closed, blocked.counters.bodiesStalled]).toEqual([false, false, 0]);
    peer.send('HTTP/1.1 100 Continue\r\n\r\n');
    expect((await waiting.head()).start).toContain('100');
  });
});

describe('an answer that nobody takes', () => {
  it('is broken off with a reset', async () => {
    const { address } = await httpUpstream((_, response) => {
      response.writeHead(200);
      flood(response);
    });
    const front = await startFront(address, { stallMs: STALL });
    const client = rawClient(front.port);
    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await client.head();
    client.socket.pause();
    await eventually(() => expect(front.counters.answersStalled).toBe(1));
    client.socket.resume();
    await client.gone();
    expect(stalls(front)).toHaveLength(1);
  });

  it('to a handshake that was refused: the same', async () => {
    const upstream = await rawUpstream();
    const front = await startFront(upstream.address, { stallMs: STALL });
    const client = rawClient(front.port);
    client.send(handshake());
    client.socket.pause();
    const peer = await upstream.next();
    await peer.head();
    peer.send('HTTP/1.1 403 Forbidden\r\nContent-Length: 100000000\r\n\r\n');
    flood(peer.socket);
    await eventually(() => expect(front.counters.answersStalled).toBe(1));
    await peer.gone();
  });

  it('an event stream in which nothing happens is no stall', async () => {
    const { address } = await httpUpstream((request, response) => {
      request.resume();
      if (request.url === '/events')
        response.writeHead(200, { 'Content-Type': 'text/event-stream' }).write('data: 1\n\n');
    });
    const front = await startFront(address, { stallMs: STALL });
    const events = rawClient(front.port);
    events.send('GET /events HTTP/1.1\r\nHost: a\r\n\r\n');
    await events.until('data: 1');
    for (let i = 0; i < 3; i++) {
      const stalled = rawClient(front.port);
      stalled.send(POST);
      expect((await stalled.head()).start).toContain('408');
    }
    expect([events.closed, front.counters.answersStalled]).toEqual([false, 0]);
  });
});

/**
 * A client in a thread of its own: sends the rest of its head while this process stands still, and
 * wakes it after `ms`.
 */
const THREAD = `
const { parentPort, workerData } = require('node:worker_threads');
const { connect } = require('node:net');
const flag = new Int32Array(workerData.flag);
const socket = connect(workerData.port, '127.0.0.1', () => socket.write(workerData.first, () => parentPort.postMessage('sent')));
socket.on('data', (data) => parentPort.postMessage(data.toString('latin1')));
socket.on('error', () => {});
parentPort.on('message', () => {
  Atomics.wait(flag, 0, 0);
  socket.write(workerData.rest, () => setTimeout(() => { Atomics.store(flag, 1, 1); Atomics.notify(flag, 1); }, workerData.ms));
});
`;

/**
 * An upstream in a thread of its own: answers what it is asked while this process stands still, and
 * wakes it after `ms`.
 */
const UPSTREAM_THREAD = `
const { parentPort, workerData } = require('node:worker_threads');
const flag = new Int32Array(workerData.flag);
const server = require('node:net').createServer((socket) => {
  socket.on('error', () => {});
  socket.once('data', () => {
    parentPort.postMessage('asked');
    parentPort.once('message', () => {
      Atomics.wait(flag, 0, 0);
      socket.write(workerData.answer, () => setTimeout(() => { Atomics.store(flag, 1, 1); Atomics.notify(flag, 1); }, workerData.ms));
    });
  });
});
server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
`;

describe('[D14] after a standstill', () => {
  it('an answer to a handshake that has arrived counts, though its time is up', async () => {
    const shared = new SharedArrayBuffer(8);
    const flag = new Int32Array(shared);
    const worker = new Worker(UPSTREAM_THREAD, {
      eval: true,
      workerData: { flag: shared, answer: switching(), ms: 900 },
    });
    atEnd(() => worker.terminate());
    const [port] = (await once(worker, 'message')) as [number];
    const front = await startFront(`http://127.0.0.1:${port}`, { handshakeTimeoutMs: 300 });
    const asked = once(worker, 'message');
    const client = rawClient(front.port);
    client.send(handshake());
    await asked;
    worker.postMessage('go');
    Atomics.store(flag, 0, 1);
    Atomics.notify(flag, 0);
    Atomics.wait(flag, 1, 0);
    expect((await client.head()).start).toContain('101');
    expect(front.counters).toMatchObject({ upgraded: 1, handshakeTimeouts: 0 });
  });

  async function standingStill(
    first: string,
    rest: string,
    overrides: Parameters<typeof startFront>[1],
    ready = 'sent',
  ) {
    const { address } = await httpUpstream((_, response) => response.end('answered'));
    const front = await startFront(address, overrides);
    const shared = new SharedArrayBuffer(8);
    const flag = new Int32Array(shared);
    const workerData = { port: front.port, flag: shared, first, rest, ms: 900 };
    const worker = new Worker(THREAD, { eval: true, workerData });
    atEnd(() => worker.terminate());
    let told = '';
    worker.on('message', (text: string) => {
      told += text;
    });
    await eventually(() => expect(told).toContain(ready));
    // The front has read the first part: only what comes now is missed.
    await eventually(
      () =>
        new Promise<void>((resolve, reject) => {
          front.listener.server.getConnections((_, open) =>
            open === 1 ? resolve() : reject(new Error(`${open} open`)),
          );
        }),
    );
    told = '';
    worker.postMessage('go');
    Atomics.store(flag, 0, 1);
    Atomics.notify(flag, 0);
    Atomics.wait(flag, 1, 0);
    return { front, told: () => told };
  }

  it('a head whose rest has arrived is a request, not a 408', async () => {
    const { front, told } = await standingStill('GET / HTTP/1.1\r\nHo', 'st: a\r\n\r\n', { headersTimeoutMs: 300 });
    await eventually(() => expect(told()).toContain('answered'));
    expect(front.counters.requestTimeouts).toBe(0);
  });

  it('an idle connection whose next request has arrived is not closed', async () => {
    const request = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
    const { front, told } = await standingStill(request, request, { keepAliveTimeoutMs: 300 }, 'answered');
    await eventually(() => expect(told()).toContain('answered'));
    expect(front.counters.requests).toBe(2);
  });
});

it('a connection to the upstream that was kept over a standstill is not used again', async () => {
  // Covered by its cause: the idle ones are closed when the standstill is noticed, before anything
  // is read.
  const { address, server } = await httpUpstream((_, response) => response.end('ok'));
  const front = await startFront(address);
  const client = rawClient(front.port);
  client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await client.until('ok');
  const open = () => new Promise<number>((resolve) => server.getConnections((_, count) => resolve(count)));
  expect(await open()).toBe(1);
  const nobody = new Int32Array(new SharedArrayBuffer(4));
  Atomics.wait(nobody, 0, 0, 600);
  await eventually(async () => expect(await open()).toBe(0));
  client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await client.until('ok');
});

describe('file descriptors', () => {
  const counts = (clients: number, upstreams: number, others = 0, limit: number | undefined = 1000) =>
    createDescriptors({
      clients: () => clients,
      upstreams: () => upstreams,
      others: () => others,
      limit: () => limit,
      base: () => 20,
    });

  it.each([
    [0, 0, 0, true, false],
    [458, 458, 0, true, true],
    [459, 0, 0, false, true],
    [459, 459, 0, false, true],
    [200, 717, 0, false, true],
    [200, 716, 0, true, true],
    [408, 408, 100, true, true],
    [409, 408, 100, false, true],
    [300, 300, 0, true, false],
  ])('%i clients, %i upstream sockets, %i others of 1,000', (clients, upstreams, others, room, scarce) => {
    const descriptors = counts(clients, upstreams, others);
    expect([descriptors.room, descriptors.scarce]).toEqual([room, scarce]);
  });

  it('are exhausted when half of the reserve is in use', () => {
    const clients = 458;
    expect([counts(clients, clients).exhausted, counts(clients + 32, clients).exhausted]).toEqual([false, false]);
    expect(counts(clients + 33, clients).exhausted).toBe(true);
  });

  it('without a limit there is always room', () => {
    const descriptors = createDescriptors({
      ...{ clients: () => 1e6, upstreams: () => 1e6, others: () => 0 },
      ...{ limit: () => undefined, base: () => 0 },
    });
    expect([descriptors.room, descriptors.scarce]).toEqual([true, false]);
  });

  it('of this process are read, and many', () => {
    const own = createDescriptors({ clients: () => 0, upstreams: () => 0, others: () => 0 });
    expect([own.room, own.scarce]).toEqual([true, false]);
  });

  it('[D7] when they are short: newcomers get a 503, counted and reported; who is in goes on', async () => {
    const { address } = await httpUpstream((_, response) => response.end('ok'));
    const descriptors = { room: true, scarce: false, exhausted: false };
    const front = await startFront(address, { descriptors });
    const inside = rawClient(front.port);
    inside.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await inside.until('ok');
    Object.assign(descriptors, { room: false, scarce: true });
    for (const early of ['', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', handshake()]) {
      const late = rawClient(front.port);
      late.send(early);
      const head = await late.head();
      expect([head.start, head.get('retry-after')]).toEqual(['HTTP/1.1 503 Service Unavailable', '1']);
      await late.gone();
    }
    expect(front.counters).toMatchObject({ descriptorsShort: 3, requests: 1 });
    expect(front.faults.map(({ stage }) => stage)).toEqual(['relay.limit', 'relay.limit', 'relay.limit']);
    descriptors.exhausted = true;
    const unheard = rawClient(front.port);
    await unheard.gone();
    expect([unheard.all, front.counters.descriptorsShort]).toEqual(['', 4]);
    inside.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    expect((await inside.head()).get('connection')).toBe('close');
    expect(await inside.rest()).toContain('ok');
  });

  it('[D7] a socket that cannot be accepted is counted and reported', async () => {
    const { address } = await httpUpstream((_, response) => response.end('ok'));
    const front = await startFront(address);
    front.listener.server.emit('error', Object.assign(new Error('accept EMFILE'), { code: 'EMFILE' }));
    expect(front.counters.acceptFailed).toBe(1);
    expect(front.faults).toMatchObject([{ stage: 'relay.listen' }]);
  });

  it('a dial for which none is left is answered 503: it is not the upstream that is down', () => {
    const none = Object.assign(new Error('connect EMFILE'), { code: 'EMFILE' });
    expect(unreachable(none).status).toBe(503);
    expect([isShortage(none), isShortage(new Error('x'))]).toEqual([true, false]);
  });
});

it('nothing is watched any more when everything has ended', async () => {
  const { address } = await httpUpstream((_, response) => response.end('ok'));
  const front = await startFront(address, { stallMs: STALL });
  const client = rawClient(front.port);
  client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await client.until('ok');
  client.socket.end();
  await once(client.socket, 'close');
  expect(stalls(front)).toEqual([]);
});
