// Sessions over real sockets: away for a while, a restart of the backend, a page that is reloaded, two that claim one session, and time that runs out.
import { once } from 'node:events';
import { afterEach, expect, it } from 'vitest';
import { type AgentBackend, openApp, type Run, startAgentBackend } from '../support/agent-runs.ts';
import { closeAll } from '../support/backends.ts';
import { eventually } from '../support/child.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import { asking, optIn } from '../support/opted-in.ts';
import { frame } from '../support/raw-frames.ts';
import { bugs, type SidecarHere, sidecarHere } from '../support/sidecar-here.ts';
import { event, startWsBackend, tell } from '../support/ws-peers.ts';

afterEach(closeAll);

const CRITICAL = {
  events: { rules: [{ match: '*', priority: 'critical', attempts: ['300ms', '1s'], timeout: '20s' }] },
};
const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);

function emit(backend: AgentBackend, run: Run, count: number): void {
  for (let i = 0; i < count; i++) backend.emit(run);
}

async function waitingSessions(sidecar: SidecarHere): Promise<number> {
  return sidecar.sum('ackspan_session_waiting');
}

/** A run of one application behind a network that can be taken away. */
async function oneRun(settings: object) {
  const backend = await startAgentBackend();
  const sidecar = await sidecarHere(`http://127.0.0.1:${backend.port}`, { ...CRITICAL, ...settings });
  const network = await startFaultProxy(sidecar.port, () => undefined);
  const app = openApp(`ws://127.0.0.1:${network.port}/ws?user=ann`);
  const run = await eventually(() => {
    const found = backend.runs.get('ann');
    if (found === undefined) throw new Error('not connected');
    return found;
  });
  return { backend, sidecar, network, app, run };
}

it('a client that is away for 2 of 3 seconds in the middle of a run: every event once and in order, the backend notices nothing', async () => {
  const { backend, sidecar, network, app, run } = await oneRun({ sessions: { ttl: '3s' } });
  emit(backend, run, 20);
  await sidecar.reach({ confirmed: 20 });
  network.open = false;
  network.storm();
  await eventually(async () => expect(await waitingSessions(sidecar)).toBe(1));
  emit(backend, run, 30);
  const tracked = await sidecar.reach({ tracked: 50, pending: 30 });
  expect(tracked.failed).toBe(0);
  const bytes = await sidecar.sum('ackspan_retained_bytes');
  expect(bytes).toBeGreaterThan(30 * 100);
  // Nothing but time must pass: what was emitted last has waited for 2 of the 3 s.
  await eventually(async () => {
    const { deliveries } = await sidecar.get<{ deliveries: { sent_at: string }[] }>(
      '/api/v1/deliveries?status=pending',
    );
    const youngest = Math.max(...deliveries.map(({ sent_at }) => Date.parse(sent_at)));
    expect(Date.now() - youngest).toBeGreaterThan(2000);
  });
  network.open = true;
  await sidecar.reach({ confirmed: 50 });
  emit(backend, run, 5);
  const stats = await sidecar.reach({ confirmed: 55, pending: 0, failed: 0, timeout: 0 });
  expect(app.numbers).toEqual(upTo(55));
  expect(app.resumed).toEqual([{ recovered: true, rejoined: true }]);
  expect(run.bySocket).toEqual([55]);
  expect(stats.attempts.replay).toBe(30);
  expect(await waitingSessions(sidecar)).toBe(0);
  expect(await sidecar.sum('ackspan_retained_bytes')).toBe(0);
  expect(await sidecar.sum('ackspan_session_resume_total', { result: 'rejoined' })).toBe(1);
  expect(bugs(sidecar)).toEqual([]);
});

it('the backend restarts while the client is away: every event once and in order, over a new upstream connection', async () => {
  const { backend, sidecar, network, app, run } = await oneRun({ sessions: { ttl: '5s' } });
  emit(backend, run, 20);
  await sidecar.reach({ confirmed: 20 });
  network.open = false;
  network.storm();
  await eventually(async () => expect(await waitingSessions(sidecar)).toBe(1));
  emit(backend, run, 30);
  await sidecar.reach({ tracked: 50, pending: 30 });
  await backend.crash();
  await backend.back();
  expect(await sidecar.stats()).toMatchObject({ pending: 30, failed: 0 });
  network.open = true;
  await sidecar.reach({ confirmed: 50, pending: 0 });
  emit(backend, run, 5);
  await sidecar.reach({ confirmed: 55, failed: 0, timeout: 0 });
  expect(app.numbers).toEqual(upTo(55));
  expect(app.resumed).toEqual([{ recovered: true, rejoined: false }]);
  expect(run.bySocket).toEqual([50, 5]);
  expect(bugs(sidecar)).toEqual([]);
});

it('the backend restarts under a connected client: 1013, and the session goes on', async () => {
  const { backend, sidecar, app, run } = await oneRun({});
  emit(backend, run, 10);
  await sidecar.reach({ confirmed: 10 });
  await backend.crash();
  await backend.back();
  await eventually(() => expect(app.resumed).toEqual([{ recovered: true, rejoined: false }]));
  emit(backend, run, 10);
  await sidecar.reach({ confirmed: 20, pending: 0, failed: 0 });
  expect(app.numbers).toEqual(upTo(20));
});

