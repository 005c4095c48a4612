// [D14] The real process is stopped (SIGSTOP) beyond every time-out, and the answers of collector and receiver lie in its sockets when it wakes.
import { afterEach, expect, it } from 'vitest';
import { startReceiver } from '../hooks/receiver.ts';
import { atEnd, closeAll } from '../support/backends.ts';
import { eventually, exitOf } from '../support/child.ts';
import { startOtlpReceiver } from '../support/otlp-receiver.ts';
import { expectHealthyLog, type SidecarProcess, startSidecar } from '../support/sidecar-process.ts';
import { event, openClient, startWsBackend, tell } from '../support/ws-peers.ts';

afterEach(closeAll);

/** Every time-out of the sidecar in these tests, and how long it stands still, ms. */
const TIMEOUT_MS = 2000;
const STANDSTILL_MS = 2600;

/**
 * Stops the process, does something that it cannot see, and lets it go on when its time-outs are
 * long over.
 */
async function whileStopped(sidecar: SidecarProcess, act: () => Promise<void>): Promise<void> {
  sidecar.signal('SIGSTOP');
  await act();
  await new Promise((resolve) => setTimeout(resolve, STANDSTILL_MS));
  sidecar.signal('SIGCONT');
}

function exporting(endpoint: string): Record<string, string> {
  return {
    OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
    OTEL_EXPORTER_OTLP_TIMEOUT: String(TIMEOUT_MS),
    OTEL_BSP_EXPORT_TIMEOUT: String(TIMEOUT_MS),
    OTEL_BLRP_EXPORT_TIMEOUT: String(TIMEOUT_MS),
    OTEL_METRIC_EXPORT_TIMEOUT: String(TIMEOUT_MS),
    OTEL_METRIC_EXPORT_INTERVAL: '600000',
  };
}

it.each(['http/protobuf', 'http/json'])(
  'spans and logs that a collector has taken over %s are exported, not failed, and are not sent again',
  async (protocol) => {
    const receiver = await startOtlpReceiver();
    atEnd(() => receiver.close());
    receiver.behave({ kind: 'hold' });
    const backend = await startWsBackend();
    const sidecar = await startSidecar({
      upstream: backend.address,
      config: { tracing: { events: 'both' } },
      env: {
        ...exporting(receiver.endpoint),
        OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
        OTEL_METRICS_EXPORTER: 'none',
        OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '3',
        OTEL_BLRP_MAX_EXPORT_BATCH_SIZE: '3',
      },
    });
    await openClient(sidecar.ws);
    const peer = await backend.peer(0);
    for (let n = 1; n <= 3; n++) tell(peer, event(`e-${n}`));
    await receiver.waitFor(({ requests }) => new Set(requests.map(({ path }) => path)).size === 2);
    await whileStopped(sidecar, () => receiver.release());
    await eventually(async () => {
      for (const signal of ['spans', 'logs']) {
        const count = (result: string) => sidecar.sum(`ackspan_telemetry_${signal}_total`, { result });
        const results = await Promise.all(['exported', 'dropped', 'failed', 'rejected'].map(count));
        expect([signal, ...results]).toEqual([signal, expect.any(Number), 0, 0, 0]);
        expect(results[0], signal).toBeGreaterThanOrEqual(3);
        expect(results[0], signal).toBe(signal === 'spans' ? receiver.spans.length : receiver.logs.length);
      }
    });
    expect(new Set(receiver.spans.map(({ spanId }) => spanId)).size).toBe(receiver.spans.length);
    expect(sidecar.lines.filter(({ stage }) => stage === 'telemetry')).toEqual([]);
    expectHealthyLog(sidecar);
  },
);

it('a notice whose answer had arrived is delivered once; nothing is called a time-out', async () => {
  const receiver = await startReceiver();
  atEnd(() => receiver.close());
  receiver.hold();
  const backend = await startWsBackend();
  const rules = [{ match: '*', confirm: 'processed', timeout: '60s', attempts: [] }];
  const sidecar = await startSidecar({
    upstream: backend.address,
    config: {
      events: { rules },
      hooks: {
        url: receiver.url,
        secrets: [`whsec_${Buffer.alloc(32, 1).toString('base64')}`],
        timeout: `${TIMEOUT_MS}ms`,
      },
    },
  });
  const client = await openClient(sidecar.ws);
  tell(await backend.peer(0), event('cut'));
  await eventually(() => expect(client.texts).toHaveLength(1));
  client.socket.terminate();
  await receiver.arrived(1);
  await whileStopped(sidecar, async () => receiver.release());
  await eventually(async () => expect(await sidecar.sum('ackspan_hook_queued')).toBe(0));
  const results = ['delivered', 'refused', 'failed', 'timeout'];
  const counts = results.map((result) => sidecar.sum('ackspan_hook_requests_total', { result }));
  expect(await Promise.all(counts)).toEqual([1, 0, 0, 0]);
  expect(receiver.received).toHaveLength(1);
  expectHealthyLog(sidecar);
});

it('[D10] a stop that stands still finishes its exports all the same, metrics included, and tells of no loss', async () => {
  const receiver = await startOtlpReceiver();
  atEnd(() => receiver.close());
  receiver.behave({ kind: 'hold' });
  const backend = await startWsBackend();
  const sidecar = await startSidecar({
    upstream: backend.address,
    config: { shutdown: { grace: '4s' } },
    env: { ...exporting(receiver.endpoint), OTEL_METRICS_EXPORTER: 'otlp', OTEL_BSP_SCHEDULE_DELAY: '600000' },
  });
  await openClient(sidecar.ws);
  tell(await backend.peer(0), event('e'));
  await sidecar.reach({ tracked: 1, confirmed: 1, pending: 0 });
  sidecar.signal('SIGTERM');
  await receiver.waitFor(({ requests }) => new Set(requests.map(({ path }) => path)).size === 2);
  await whileStopped(sidecar, () => receiver.release());
  expect(await exitOf(sidecar)).toEqual({ code: 0, signal: null });
  expect(receiver.requests).toHaveLength(2);
  expect(receiver.spans.some(({ name }) => name === 'send agent_thinking')).toBe(true);
  expect(receiver.metrics.length).toBeGreaterThan(0);
  expect(sidecar.lines.filter(({ stage }) => stage === 'telemetry')).toEqual([]);
  expectHealthyLog(sidecar);
});
