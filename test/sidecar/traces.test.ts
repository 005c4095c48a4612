// [D20] The trace of an upgrade request, through a whole sidecar: what the backend is told, and which spans are exported for it.
import { afterEach, expect, test } from 'vitest';
import { atEnd, closeAll } from '../support/backends.ts';
import { eventually } from '../support/child.ts';
import { startOtlpReceiver } from '../support/otlp-receiver.ts';
import { sidecarHere } from '../support/sidecar-here.ts';
import { openClient, startWsBackend } from '../support/ws-peers.ts';

afterEach(async () => {
  await closeAll();
  for (const name of VARIABLES) delete process.env[name];
});

const VARIABLES = ['OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_BSP_SCHEDULE_DELAY', 'OTEL_SDK_DISABLED'];
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const PAGE = `00-${TRACE}-00f067aa0ba902b7-01`;
const UNSAMPLED = `00-${TRACE}-00f067aa0ba902b7-00`;

async function start(tracing: object, env: Readonly<Record<string, string | undefined>> = {}) {
  const receiver = await startOtlpReceiver();
  atEnd(() => receiver.close());
  Object.assign(process.env, {
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint,
    OTEL_BSP_SCHEDULE_DELAY: '20',
    ...env,
  });
  const backend = await startWsBackend();
  const sidecar = await sidecarHere(backend.address, { tracing });
  /**
   * One connection with one confirmed event; what its backend was told, and all spans up to then.
   */
  const connect = async (headers: Record<string, string> = {}) => {
    const index = backend.peers.length;
    const before = (await sidecar.stats()).confirmed;
    const client = await openClient(sidecar.ws, { headers });
    const peer = await backend.peer(index);
    peer.socket.send(JSON.stringify({ type: 'agent_started', event_id: 'e-1' }));
    await sidecar.reach({ confirmed: before + 1 });
    client.socket.close(1000);
    await peer.closed;
    return peer.request.headers.traceparent as string | undefined;
  };
  /** All spans, after the sidecar has sent what it had. */
  const spans = async () => {
    await sidecar.sidecar.stop('the test has seen enough');
    return receiver.spans;
  };
  return { backend, sidecar, connect, spans };
}

test.each([
  ['existing', undefined],
  ['existing', PAGE],
  ['existing', UNSAMPLED],
  ['never', undefined],
  ['never', PAGE],
  ['always', PAGE],
])('propagate %s: %s reaches the backend as it came', async (propagate, traceparent) => {
  const { connect } = await start({ propagate });
  expect(await connect(traceparent === undefined ? {} : { traceparent })).toBe(traceparent);
});

test('a trace that nobody brought is not made up, whether spans go somewhere or not', async () => {
  for (const env of [{}, { OTEL_EXPORTER_OTLP_ENDPOINT: '' }, { OTEL_SDK_DISABLED: 'true' }]) {
    const { connect } = await start({}, env);
    expect(await connect()).toBeUndefined();
    delete process.env.OTEL_SDK_DISABLED;
  }
});

test('always: the backend is given the span of the connection, which is exported', async () => {
  const { connect, spans } = await start({ propagate: 'always' });
  const given = (await connect())!;
  const all = await spans();
  const connection = all.find(({ name }) => name === 'ackspan.connection')!;
  expect(given).toBe(`00-${connection.traceId}-${connection.spanId}-01`);
  expect(connection.parentSpanId).toBe('');
});

test('always, where the span will not be exported: the flag says so', async () => {
  const { connect, spans } = await start({ propagate: 'always', keep_confirmed: 0 });
  expect(await connect()).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
  expect(await spans()).toEqual([]);
});

test.each([{ OTEL_EXPORTER_OTLP_ENDPOINT: '' }, { OTEL_SDK_DISABLED: 'true' }])(
  'always, where spans go nowhere (%j): none is named',
  async (env) => {
    const { connect } = await start({ propagate: 'always' }, env);
    expect(await connect()).toBeUndefined();
  },
);

test('always: the span of a handshake that was refused is exported too', async () => {
  const { backend, sidecar, spans } = await start({ propagate: 'always' });
  let told: string | undefined;
  backend.server.options.verifyClient = (({ req }, answer) => {
    told = req.headers.traceparent as string;
    answer(false, 503);
  }) as (info: { req: { headers: Record<string, unknown> } }, answer: (ok: boolean, code: number) => void) => void;
  await expect(openClient(sidecar.ws)).rejects.toThrow('503');
  const [span, ...others] = await spans();
  expect(others).toEqual([]);
  expect(told).toBe(`00-${span!.traceId}-${span!.spanId}-01`);
  expect(span).toMatchObject({ name: 'ackspan.connection', status: { code: 2 } });
  expect(span!.attributes['http.response.status_code']).toBe(503);
});

test('never: the spans of a connection do not join the trace of its client', async () => {
  const { connect, spans } = await start({ propagate: 'never' });
  await connect({ traceparent: PAGE });
  const all = await spans();
  expect(all.map(({ name }) => name).sort()).toEqual(['ackspan.connection', 'send agent_started']);
  for (const span of all) expect(span.traceId).not.toBe(TRACE);
});

test('existing: the spans of a connection join the trace of its client', async () => {
  const { connect, spans } = await start({});
  await connect({ traceparent: PAGE });
  for (const span of await spans()) expect(span).toMatchObject({ traceId: TRACE, parentSpanId: '00f067aa0ba902b7' });
});

test('a client whose trace is not sampled leaves no span of its connection either', async () => {
  const { connect, spans } = await start({});
  await connect({ traceparent: UNSAMPLED });
  expect(await spans()).toEqual([]);
});

test('a connection that was not chosen keeps its span when an exported delivery links to it', async () => {
  const { backend, sidecar, spans } = await start({ keep_confirmed: 0, slow: '0ms' });
  const client = await openClient(sidecar.ws);
  const peer = await backend.peer(0);
  peer.socket.send(JSON.stringify({ type: 'agent_started', event_id: 'e-1' }));
  await sidecar.reach({ confirmed: 1 });
  client.socket.close(1000);
  await peer.closed;
  await eventually(async () => expect(await sidecar.sum('ackspan_connection_active')).toBe(0));
  const all = await spans();
  const connection = all.find(({ name }) => name === 'ackspan.connection')!;
  expect(all.find(({ name }) => name === 'send agent_started')!.links).toEqual([
    { traceId: connection.traceId, spanId: connection.spanId },
  ]);
});