it('[R7] a client that does not come back in time: its deliveries end, the upstream gets 1001, and it starts anew when it comes', async () => {
  const { backend, sidecar, network, app, run } = await oneRun({ sessions: { ttl: '1s' } });
  emit(backend, run, 3);
  await sidecar.reach({ confirmed: 3 });
  const upstreamClosed = once(run.socket!, 'close');
  network.open = false;
  network.storm();
  emit(backend, run, 4);
  expect((await upstreamClosed)[0]).toBe(1001);
  await sidecar.reach({ tracked: 7, confirmed: 3, failed: 4, pending: 0 });
  network.open = true;
  await eventually(() => expect(app.resumed).toEqual([{ recovered: false, rejoined: false }]));
  expect(await sidecar.sum('ackspan_session_ended_total', { reason: 'expired' })).toBe(1);
  expect(await sidecar.sum('ackspan_session_resume_total', { result: 'unknown' })).toBe(1);
  expect(await sidecar.sum('ackspan_retained_bytes')).toBe(0);
});

it('[R10] of two that claim one session the newer wins; the older is closed with 4409 and stays away; the upstream is the same', async () => {
  const { backend, sidecar, app, run } = await oneRun({});
  emit(backend, run, 5);
  await sidecar.reach({ confirmed: 5 });
  const { session, token } = app.socket.resumption!;
  const newer = await optIn(`${sidecar.ws}/ws`, asking({ session, token }, 3));
  expect(newer.welcome).toMatchObject({ session, next: 6, recovered: true, rejoined: true });
  await eventually(() => expect(app.closes).toEqual([4409]));
  emit(backend, run, 2);
  const [six] = await newer.frames(2);
  expect(JSON.parse(six!).n).toBe(6);
  newer.say({ ackspan: 'confirm', through: 7 });
  await sidecar.reach({ confirmed: 7, pending: 0 });
  expect(run.bySocket).toEqual([7]);
  expect(app.numbers).toEqual(upTo(5));
});

it.each([
  ['gone without a word', (close: { terminate(): void }) => close.terminate()],
  ['with Close 1001, as a page that is reloaded', (close: { close(code: number): void }) => close.close(1001)],
] as const)('[R11] a client that leaves %s leaves its upstream connection in place', async (_, leave) => {
  const backend = await startWsBackend();
  const sidecar = await sidecarHere(backend.address);
  const client = await optIn(`${sidecar.ws}/chat`);
  const upstream = await backend.peer(0);
  leave(client.socket as never);
  await eventually(async () => expect(await waitingSessions(sidecar)).toBe(1));
  // Its pings are answered in the client's place.
  upstream.socket.ping('still there?');
  expect(String((await once(upstream.socket, 'pong'))[0])).toBe('still there?');
  tell(upstream, event('a'));
  await sidecar.reach({ tracked: 1, pending: 1 });
  const again = await optIn(`${sidecar.ws}/chat`, asking(client.welcome, 0));
  expect(again.welcome).toMatchObject({ session: client.welcome.session, next: 2, recovered: true, rejoined: true });
  expect(again.welcome.token).not.toBe(client.welcome.token);
  expect((await again.frames(2))[0]).toBe('{"ackspan":"replay","n":1}');
  expect(JSON.parse(again.texts[1]!)).toEqual(event('a'));
  expect(backend.peers).toHaveLength(1);
});

it.each(['300ms', '0s'])(
  '[R11] a page that said goodbye (1001) and is not back within sessions.reload (%s) was closed: nothing waits sessions.ttl for it',
  async (reload) => {
    const backend = await startWsBackend();
    const sidecar = await sidecarHere(backend.address, { sessions: { reload, ttl: '1h' } });
    const client = await optIn(`${sidecar.ws}/chat`);
    const upstream = await backend.peer(0);
    const upstreamClosed = once(upstream.socket, 'close');
    client.socket.close(1001);
    expect((await upstreamClosed)[0]).toBe(1001);
    await sidecar.reach({ pending: 0 });
    await eventually(async () => expect(await waitingSessions(sidecar)).toBe(0));
    expect(await sidecar.sum('ackspan_session_ended_total')).toBe(1);
  },
);

it.each([1000, 4001])(
  'a client that closes with %i is not expected back: the upstream gets its Close, nobody can say what became of its deliveries',
  async (code) => {
    const backend = await startWsBackend();
    const sidecar = await sidecarHere(backend.address);
    const client = await optIn(`${sidecar.ws}/chat`);
    const upstream = await backend.peer(0);
    tell(upstream, event('a'));
    await sidecar.reach({ pending: 1 });
    client.socket.close(code);
    expect(await upstream.closed).toBe(code);
    await sidecar.reach({ unverifiable: 1, failed: 0, pending: 0 });
    const again = await optIn(`${sidecar.ws}/chat`, asking(client.welcome, 0));
    expect(again.welcome.recovered).toBe(false);
    expect(again.welcome.session).not.toBe(client.welcome.session);
  },
);

