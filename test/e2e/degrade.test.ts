// A bug in tracking, made on purpose (SPEC D8): whatever throws inside, the relay goes on as a pass-through proxy and says so once per connection.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DEFAULTS } from '../../src/cli/defaults.ts';
import { loadConfig } from '../../src/config/load.ts';
import { Tracker } from '../../src/delivery/tracker.ts';
import { createSidecar } from '../../src/sidecar/sidecar.ts';
import { atEnd, closeAll } from '../support/backends.ts';
import { eventually } from '../support/child.ts';
import { parseExposition, sumIn } from '../support/exposition.ts';
import { confirmation, event, openClient, type Peer, startWsBackend, tell } from '../support/ws-peers.ts';

afterEach(async () => {
  vi.restoreAllMocks();
  await closeAll();
});

const BUG = new Error('made on purpose');

function fail(): never {
  throw BUG;
}

/** A sidecar in this process, where a test can break it from inside. */
async function start() {
  const backend = await startWsBackend();
  const faults: { stage: string; error: unknown }[] = [];
  const { config } = loadConfig({
    flags: { upstream: backend.address, listen: '127.0.0.1:0', admin: '127.0.0.1:0' },
    env: {},
    defaults: DEFAULTS,
  });
  const sidecar = createSidecar({
    config: { ...config!, shutdown: { graceMs: 0, delayMs: 0 } },
    // What a busy machine does to this process is no fault of its parts.
    report: (fault) => void (fault.stage === 'standstill' || faults.push(fault)),
    log: { debug: () => {}, info: () => {}, warn: () => {} },
  });
  const { listen, admin } = await sidecar.start();
  atEnd(() => sidecar.stop('the test has ended'));
  const scrape = async () =>
    parseExposition(await (await fetch(`http://127.0.0.1:${admin!.port}/metrics`)).text(), 'text');
  return { backend, faults, scrape, ws: `ws://127.0.0.1:${listen.port}`, admin: `http://127.0.0.1:${admin!.port}` };
}

/**
 * Once its sockets are gone a connection takes no place any more, whatever is broken: places are
 * limited.
 */
async function expectLeft({ scrape }: Pick<Awaited<ReturnType<typeof start>>, 'scrape'>): Promise<void> {
  await eventually(async () => expect(sumIn(await scrape(), 'ackspan_connection_active')).toBe(0));
}

/** Messages both ways arrive, all of them and in order. */
async function expectPassThrough(client: Peer, peer: Peer, round: string): Promise<void> {
  const heard = () => peer.texts.filter((text) => text.includes('user_message'));
  const [down, up] = [client.texts.length, heard().length];
  for (let n = 1; n <= 20; n++) {
    tell(peer, event(`${round}-${n}`));
    tell(client, { type: 'user_message', n });
  }
  await eventually(() => expect([client.texts.length, heard().length]).toEqual([down + 20, up + 20]));
  const numbers = Array.from({ length: 20 }, (_, i) => i + 1);
  expect(client.texts.slice(down).map((text) => JSON.parse(text).event_id)).toEqual(
    numbers.map((n) => `${round}-${n}`),
  );
  expect(
    heard()
      .slice(up)
      .map((text) => JSON.parse(text).n),
  ).toEqual(numbers);
}

const METHODS = ['track', 'received', 'processed'] as const;

it.each(METHODS)('[D8] a tracker whose %s() throws', async (method) => {
  const { backend, faults, scrape, ws } = await start();
  const before = await openClient(ws);
  const peer = await backend.peer(0);
  await expectPassThrough(before, peer, 'well');
  expect(faults).toEqual([]);

  vi.spyOn(Tracker.prototype, method).mockImplementation(fail);
  const after = await openClient(ws);
  const second = await backend.peer(1);
  for (const [client, server] of [
    [before, peer],
    [after, second],
  ] as const) {
    tell(server, event('one'));
    await eventually(() => expect(client.texts.at(-1)).toContain('"one"'));
    // Nobody reads it any more: it passes like everything else.
    tell(client, confirmation('one'));
    await eventually(() => expect(server.texts.at(-1)).toContain('event_confirmation'));
    await expectPassThrough(client, server, 'broken');
  }
  await eventually(() => expect(faults).toHaveLength(2));
  for (const { error } of faults) expect(error).toBe(BUG);
  expect(sumIn(await scrape(), 'ackspan_relay_faults_total', { kind: 'tap' })).toBe(2);
  // Pings and close codes still pass.
  const pong = new Promise((resolve) => second.socket.once('pong', (payload) => resolve(String(payload))));
  second.socket.ping('still there?');
  expect(await pong).toBe('still there?');
  after.socket.close(4001, 'enough');
  expect(await second.closed).toBe(4001);
  before.socket.close();
  await expectLeft({ scrape });
});

