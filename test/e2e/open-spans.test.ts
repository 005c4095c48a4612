// What a collector knows of a running sidecar while things are open, over a kill too; real processes and a real receiver.
import { once } from 'node:events';
import { afterEach, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { startAgentBackend } from '../support/agent-runs.ts';
import { closeAll } from '../support/backends.ts';
import { eventually } from '../support/child.ts';
import { startOtlpReceiver } from '../support/otlp-receiver.ts';
import { startSidecar } from '../support/sidecar-process.ts';
import { newDirectory } from '../support/store-directory.ts';

afterEach(closeAll);

it('an open delivery and its connection are shown, and after a kill the next process ends the very span that was shown', async () => {
  const collector = await startOtlpReceiver();
  const backend = await startAgentBackend();
  const options = {
    upstream: `http://127.0.0.1:${backend.port}`,
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint, OTEL_BSP_SCHEDULE_DELAY: '200' },
    config: {
      store: { at: `file:${newDirectory()}`, after: '100ms' },
      events: { rules: [{ match: '*', confirm: 'processed', timeout: '60s', attempts: [] }] },
      tracing: { pending_after: '1s', peer_address: true },
    },
  };
  const first = await startSidecar(options);
  const client = new WebSocket(`${first.ws}/chat?user=bob&token=secret`, {
    headers: { 'user-agent': 'python-websockets/15.0' },
  });
  await once(client, 'open');
  const run = await eventually(() => {
    const found = backend.runs.get('bob');
    if (found?.socket === undefined) throw new Error('not connected yet');
    return found;
  });
  backend.emit(run);
  const shown = await collector
    .waitFor(({ spans }) =>
      ['ackspan.delivery.pending', 'ackspan.connection.open'].every((name) => spans.some((span) => span.name === name)),
    )
    .then(() => collector.spans);
  const pending = shown.find(({ name }) => name === 'ackspan.delivery.pending')!;
  expect(pending.attributes).toMatchObject({ 'messaging.message.id': 'bob-1', 'ackspan.delivery.outcome': 'pending' });
  expect(shown.find(({ name }) => name === 'ackspan.connection.open')!.attributes).toMatchObject({
    'url.path': '/chat',
    'user_agent.name': 'python-websockets',
    'network.peer.address': '127.0.0.1',
  });
  expect(shown.filter(({ name }) => name.startsWith('send '))).toEqual([]);
  await first.kill();
  client.terminate();
  await startSidecar(options);
  await collector.waitFor(({ spans }) => spans.some(({ name }) => name.startsWith('send ')));
  const [ended, ...more] = collector.spans.filter(({ name }) => name.startsWith('send '));
  expect(more).toEqual([]);
  expect(ended).toMatchObject({ traceId: pending.traceId, spanId: pending.parentSpanId });
  expect(ended!.attributes['error.type']).toBe('instance_lost');
  expect(ended!.startNs / 1_000_000n).toBe(pending.startNs / 1_000_000n);
});

it('a connection ends with the words of its Close, whoever said them', async () => {
  const collector = await startOtlpReceiver();
  const backend = await startAgentBackend();
  const sidecar = await startSidecar({
    upstream: `http://127.0.0.1:${backend.port}`,
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint, OTEL_BSP_SCHEDULE_DELAY: '200' },
  });
  const client = new WebSocket(`${sidecar.ws}/ws?user=ann`);
  await once(client, 'open');
  client.close(4000, 'enough for today');
  const other = new WebSocket(`${sidecar.ws}/ws?user=bob`);
  await once(other, 'open');
  await eventually(() => {
    const socket = backend.runs.get('bob')?.socket;
    if (socket === undefined) throw new Error('not connected yet');
    socket.close(4001, 'logged out elsewhere');
  });
  await collector.waitFor(({ spans }) => spans.filter(({ name }) => name === 'ackspan.connection').length === 2);
  const ends = collector.spans.map(({ attributes }) => [
    attributes['ackspan.connection.closed_by'],
    attributes['ackspan.connection.close.reason'],
  ]);
  expect(ends.sort()).toEqual([
    ['client', 'enough for today'],
    ['upstream', 'logged out elsewhere'],
  ]);
});
