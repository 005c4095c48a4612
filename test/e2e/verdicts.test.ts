// What the sidecar says of clients that never answer, that stop reading, and that are frozen: read from its statistics and from the spans that arrived.
import { afterEach, expect, it } from 'vitest';
import { atEnd, closeAll } from '../support/backends.ts';
import { eventually } from '../support/child.ts';
import { startOtlpReceiver } from '../support/otlp-receiver.ts';
import { startPythonClient } from '../support/python-backend.ts';
import { expectHealthyLog, type SidecarProcess, startSidecar } from '../support/sidecar-process.ts';
import { event, openClient, startWsBackend, tell, type WsBackend } from '../support/ws-peers.ts';

afterEach(closeAll);

const EVENTS = 5;
/** Short, so that a verdict comes soon; every attempt fits well before the deadline. */
const RULES = [{ match: '*', priority: 'normal', timeout: '2s', attempts: ['100ms', '150ms', '200ms'] }];
const PROBES = 3;

/** A backend that pings, the sidecar with short rules, and a receiver of its spans. */
async function start() {
  const receiver = await startOtlpReceiver();
  atEnd(() => receiver.close());
  const backend = await startWsBackend();
  const sidecar = await startSidecar({
    upstream: backend.address,
    config: { events: { rules: RULES } },
    env: { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${receiver.endpoint}/v1/traces`, OTEL_BSP_SCHEDULE_DELAY: '50' },
  });
  const deliveries = () => receiver.spans.filter(({ name }) => name === 'send agent_thinking');
  return { receiver, backend, sidecar, deliveries };
}

async function pushEvents(backend: WsBackend, first: number): Promise<void> {
  const peer = await backend.peer(0);
  for (let n = first; n < first + EVENTS; n++) {
    tell(peer, event(`e-${n}`));
    peer.socket.ping(`beat${n}`);
  }
}

async function capable(sidecar: SidecarProcess, capability: string): Promise<void> {
  await eventually(async () => expect(await sidecar.sum('ackspan_connection_active', { capability })).toBe(1));
}

it('[D12] a client whose pongs are dropped ends unverifiable, never timeout', async () => {
  const { backend, sidecar, deliveries } = await start();
  const client = await openClient(sidecar.ws, { autoPong: false });
  await pushEvents(backend, 1);
  await sidecar.reach({
    tracked: EVENTS,
    unverifiable: EVENTS,
    pending: 0,
    timeout: 0,
    failed: 0,
    confirmation_rate: null,
  });
  expect(client.texts).toHaveLength(EVENTS);
  expect(await sidecar.sum('ackspan_delivery_unverifiable_total')).toBe(EVENTS);
  expect(await sidecar.sum('ackspan_delivery_duration_seconds_count')).toBe(0);
  await eventually(() => expect(deliveries()).toHaveLength(EVENTS));
  for (const span of deliveries()) {
    expect(span.status.code).toBe(0);
    expect(span.attributes).toMatchObject({ 'ackspan.delivery.outcome': 'unverifiable' });
    expect(span.attributes).not.toHaveProperty('error.type');
  }
  expectHealthyLog(sidecar);
});

it('a client that answered and then stops reading: probes as span events, then timeout with status ERROR; what it says later changes nothing', async () => {
  const { backend, sidecar, deliveries } = await start();
  const client = await openClient(sidecar.ws);
  await capable(sidecar, 'received');
  client.socket.pause();
  await pushEvents(backend, 1);
  await sidecar.reach({ tracked: EVENTS, timeout: EVENTS, pending: 0, confirmed: 0, unverifiable: 0 });
  await eventually(() => expect(deliveries()).toHaveLength(EVENTS));
  for (const span of deliveries()) {
    expect(span.status.code).toBe(2);
    expect(span.attributes).toMatchObject({
      'error.type': 'timeout',
      'ackspan.delivery.outcome': 'timeout',
      'ackspan.delivery.attempts': 1 + PROBES,
    });
    expect(span.events.map(({ name }) => name)).toEqual(Array(PROBES).fill('ackspan.delivery.attempt'));
    expect(span.events.map(({ attributes }) => attributes['ackspan.attempt.kind'])).toEqual(
      Array(PROBES).fill('probe'),
    );
    expect(span.events.map(({ attributes }) => attributes['ackspan.attempt.number'])).toEqual([2, 3, 4]);
    const times = [span.startNs, ...span.events.map(({ timeNs }) => timeNs), span.endNs];
    expect(times).toEqual([...times].sort((a, b) => Number(a - b)));
    // [D4] never before the deadline.
    expect(Number(span.endNs - span.startNs) / 1e6).toBeGreaterThanOrEqual(2000 - 0.01);
  }
  expect(await sidecar.sum('ackspan_delivery_attempts_total', { kind: 'probe' })).toBe(EVENTS * PROBES);

  // [D2] Its late pongs are counted, and it is a good client again.
  client.socket.resume();
  await eventually(async () =>
    expect(await sidecar.sum('ackspan_confirmation_unmatched_total', { reason: 'late' })).toBe(EVENTS),
  );
  await pushEvents(backend, EVENTS + 1);
  await sidecar.reach({ tracked: 2 * EVENTS, timeout: EVENTS, confirmed: EVENTS, pending: 0 });
  expect(client.texts).toHaveLength(2 * EVENTS);
  expectHealthyLog(sidecar);
});

it('a client process that is frozen (kill -STOP) ends in timeout, and confirms again once it thaws', async () => {
  const { backend, sidecar } = await start();
  const client = await startPythonClient(sidecar.ws, []);
  await capable(sidecar, 'received');
  client.signal('SIGSTOP');
  await pushEvents(backend, 1);
  await sidecar.reach({ tracked: EVENTS, timeout: EVENTS, pending: 0 });
  client.signal('SIGCONT');
  await client.line(({ received }) => received === EVENTS);
  await pushEvents(backend, EVENTS + 1);
  await sidecar.reach({ tracked: 2 * EVENTS, timeout: EVENTS, confirmed: EVENTS, pending: 0 });
  expectHealthyLog(sidecar);
});
