// A real OpenTelemetry Collector takes every configuration file, and what passes through it keeps its names.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { ROOT } from '../dashboards/collect.ts';
import { atEnd, closeAll } from '../support/backends.ts';
import { eventually, startChild } from '../support/child.ts';
import { type ParsedFamily, parseExposition } from '../support/exposition.ts';
import { freePort } from '../support/free-port.ts';
import { startOtlpReceiver } from '../support/otlp-receiver.ts';
import { startSidecar } from '../support/sidecar-process.ts';
import { BUILD_TIMEOUT_MS, buildCollector, noCollector, startCollector } from './collector.ts';
import { scratchFolder } from './prometheus.ts';
import { startPushing } from './pushing.ts';

afterEach(closeAll);

/** Series of a scrape that are not the sidecar's: of the scrape itself and of the target. */
const OTHERS = /^(up|scrape_\w+|target_info)$/;

/**
 * Sample name → label names, for every sample; `le` values are kept, because dashboards draw them.
 */
function shape(families: ReadonlyMap<string, ParsedFamily>): Map<string, string> {
  const shapes = new Map<string, string>();
  for (const family of families.values()) {
    for (const { name, labels } of family.samples) {
      if (OTHERS.test(name)) continue;
      const keys = Object.keys(labels).filter((key) => key !== 'job' && key !== 'instance');
      const id = `${name} le=${labels.le === undefined ? '' : Number(labels.le.replace('+Inf', 'Infinity'))}`;
      shapes.set(`${id} {${keys.sort().join(',')}}`, name);
    }
  }
  return shapes;
}

async function exposition(url: string): Promise<ReadonlyMap<string, ParsedFamily>> {
  return parseExposition(await (await fetch(url)).text(), 'text');
}

