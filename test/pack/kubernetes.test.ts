// The files for Kubernetes: each overlay renders, Kubernetes' own types and schemas allow it, and its parts fit each other and the sidecar.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { DEFAULTS } from '../../src/cli/defaults.ts';
import { loadConfig } from '../../src/config/load.ts';
import { ROOT } from '../dashboards/collect.ts';
import { atEnd, closeAll } from '../support/backends.ts';
import { runCli } from '../support/build.ts';
import { missing } from '../support/component.ts';
import { cannotKustomize, faultsOf, kustomized, type Manifest, manifestsIn } from './manifests.ts';

interface Container {
  readonly name: string;
  readonly image: string;
  readonly env?: readonly {
    name: string;
    value?: string;
    valueFrom?: { secretKeyRef?: { name: string; key: string } };
  }[];
  readonly ports?: readonly { name: string; containerPort: number }[];
  readonly volumeMounts?: readonly { name: string; mountPath: string }[];
  readonly lifecycle?: { readonly preStop: { exec?: { command: string[] }; sleep?: { seconds: number } } };
}

const KUBERNETES = 'deploy/kubernetes';
const FOLDERS = ['base', ...readdirSync(join(ROOT, KUBERNETES, 'overlays')).map((name) => `overlays/${name}`)];
const GUIDE = readFileSync(join(ROOT, 'docs/deploy.md'), 'utf8');
/** What the secrets of the guide hold, as far as the form goes. */
const SECRETS: Readonly<Record<string, string>> = {
  'ackspan/admin-token': 'a-token-of-the-test-only',
  'ackspan-store/url': 'redis://redis:6379',
  'ackspan-store/session-keys': 'a-key-of-the-test-only',
};

const workloadIn = (all: readonly Manifest[]): Manifest =>
  all.find(({ kind }) => kind === 'Deployment' || kind === 'StatefulSet')!;
const podIn = (all: readonly Manifest[]) => workloadIn(all).spec.template.spec;
const containersIn = (all: readonly Manifest[]): Container[] => [
  ...podIn(all).initContainers,
  ...podIn(all).containers,
];
const ackspanIn = (all: readonly Manifest[]) => containersIn(all).find(({ name }) => name === 'ackspan')!;
const secretsOf = ({ env = [] }: Container) => env.flatMap(({ valueFrom }) => valueFrom?.secretKeyRef ?? []);

/** The configuration that a container's variables make, with what is wrong with them. */
function settingsOf(container: Container) {
  return loadConfig({ env: variablesOf(container), defaults: DEFAULTS });
}

function variablesOf({ env = [] }: Container): Record<string, string> {
  return Object.fromEntries(
    env.map(({ name, value, valueFrom }) => {
      const secret = valueFrom?.secretKeyRef;
      return [name, value ?? (secret === undefined ? name : SECRETS[`${secret.name}/${secret.key}`]!)];
    }),
  );
}

afterEach(closeAll);

