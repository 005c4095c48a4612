// Hooks of the real process: what did not arrive is told to the backend, signed, out of the relay's way, until the very end (SPEC D7, D8, D10).
import { once } from 'node:events';
import { afterEach, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { type CloudEvent, type Received, startReceiver, status, verifies } from '../hooks/receiver.ts';
import { atEnd, closeAll } from '../support/backends.ts';
import { eventually, exitOf } from '../support/child.ts';
import { expectHealthyLog, startSidecar } from '../support/sidecar-process.ts';
import { confirmation, event, openClient, startWsBackend, tell } from '../support/ws-peers.ts';

afterEach(closeAll);

const secretOf = (fill: number) => `whsec_${Buffer.alloc(32, fill).toString('base64')}`;
const [NEW, OLD, FOREIGN] = [secretOf(1), secretOf(2), secretOf(3)] as [string, string, string];
const RULES = [
  { match: 'soon', confirm: 'processed', timeout: '500ms', attempts: [] },
  { match: 'kept', confirm: 'processed', timeout: '500ms', attempts: [], resend: true },
  { match: 'late', confirm: 'processed', timeout: '60s', attempts: [] },
  { match: '*', timeout: '60s', attempts: [] },
];

/** A backend, a receiver of notices elsewhere, and the sidecar that knows both. */
async function start(hooks: object = {}, more: object = {}) {
  const receiver = await startReceiver();
  atEnd(() => receiver.close());
  const backend = await startWsBackend();
  const sidecar = await startSidecar({
    upstream: backend.address,
    config: { events: { rules: RULES }, hooks: { url: receiver.url, secrets: [NEW], ...hooks }, ...more },
  });
  /** Connections that never answered a barrier have unverifiable losses: this one has. */
  const known = () =>
    eventually(async () =>
      expect(await sidecar.sum('ackspan_connection_active', { capability: 'received' })).toBeGreaterThan(0),
    );
  return { receiver, backend, sidecar, known };
}

const subjects = (events: readonly CloudEvent[]) => events.map(({ subject }) => subject).sort();

function genuine(received: readonly Received[], secret = NEW): void {
  for (const each of received) expect(verifies(each, secret)).toBe(true);
}

it('a time-out, a rejection and a disconnection reach a path of the upstream as CloudEvents, signed with every secret; what arrived is not told', async () => {
  const receiver = await startReceiver();
  atEnd(() => receiver.close());
  const server = new WebSocketServer({ server: receiver.server });
  const accepted = once(server, 'connection');
  const sidecar = await startSidecar({
    upstream: `http://127.0.0.1:${receiver.port}`,
    config: {
      events: { rules: RULES },
      hooks: { url: '/internal/ackspan', secrets: [NEW, OLD] },
      service_name: 'my gate',
    },
  });
  const client = await openClient(sidecar.ws);
  const [socket] = await accepted;
  const send = (message: object) => socket.send(JSON.stringify(message));
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

  send(event('fine'));
  await sidecar.reach({ confirmed: 1 });
  send(event('rejected', 'late'));
  await eventually(() => expect(client.texts).toHaveLength(2));
  client.socket.send(JSON.stringify(confirmation('rejected', { status: 'error', error: 'no such view' })));
  send(event('timed-out', 'soon', { traceparent }));
  await receiver.arrived(2);
  send(event('cut', 'late'));
  await eventually(() => expect(client.texts).toHaveLength(4));
  client.socket.terminate();
  await receiver.arrived(3);

  genuine(receiver.received, NEW);
  genuine(receiver.received, OLD);
  for (const each of receiver.received) {
    expect(verifies(each, FOREIGN)).toBe(false);
    expect(verifies({ ...each, body: each.body.replace('late', 'soon').replace('timeout', 'failed') }, NEW)).toBe(
      false,
    );
    expect(each.path).toBe('/internal/ackspan');
    expect(each.headers['content-type']).toBe('application/cloudevents+json; charset=utf-8');
  }
  const told = new Map(receiver.events().map((each) => [each.subject, each]));
  const common = { specversion: '1.0', source: 'urn:ackspan:my%20gate' };
  expect(told.get('timed-out')).toMatchObject({
    ...common,
    type: 'dev.ackspan.delivery.timeout',
    traceparent,
    data: { event_type: 'soon', status: 'timeout', error_type: 'timeout', run: 'run_1' },
  });
  expect(told.get('rejected')).toMatchObject({
    ...common,
    type: 'dev.ackspan.delivery.failed',
    data: { event_type: 'late', status: 'failed', error_type: 'rejected', error: 'no such view' },
  });
  expect(told.get('cut')).toMatchObject({
    ...common,
    type: 'dev.ackspan.delivery.failed',
    data: { status: 'failed', error_type: 'disconnected' },
  });
  for (const { data } of told.values()) expect(Object.keys(data)).not.toContain('payload');

  await eventually(async () => expect(await sidecar.sum('ackspan_hook_queued')).toBe(0));
  const delivered = (kind: string) => sidecar.sum('ackspan_hook_requests_total', { kind, result: 'delivered' });
  expect([await delivered('timeout'), await delivered('failed')]).toEqual([1, 2]);
  expect(await sidecar.sum('ackspan_hook_requests_total')).toBe(3);
  expect(await sidecar.sum('ackspan_hook_dropped_total')).toBe(0);
  expect(sidecar.lines.filter((line) => JSON.stringify(line).includes('whsec_'))).toEqual([]);
  expectHealthyLog(sidecar);
});

it('[D11] the message goes along where it was kept and the operator wants it', async () => {
  const { receiver, backend, sidecar, known } = await start({ payload: true });
  await openClient(sidecar.ws);
  const peer = await backend.peer(0);
  tell(peer, event('first'));
  await known();
  tell(peer, event('with', 'kept', { text: 'grüß dich' }));
  tell(peer, event('without', 'soon'));
  await receiver.arrived(2);
  genuine(receiver.received);
  const told = new Map(receiver.events().map(({ subject, data }) => [subject, data.payload]));
  expect(told.get('with')).toBe(JSON.stringify(event('with', 'kept', { text: 'grüß dich' })));
  expect(told.get('without')).toBeUndefined();
  expect(await sidecar.sum('ackspan_retained_bytes')).toBe(0);
  expectHealthyLog(sidecar);
});

it('[D8] a receiver that fails and then hangs holds nothing up; every notice gets through in the end', async () => {
  const { receiver, backend, sidecar, known } = await start({ concurrency: 2 });
  const client = await openClient(sidecar.ws);
  const peer = await backend.peer(0);
  tell(peer, event('first'));
  await known();
  receiver.hold();
  for (let n = 1; n <= 50; n++) tell(peer, event(`lost-${n}`, 'soon'));
  await sidecar.reach({ timeout: 50 });
  await receiver.arrived(2);
  expect(await sidecar.sum('ackspan_hook_queued')).toBe(50);

  for (let n = 1; n <= 500; n++) tell(peer, event(`live-${n}`));
  await sidecar.reach({ confirmed: 501, pending: 0 });
  expect(client.texts.map((text) => JSON.parse(text).event_id)).toEqual([
    'first',
    ...Array.from({ length: 50 }, (_, i) => `lost-${i + 1}`),
    ...Array.from({ length: 500 }, (_, i) => `live-${i + 1}`),
  ]);
  expect(receiver.received).toHaveLength(2);

  receiver.release();
  // Two of the others meet a failing backend and come again.
  receiver.behave((response, index) => status(index === 3 || index === 4 ? 500 : 204)(response, index));
  await receiver.arrived(52);
  await eventually(async () => expect(await sidecar.sum('ackspan_hook_queued')).toBe(0));
  const results = ['delivered', 'failed'].map((result) => sidecar.sum('ackspan_hook_requests_total', { result }));
  expect(await Promise.all(results)).toEqual([50, 2]);
  expect(new Set(receiver.events().map(({ id }) => id)).size).toBe(50);
  expect(new Set(subjects(receiver.events())).size).toBe(50);
  expect(receiver.most).toBeLessThanOrEqual(2);
  genuine(receiver.received);
  expectHealthyLog(sidecar);
});

it('[D5] a client that has opted in is away and its message was not kept: the backend is asked to emit it again', async () => {
  const { receiver, backend, sidecar } = await start(
    { events: ['reemit'] },
    {
      events: { rules: [{ match: '*', timeout: '60s', attempts: ['200ms'] }] },
      sessions: { retained_bytes: 0, ttl: '60s' },
    },
  );
  const client = await openClient(`${sidecar.ws}/ws?ackspan=1`);
  await eventually(() => expect(JSON.parse(client.texts[0] ?? '{}')).toMatchObject({ ackspan: 'welcome' }));
  const peer = await backend.peer(0);
  client.socket.terminate();
  await eventually(async () => expect(await sidecar.sum('ackspan_session_waiting')).toBe(1));
  tell(peer, event('e1'));
  await receiver.arrived(1);
  genuine(receiver.received);
  expect(receiver.events()).toMatchObject([
    {
      type: 'dev.ackspan.delivery.reemit',
      subject: 'e1',
      data: { status: 'retrying', error_type: null, attempts: 2, settled_at: null },
    },
  ]);
  expect(await sidecar.sum('ackspan_delivery_attempts_total', { kind: 'reemit', result: 'sent' })).toBe(1);
  await eventually(async () =>
    expect(await sidecar.sum('ackspan_hook_requests_total', { kind: 'reemit', result: 'delivered' })).toBe(1),
  );
  expectHealthyLog(sidecar);
});

it('[D10] SIGTERM: what waits, and what the stop itself ends, is still told', async () => {
  const { receiver, backend, sidecar, known } = await start({}, { shutdown: { grace: '7s' } });
  const client = await openClient(sidecar.ws);
  const peer = await backend.peer(0);
  tell(peer, event('first'));
  await known();
  receiver.hold();
  for (let n = 1; n <= 6; n++) tell(peer, event(`lost-${n}`, 'soon'));
  tell(peer, event('open', 'late'));
  await sidecar.reach({ timeout: 6, pending: 1 });
  await receiver.arrived(4);
  sidecar.signal('SIGTERM');
  expect(await client.closed).toBe(1012);
  expect(receiver.received).toHaveLength(4);
  receiver.release();
  expect(await exitOf(sidecar)).toEqual({ code: 0, signal: null });
  expect(subjects(receiver.events())).toEqual([...Array.from({ length: 6 }, (_, i) => `lost-${i + 1}`), 'open']);
  const open = receiver.events().find(({ subject }) => subject === 'open');
  expect(open).toMatchObject({ type: 'dev.ackspan.delivery.failed', data: { error_type: 'shutdown' } });
  genuine(receiver.received);
  expectHealthyLog(sidecar);
});

it('[D10] SIGTERM: a receiver that hangs does not outlast the grace', async () => {
  const { receiver, backend, sidecar, known } = await start({}, { shutdown: { grace: '5s' } });
  await openClient(sidecar.ws);
  const peer = await backend.peer(0);
  tell(peer, event('first'));
  await known();
  receiver.hold();
  for (let n = 1; n <= 6; n++) tell(peer, event(`lost-${n}`, 'soon'));
  await receiver.arrived(4);
  sidecar.signal('SIGTERM');
  expect(await exitOf(sidecar)).toEqual({ code: 0, signal: null });
  // The receiver still hangs: the process did not wait for it.
  expect(receiver.received).toHaveLength(4);
  expectHealthyLog(sidecar);
});
