// Test support: a real OpenTelemetry Collector, built once with its own builder where Go is installed, and kept.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parse, stringify } from 'yaml';
import { ROOT } from '../dashboards/collect.ts';
import { eventually, startChild } from '../support/child.ts';
import { findProgram } from '../support/component.ts';
import { freePort } from '../support/free-port.ts';

const MANIFEST = join(import.meta.dirname, 'collector-build.yaml');
/**
 * No gRPC tracing and no service discovery: a third of the work. No optimizing: compiled faster,
 * fast enough.
 */
const BUILD = ['-trimpath', '-tags', 'grpcnotrace,remove_all_sd', '-gcflags', 'all=-N -l', '-ldflags', '-s -w'];
/** First build on two busy cores, downloads included; later ones find it in the cache. */
export const BUILD_TIMEOUT_MS = 20 * 60_000;

/**
 * True, said aloud, where there is no Go to build it with and no ready one in `ACKSPAN_COLLECTOR`.
 */
export function noCollector(): boolean {
  if (process.env.ACKSPAN_COLLECTOR !== undefined || findProgram('go') !== undefined) return false;
  console.warn('SKIPPED: Go is not installed, so no OpenTelemetry Collector can be built (or set ACKSPAN_COLLECTOR)');
  return true;
}

/**
 * Path of the Collector: `ACKSPAN_COLLECTOR`, or the one built into `ACKSPAN_CACHE` (default
 * `.cache`). Rejects with Go's words.
 */
export async function buildCollector(): Promise<string> {
  if (process.env.ACKSPAN_COLLECTOR !== undefined) return process.env.ACKSPAN_COLLECTOR;
  const manifest = readFileSync(MANIFEST, 'utf8');
  const key = createHash('sha256').update(manifest).update(BUILD.join(' ')).digest('hex').slice(0, 12);
  const cache = join(process.env.ACKSPAN_CACHE ?? join(ROOT, '.cache'), 'collector');
  const binary = join(cache, `otelcol-${key}`);
  if (existsSync(binary)) return binary;
  const sources = join(cache, `sources-${key}`);
  mkdirSync(sources, { recursive: true });
  const parsed = parse(manifest) as { dist: Record<string, string> };
  writeFileSync(join(cache, 'builder.yaml'), stringify({ ...parsed, dist: { ...parsed.dist, output_path: sources } }));
  const started = performance.now();
  console.info('Building an OpenTelemetry Collector for the tests: a few minutes, once.');
  const builder = `go.opentelemetry.io/collector/cmd/builder@v${parsed.dist.version}`;
  await go(cache, { GOBIN: cache }, 'install', builder);
  await run(cache, {}, join(cache, 'builder'), '--config', join(cache, 'builder.yaml'), '--skip-compilation');
  // Two test files may build it at the same time.
  const part = `${binary}.${process.pid}.part`;
  await go(sources, {}, 'build', ...BUILD, '-o', part, '.');
  renameSync(part, binary);
  console.info(`Built in ${Math.round((performance.now() - started) / 1000)} s.`);
  return binary;
}

function go(folder: string, env: Record<string, string>, ...args: string[]): Promise<void> {
  return run(folder, env, findProgram('go')!, ...args);
}

/** At the lowest priority: other tests run at the same time. */
async function run(cwd: string, env: Record<string, string>, ...command: string[]): Promise<void> {
  await promisify(execFile)('nice', ['-n', '19', ...command], {
    cwd,
    env: { ...process.env, ...env },
    maxBuffer: 64 << 20,
    timeout: BUILD_TIMEOUT_MS,
  });
}

export interface Collector {
  /** For OTEL_EXPORTER_OTLP_ENDPOINT. */
  readonly otlp: string;
  /** Where Prometheus would scrape what passed through. */
  readonly metrics: string;
  /** Its own telemetry. */
  readonly telemetry: string;
}

/**
 * Runs `otel-collector.yaml`, or another `file` of its kind, as it is: on free ports through its
 * variables, until the end of the test.
 */
export async function startCollector(
  binary: string,
  to: { target: string; traces: string; env?: Record<string, string>; file?: string },
): Promise<Collector> {
  const [grpc, http, metrics, telemetry, health] = await Promise.all([1, 2, 3, 4, 5].map(freePort));
  const child = startChild(binary, ['--config', join(ROOT, to.file ?? 'otel-collector.yaml')], {
    ACKSPAN_TARGET: to.target,
    OTLP_TRACES_ENDPOINT: to.traces,
    COLLECTOR_HOST: '127.0.0.1',
    SCRAPE_INTERVAL: '1s',
    SCRAPE_TIMEOUT: '1s',
    OTLP_GRPC_PORT: String(grpc),
    OTLP_HTTP_PORT: String(http),
    METRICS_PORT: String(metrics),
    TELEMETRY_PORT: String(telemetry),
    HEALTH_PORT: String(health),
    ...to.env,
  });
  await eventually(async () => {
    const answer = await fetch(`http://127.0.0.1:${health}/`).catch((error: Error) => error);
    if (answer instanceof Error || !answer.ok) throw new Error(`not healthy yet: ${child.stderr().slice(-2_000)}`);
  });
  return {
    otlp: `http://127.0.0.1:${http}`,
    metrics: `http://127.0.0.1:${metrics}/metrics`,
    telemetry: `http://127.0.0.1:${telemetry}/metrics`,
  };
}
