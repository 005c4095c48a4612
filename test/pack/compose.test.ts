// The local stack without a Docker engine: its file is valid, what it mounts exists and is valid, and its own parts really run together.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { DASHBOARDS, ROOT, readDashboard } from '../dashboards/collect.ts';
import { closeAll } from '../support/backends.ts';
import { eventually, startChild } from '../support/child.ts';
import { missing } from '../support/component.ts';
import { startSidecar } from '../support/sidecar-process.ts';

interface Service {
  readonly image: string;
  readonly profiles?: readonly string[];
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly healthcheck?: object;
  readonly depends_on?: readonly string[] | Record<string, object>;
}

const text = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const yaml = (path: string) => parse(text(path), { merge: true });
const services = Object.entries(yaml('docker-compose.yml').services as Record<string, Service>);

afterEach(closeAll);

describe('docker-compose.yml', () => {
  const STORES = { memory: [], 'file:/var/lib/ackspan': ['volume'], 'redis://redis:6379': ['redis'] };

  test.skipIf(missing('docker-compose')).each(Object.entries(STORES))(
    'is valid with the store %s',
    {
      timeout: 60_000,
    },
    (store, names) => {
      const { ACKSPAN_STORE: _, COMPOSE_PROFILES: __, ...env } = process.env;
      const files = names.map((name) => `deploy/compose/${name}.env`);
      const words = [...files.flatMap((file) => ['--env-file', file]), 'config'];
      const { sidecar } = parse(execFileSync('docker-compose', words, { cwd: ROOT, encoding: 'utf8', env })).services;
      expect(sidecar.environment.ACKSPAN_STORE).toBe(store);
      // Compose starts the service that a profile has.
      const profiles = files.flatMap((file) => /^COMPOSE_PROFILES=(.*)$/m.exec(text(file))?.[1] ?? []);
      const host = /^redis:\/\/([^:]+)/.exec(store)?.[1];
      expect(services.find(([name]) => name === host)?.[1].profiles ?? []).toEqual(profiles);
      // The directory of the store is the volume's.
      expect(sidecar.volumes.join()).toContain(':/var/lib/ackspan:rw');
    },
  );

  test('what is ours runs on a read-only root without privileges', () => {
    const ours = services.filter(([, { image }]) => image === 'ackspan:local');
    expect(ours.map(([name]) => name)).toEqual(['backend', 'sidecar', 'clients', 'alert-log']);
    for (const [, service] of ours) expect(service).toMatchObject({ read_only: true, cap_drop: ['ALL'] });
  });

  test.each(services)('%s: pinned image, mounts that exist, ports on loopback', (_, service) => {
    expect(service.image).toMatch(/^ackspan:local$|:v?\d+\.\d+(\.\d+)?(-\w+)?$/);
    for (const mount of service.volumes ?? []) {
      const [from] = mount.split(':');
      if (from!.startsWith('./')) expect(existsSync(join(ROOT, from!)), `${from} does not exist`).toBe(true);
      else expect(yaml('docker-compose.yml').volumes).toHaveProperty(from!);
    }
    for (const port of service.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:/);
  });

  test('whoever can have a health check has one; what it depends on exists', () => {
    const without = services.filter(([, service]) => service.healthcheck === undefined).map(([name]) => name);
    expect(without).toEqual(['collector', 'tempo']);
    for (const [, { depends_on: on = [] }] of services) {
      for (const name of Array.isArray(on) ? on : Object.keys(on))
        expect(services.map(([each]) => each)).toContain(name);
    }
  });
});

describe('Grafana provisioning', () => {
  const sources = yaml('dashboards/grafana/provisioning/datasources/ackspan.yml').datasources as {
    uid: string;
    type: string;
    jsonData: Record<string, unknown>;
  }[];

  test('every data source that is named exists, and exemplars lead to the traces', () => {
    const uids = sources.map((source) => source.uid);
    const named = JSON.stringify(sources).matchAll(/"(?:datasourceUid|alertmanagerUid)":"(\w+)"/g);
    const names = [...named].map(([, uid]) => uid);
    expect(names.length).toBeGreaterThan(2);
    for (const uid of names) expect(uids).toContain(uid);
    const prometheus = sources.find((source) => source.type === 'prometheus')!;
    expect(prometheus.jsonData.exemplarTraceIdDestinations).toMatchObject([
      { name: 'trace_id', datasourceUid: 'tempo' },
    ]);
  });

  test('every type of data source that the dashboards choose from is there, and every dashboard is mounted', () => {
    const { path } = yaml('dashboards/grafana/provisioning/dashboards/ackspan.yml').providers[0].options;
    const mounts = services.find(([name]) => name === 'grafana')![1].volumes!;
    for (const name of DASHBOARDS) {
      expect(mounts).toContain(`./dashboards/${name}.json:${path}/${name}.json:ro`);
      for (const variable of readDashboard(name).templating.list) {
        if (variable.type === 'datasource') expect(sources.map((source) => source.type)).toContain(variable.query);
      }
    }
  });
});

