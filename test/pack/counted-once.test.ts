// Each delivery is in Prometheus exactly once: what a backend has sent adds up with the files of docker-compose and of Kubernetes.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { ROOT } from '../dashboards/collect.ts';
import { atEnd, closeAll } from '../support/backends.ts';
import { eventually } from '../support/child.ts';
import { missing } from '../support/component.ts';
import { freePort } from '../support/free-port.ts';
import { startOtlpReceiver } from '../support/otlp-receiver.ts';
import { startSidecar } from '../support/sidecar-process.ts';
import { event, openClient, startWsBackend, tell, type WsBackend } from '../support/ws-peers.ts';
import { BUILD_TIMEOUT_MS, buildCollector, noCollector, startCollector } from './collector.ts';
import { type Prometheus, runPrometheus, shipped } from './prometheus.ts';

afterAll(closeAll);

const yaml = (path: string) => parse(readFileSync(join(ROOT, path), 'utf8'), { merge: true });
type Env = Readonly<Record<string, string>>;

/** Events to each client: not a round number, so that no other count is it by chance. */
const EVENTS = 137;

/** What the files say about one sidecar and its Collector; addresses are the files' own. */
interface Pair {
  readonly sidecar: Env;
  readonly collector: Env;
  readonly config?: object;
  /** The Collector's file. */
  readonly file: string;
  /**
   * The job and instance that Prometheus must know it by. `HOST` is the address of its admin server;
   * no instance: it is a random one.
   */
  readonly known: string;
}

/** The services of docker-compose.yml, with variables at their defaults. */
function composed(sidecar: Env = {}, collector: Env = {}): Pair {
  const { services } = yaml('docker-compose.yml');
  const env = (name: string): Env =>
    JSON.parse(JSON.stringify(services[name].environment).replaceAll(/\$\{\w+:-([^}]*)\}/g, '$1'));
  const { listen: _, upstream: __, admin: ___, ...config } = yaml('deploy/compose/ackspan.yaml');
  const known = collector.METRICS_RECEIVER === 'otlp' ? 'ackspan' : 'ackspan HOST';
  return {
    sidecar: { ...env('sidecar'), ...sidecar },
    collector: { ...env('collector'), ...collector },
    config,
    file: 'otel-collector.yaml',
    known,
  };
}

/** A pod of deploy/kubernetes with this name. */
function pod(name: string): Pair {
  const { initContainers } = yaml('deploy/kubernetes/base/deployment.yaml').spec.template.spec;
  const fields: Env = { 'metadata.name': name, 'metadata.uid': `uid-${name}`, 'metadata.namespace': 'default' };
  const env = (container: string): Env => {
    const known: Record<string, string> = {};
    for (const { name: key, value, valueFrom } of initContainers.find((each: Pod) => each.name === container).env) {
      const told = value ?? fields[valueFrom.fieldRef?.fieldPath] ?? 'a-token-of-the-test-only';
      known[key] = told.replaceAll(/\$\((\w+)\)/g, (_: string, other: string) => known[other]);
    }
    return known;
  };
  return {
    sidecar: env('ackspan'),
    collector: env('otel-collector'),
    file: 'deploy/kubernetes/base/otel-collector.yaml',
    known: `realtime ${name}`,
  };
}

interface Pod {
  readonly name: string;
}

/** The scrape of docker-compose's Prometheus, or the one that the PodMonitor asks for. */
function scrapes(way: 'compose' | 'kubernetes', collectors: readonly string[]) {
  const targets = (addresses: readonly string[]) => ({ static_configs: [{ targets: addresses }] });
  if (way === 'compose') {
    const passed = shipped().scrape_configs.find(({ job_name }) => job_name === 'collector-passthrough')!;
    expect(passed).toMatchObject(targets(['collector:8889']));
    return [{ ...passed, ...targets(collectors) }];
  }
  const { podMetricsEndpoints } = yaml('deploy/kubernetes/components/prometheus-operator/pod-monitor.yaml').spec;
  return podMetricsEndpoints.map(({ honorLabels }: { honorLabels: boolean }) => ({
    job_name: 'podMonitor/default/realtime/0',
    honor_labels: honorLabels,
    ...targets(collectors),
  }));
}