it('[D8] a tracker whose tick() throws is reported, and the beat goes on', async () => {
  const { backend, faults, ws } = await start();
  const client = await openClient(ws, { autoPong: false });
  vi.spyOn(Tracker.prototype, 'tick').mockImplementation(fail);
  await expectPassThrough(client, await backend.peer(0), 'broken');
  await eventually(() => expect(faults.length).toBeGreaterThan(2));
  expect(new Set(faults.map(({ stage }) => stage))).toEqual(new Set(['track']));
});

it('[D8] a tracker whose disconnected() throws: the sockets are closed all the same', async () => {
  const { backend, faults, scrape, ws } = await start();
  vi.spyOn(Tracker.prototype, 'disconnected').mockImplementation(fail);
  const client = await openClient(ws);
  const peer = await backend.peer(0);
  await expectPassThrough(client, peer, 'well');
  client.socket.close(4002, 'going');
  expect(await peer.closed).toBe(4002);
  await eventually(() => expect(faults).toHaveLength(1));
  await expectLeft({ scrape });
});

/** What the modules below do instead of their job. */
let broken: Record<string, unknown> = {};
beforeEach(() => {
  broken = {};
});

function breakable<T extends object>(real: T): T {
  return new Proxy(real, {
    get(target, name) {
      const own: unknown = Reflect.get(broken, name) ?? Reflect.get(target, name);
      return typeof own === 'function' ? own.bind(target) : own;
    },
  });
}

vi.mock(import('../../src/store/memory.ts'), async (original) => {
  const { createMemoryStore } = await original();
  return { createMemoryStore: (options) => breakable(createMemoryStore(options)) };
});

vi.mock(import('../../src/sidecar/observe.ts'), async (original) => {
  const { startWatch } = await original();
  return {
    startWatch: async (deps) => {
      const watch = await startWatch(deps);
      return { ...watch, observer: breakable(watch.observer), connections: breakable(watch.connections) };
    },
  };
});

describe.each([
  ['store', ['add', 'settle', 'find']],
  ['observer', ['tracked', 'received', 'settled', 'unmatched']],
] as const)('[D8] a %s that throws', (_, methods) => {
  it.each(methods)('in %s()', async (method) => {
    const { backend, faults, scrape, ws } = await start();
    const client = await openClient(ws);
    const peer = await backend.peer(0);
    await expectPassThrough(client, peer, 'well');
    broken = { [method]: fail };
    tell(peer, event('one'));
    await eventually(() => expect(client.texts.at(-1)).toContain('"one"'));
    tell(client, confirmation('nobody-sent-this'));
    await expectPassThrough(client, peer, 'broken');
    await eventually(() => expect(faults.length).toBeGreaterThan(0));
    expect(faults[0]!.error).toBe(BUG);
    broken = {};
    client.socket.close();
    await expectLeft({ scrape });
  });
});

it('[D8] an observer of connections that throws: they open, relay and close, and take no place afterwards', async () => {
  broken = { opened: fail, capability: fail, closed: fail };
  const { backend, faults, ws, admin } = await start();
  const client = await openClient(ws);
  const peer = await backend.peer(0);
  await expectPassThrough(client, peer, 'broken');
  client.socket.close(4003, 'enough');
  expect(await peer.closed).toBe(4003);
  await eventually(() => expect(faults).toHaveLength(3));
  expect(await (await fetch(`${admin}/api/v1/connections`)).json()).toMatchObject({ connections: [] });
});
