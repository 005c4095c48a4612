// Clients that lie about sessions, ordinals and tokens, or shout: they are counted, change nothing, and nobody else notices.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { afterEach, expect, it } from 'vitest';
import { CHANNELS } from '../../src/channels/channels.ts';
import { openApp, startAgentBackend } from '../support/agent-runs.ts';
import { atEnd, closeAll } from '../support/backends.ts';
import { eventually } from '../support/child.ts';
import { asking, optIn } from '../support/opted-in.ts';
import { clientFrame } from '../support/raw-frames.ts';
import { openRaw } from '../support/raw-ws-client.ts';
import { bugs, type SidecarHere, sidecarHere } from '../support/sidecar-here.ts';
import { event, openClient, startWsBackend, tell } from '../support/ws-peers.ts';

afterEach(closeAll);

const PATIENT = { events: { rules: [{ match: '*', attempts: [], timeout: '30s' }] } };

function resumes(sidecar: SidecarHere, result: string): Promise<number> {
  return sidecar.sum('ackspan_session_resume_total', { result });
}

function unmatched(sidecar: SidecarHere): Promise<number> {
  return sidecar.sum('ackspan_confirmation_unmatched_total', { reason: 'unknown' });
}

it('forged, foreign, empty and huge tokens, and sessions that nobody has: a fresh session, the same answer to all, nothing taken', async () => {
  const backend = await startWsBackend();
  const sidecar = await sidecarHere(backend.address, PATIENT);
  const victim = await optIn(`${sidecar.ws}/chat`);
  tell(await backend.peer(0), event('secret'));
  await sidecar.reach({ pending: 1 });
  const attacker = await optIn(`${sidecar.ws}/chat`);
  const { session, token } = victim.welcome;
  const flipped = `${token.slice(0, -2)}${token.at(-2) === 'A' ? 'B' : 'A'}${token.at(-1)}`;
  const tries = [flipped, attacker.welcome.token, '', 'x', token.slice(1), 'A'.repeat(400), '%00'];
  for (const wrong of tries) {
    const { welcome, texts, socket } = await optIn(`${sidecar.ws}/chat`, asking({ session, token: wrong }, 0));
    expect(welcome).toEqual({
      ...{ ackspan: 'welcome', session: expect.any(String), token: expect.any(String) },
      ...{ next: 1, recovered: false, silence: 60_000 },
    });
    expect(welcome.session).not.toBe(session);
    expect(texts).toEqual([]);
    socket.close(1000);
  }
  const nobody = await optIn(`${sidecar.ws}/chat`, asking({ session: 'nobody', token }, 0));
  expect(nobody.welcome.recovered).toBe(false);
  expect(Object.keys(nobody.welcome).sort()).toEqual(['ackspan', 'next', 'recovered', 'session', 'silence', 'token']);
  expect(await resumes(sidecar, 'forged')).toBe(tries.length);
  expect(await resumes(sidecar, 'unknown')).toBe(1);
  // The victim still is where it was, with its token as good as before.
  expect(victim.texts).toHaveLength(1);
  victim.socket.terminate();
  const back = await optIn(`${sidecar.ws}/chat`, asking({ session, token }, 0));
  expect(back.welcome).toMatchObject({ session, recovered: true });
  expect(JSON.parse((await back.frames(2))[1]!).event_id).toBe('secret');
});

it('[D6] a session of a user is not for another user, nor for nobody, whatever the token', async () => {
  const backend = await startWsBackend();
  const sidecar = await sidecarHere(backend.address, {
    ...PATIENT,
    identity: { user: [{ query: 'user' }], trust: 'upstream' },
  });
  const ann = await optIn(`${sidecar.ws}/chat`, 'user=ann&ackspan=1');
  ann.socket.terminate();
  for (const who of ['user=bob&', '']) {
    const other = await optIn(`${sidecar.ws}/chat`, `${who}${asking(ann.welcome, 0)}`);
    expect(other.welcome.recovered).toBe(false);
  }
  expect(await resumes(sidecar, 'foreign')).toBe(2);
  const again = await optIn(`${sidecar.ws}/chat`, `user=ann&${asking(ann.welcome, 0)}`);
  expect(again.welcome).toMatchObject({ session: ann.welcome.session, recovered: true });
});