describe.skipIf(cannotKustomize()).each(FOLDERS)(`${KUBERNETES}/%s`, (folder) => {
  const all = kustomized(join(KUBERNETES, folder));
  const ofKind = (kind: string) => all.filter((each) => each.kind === kind);

  test('Kubernetes takes every object: no value that its schemas refuse, no field that it does not know', () => {
    expect(all.length).toBeGreaterThan(4);
    expect(faultsOf(all)).toEqual([]);
  });

  test('the variables make a configuration without a fault or a warning', () => {
    const { faults, warnings, config } = settingsOf(ackspanIn(all));
    expect([...faults, ...warnings]).toEqual([]);
    expect(config!.upstream).toBe(`http://127.0.0.1:${containersIn(all).at(-1)!.ports![0]!.containerPort}`);
  });

  test('the hooks drain while the backend is still there, and the pod has the time for it', () => {
    const { config } = settingsOf(ackspanIn(all));
    const sleep = containersIn(all).find(({ name }) => name === 'backend')!.lifecycle!.preStop.sleep!.seconds;
    expect(sleep * 1_000).toBeGreaterThan(config!.shutdown.graceMs);
    expect(podIn(all).terminationGracePeriodSeconds * 1_000).toBeGreaterThan(
      sleep * 1_000 + 2 * config!.shutdown.graceMs,
    );
  });

  test('every name of a part leads to one that exists', () => {
    const pod = podIn(all);
    const { labels } = workloadIn(all).spec.template.metadata;
    const ports = containersIn(all).flatMap((each) => each.ports ?? []);
    for (const { spec } of ofKind('Service')) {
      expect(labels).toMatchObject(spec.selector);
      for (const { targetPort } of spec.ports) expect(ports.map((port) => port.containerPort)).toContain(targetPort);
    }
    for (const { spec } of [...ofKind('PodDisruptionBudget'), ...ofKind('PodMonitor')])
      expect(labels).toMatchObject(spec.selector.matchLabels);
    for (const { spec } of ofKind('PodMonitor'))
      for (const { port } of spec.podMetricsEndpoints) expect(ports.map(({ name }) => name)).toContain(port);
    for (const { spec } of ofKind('HorizontalPodAutoscaler')) {
      const { apiVersion, kind, metadata } = workloadIn(all);
      expect(spec.scaleTargetRef).toEqual({ apiVersion, kind, name: metadata.name });
      expect(workloadIn(all).spec).not.toHaveProperty('replicas');
      for (const { containerResource } of spec.metrics)
        expect(containersIn(all).map(({ name }) => name)).toContain(containerResource.container);
    }
    for (const { spec } of ofKind('Ingress')) {
      const { service } = spec.rules[0].http.paths[0].backend;
      const target = ofKind('Service').find(({ metadata }) => metadata.name === service.name)!;
      expect(target.spec.ports.map(({ name }: { name: string }) => name)).toContain(service.port.name);
    }
    const configMaps = ofKind('ConfigMap').map(({ metadata }) => metadata.name);
    const claims = (workloadIn(all).spec.volumeClaimTemplates ?? []).map((claim: Manifest) => claim.metadata.name);
    const volumes = pod.volumes.map((volume: { name: string }) => volume.name);
    for (const { configMap } of pod.volumes) if (configMap) expect(configMaps).toContain(configMap.name);
    for (const { volumeMounts = [] } of containersIn(all))
      for (const { name } of volumeMounts) expect([...volumes, ...claims]).toContain(name);
  });

  test('no pod can be reached but at the public port, and at the metrics from the namespace `monitoring`', () => {
    const [policy] = ofKind('NetworkPolicy');
    const { labels } = workloadIn(all).spec.template.metadata;
    expect(labels).toMatchObject(policy!.spec.podSelector.matchLabels);
    const open = policy!.spec.ingress.map((rule: { from?: object[]; ports: { port: number }[] }) => [
      rule.ports.map(({ port }) => port),
      rule.from?.length ?? 'anybody',
    ]);
    expect(open).toEqual([
      [[8080], 'anybody'],
      [[8889], 1],
    ]);
  });

  test('every container runs without root and without privileges; ours on a read-only root', () => {
    expect(podIn(all).securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 1000 });
    expect(podIn(all).automountServiceAccountToken).toBe(false);
    for (const container of [...podIn(all).initContainers, ...podIn(all).containers]) {
      expect(container.securityContext).toMatchObject({
        allowPrivilegeEscalation: false,
        capabilities: { drop: ['ALL'] },
      });
      if (container.name !== 'backend') expect(container.securityContext.readOnlyRootFilesystem).toBe(true);
    }
  });

  test('images are named with a registry and a tag, and the guide makes the secrets that are needed', () => {
    for (const { image } of containersIn(all)) expect(image).toMatch(/^[\w.-]+\/[\w./-]+:[\w.]+$/);
    const needed = containersIn(all).flatMap(secretsOf);
    expect(needed.length).toBeGreaterThan(0);
    const made = [...GUIDE.matchAll(/kubectl create secret generic (\S+)((?:\s+\\\n|[^\n])*)/g)].flatMap(
      ([, name, rest]) => [...rest!.matchAll(/--from-(?:literal|file)=([\w-]+)=/g)].map(([, key]) => `${name}/${key}`),
    );
    for (const { name, key } of needed) expect(made).toContain(`${name}/${key}`);
  });
});

