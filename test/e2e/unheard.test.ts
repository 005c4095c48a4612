// Words of the SDK over a network that swallows them: what was rejected arrives as rejected, and a dead path is left without being told.
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { AckspanSocket } from '../../src/client/socket.ts';
import { type AgentBackend, openApp, type Run, startAgentBackend } from '../support/agent-runs.ts';
import { atEnd, closeAll } from '../support/backends.ts';
import { eventually } from '../support/child.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import { asking, optIn } from '../support/opted-in.ts';
import { bugs, sidecarHere } from '../support/sidecar-here.ts';
import { event, startWsBackend, tell } from '../support/ws-peers.ts';

// The SDK shows what a handler throws.
beforeEach(() => void vi.spyOn(console, 'error').mockImplementation(() => {}));
afterEach(closeAll);
afterEach(() => void vi.restoreAllMocks());

const PATIENT = { events: { rules: [{ match: '*', priority: 'critical', attempts: [], timeout: '60s' }] } };

/** A WebSocket whose welcome bears less silence than the sidecar's. */
function impatient(silence: number): typeof WebSocket {
  return class extends WebSocket {
    override emit(type: string | symbol, ...args: unknown[]): boolean {
      const [data] = args;
      if (type === 'message' && String(data).startsWith('{"ackspan":"welcome",'))
        args[0] = Buffer.from(String(data).replace(/"silence":\d+/, `"silence":${silence}`));
      return super.emit(type, ...args);
    }
  };
}

async function connected(backend: AgentBackend, user: string): Promise<Run> {
  return eventually(() => {
    const found = backend.runs.get(user);
    if (found === undefined) throw new Error('not connected');
    return found;
  });
}

/**
 * An application that decides later what becomes of its events, behind a network that can be taken
 * away.
 */
async function undecided(silence: number) {
  const backend = await startAgentBackend();
  const sidecar = await sidecarHere(`http://127.0.0.1:${backend.port}`, PATIENT);
  const network = await startFaultProxy(sidecar.port, () => undefined);
  const decide: ((failed: boolean) => void)[] = [];
  const socket = new AckspanSocket(`ws://127.0.0.1:${network.port}/ws?user=ann`, [], {
    WebSocket: impatient(silence) as never,
    ...{ minDelayMs: 10, maxDelayMs: 80 },
  });
  atEnd(() => socket.close());
  socket.onmessage = () =>
    new Promise<void>((resolve, reject) => {
      decide.push((failed) => (failed ? reject('no') : resolve()));
    });
  const lost: number[] = [];
  const resumed: boolean[] = [];
  socket.addEventListener('reconnecting', ({ code }) => lost.push(code));
  socket.addEventListener('resumed', ({ recovered }) => resumed.push(recovered));
  const run = await connected(backend, 'ann');
  return { backend, sidecar, network, decide, socket, lost, resumed, run };
}

it('[R12] 500 rejections said into a dead path arrive as 500 rejections, and the path is left without anybody telling', async () => {
  const { backend, sidecar, network, decide, socket, lost, resumed, run } = await undecided(1000);
  for (let n = 0; n < 600; n++) backend.emit(run);
  await eventually(() => expect(decide).toHaveLength(600));
  network.swallow();
  // Out of order: whatever is confirmed first is beside what is not.
  for (const end of decide.splice(500)) end(false);
  for (const end of decide) end(true);
  await eventually(() => expect(resumed).toEqual([true]));
  expect(lost).toEqual([1006]);
  await sidecar.reach({ tracked: 600, failed: 500, confirmed: 100, pending: 0 });
  await eventually(() => expect(socket.resumption?.words).toEqual([]));
  expect(await sidecar.sum('ackspan_confirmation_unmatched_total')).toBe(0);
  expect(bugs(sidecar)).toEqual([]);
});

it('1,200 confirmations out of order, said at once after an absence: each is heard, and none reaches the backend', async () => {
  const { backend, sidecar, network, decide, resumed, run } = await undecided(60_000);
  for (let n = 0; n < 1200; n++) backend.emit(run);
  await eventually(() => expect(decide).toHaveLength(1200));
  network.open = false;
  network.storm();
  for (const end of decide.slice(1)) end(false);
  network.open = true;
  await eventually(() => expect(resumed).toEqual([true]));
  await sidecar.reach({ confirmed: 1199, pending: 1 });
  expect(run.heard).toEqual([]);
  expect(await sidecar.sum('ackspan_confirmation_unmatched_total')).toBe(0);
});

it('[R13] an idle connection whose path dies is left and resumed by itself; one that lives is kept', async () => {
  // Longer than a busy machine keeps a process waiting.
  const { backend, sidecar, network, decide, lost, resumed, run } = await undecided(3000);
  const words = () => sidecar.sum('ackspan_relay_bytes_total', { direction: 'up' });
  const before = await words();
  // Asked and answered, several times.
  await eventually(async () => expect(await words()).toBeGreaterThan(before + 3 * 30));
  expect(lost).toEqual([]);
  network.swallow();
  await eventually(() => expect(resumed).toEqual([true]));
  backend.emit(run);
  await eventually(() => expect(decide).toHaveLength(1));
  decide[0]!(false);
  await sidecar.reach({ confirmed: 1, pending: 0 });
  expect(run.bySocket).toEqual([1]);
  expect(bugs(sidecar)).toEqual([]);
});

