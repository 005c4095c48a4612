// Sockets past Node's streams: every byte in its place whatever stalls, resets or ends; memory bounded; the way through streams does the same.
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import {
  canWrite,
  type Handle,
  handleOf,
  isShared,
  room,
  type WriteRequest,
  writeDirectly,
} from '../../src/relay/direct.ts';
import { closeAll } from '../support/backends.ts';
import { type Chance, chosenSeed, createChance, withSeed } from '../support/chance.ts';
import { startChild } from '../support/child.ts';
import {
  between,
  bytesOf,
  closeLinkServers,
  destroyLinks,
  exchange,
  gets,
  hash,
  type Joined,
  type Link,
  linkThrough,
  toEnd,
  until,
} from '../support/links.ts';
import { clientFrame, frame, readFrames } from '../support/raw-frames.ts';
import { settle } from '../support/socket-pair.ts';

const STREAMS = Boolean(process.env.ACKSPAN_STREAMS);
const MIB = 1024 * 1024;
const BINARY = 2;

const folder = mkdtempSync(join(tmpdir(), 'ackspan-'));
let dial: () => Promise<Link>;
let dialUnix: () => Promise<Link>;

beforeAll(async () => {
  dial = await linkThrough({ port: 0, host: '127.0.0.1' });
  dialUnix = await linkThrough({ path: join(folder, 'upstream.sock') });
});

afterEach(async () => {
  destroyLinks();
  await closeAll();
});

afterAll(() => {
  closeLinkServers();
  rmSync(folder, { recursive: true });
});

/** A running connection whose bytes pass as they are. */
async function joined(upstream = dial): Promise<Joined> {
  const made = between(await dial(), await upstream(), { opaque: true });
  made.splice.start();
  return made;
}

/**
 * Pauses the client's end, and sends until the upstream is no longer read. Returns everything that
 * was sent.
 */
async function stall({ client, upstream }: Joined, seed: number, size: number): Promise<Buffer> {
  const bytes = bytesOf(seed, size);
  client.far.pause();
  upstream.far.write(bytes);
  await until(() => upstream.near.isPaused());
  return bytes;
}

it('[W21] takes plain sockets past their streams exactly when it may, and never a shared byte where it does not', async () => {
  const { near } = await dial();
  const { near: unix } = await dialUnix();
  const tested = [20, 22, 24].includes(Number.parseInt(process.versions.node, 10));
  for (const socket of [near, unix]) expect(handleOf(socket) !== undefined).toBe(tested && !STREAMS);
  expect(handleOf(Object.assign(near, { encrypted: true }))).toBeUndefined();
  near.destroy();
  expect(handleOf(near)).toBeUndefined();
  expect([room(16), room(65_536), room(1_000_000)].map(isShared)).toEqual([true, true, false]);
});

it('[W13] a client that stops reading under 64 MiB: the upstream is paused, others go on, and every byte is right in the end', async () => {
  const seed = chosenSeed();
  await withSeed(seed, async () => {
    const [stuck, other] = [await joined(), await joined()];
    const { counters, splice, client, upstream } = stuck;
    const bytes = await stall(stuck, seed, 64 * MIB);
    await exchange(other, seed + 1, 8 * MIB);
    // The kernel may have taken a little more meanwhile, and then a little more was read.
    await until(() => upstream.near.isPaused());
    expect(counters.bytesToClient, 'the kernel takes less, over both hops').toBeLessThan(32 * MIB);
    expect(splice.client.backlog).toBeGreaterThan(0);
    expect(splice.client.backlog, 'queued').toBeLessThan(MIB);
    // On a busy machine the kernel may have taken all but a few bytes by now.
    expect(splice.flowing).toBe(splice.client.backlog <= 4096);
    const [got] = await Promise.all([gets(client.far, bytes.length), exchange(other, seed + 3, 4 * MIB)]);
    expect(got).toBe(hash(bytes));
    await exchange(stuck, seed + 5, MIB);
    expect(splice.client.backlog).toBe(0);
    expect(counters.backpressureToClientMs).toBeGreaterThan(0);
    // What the system has taken by now may be told of in the next turn only.
    await until(() => !upstream.near.isPaused());
  });
});