describe.skipIf(noCollector())('the Collector', () => {
  let binary: string;
  beforeAll(async () => {
    binary = await buildCollector();
  }, BUILD_TIMEOUT_MS);

  function validate(...files: string[]): string {
    const done = spawnSync(binary, ['validate', ...files.flatMap((file) => ['--config', file])], { encoding: 'utf8' });
    return done.status === 0 ? '' : done.stderr;
  }

  test('takes otel-collector.yaml, also with the tail-sampling example on top', () => {
    const main = join(ROOT, 'otel-collector.yaml');
    expect(validate(main)).toBe('');
    expect(validate(main, join(ROOT, 'deploy/collector/tail-sampling.yaml'))).toBe('');
  });

  /**
   * The file for Cloud Run with stand-ins for what only Google's build holds, and without asking
   * for a platform that is not there.
   */
  function cloudRun() {
    const config = parse(readFileSync(join(ROOT, 'deploy/cloudrun/otel-collector.yaml'), 'utf8'));
    expect(Object.keys(config.exporters)).toEqual(['googlemanagedprometheus', 'otlp']);
    const { googlemanagedprometheus: _, ...exporters } = config.exporters;
    config.exporters = { ...exporters, prometheus: { endpoint: 'localhost:0' } };
    config.service.pipelines.metrics.exporters = ['prometheus'];
    delete config.exporters.otlp.auth;
    delete config.extensions.googleclientauth;
    config.service.extensions = config.service.extensions.filter((name: string) => name !== 'googleclientauth');
    delete config.processors.resourcedetection;
    for (const pipeline of Object.values<{ processors: string[] }>(config.service.pipelines)) {
      expect(pipeline.processors).toContain('resourcedetection');
      pipeline.processors = pipeline.processors.filter((name) => name !== 'resourcedetection');
    }
    return config;
  }

  test('takes the file for Cloud Run, with stand-ins for what only Google builds in', () => {
    const config = cloudRun();
    const file = join(scratchFolder('collector'), 'cloudrun.yaml');
    writeFileSync(file, stringify(config));
    expect(validate(file)).toBe('');
    config.processors.batch.send_batch_limit = 1;
    writeFileSync(file, stringify(config));
    expect(validate(file)).toContain('send_batch_limit');
  });

  test('on Cloud Run, the SLO finds its counter and labels of the platform are moved away', {
    timeout: 240_000,
  }, async () => {
    const config = cloudRun();
    const [http, metrics, health] = await Promise.all([1, 2, 3].map(freePort));
    config.receivers.otlp.protocols = { http: { endpoint: `127.0.0.1:${http}` } };
    config.exporters.prometheus.endpoint = `127.0.0.1:${metrics}`;
    config.extensions.health_check.endpoint = `127.0.0.1:${health}`;
    config.service.telemetry.metrics = { level: 'none' };
    config.processors.batch.timeout = '200ms';
    const file = join(scratchFolder('collector'), 'cloudrun.yaml');
    writeFileSync(file, stringify(config));
    startChild(binary, ['--config', file]);
    await eventually(async () => expect((await fetch(`http://127.0.0.1:${health}`)).status).toBe(200));
    const point = (value: number, labels: Record<string, string>) => ({
      asInt: value,
      timeUnixNano: String(Date.now() * 1e6),
      attributes: Object.entries(labels).map(([key, stringValue]) => ({ key, value: { stringValue } })),
    });
    const counter = { aggregationTemporality: 2, isMonotonic: true };
    const own = { name: 'test.calls', sum: { ...counter, dataPoints: [point(3, { location: 'moon', job: 'own' })] } };
    const body = { resourceMetrics: [{ scopeMetrics: [{ metrics: [own] }] }] };
    const backend = await startPushing({ everyMs: 20 });
    const sidecar = await startSidecar({
      upstream: backend.url,
      env: {
        OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: `http://127.0.0.1:${http}/v1/metrics`,
        OTEL_METRICS_EXPORTER: 'otlp',
        OTEL_METRIC_EXPORT_INTERVAL: '500',
      },
    });
    backend.startClients([sidecar.ws], 2);
    await eventually(async () => {
      const headers = { 'content-type': 'application/json' };
      await fetch(`http://127.0.0.1:${http}/v1/metrics`, { method: 'POST', headers, body: JSON.stringify(body) });
      const text = await (await fetch(`http://127.0.0.1:${metrics}/metrics`)).text();
      expect(text).toMatch(/^test_calls_total\{.*exported_job="own",exported_location="moon"/m);
      expect(text).toMatch(/^ackspan_delivery_duration_count_total\{.*event_type="agent_thinking".*\} [1-9]/m);
      expect(text).toMatch(/^ackspan_delivery_duration_count_total\{.*error_type="timeout".*\} 0/m);
    });
  });

  test.each(['scrapes', 'is pushed to'] as const)(
    'when it %s, traces pass through and metrics keep their names and labels',
    { timeout: 240_000 },
    async (way) => {
      const receiver = await startOtlpReceiver();
      atEnd(() => receiver.close());
      const backend = await startPushing({ everyMs: 20 });
      // Whichever comes first must know the other's address: the Collector is told later where to
      // scrape, or never.
      const nobody = '127.0.0.1:1';
      const pushed = way === 'is pushed to';
      const env = pushed ? { METRICS_RECEIVER: 'otlp' } : {};
      const collector = await startCollector(binary, { target: nobody, traces: receiver.endpoint, env });
      const sidecar = await startSidecar({
        upstream: backend.url,
        env: {
          OTEL_EXPORTER_OTLP_ENDPOINT: collector.otlp,
          OTEL_METRICS_EXPORTER: pushed ? 'otlp' : 'none',
          OTEL_METRIC_EXPORT_INTERVAL: '500',
          OTEL_BSP_SCHEDULE_DELAY: '200',
        },
      });
      const scraper = pushed
        ? collector
        : await startCollector(binary, { target: new URL(sidecar.admin).host, traces: receiver.endpoint });
      backend.startClients([sidecar.ws], 3);
      await eventually(async () => expect((await sidecar.stats()).confirmed).toBeGreaterThan(100));

      await receiver.waitFor(({ spans }) => spans.filter((span) => span.name === 'send agent_thinking').length > 20);
      await eventually(async () => {
        const own = shape(await sidecar.scrape());
        expect(own.size).toBeGreaterThan(100);
        const passed = shape(await exposition(scraper.metrics));
        expect([...own.keys()].filter((id) => !passed.has(id)).sort()).toEqual([]);
        expect([...passed.keys()].filter((id) => !own.has(id)).sort()).toEqual([]);
      });
      const telemetry = await (await fetch(collector.telemetry)).text();
      expect(telemetry).toMatch(/otelcol_exporter_sent_spans(_total)?\{[^}]*\} [1-9]/);
    },
  );

  test('exemplars come through a scrape', { timeout: 240_000 }, async () => {
    const receiver = await startOtlpReceiver();
    atEnd(() => receiver.close());
    const backend = await startPushing({ everyMs: 20 });
    const sidecar = await startSidecar({
      upstream: backend.url,
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint, OTEL_METRICS_EXPORTER: 'none' },
    });
    backend.startClients([sidecar.ws], 2);
    const collector = await startCollector(binary, { target: new URL(sidecar.admin).host, traces: receiver.endpoint });
    await eventually(async () => {
      const headers = { accept: 'application/openmetrics-text;version=1.0.0' };
      const text = await (await fetch(collector.metrics, { headers })).text();
      expect(text).toMatch(/ackspan_delivery_duration_seconds_bucket\{.*\} \d+(\.\d+)? # \{.*trace_id="[0-9a-f]{32}"/);
    });
  });
});