describe.skipIf(missing('promtool'))('Prometheus', () => {
  test('takes its configuration with the rules', () => {
    const file = join(ROOT, 'dashboards/prometheus/prometheus.yml');
    expect(execFileSync('promtool', ['check', 'config', file], { encoding: 'utf8' })).toContain('is valid');
  });
});

describe('Dockerfile', () => {
  const lines = text('Dockerfile').split('\n');

  test('it builds with a pinned Node 24 and ships nothing but what was laid out, to a user who is not root', () => {
    const from = lines.filter((line) => line.startsWith('FROM'));
    expect(from).toHaveLength(2);
    expect(from[0]).toMatch(/^FROM \$\{NODE_IMAGE\} AS build$/);
    expect(from[1]).toBe('FROM scratch');
    const image = /^ARG NODE_IMAGE=node:24\.\d+\.\d+-\w+-slim(@sha256:[0-9a-f]{64})?$/;
    expect(lines.filter((line) => image.test(line))).toHaveLength(1);
    const shipped = lines.slice(lines.indexOf('FROM scratch'));
    expect(shipped.filter((line) => line.startsWith('RUN'))).toEqual([]);
    // A name would not do: Kubernetes cannot tell whether it is root.
    expect(shipped.filter((line) => /^USER \d{4}:\d{4}$/.test(line))).toHaveLength(1);
  });

  test('nothing that the build needs is kept out of it', () => {
    const ignored = text('.dockerignore')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));
    for (const needed of ['package.json', 'package-lock.json', 'tsconfig.json', 'src', 'deploy/image/root.sh']) {
      expect(existsSync(join(ROOT, needed))).toBe(true);
      expect(ignored).not.toContain(needed);
      expect(ignored).not.toContain(needed.split('/')[0]);
    }
    expect(ignored.slice(ignored.indexOf('deploy/*')).slice(0, 2)).toEqual(['deploy/*', '!deploy/image']);
    expect(ignored).toContain('node_modules');
    expect(ignored).toContain('.git');
  });
});

describe('the parts of the stack that are ours', () => {
  const part = (name: string) => join(ROOT, 'deploy/compose', name);

  test('backend, sidecar with the committed configuration, and clients work together', {
    timeout: 240_000,
  }, async () => {
    const backend = startChild(process.execPath, [part('backend.mjs')], { PORT: '0' });
    const { port } = await backend.line((line) => line.msg === 'listening');
    const { listen: _, upstream: __, admin: ___, ...config } = yaml('deploy/compose/ackspan.yaml');
    const sidecar = await startSidecar({ upstream: `http://127.0.0.1:${port}`, config });
    const clients = startChild(process.execPath, [part('clients.mjs')], { TARGET: sidecar.ws });
    await clients.line((line) => line.msg === 'connected');
    await eventually(async () => {
      const stats = await sidecar.stats();
      for (const priority of ['critical', 'high', 'normal', 'low'] as const) {
        expect(stats.by_priority[priority].confirmed, priority).toBeGreaterThan(20);
      }
      expect(stats.confirmation_rate).toBeGreaterThan(0.9);
    });
  });

  test('the alert log prints what Alertmanager posts and serves every runbook', async () => {
    const log = startChild(process.execPath, [part('alert-log.mjs')], { PORT: '0' });
    const { port } = await log.line((line) => line.msg === 'listening');
    const base = `http://127.0.0.1:${port}`;
    const alert = { status: 'firing', labels: { alertname: 'AckspanNoData' }, annotations: { summary: 'nobody' } };
    await fetch(`${base}/page`, { method: 'POST', body: JSON.stringify({ receiver: 'pages', alerts: [alert] }) });
    await log.line((line) => line.alertname === 'AckspanNoData' && line.receiver === 'pages');
    expect((await fetch(`${base}/page`, { method: 'POST', body: 'no notice' })).status).toBe(400);
    for (const page of readdirSync(join(ROOT, 'docs/runbooks'))) {
      expect((await fetch(`${base}/runbooks/${page}`)).status, page).toBe(200);
    }
    expect((await fetch(`${base}/runbooks/..%2f..%2fpackage.json`)).status).toBe(404);
  });
});