/**
 * Frames of random sizes and, in random cuts and with random stalls of the reader, what arrives of
 * them.
 */
async function talk(chance: Chance, from: Socket, to: Socket, masked: boolean): Promise<[string, string]> {
  const sent: Buffer[] = [];
  for (let i = chance.between(5, 40); i > 0; i--) {
    const size = chance.of([chance.between(0, 125), chance.between(126, 5000), chance.between(60_000, 300_000)]);
    const payload = bytesOf(chance.between(0, 1e9), size);
    sent.push(masked ? clientFrame(payload, { opcode: BINARY }) : frame(payload, { opcode: BINARY }));
  }
  const bytes = Buffer.concat(sent);
  const got = toEnd(to);
  for (let at = 0; at < bytes.length; ) {
    const size = chance.of([1, chance.between(1, 300), chance.between(1, 70_000), 400_000]);
    from.write(bytes.subarray(at, at + size));
    at += size;
    if (chance.next() < 0.1) to[to.isPaused() ? 'resume' : 'pause']();
    if (chance.next() < 0.4) await settle();
  }
  to.resume();
  from.end();
  const own = readFrames(await got).filter(({ opcode }) => opcode === BINARY);
  return [hash(Buffer.concat(own.map(({ raw }) => raw))), hash(bytes)];
}

it('[W1] 60 connections at once, frames and barriers, random chunks and stalls, both ways: byte for byte', async () => {
  const seed = chosenSeed();
  await withSeed(seed, async (chance) => {
    const talks: Promise<[string, string]>[] = [];
    for (let i = 0; i < 60; i++) {
      const made = between(await dial(), await (i % 2 ? dial() : dialUnix()));
      made.tap.wantsBarrier = () => chance.next() < 0.5;
      made.splice.start();
      const { client, upstream } = made;
      const [down, up] = [createChance(seed + 2 * i), createChance(seed + 2 * i + 1)];
      talks.push(talk(down, upstream.far, client.far, false), talk(up, client.far, upstream.far, true));
    }
    for (const [i, [got, sent]] of (await Promise.all(talks)).entries()) expect(got, `way ${i}`).toBe(sent);
  });
});

it('[W16] a client that resets while writes are queued: both sides close, it is told once, and other connections never notice', async () => {
  const [stuck, other] = [await joined(), await joined()];
  const { client, upstream, splice, tap, faults } = stuck;
  await stall(stuck, 1, 16 * MIB);
  expect(splice.client.backlog).toBeGreaterThan(0);
  const gone = [client.near, upstream.near, upstream.far].map(
    (socket) => new Promise((resolve) => socket.once('close', resolve)),
  );
  const busy = exchange(other, 2, 4 * MIB);
  client.far.resetAndDestroy();
  upstream.far.on('end', () => upstream.far.destroy()).resume();
  await Promise.all([...gone, busy]);
  expect(tap.ends).toEqual(['client 1006']);
  expect(faults).toEqual([]);
  expect(splice.client.backlog).toBe(0);
  await exchange(other, 4, MIB);
});

it('[W21] FIN right behind queued bytes arrives after them, whether the upstream sent it or the sidecar', async () => {
  const [theirs, ours, other] = [await joined(), await joined(), await joined()];
  const sent = await stall(theirs, 5, 16 * MIB);
  theirs.upstream.far.end();
  const bytes = await stall(ours, 6, 16 * MIB);
  const read = ours.counters.bytesToClient;
  expect(ours.splice.client.backlog).toBeGreaterThan(0);
  ours.splice.close(1000, '');
  await exchange(other, 7, 2 * MIB);
  const got = await Promise.all([toEnd(theirs.client.far), toEnd(ours.client.far)]);
  expect(got.map(hash)).toEqual([hash(sent), hash(bytes.subarray(0, read))]);
});