/** Starts a Collector and a sidecar as the files say, on addresses of this machine. */
async function startPair(binary: string, { sidecar, collector, config, file }: Pair, upstream: string, traces: string) {
  // Each must know the other's address: one of them is chosen before.
  const admin = `127.0.0.1:${await freePort()}`;
  const here = (env: Env, addresses: Env): Env =>
    Object.fromEntries(
      Object.entries(env).map(([key, value]) => [
        key,
        Object.entries(addresses).reduce((text, [from, to]) => text.replaceAll(from, to), value),
      ]),
    );
  const places = { 'sidecar:9464': admin, '127.0.0.1:9464': admin, 'http://tempo:4318': traces };
  const env = { ...here(collector, { ...places, 'http://tempo.observability:4318': traces }) };
  expect(Object.values(env)).toEqual(expect.arrayContaining([admin, traces]));
  const started = await startCollector(binary, { target: admin, traces, env, file });
  const otlp = { 'http://collector:4318': started.otlp, 'http://127.0.0.1:4318': started.otlp };
  const own = here(sidecar, otlp);
  expect(own.OTEL_EXPORTER_OTLP_ENDPOINT).toBe(started.otlp);
  const { ws } = await startSidecar({
    upstream,
    admin,
    config: { ...config, admin: { token: own.ACKSPAN_ADMIN_TOKEN } },
    env: { ...own, OTEL_METRIC_EXPORT_INTERVAL: '500', OTEL_BSP_SCHEDULE_DELAY: '200' },
  });
  return { ws, admin, metrics: new URL(started.metrics).host };
}

/** Two clients that get everything and prove it, and one that proves nothing and goes. */
async function deliver(ws: string, backend: WsBackend): Promise<void> {
  const first = backend.peers.length;
  const [one, two, silent] = [await openClient(ws), await openClient(ws), await openClient(ws, { autoPong: false })];
  for (let i = 0; i < 3; i++) {
    const peer = await backend.peer(first + i);
    for (let n = 0; n < EVENTS; n++) tell(peer, event(`${first}-${i}-${n}`, n % 2 === 0 ? 'agent_thinking' : 'answer'));
  }
  for (const client of [one, two, silent]) await eventually(() => expect(client.texts).toHaveLength(EVENTS));
  silent.socket.terminate();
}

/** Every delivery that Prometheus knows, by the labels that it is filed under. */
async function counted(prometheus: Prometheus, by: string) {
  const sum = async (name: string) =>
    Object.fromEntries(
      (await prometheus.query(`sum by (${by}) (${name})`)).map(({ metric, points }) => [
        [metric.job, metric.instance].filter((label) => label !== undefined).join(' '),
        points[0]![1],
      ]),
    );
  return {
    tracked: await sum('ackspan_delivery_tracked_total'),
    confirmed: await sum('ackspan_delivery_duration_seconds_count{error_type=""}'),
    ended: await sum('{__name__=~"ackspan_delivery_duration_seconds_count|ackspan_delivery_unverifiable_total"}'),
  };
}

const without = noCollector() || missing('prometheus');
describe.skipIf(without)('every delivery counts exactly once', { concurrent: true }, () => {
  let binary: string;
  beforeAll(async () => {
    binary = await buildCollector();
  }, BUILD_TIMEOUT_MS);

  const PUSH = { OTEL_METRICS_EXPORTER: 'otlp' };
  test.each([
    ['docker-compose.yml, as it is', 'compose', [composed()]],
    ['docker-compose.yml where the sidecar pushes all the same', 'compose', [composed(PUSH)]],
    ['docker-compose.yml where both are told to push', 'compose', [composed(PUSH, { METRICS_RECEIVER: 'otlp' })]],
    ['deploy/kubernetes with two pods', 'kubernetes', [pod('realtime-a'), pod('realtime-b')]],
  ] as const)('with %s', { timeout: 240_000 }, async (_, way, pairs) => {
    const receiver = await startOtlpReceiver();
    atEnd(() => receiver.close());
    const backend = await startWsBackend();
    const running = await Promise.all(pairs.map((pair) => startPair(binary, pair, backend.address, receiver.endpoint)));
    const collectors = running.map(({ metrics }) => metrics);
    const config = { scrape_configs: scrapes(way, collectors) };
    const prometheus = await runPrometheus(config, { targets: collectors.length });
    for (const { ws } of running) await deliver(ws, backend);
    const each = (count: number) =>
      Object.fromEntries(pairs.map(({ known }, i) => [known.replace('HOST', running[i]!.admin), count]));
    const all = { tracked: each(3 * EVENTS), confirmed: each(2 * EVENTS), ended: each(3 * EVENTS) };
    const by = pairs[0].known.includes(' ') ? 'job, instance' : 'job';
    await eventually(async () => expect(await counted(prometheus, by)).toEqual(all));

    // Whatever else is pushed or scraped has come after three more scrapes, and adds nothing.
    const scraped = async () => (await prometheus.query('sum(count_over_time(up[1h]))'))[0]!.points[0]![1];
    const before = await scraped();
    await eventually(async () => expect(await scraped()).toBeGreaterThanOrEqual(before + 3 * collectors.length));
    expect(await counted(prometheus, by)).toEqual(all);
    const names = receiver.spans.map(({ resource }) => resource['k8s.pod.name']);
    if (way === 'kubernetes') expect(new Set(names)).toEqual(new Set(['realtime-a', 'realtime-b']));
  });
});