describe.skipIf(cannotKustomize())('a store', () => {
  const storeOf = (folder: string) => {
    const all = kustomized(join(KUBERNETES, 'overlays', folder));
    return { all, at: variablesOf(ackspanIn(all)).ACKSPAN_STORE };
  };

  test('on a volume is a StatefulSet: a directory of its own for each pod, which is mounted and may be written', () => {
    const { all, at } = storeOf('volume');
    expect(workloadIn(all).kind).toBe('StatefulSet');
    const [{ metadata }] = workloadIn(all).spec.volumeClaimTemplates;
    expect(ackspanIn(all).volumeMounts).toEqual([{ name: metadata.name, mountPath: at!.slice('file:'.length) }]);
    expect(podIn(all).securityContext.fsGroup).toBe(1000);
    expect(all.map((each) => each.metadata.name)).toContain(workloadIn(all).spec.serviceName);
  });

  test('on the disk of the node is mounted and bounded', () => {
    const { all, at } = storeOf('emptydir');
    const [mount] = ackspanIn(all).volumeMounts!;
    expect(`file:${mount!.mountPath}`).toBe(at);
    const volume = podIn(all).volumes.find(({ name }: { name: string }) => name === mount!.name);
    expect(volume.emptyDir).toHaveProperty('sizeLimit');
  });

  test('in Redis comes from a secret as a whole, with the keys that every pod shares', () => {
    const { all } = storeOf('redis');
    expect(secretsOf(ackspanIn(all)).map(({ name, key }) => `${name}/${key}`)).toEqual(
      expect.arrayContaining(['ackspan-store/url', 'ackspan-store/session-keys']),
    );
  });
});

describe.skipIf(cannotKustomize() || missing('promtool'))('the rules of the Prometheus Operator', () => {
  test('are rules that Prometheus takes', () => {
    const rules = kustomized(join(KUBERNETES, 'overlays/redis')).find(({ kind }) => kind === 'PrometheusRule')!;
    const folder = mkdtempSync(join(tmpdir(), 'ackspan-rules-'));
    atEnd(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, 'rules.yml'), JSON.stringify(rules.spec));
    const said = execFileSync('promtool', ['check', 'rules', join(folder, 'rules.yml')], { encoding: 'utf8' });
    expect(said).toMatch(/SUCCESS: \d\d+ rules found/);
  });
});

test('the hook before the stop asks for the drain, with the token, and fails where it is refused', async () => {
  const [deployment] = manifestsIn(readFileSync(join(ROOT, KUBERNETES, 'base/deployment.yaml'), 'utf8'));
  const [program, ...args] = ackspanIn([deployment!]).lifecycle!.preStop.exec!.command;
  expect([program, ...args]).toEqual(['ackspan', 'drain']);
  const asked: unknown[] = [];
  let status = 200;
  const server = createServer((request, response) => {
    asked.push([request.method, request.url, request.headers.authorization]);
    response.writeHead(status, { 'content-type': status === 200 ? 'application/json' : 'application/problem+json' });
    response.end(JSON.stringify({ state: 'drained', connections: 0, pending: 0 }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  atEnd(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const hook = () => runCli(args, { ACKSPAN_ADMIN_TOKEN: 'a-token', ACKSPAN_ADMIN: `http://127.0.0.1:${port}` });
  expect((await hook()).code).toBe(0);
  expect(asked).toEqual([['POST', '/drain', 'Bearer a-token']]);
  status = 401;
  expect((await hook()).code).toBe(3);
});

test('a field that does not exist and a value that is not allowed are found', () => {
  const service = (spec: string) => manifestsIn(`{apiVersion: v1, kind: Service, metadata: {name: x}, spec: ${spec}}`);
  expect(faultsOf(service('{ports: [{port: 80, targetport: 8080}]}')).join()).toContain('targetport');
  expect(faultsOf(service('{ports: [{port: "80"}]}')).join()).toContain('must be integer');
  expect(faultsOf(service('{ports: [{port: 80, targetPort: 8080}]}'))).toEqual([]);
});