it('[W12] an abandoned client still gets what was queued, and its successor what comes after', async () => {
  const made = between(await dial(), await dial());
  const next = await dial();
  made.tap.wantsBarrier = () => false;
  Object.assign(made.tap, { clientLost: () => true });
  made.splice.start();
  const message = frame(bytesOf(8, 24 * MIB), { opcode: BINARY });
  made.client.far.pause();
  made.upstream.far.write(message);
  await until(() => made.upstream.near.isPaused());
  const first = made.counters.bytesToClient;
  const old = toEnd(made.client.far);
  made.splice.rejoin(next.near, 1001, '');
  made.splice.startClient(Buffer.alloc(0));
  const after = frame('after');
  const got = gets(next.far, after.length);
  const late = clientFrame('of one who has left', { opcode: BINARY });
  made.client.far.write(late);
  await until(() => made.client.near.bytesRead === late.length && made.splice.audience === 'present');
  expect(made.counters.bytesToUpstream).toBe(0);
  expect(made.counters.bytesToClient).toBe(message.length);
  made.upstream.far.write(after);
  expect(hash(await old)).toBe(hash(message.subarray(0, first)));
  expect(await got).toBe(hash(after));
});

it('[W13] a unix-socket upstream, both ends stalling in turn', async () => {
  const made = await joined(dialUnix);
  const { client, upstream } = made;
  const down = await stall(made, 9, 16 * MIB);
  const up = bytesOf(10, 16 * MIB);
  upstream.far.pause();
  client.far.write(up);
  await until(() => client.near.isPaused());
  expect(await gets(client.far, down.length)).toBe(hash(down));
  expect(await gets(upstream.far, up.length)).toBe(hash(up));
});

it('[W21] what the streams had read before start comes first; a FIN read then comes last', async () => {
  const bytes = bytesOf(11, 16_000);
  for (const ended of [false, true]) {
    const [client, upstream] = [await dial(), await dial()];
    upstream.far.write(bytes.subarray(0, 8_000));
    await until(() => upstream.near.readableLength === 8_000);
    if (ended) {
      const { _readableState } = upstream.near as unknown as { _readableState: { ended: boolean } };
      upstream.far.end();
      await until(() => _readableState.ended);
    }
    const { splice } = between(client, upstream, { opaque: true, upstreamHead: bytesOf(12, 1000) });
    // As an upgrade does.
    client.near.cork();
    client.near.write('101', 'latin1');
    splice.start();
    client.near.uncork();
    if (!ended) upstream.far.end(bytes.subarray(8_000));
    const got = await toEnd(client.far);
    expect(got.toString('latin1', 0, 3)).toBe('101');
    expect(hash(got.subarray(3))).toBe(
      hash(Buffer.concat([bytesOf(12, 1000), ended ? bytes.subarray(0, 8_000) : bytes])),
    );
  }
});

it('[W13] a side whose opposite was full before start is not read', async () => {
  const [client, upstream, other] = [await dial(), await dial(), await joined()];
  const [head, rest] = [bytesOf(13, 32 * MIB), bytesOf(14, 64 * MIB)];
  upstream.far.pause();
  const { splice, counters } = between(client, upstream, { opaque: true, clientHead: head });
  splice.start();
  client.far.write(rest);
  await exchange(other, 15, 16 * MIB);
  expect(counters.bytesToUpstream - head.length).toBeLessThanOrEqual(2 * 65_536);
  expect(await gets(upstream.far, head.length + rest.length)).toBe(hash(Buffer.concat([head, rest])));
});

it.skipIf(STREAMS)(
  'a queued write that left nothing in the queue is still told, and its request not used again before',
  async () => {
    const { near, far } = await dial();
    far.pause();
    const real = handleOf(near)!;
    near.write(Buffer.from('the first write shows how'));
    await until(() => canWrite());
    // As when the system has found room by the time that anyone asks.
    const handle = { ...real, writeBuffer: real.writeBuffer.bind(real), writeQueueSize: 0 };
    const told: string[] = [];
    const write = (name: string) => writeDirectly(handle, bytesOf(16, 16 * MIB), { wrote: () => told.push(name) });
    expect([write('a'), write('b')]).toEqual([1, 1]);
    far.resume();
    await until(() => told.length === 2);
    expect(told).toEqual(['a', 'b']);
  },
);

