// Spans that really arrived: one per delivery of the fixtures, with the attributes, the parent and the link that the design promises.
import { readFileSync } from 'node:fs';
import { afterEach, expect, it } from 'vitest';
import { ATTR } from '../../src/telemetry/names/span-names.ts';
import { SPAN_CARRIERS } from '../../src/telemetry/names/spans-page.ts';
import { atEnd, closeAll } from '../support/backends.ts';
import { eventually } from '../support/child.ts';
import type { ReceivedSpan } from '../support/otlp-decode.ts';
import { startOtlpReceiver } from '../support/otlp-receiver.ts';
import { expectHealthyLog, startSidecar } from '../support/sidecar-process.ts';
import { openClient, startWsBackend } from '../support/ws-peers.ts';

afterEach(closeAll);

const FIXTURES = readFileSync(new URL('../fixtures/agent-events.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n');
/** Of the browser's page: the parent of every event that names none of its own. */
const PAGE = { trace: '4bf92f3577b34da6a3ce929d0e0e4736', span: '00f067aa0ba902b7' };
const SECRET = 'never-to-be-seen-anywhere';

/** What each tracked fixture's span says; heartbeat and ack have none. */
const OTHERS = ['ackspan.connection', 'execute_tool cost_analyzer', 'execute_tool web_search'];

const EXPECTED = [
  { type: 'agent_started', priority: 'high', id: undefined, run: 'run_1', tool: undefined },
  { type: 'agent_thinking', priority: 'normal', id: undefined, run: 'run_1', tool: undefined },
  {
    type: 'tool_executing',
    priority: 'critical',
    id: 'tool_executing_u1_run_1_1757620212123_ab12cd34',
    run: 'run_1',
    tool: 'cost_analyzer',
  },
  {
    type: 'tool_executing',
    priority: 'critical',
    id: 'tool_executing_u1_run_1_1757620212900_00ff00ff',
    run: 'run_1',
    tool: 'web_search',
  },
  {
    type: 'tool_completed',
    priority: 'critical',
    id: 'tool_completed_u1_run_1_1757620212535_1234abcd',
    run: 'run_1',
    tool: 'cost_analyzer',
  },
  {
    type: 'tool_completed',
    priority: 'critical',
    id: 'tool_completed_u1_run_1_1757620213000_9876fedc',
    run: 'run_1',
    tool: 'web_search',
  },
  { type: 'agent_completed', priority: 'high', id: undefined, run: 'run_1', tool: undefined },
  { type: 'agent_error', priority: 'high', id: undefined, run: 'run_2', tool: undefined },
] as const;

function isDelivery({ name }: ReceivedSpan): boolean {
  return name.startsWith('send ');
}

it.each(['http/protobuf', 'http/json'])('one span per delivery of the fixtures, over %s', async (protocol) => {
  const receiver = await startOtlpReceiver();
  atEnd(() => receiver.close());
  const backend = await startWsBackend({ deflate: true });
  const sidecar = await startSidecar({
    upstream: backend.address,
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint,
      OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
      OTEL_BSP_SCHEDULE_DELAY: '50',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
      OTEL_SERVICE_NAME: 'agent-edge',
    },
  });
  const client = await openClient(`${sidecar.ws}/chat?token=${SECRET}`, {
    headers: {
      traceparent: `00-${PAGE.trace}-${PAGE.span}-01`,
      Authorization: `Bearer ${SECRET}`,
      Host: 'app.example:8443',
    },
  });
  const peer = await backend.peer(0);
  for (const line of FIXTURES) peer.socket.send(line);
  await sidecar.reach({ tracked: EXPECTED.length, confirmed: EXPECTED.length });
  expect(client.texts).toEqual(FIXTURES);
  client.socket.close(1000);
  await eventually(() => expect(receiver.spans.filter(isDelivery)).toHaveLength(EXPECTED.length));
  // The two tool calls of the fixtures, and the connection.
  await eventually(() =>
    expect(
      receiver.spans
        .filter((span) => !isDelivery(span))
        .map(({ name }) => name)
        .sort(),
    ).toEqual(OTHERS),
  );

  for (const { name, attributes } of receiver.spans) {
    const carrier = SPAN_CARRIERS.find((each) => name.startsWith(each.name.replace(/\{.*/, '')));
    const documented = carrier?.attributes.map((key) => ATTR[key] as string);
    for (const key of Object.keys(attributes)) expect(documented, `docs/spans.md on ${name}`).toContain(key);
  }

  const [connection] = receiver.spans.filter(({ name }) => name === 'ackspan.connection');
  expect(connection).toMatchObject({
    kind: 2,
    traceId: PAGE.trace,
    parentSpanId: PAGE.span,
    attributes: {
      'ackspan.connection.capability': 'received',
      'ackspan.connection.close.code': 1000,
      'ackspan.connection.closed_by': 'client',
    },
  });
  const deliveries = receiver.spans.filter(isDelivery);
  // In the order of the fixtures: what was read in one turn began at one time.
  const spans = EXPECTED.map(({ type, id }) => {
    const of = ({ attributes: all }: ReceivedSpan): boolean =>
      all['messaging.destination.name'] === type && (id === undefined || all['messaging.message.id'] === id);
    return deliveries.find(of)!;
  });
  const bytes = (index: number) => Buffer.byteLength(FIXTURES[index]!);
  EXPECTED.forEach((expected, index) => {
    const span = spans[index]!;
    expect(span).toMatchObject({
      name: `send ${expected.type}`,
      kind: 4,
      status: { code: 0 },
      links: [{ traceId: connection!.traceId, spanId: connection!.spanId }],
      resource: { 'service.name': 'agent-edge', 'deployment.environment.name': 'test' },
    });
    const { attributes } = span;
    expect(attributes).toEqual({
      'messaging.system': 'websocket',
      'messaging.operation.name': 'send',
      'messaging.operation.type': 'send',
      'messaging.destination.name': expected.type,
      'messaging.message.id': expected.id ?? expect.stringMatching(/./),
      'messaging.message.conversation_id': expected.run,
      'messaging.message.body.size': bytes(index),
      'network.protocol.name': 'websocket',
      'server.address': 'app.example',
      'server.port': 8443,
      'ackspan.delivery.priority': expected.priority,
      'ackspan.delivery.outcome': 'confirmed',
      'ackspan.delivery.level': 'received',
      // On a slow machine a probe may have gone out as well.
      'ackspan.delivery.attempts': expect.any(Number),
      'ackspan.connection.id': connection!.attributes['ackspan.connection.id'],
      ...(expected.tool === undefined ? {} : { 'gen_ai.tool.name': expected.tool }),
    });
    const steps = span.events.map(({ name }) => name).filter((name) => !name.endsWith('.attempt'));
    expect(steps).toEqual(['ackspan.delivery.received', 'ackspan.delivery.confirmed']);
    expect(span.endNs).toBeGreaterThan(span.startNs);
  });
  // The first event names its own parent; the others belong to the page that opened the connection.
  const parents = spans.map(({ traceId, parentSpanId }) => [traceId, parentSpanId]);
  expect(parents[0]).toEqual(['0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331']);
  expect(parents.slice(1)).toEqual(Array(EXPECTED.length - 1).fill([PAGE.trace, PAGE.span]));

  // [D11] Neither a token nor a payload, in no span and no log line; the admin API names the same
  // traces.
  const said = JSON.stringify([receiver.spans, sidecar.lines], (_, value) => (typeof value === 'bigint' ? '' : value));
  expect(said).not.toContain(SECRET);
  expect(said).not.toContain('Comparing three regions');
  const traces = (await sidecar.deliveries()).map(({ trace_id }) => trace_id).reverse();
  expect(traces).toEqual(spans.map(({ traceId }) => traceId));
  expectHealthyLog(sidecar);
});
