// Silence is a fault: what the real process loses or does not understand is in its log, with number, name and reason.
import { afterEach, describe, expect, it } from 'vitest';
import { atEnd, closeAll } from '../support/backends.ts';
import { runCli } from '../support/build.ts';
import { eventually, exitOf, type Line } from '../support/child.ts';
import { type Behaviour, startOtlpReceiver } from '../support/otlp-receiver.ts';
import { expectHealthyLog, startSidecar } from '../support/sidecar-process.ts';
import { event, openClient, startWsBackend, tell } from '../support/ws-peers.ts';

afterEach(closeAll);

const QUICK = {
  OTEL_METRICS_EXPORTER: 'otlp',
  OTEL_BSP_SCHEDULE_DELAY: '20',
  OTEL_BLRP_SCHEDULE_DELAY: '20',
  OTEL_METRIC_EXPORT_INTERVAL: '1000',
};
const QUOTA = 'daily quota reached';

/**
 * ExportTracePartialSuccess { rejected: 2, error_message } within its response; the other signals
 * have the same fields.
 */
function rejection(json: boolean): Behaviour {
  if (json) {
    const partialSuccess = {
      rejectedSpans: '2',
      rejectedLogRecords: '2',
      rejectedDataPoints: '2',
      errorMessage: QUOTA,
    };
    return { kind: 'answer', contentType: 'application/json', body: JSON.stringify({ partialSuccess }) };
  }
  const inner = Buffer.concat([Buffer.from([0x08, 2, 0x12, QUOTA.length]), Buffer.from(QUOTA)]);
  const body = Buffer.concat([Buffer.from([0x0a, inner.length]), inner]);
  return { kind: 'answer', contentType: 'application/x-protobuf', body };
}

const telemetryLines = (lines: readonly Line[]) =>
  lines.filter(({ stage }) => stage === 'telemetry').map(({ err }) => String((err as { message: string }).message));

async function start(behaviour: Behaviour, env: Record<string, string>) {
  const receiver = await startOtlpReceiver();
  atEnd(() => receiver.close());
  receiver.behave(behaviour);
  const backend = await startWsBackend();
  const sidecar = await startSidecar({
    upstream: backend.address,
    config: { tracing: { events: 'both' }, shutdown: { grace: '3s' } },
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint, ...env },
  });
  await openClient(sidecar.ws);
  const peer = await backend.peer(0);
  return {
    receiver,
    sidecar,
    send: (count: number) => {
      for (let n = 1; n <= count; n++) tell(peer, event(`e-${n}`));
    },
  };
}

describe.each(['http/protobuf', 'http/json'])(
  'a collector that takes a request and rejects what is in it (%s)',
  (protocol) => {
    it('does not make spans, logs or metrics exported; the log repeats its words', async () => {
      const json = protocol === 'http/json';
      const { sidecar, send } = await start(rejection(json), { ...QUICK, OTEL_EXPORTER_OTLP_PROTOCOL: protocol });
      send(2);
      for (const signal of ['spans', 'logs', 'metrics']) {
        const count = (result: string) => sidecar.sum(`ackspan_telemetry_${signal}_total`, { result });
        await eventually(async () => expect(await count('rejected'), signal).toBeGreaterThanOrEqual(2));
      }
      for (const what of ['span', 'log record', 'metric data point']) {
        const expected = new RegExp(`^[12] ${what}s? lost: rejected by the collector: ${QUOTA}$`);
        // The counter may be read before the line.
        await eventually(() => expect(telemetryLines(sidecar.lines)).toContainEqual(expect.stringMatching(expected)));
      }
      expectHealthyLog(sidecar);
    });
  },
);

it('an address that answers 200 and is no collector is told of', async () => {
  const { sidecar, send } = await start({ kind: 'answer', contentType: 'text/html', body: '<html>' }, QUICK);
  send(1);
  await sidecar.line(({ msg }) =>
    /answer that is no OTLP \(text\/html\): is the endpoint a collector\?/.test(String(msg)),
  );
});

it('[D10] a stop with a dead collector says how many spans, log records and data points were lost, and why', async () => {
  const { receiver, sidecar, send } = await start(
    { kind: 'accept' },
    { OTEL_METRICS_EXPORTER: 'otlp', OTEL_LOGS_EXPORTER: 'otlp' },
  );
  await receiver.close();
  send(20);
  await sidecar.reach({ tracked: 20, confirmed: 20 });
  sidecar.signal('SIGTERM');
  expect(await exitOf(sidecar)).toEqual({ code: 0, signal: null });
  const told = telemetryLines(sidecar.lines);
  // A span per delivery, one of the connection and one of the run; two log records: received, confirmed.
  expect(told).toContainEqual(expect.stringMatching(/^22 spans lost: export failed: .*ECONNREFUSED/));
  expect(told).toContainEqual(expect.stringMatching(/^40 log records lost: export failed: .*ECONNREFUSED/));
  expect(told).toContainEqual(expect.stringMatching(/^\d+ metric data points lost: export failed: .*ECONNREFUSED/));
  for (const line of told) expect(line).not.toMatch(/[{[]"/);
  expectHealthyLog(sidecar);
});

describe('malformed OTEL_* variables', () => {
  const env = {
    OTEL_RESOURCE_ATTRIBUTES: 'env.name=prod,oops',
    OTEL_SERVICE_NAME: '  ',
    OTEL_EXPORTER_OTLP_HEADERS: 'api-key hunter2',
    OTEL_TRACES_SAMPLER: 'always_off',
    OTEL_TRACES_EXPORTER: 'zipkin',
    OTEL_BSP_SCHEDULE_DELAY: 'soon',
    OTEL_EXPORTER_OTLP_COMPRESSION: 'br',
    OTEL_EXPORTER_OTLP_ENPOINT: 'http://c:4318',
  };

  it('are said alike by `run`, at its start, and by `check`', async () => {
    const sidecar = await startSidecar({ upstream: 'http://127.0.0.1:9', env });
    const run = sidecar.lines.filter(({ variable }) => variable !== undefined).map(({ msg }) => String(msg));
    const { code, stdout } = await runCli(['check', '--offline', '--json', '--upstream', 'http://127.0.0.1:9'], env);
    const { warnings } = JSON.parse(stdout) as { warnings: string[] };
    expect(code).toBe(0);
    expect(warnings.filter((warning) => /^OTEL_[A-Z_]+: /.test(warning))).toEqual(run);
    expect(run.map((line) => line.replace(/:.*/, '')).sort()).toEqual(Object.keys(env).sort());
    expect(JSON.stringify(sidecar.lines) + stdout).not.toContain('hunter2');
    expect(sidecar.lines.find(({ msg }) => msg === 'listening')?.service).toBe('ackspan');
  });
});