it('an older token is dead once a newer one was used; until then both are good', async () => {
  const backend = await startWsBackend();
  const sidecar = await sidecarHere(backend.address, PATIENT);
  const first = await optIn(`${sidecar.ws}/chat`);
  // As if these welcomes had been lost: the token of the first is used again and again.
  const second = await optIn(`${sidecar.ws}/chat`, asking(first.welcome, 0));
  const third = await optIn(`${sidecar.ws}/chat`, asking(first.welcome, 0));
  expect([second.welcome.recovered, third.welcome.recovered]).toEqual([true, true]);
  const fourth = await optIn(`${sidecar.ws}/chat`, asking(third.welcome, 0));
  expect(fourth.welcome.recovered).toBe(true);
  for (const { welcome } of [first, second]) {
    expect((await optIn(`${sidecar.ws}/chat`, asking(welcome, 0))).welcome.recovered).toBe(false);
  }
  expect(await resumes(sidecar, 'stale')).toBe(2);
});

it('[R3] confirmations of the future, of giant, negative, broken and no ordinals are unknown and change nothing', async () => {
  const backend = await startWsBackend();
  const sidecar = await sidecarHere(backend.address, PATIENT);
  const client = await optIn(`${sidecar.ws}/chat`);
  const upstream = await backend.peer(0);
  tell(upstream, event('a'));
  tell(upstream, event('b'));
  await sidecar.reach({ pending: 2 });
  const lies = [
    { ackspan: 'confirm', through: 3 },
    { ackspan: 'confirm', through: Number.MAX_SAFE_INTEGER },
    { ackspan: 'confirm', through: 1e308 },
    { ackspan: 'confirm', through: -1 },
    { ackspan: 'confirm', through: 1.5 },
    { ackspan: 'confirm', through: '2' },
    { ackspan: 'confirm' },
    { ackspan: 'confirm', through: 1, also: [1e15] },
    { ackspan: 'confirm', through: 1, also: [2, -2] },
    { ackspan: 'confirm', through: 1, also: 2 },
    { ackspan: 'reject', n: 3, reason: 'x' },
    { ackspan: 'reject', n: 0 },
    { ackspan: 'reject', n: null },
  ];
  for (const lie of lies) client.say(lie);
  await eventually(async () => expect(await unmatched(sidecar)).toBe(lies.length));
  expect(await sidecar.stats()).toMatchObject({ pending: 2, confirmed: 0, failed: 0 });
  // The truth still counts.
  client.say({ ackspan: 'reject', n: 1, reason: 'no room' });
  client.say({ ackspan: 'confirm', through: 2 });
  await sidecar.reach({ confirmed: 1, failed: 1, pending: 0 });
  expect(upstream.texts).toEqual([]);
  expect(bugs(sidecar)).toEqual([]);
});

it('[R4] a resume that claims messages of the future gets a new session, and nothing counts as received by it', async () => {
  const backend = await startWsBackend();
  // Where receipt is enough, the claim would confirm what no client was ever sent.
  const rules = [{ match: '*', priority: 'critical', confirm: 'received', attempts: [], timeout: '60s' }];
  const sidecar = await sidecarHere(backend.address, { events: { rules } });
  const client = await optIn(`${sidecar.ws}/chat`);
  client.socket.terminate();
  await eventually(async () => expect(await sidecar.sum('ackspan_session_waiting')).toBe(1));
  tell(await backend.peer(0), event('a'));
  await sidecar.reach({ pending: 1 });
  const liar = await optIn(`${sidecar.ws}/chat`, asking(client.welcome, Number.MAX_SAFE_INTEGER));
  expect(liar.welcome).toMatchObject({ recovered: false, next: 1 });
  expect(await sidecar.stats()).toMatchObject({ pending: 1, confirmed: 0 });
  // The session goes on waiting for a client that says what can be.
  const back = await optIn(`${sidecar.ws}/chat`, asking(client.welcome, 0));
  expect(back.welcome).toMatchObject({ recovered: true, rejoined: true, next: 2 });
  await sidecar.reach({ pending: 0, confirmed: 1 });
});