it.skipIf(STREAMS)(
  '[W21] learns how to write from whichever handle is written to first, one buffer or several',
  async () => {
    vi.resetModules();
    const fresh = await import('../../src/relay/direct.ts');
    const [gone, several, single, hooked] = [await dial(), await dial(), await dial(), await dial()];
    for (const { near } of [gone, several, single, hooked]) expect(fresh.handleOf(near)).toBeDefined();
    gone.near.destroy();
    several.near.cork();
    several.near.write(Buffer.from('a'));
    several.near.write(Buffer.from('b'));
    several.near.uncork();
    expect(fresh.canWrite()).toBe(true);
    single.near.write(Buffer.from('c'));
    // A hook costs memory: handles that come later get none.
    const later = await dial();
    expect(Object.getOwnPropertyNames(fresh.handleOf(later.near))).not.toContain('writeBuffer');
    const nobody = { wrote: () => {} };
    for (const { near } of [several, single, hooked]) {
      expect(fresh.writeDirectly(fresh.handleOf(near)!, Buffer.from('d'), nobody)).toBe(0);
      near.end(Buffer.from('e'));
    }
    const got = await Promise.all([several, single, hooked].map(({ far }) => toEnd(far)));
    expect(got.map(String)).toEqual(['abde', 'cde', 'de']);
  },
);

it.skipIf(STREAMS)('[W21] a Node whose handles are passed no request answers one where bytes wait', async () => {
  vi.resetModules();
  const fresh = await import('../../src/relay/direct.ts');
  const answers: unknown[] = [];
  const prototype = { useUserBuffer() {}, writeQueueSize: 0, writeBuffer: () => answers.shift() };
  const handle = Object.assign(Object.create(prototype), { writev: () => answers.shift() }) as Handle;
  const socket = Object.assign(new PassThrough(), { _handle: handle });
  expect([fresh.handleOf(socket), fresh.canWrite()]).toEqual([handle, false]);
  const request = (writeStatus: number | null) => ({ getAsyncId: () => 7, writeStatus }) as unknown as WriteRequest;
  answers.push(request(null));
  // As the stream's own write, whose answer is for the stream.
  expect(handle.writeBuffer(null, Buffer.from('101'))).toMatchObject({ writeStatus: null });
  expect(fresh.canWrite()).toBe(true);
  const told: number[] = [];
  const write = () => fresh.writeDirectly(handle, Buffer.from('x'), { wrote: (status) => void told.push(status) });
  const waiting = request(null);
  answers.push(0, -32, request(0), request(-104), waiting);
  expect([write(), write(), write(), write(), write()]).toEqual([0, -32, 0, -104, 1]);
  expect(told).toEqual([]);
  waiting.oncomplete(0);
  expect(told).toEqual([0]);
});

it.skipIf(STREAMS)('[W21] a Node that passes its handles something else is left to its streams', async () => {
  vi.resetModules();
  const fresh = await import('../../src/relay/direct.ts');
  const prototype = { useUserBuffer() {}, writeQueueSize: 0, writeBuffer: () => 0 };
  const handle = Object.assign(Object.create(prototype), { writev: () => 0 });
  expect(fresh.handleOf(Object.assign(new PassThrough(), { _handle: handle }))).toBe(handle);
  for (const passed of [undefined, {}, Buffer.from('101')]) handle.writeBuffer(passed, Buffer.from('101'));
  expect(fresh.canWrite()).toBe(false);
});

it.skipIf(STREAMS)('[W21] ACKSPAN_STREAMS: the same tests, through streams', { timeout: 120_000 }, async () => {
  const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');
  const args = [vitest, 'run', '--reporter=tap-flat', fileURLToPath(import.meta.url)];
  const child = startChild(process.execPath, args, { ACKSPAN_STREAMS: '1' });
  expect((await child.exited).code, child.stderr() + JSON.stringify(child.lines)).toBe(0);
  const results = child.lines.map(({ text }) => String(text)).filter((text) => text.startsWith('ok '));
  expect([results.length, results.filter((text) => text.includes('# SKIP')).length]).toEqual([14, 5]);
});