it('the upstream sees none of our query, and its own part of it byte for byte; no compression is offered to it', async () => {
  const backend = await startWsBackend({ deflate: true });
  const sidecar = await sidecarHere(backend.address);
  await optIn(
    `${sidecar.ws}/chat`,
    'b=%20x&ackspan=1&a=1&a=2&ackspan_session=S&ackspan_token=T&ackspan_last=3&ackspanish=1',
  );
  const { request } = await backend.peer(0);
  expect(request.url).toBe('/chat?b=%20x&a=1&a=2&ackspanish=1');
  expect(request.headers['sec-websocket-extensions']).toBeUndefined();
});

it('the session goes elsewhere when the client asks for another path, or does not offer the subprotocol: its upstream decides', async () => {
  const backend = await startWsBackend();
  backend.server.options.handleProtocols = (offered) => [...offered][0] ?? false;
  const sidecar = await sidecarHere(backend.address);
  const first = await optIn(`${sidecar.ws}/a`, 'ackspan=1', ['chat.v1']);
  first.socket.terminate();
  await eventually(async () => expect(await waitingSessions(sidecar)).toBe(1));
  const same = await optIn(`${sidecar.ws}/a`, asking(first.welcome, 0), ['other', 'chat.v1']);
  expect(same.welcome.rejoined).toBe(true);
  expect(same.socket.protocol).toBe('chat.v1');
  const other = await optIn(`${sidecar.ws}/a`, asking(same.welcome, 0), ['chat.v2']);
  expect(other.welcome).toMatchObject({ session: first.welcome.session, recovered: true });
  expect(other.welcome.rejoined).toBeUndefined();
  expect(other.socket.protocol).toBe('chat.v2');
  expect(await same.closed).toBe(4409);
  const elsewhere = await optIn(`${sidecar.ws}/b`, asking(other.welcome, 0), ['chat.v2']);
  expect(elsewhere.welcome.rejoined).toBeUndefined();
  expect(backend.peers.map(({ request }) => request.url)).toEqual(['/a', '/a', '/b']);
});

it('a resume whose upstream answers late does not take the session from the one that overtook it', async () => {
  const held: (() => void)[] = [];
  const backend = await startWsBackend();
  let hold = false;
  backend.server.options.verifyClient = (_, answer: (ok: boolean) => void) => {
    if (hold) held.push(() => answer(true));
    else answer(true);
  };
  const sidecar = await sidecarHere(backend.address);
  const first = await optIn(`${sidecar.ws}/chat`);
  (await backend.peer(0)).socket.terminate();
  expect(await first.closed).toBe(1013);
  hold = true;
  const slow = optIn(`${sidecar.ws}/chat`, asking(first.welcome, 0));
  await eventually(() => expect(held).toHaveLength(1));
  hold = false;
  const quick = await optIn(`${sidecar.ws}/chat`, asking(first.welcome, 0));
  expect(quick.welcome).toMatchObject({ session: first.welcome.session, recovered: true });
  held[0]!();
  expect((await slow).welcome).toMatchObject({ recovered: false });
  expect((await slow).welcome.session).not.toBe(first.welcome.session);
  tell(await backend.peer(1), event('to the quick one'));
  expect(JSON.parse((await quick.frames(1))[0]!).event_id).toBe('to the quick one');
  expect(await sidecar.sum('ackspan_session_resume_total', { result: 'stale' })).toBe(1);
});

it('messages of the backend that are spelled like notices of ours reach the application as they are, rightly numbered', async () => {
  const backend = await startWsBackend();
  const sidecar = await sidecarHere(backend.address, CRITICAL);
  const client = await optIn(`${sidecar.ws}/chat`);
  const upstream = await backend.peer(0);
  const fake = '{"ackspan":"replay","n":1}';
  const real = JSON.stringify(event('real'));
  upstream.request.socket.write(Buffer.concat([frame(real), frame(fake), frame(real), frame(fake), frame(real)]));
  const notice = (n: number) => `{"ackspan":"replay","n":${n}}`;
  expect(await client.frames(7)).toEqual([real, notice(2), fake, real, notice(4), fake, real]);
  client.say({ ackspan: 'confirm', through: 5 });
  await sidecar.reach({ tracked: 5, confirmed: 5 });
  // One that chunks cut apart cannot be announced any more: the client is made to come again, and
  // is numbered anew.
  const bytesDown = () => sidecar.sum('ackspan_relay_bytes_total', { direction: 'down' });
  const before = await bytesDown();
  upstream.request.socket.write(frame(fake).subarray(0, 9));
  await eventually(async () => expect(await bytesDown()).toBe(before + 9));
  upstream.request.socket.write(frame(fake).subarray(9));
  expect(await client.closed).toBe(1006);
  const again = await optIn(`${sidecar.ws}/chat`, asking(client.welcome, 5));
  expect(again.welcome.next).toBe(7);
  tell(upstream, event('seven'));
  const [replay, sixth, seventh] = await again.frames(3);
  expect([replay, sixth, JSON.parse(seventh!).event_id]).toEqual([notice(6), fake, 'seven']);
});