it('protocol messages inside binary frames, of another kind, or on a connection that has not opted in are forwarded untouched', async () => {
  const backend = await startWsBackend();
  const sidecar = await sidecarHere(backend.address, PATIENT);
  const client = await optIn(`${sidecar.ws}/chat`);
  const plain = await openClient(sidecar.ws);
  const [toClient, toPlain] = [await backend.peer(0), await backend.peer(1)];
  const got: string[] = [];
  for (const { socket } of [toClient, toPlain]) socket.on('message', (data, binary) => got.push(`${binary} ${data}`));
  tell(toClient, event('a'));
  tell(toPlain, event('b', 'x', {}));
  await sidecar.reach({ tracked: 2 });
  const confirm = '{"ackspan":"confirm","through":1}';
  client.socket.send(Buffer.from(confirm));
  client.socket.send('{"ackspan":"frobnicate","through":1}');
  client.socket.send('{"ackspan":');
  plain.socket.send(confirm);
  plain.socket.send('{"ackspan":"reject","n":1}');
  await eventually(() => expect(got).toHaveLength(5));
  expect(got.sort()).toEqual(
    [`true ${confirm}`, 'false {"ackspan":"frobnicate","through":1}', 'false {"ackspan":', `false ${confirm}`]
      .concat('false {"ackspan":"reject","n":1}')
      .sort(),
  );
  expect(await unmatched(sidecar)).toBe(0);
  expect((await sidecar.stats()).failed).toBe(0);
});