it('[R12] words with a serial are answered cumulatively, others never; odd serials are none; a welcome says what was heard', async () => {
  const backend = await startWsBackend();
  const sidecar = await sidecarHere(backend.address, PATIENT);
  const client = await optIn(`${sidecar.ws}/chat`);
  expect(client.welcome).toMatchObject({ silence: 60_000 });
  const upstream = await backend.peer(0);
  for (const id of ['a', 'b', 'c', 'd']) tell(upstream, event(id));
  await client.frames(4);
  client.say({ ackspan: 'confirm', through: 1 });
  for (const s of [-1, 0, 1.5, '7', null, 1e300, [2], { s: 1 }])
    client.say({ ackspan: 'reject', n: 2, reason: 'no', s });
  await sidecar.reach({ confirmed: 1, failed: 1 });
  expect(client.texts).toHaveLength(4);
  // Wrong, and heard all the same: nobody has to say it again.
  client.say({ ackspan: 'confirm', through: 99, s: 3 });
  client.say({ ackspan: 'still', s: 4 });
  await eventually(() => expect(client.texts.at(-1)).toBe('{"ackspan":"heard","s":4}'));
  // One that goes back does not take anything back.
  client.say({ ackspan: 'confirm', through: 3, s: 2 });
  await sidecar.reach({ confirmed: 2, pending: 1 });
  await eventually(() => expect(client.texts.slice(5).at(-1)).toBe('{"ackspan":"heard","s":4}'));
  client.socket.terminate();
  const back = await optIn(`${sidecar.ws}/chat`, asking(client.welcome, 4));
  expect(back.welcome).toMatchObject({ recovered: true, heard: 4, silence: 60_000 });
  back.say({ ackspan: 'confirm', through: 4, s: 5 });
  await sidecar.reach({ confirmed: 3, failed: 1, pending: 0 });
  await eventually(() => expect(back.texts).toEqual(['{"ackspan":"heard","s":5}']));
  expect(upstream.texts).toEqual([]);
  expect(await sidecar.sum('ackspan_confirmation_unmatched_total')).toBe(1);
  expect(bugs(sidecar)).toEqual([]);
});

it('a message of the backend that is spelled like an answer of ours reaches the application, rightly numbered', async () => {
  const backend = await startWsBackend();
  const sidecar = await sidecarHere(backend.address, PATIENT);
  const socket = new AckspanSocket(`${sidecar.ws}/chat`, [], { WebSocket: WebSocket as never });
  atEnd(() => socket.close());
  const got: unknown[] = [];
  socket.onmessage = ({ data }) => {
    got.push(data);
    if (got.length > 2) throw 'no';
  };
  const upstream = await backend.peer(0);
  const fake = '{"ackspan":"heard","s":1}';
  tell(upstream, event('first'));
  upstream.socket.send(fake);
  tell(upstream, event('third'));
  await eventually(() => expect(got).toHaveLength(3));
  expect(got[1]).toBe(fake);
  await sidecar.reach({ tracked: 3, confirmed: 2, failed: 1 });
});

it('[R12] a client that talks without end and reads nothing is not answered without end', async () => {
  const backend = await startWsBackend();
  const sidecar = await sidecarHere(backend.address, PATIENT);
  const client = await optIn(`${sidecar.ws}/chat`);
  const { socket } = client;
  socket.pause();
  for (let s = 1; s <= 20_000; s++) socket.send(`{"ackspan":"still","s":${s}}`);
  await eventually(async () =>
    expect(await sidecar.sum('ackspan_relay_bytes_total', { direction: 'up' })).toBeGreaterThan(20_000 * 30),
  );
  socket.resume();
  await eventually(() => expect(client.texts.at(-1)).toBe('{"ackspan":"heard","s":20000}'));
  expect(client.texts.length).toBeLessThan(20_000);
  const serials = client.texts.map((text) => JSON.parse(text).s);
  expect(serials).toEqual([...serials].sort((a, b) => a - b));
  expect(bugs(sidecar)).toEqual([]);
});

it('an older SDK that takes over the session of a newer one gets no answer that it could mistake for a message', async () => {
  const backend = await startWsBackend();
  const sidecar = await sidecarHere(backend.address, PATIENT);
  const newer = await optIn(`${sidecar.ws}/chat`);
  const upstream = await backend.peer(0);
  tell(upstream, event('a'));
  await newer.frames(1);
  newer.say({ ackspan: 'confirm', through: 1, s: 1 });
  await sidecar.reach({ confirmed: 1 });
  const older = await optIn(`${sidecar.ws}/chat`, asking(newer.welcome, 1));
  older.say({ ackspan: 'confirm', through: 1 });
  tell(upstream, event('b'));
  older.say({ ackspan: 'confirm', through: 2 });
  await eventually(() => expect(older.texts).toHaveLength(1));
  expect(JSON.parse(older.texts[0]!).event_id).toBe('b');
});

it('a page that closes the socket from its handler: the last event is confirmed, not lost with the connection', async () => {
  const backend = await startAgentBackend();
  const sidecar = await sidecarHere(`http://127.0.0.1:${backend.port}`, PATIENT);
  const app = openApp(`${sidecar.ws}/ws?user=ann`, (n) => {
    if (n === 3) app.socket.close(1000);
  });
  const run = await connected(backend, 'ann');
  for (let n = 0; n < 3; n++) backend.emit(run);
  await sidecar.reach({ tracked: 3, confirmed: 3, failed: 0, pending: 0 });
  await eventually(() => expect(app.closes).toEqual([1000]));
});
