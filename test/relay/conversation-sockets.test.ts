// The same random conversations over real sockets: loopback TCP, and a unix socket to the upstream; then 1,000 connections dropped abruptly.
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Fault } from '../../src/delivery/ports.ts';
import { createSplice, type SpliceHandle } from '../../src/relay/splice-handle.ts';
import { DEFAULT_RELAY_LIMITS, type RelayContext, RelayCounters } from '../../src/relay/tap.ts';
import { conversations } from '../support/conversation.ts';
import { converse } from '../support/converse.ts';
import { clientFrame, frame } from '../support/raw-frames.ts';
import { propertyOptions } from '../support/seed.ts';
import { settle } from '../support/socket-pair.ts';
import { DEFLATE, RecordingTap } from '../support/spliced.ts';

/** One socket's two ends: `near` belongs to the relay, `far` to the test. */
interface Link {
  readonly near: Socket;
  readonly far: Socket;
}

const folder = mkdtempSync(join(tmpdir(), 'ackspan-'));
const servers: Server[] = [];
let dialTcp: () => Promise<Link>;
let dialUnix: () => Promise<Link>;

/** A server, and a function that connects to it. */
async function linkThrough(listen: (server: Server) => void): Promise<() => Promise<Link>> {
  const server = createServer({ allowHalfOpen: true, noDelay: true });
  servers.push(server);
  listen(server);
  await once(server, 'listening');
  return async () => {
    const address = server.address();
    const accepted = once(server, 'connection');
    const far =
      typeof address === 'string'
        ? connect({ path: address, allowHalfOpen: true })
        : connect({ port: (address as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true });
    far.on('error', () => {});
    const [[near]] = await Promise.all([accepted, once(far, 'connect')]);
    return { near: near as Socket, far };
  };
}

beforeAll(async () => {
  dialTcp = await linkThrough((server) => server.listen(0, '127.0.0.1'));
  dialUnix = await linkThrough((server) => server.listen(join(folder, 'upstream.sock')));
});

afterAll(() => {
  for (const server of servers) server.close();
  rmSync(folder, { recursive: true });
});

function createContext(faults: Fault[]): RelayContext {
  return {
    counters: new RelayCounters(),
    limits: DEFAULT_RELAY_LIMITS,
    now: () => performance.timeOrigin + performance.now(),
    report: (fault) => faults.push(fault),
  };
}

/** Collects what a far end gets. */
function collect(far: Socket): () => Buffer {
  const chunks: Buffer[] = [];
  far.on('data', (chunk: Buffer) => chunks.push(chunk));
  return () => Buffer.concat(chunks);
}

it('[W1] 500 conversations over sockets', async () => {
  let unix = false;
  await fc.assert(
    fc.asyncProperty(conversations, async (conversation) => {
      unix = !unix;
      const client = await dialTcp();
      const upstream = await (unix ? dialUnix() : dialTcp());
      const clientGot = collect(client.far);
      const upstreamGot = collect(upstream.far);
      const tap = new RecordingTap();
      const context = createContext([]);
      const { deflate } = conversation;
      const negotiated =
        deflate === 'none' ? undefined : { ...DEFLATE, serverNoContextTakeover: deflate === 'standalone' };
      const splice = createSplice({ client: client.near, upstream: upstream.near, deflate: negotiated }, tap, context);
      splice.start();
      splice.ping();
      while (clientGot().length < 16) await settle();
      await converse(conversation, {
        tap,
        counters: context.counters,
        sendDown: (bytes) => upstream.far.write(bytes),
        sendUp: (bytes) => client.far.write(bytes),
        clientGot,
        upstreamGot,
        rest: settle,
        stallClient: (stalled) => (stalled ? client.far.pause() : client.far.resume()),
        finDown: async () => {
          upstream.far.end();
          await once(client.far, 'end');
        },
        finUp: async () => {
          client.far.end();
          await once(upstream.far, 'end');
        },
      });
      const all = [client.near, upstream.near, client.far, upstream.far];
      await Promise.all(all.map((socket) => socket.closed || once(socket, 'close')));
    }),
    propertyOptions(500),
  );
}, 120_000);

it('[W14] 1,000 connections dropped abruptly, either side first: all end, nothing is held, no fault, all memory is free', async () => {
  const faults: Fault[] = [];
  const context = createContext(faults);
  const taps: RecordingTap[] = [];
  const splices: WeakRef<SpliceHandle>[] = [];
  for (let round = 0; round < 20; round++) {
    const closed: Promise<unknown>[] = [];
    for (let i = 0; i < 50; i++) {
      const client = await dialTcp();
      const upstream = await dialTcp();
      for (const { near } of [client, upstream]) closed.push(new Promise((resolve) => near.once('close', resolve)));
      const tap = new RecordingTap();
      taps.push(tap);
      const splice = createSplice({ client: client.near, upstream: upstream.near, deflate: undefined }, tap, context);
      splices.push(new WeakRef(splice));
      splice.start();
      const got = once(client.far, 'data');
      upstream.far.write(Buffer.concat([frame('event'), frame('cut').subarray(0, i % 4)]));
      client.far.write(Buffer.concat([clientFrame('chat'), clientFrame('{"cut":1}').subarray(0, i % 10)]));
      await got;
      (i % 2 === 0 ? client : upstream).far.resetAndDestroy();
      (i % 2 === 0 ? upstream : client).far.resume().on('end', function (this: Socket) {
        this.end();
      });
    }
    await Promise.all(closed);
  }
  expect(taps.map(({ ends }) => ends.length)).toEqual(taps.map(() => 1));
  expect(new Set(taps.map(({ ends }) => ends[0]))).toEqual(new Set(['client 1006', 'upstream 1006']));
  expect(context.counters).toMatchObject({ heldBytes: 0, undecoded: 0 });
  expect(faults).toEqual([]);
  await settle();
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  // The stack may still hold the last one.
  expect(splices.filter((splice) => splice.deref() !== undefined).length).toBeLessThanOrEqual(1);
}, 240_000);