it('10,000 confirmations at once from one client, most of them lies: all counted, and the events of 20 others keep flowing', async () => {
  const FLOOD = 10_000;
  const backend = await startAgentBackend();
  const sidecar = await sidecarHere(`http://127.0.0.1:${backend.port}`, PATIENT);
  const apps = Array.from({ length: 20 }, (_, i) => openApp(`${sidecar.ws}/ws?user=u${i}`));
  const hostile = await openRaw(sidecar.port, '/ws?user=hostile&ackspan=1');
  await eventually(() => expect(backend.runs.size).toBe(apps.length + 1));
  const target = backend.runs.get('hostile')!;
  // Many in flight make every look-up dear that is not an index.
  for (let n = 0; n < 2000; n++) backend.emit(target);
  await sidecar.reach({ tracked: 2000 });
  const lies = ['{"ackspan":"confirm","through":9999999}', '{"ackspan":"reject","n":5000,"reason":"?"}'];
  const also = `{"ackspan":"confirm","through":0,"also":[${Array.from({ length: 400 }, () => 2000).join()}]}`;
  const chunk = Buffer.concat([clientFrame(lies[0]!), clientFrame(lies[1]!), clientFrame(also)]);
  const others = [...backend.runs.values()].filter((run) => run !== target);
  for (let step = 0; step < 30; step++) {
    for (const run of others) backend.emit(run);
    for (let n = 0; n < FLOOD / 3 / 30; n++) hostile.socket.write(chunk);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await eventually(async () => expect(await unmatched(sidecar)).toBeGreaterThanOrEqual((FLOOD / 3) * 2));
  await eventually(() => {
    for (const { numbers } of apps) expect(numbers).toEqual(Array.from({ length: 30 }, (_, n) => n + 1));
  });
  // The hostile client's own are still there: 2000 was confirmed once, the rest waits for the
  // truth.
  const confirmed = 20 * 30 + 1;
  await sidecar.reach({ confirmed, failed: 0, timeout: 0 });
  hostile.socket.write(clientFrame('{"ackspan":"confirm","through":2000}'));
  await sidecar.reach({ confirmed: confirmed + 1999, failed: 0 });
  expect(bugs(sidecar)).toEqual([]);
});

it('[D7] more sessions than fit: nobody ends those of others; the upstream of the longest absent makes room, and the log says so', async () => {
  const backend = await startWsBackend();
  const sidecar = await sidecarHere(backend.address, { ...PATIENT, limits: { connections: 3 } });
  const clients = [];
  for (let i = 0; i < 3; i++) {
    const client = await optIn(`${sidecar.ws}/chat`);
    client.socket.terminate();
    await eventually(async () => expect(await sidecar.sum('ackspan_session_waiting')).toBe(i + 1));
    clients.push(client);
  }
  const next = await optIn(`${sidecar.ws}/chat`);
  expect(await (await backend.peer(0)).closed).toBe(1001);
  expect(await sidecar.sum('ackspan_session_waiting')).toBe(3);
  expect(await sidecar.sum('ackspan_session_ended_total', { reason: 'evicted' })).toBe(0);
  await eventually(() => expect(sidecar.faults.join()).toContain('limits.connections reached by sessions'));
  // The newcomer works, and ends with its connection; whose upstream was closed goes on over a new
  // one.
  tell(await backend.peer(3), event('e1'));
  expect(await next.frames(1)).toHaveLength(1);
  next.socket.terminate();
  await sidecar.reach({ pending: 0 });
  expect(await sidecar.sum('ackspan_session_waiting')).toBe(3);
  const back = await optIn(`${sidecar.ws}/chat`, asking(clients[0]!.welcome, 0));
  expect(back.welcome).toMatchObject({ recovered: true });
  expect(await sidecar.sum('ackspan_session_waiting')).toBe(2);
});

it('[D7] a newcomer that takes the place of a client that is away waits until that place is free', async () => {
  const backend = await startWsBackend();
  const limits = { connections: 2, patience: '200ms' };
  const sidecar = await sidecarHere(backend.address, { ...PATIENT, limits });
  const absent = [];
  for (let i = 0; i < 2; i++) {
    const client = await optIn(`${sidecar.ws}/chat`);
    // A backend that takes no Close frame holds its connection for as long as it is allowed to.
    (await backend.peer(i)).socket.pause();
    client.socket.terminate();
    await eventually(async () => expect(await sidecar.sum('ackspan_session_waiting')).toBe(i + 1));
    absent.push(client);
  }
  const steps: string[] = [];
  const note = (_: unknown, name: string | symbol) => void steps.push(String(name));
  const channels = [CHANNELS.upgradeAsked.name, CHANNELS.closed.name];
  for (const name of channels) subscribe(name, note);
  atEnd(() => channels.forEach((name) => void unsubscribe(name, note)));
  const newcomers = await Promise.all([0, 1].map(() => optIn(`${sidecar.ws}/chat`)));
  // Two connections at any moment: each newcomer asks for one when one has gone.
  const counted = (name: string, until: number) => steps.slice(0, until).filter((one) => one === name).length;
  expect(counted(channels[0]!, steps.length)).toBe(2);
  for (let i = 1; i <= steps.length; i++)
    expect(counted(channels[0]!, i)).toBeLessThanOrEqual(counted(channels[1]!, i));
  await expect(optIn(`${sidecar.ws}/chat`)).rejects.toThrow();
  for (const { socket } of newcomers) socket.terminate();
});

it('[D7] a user with too many sessions ends the one of their own that has waited longest', async () => {
  const backend = await startWsBackend();
  const identity = { user: 'query:user_id', trust: 'upstream' };
  const sidecar = await sidecarHere(backend.address, { ...PATIENT, identity, limits: { connections: 2 } });
  for (let i = 0; i < 2; i++) {
    const client = await optIn(`${sidecar.ws}/chat`, 'ackspan=1&user_id=anna');
    client.socket.terminate();
    await eventually(async () => expect(await sidecar.sum('ackspan_session_waiting')).toBe(i + 1));
  }
  await optIn(`${sidecar.ws}/chat`, 'ackspan=1&user_id=anna');
  await eventually(async () => expect(await sidecar.sum('ackspan_session_ended_total', { reason: 'evicted' })).toBe(1));
  expect(await sidecar.sum('ackspan_session_waiting')).toBe(1);
});

it('[R9] a session that keeps too much: what does not fit is sent, not kept, counted and logged; after a resume it has failed', async () => {
  const backend = await startWsBackend();
  const sidecar = await sidecarHere(backend.address, { ...PATIENT, sessions: { retained_bytes: '1KiB' } });
  const client = await optIn(`${sidecar.ws}/chat`);
  const upstream = await backend.peer(0);
  for (let n = 1; n <= 4; n++) tell(upstream, event(`e${n}`, 'x', { text: '.'.repeat(300) }));
  expect(await client.frames(4)).toHaveLength(4);
  client.socket.terminate();
  const back = await optIn(`${sidecar.ws}/chat`, asking(client.welcome, 0));
  const texts = await back.frames(4);
  expect(texts.filter((text) => text.startsWith('{"ackspan":"replay"'))).toHaveLength(2);
  await sidecar.reach({ pending: 2, failed: 2 });
  back.say({ ackspan: 'confirm', through: 4 });
  await sidecar.reach({ confirmed: 2, failed: 2, pending: 0 });
  expect(await sidecar.sum('ackspan_confirmation_unmatched_total')).toBe(0);
  expect(await sidecar.sum('ackspan_retained_refused_total', { reason: 'retained_per_session' })).toBe(2);
  await eventually(() => expect(sidecar.faults.join()).toContain('messages not kept for replays'));
});
