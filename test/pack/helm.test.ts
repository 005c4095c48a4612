// The Helm chart: Helm's linter passes it, what it renders is what Kubernetes takes, and the sidecar understands the settings in it.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { DEFAULTS } from '../../src/cli/defaults.ts';
import { loadConfig } from '../../src/config/load.ts';
import { ROOT } from '../dashboards/collect.ts';
import { BUILD_TIMEOUT_MS, cannotBuild, HELM, programOf } from './go-program.ts';
import { faultsOf, type Manifest, manifestsIn } from './manifests.ts';

const CHART = join(ROOT, 'deploy/helm/ackspan');
const NEEDED = ['upstream=http://backend:8000', 'adminToken.existingSecret=ackspan'];
const EVERYTHING = [
  ...['ingress.enabled=true', 'ingress.host=app.example.com', 'ingress.tlsSecret=tls', 'autoscaling.enabled=true'],
  ...['prometheusOperator.podMonitor=true', 'prometheusOperator.rules=true', 'otlpEndpoint=http://collector:4318'],
  ...['config.limits.pending=1000', 'config.sessions.ttl=2m', 'store.storageClassName=fast'],
];
const STORES = {
  memory: [],
  emptyDir: ['store.kind=emptyDir'],
  volume: ['store.kind=volume'],
  redis: ['store.kind=redis', 'store.existingSecret=ackspan-store'],
};
const SECRETS: Readonly<Record<string, string>> = {
  'admin-token': 'a-token-of-the-test-only',
  'session-keys': 'a-key-of-the-test-only',
};

const GRACE_MS = loadConfig({ env: { ACKSPAN_UPSTREAM: 'http://backend:8000' }, defaults: DEFAULTS }).config!.shutdown
  .graceMs;

describe.skipIf(cannotBuild(HELM))('deploy/helm/ackspan', () => {
  let program: string;
  beforeAll(() => {
    program = programOf(HELM);
  }, BUILD_TIMEOUT_MS);

  function helm(command: 'lint' | 'template', values: readonly string[]) {
    const words = command === 'lint' ? ['lint', '--strict', CHART] : ['template', 'front', CHART];
    const sets = values.flatMap((value) => ['--set', value]);
    return spawnSync(program, [...words, '--kube-version', '1.30.0', ...sets], { encoding: 'utf8' });
  }

  const workloadIn = (all: readonly Manifest[]) =>
    all.find(({ kind }) => kind === 'Deployment' || kind === 'StatefulSet')!;

  describe.each(Object.entries(STORES))('with the store %s', (store, values) => {
    const wanted = [...NEEDED, ...EVERYTHING, ...values];

    test('Helm finds nothing, and Kubernetes takes what comes out', () => {
      expect(helm('lint', wanted)).toMatchObject({ status: 0 });
      for (const given of [wanted, [...NEEDED, ...values]]) {
        const { stdout, stderr } = helm('template', given);
        expect(stderr).toBe('');
        expect(faultsOf(manifestsIn(stdout))).toEqual([]);
      }
    });

    test('file and variables make a configuration without a fault or a warning', () => {
      const all = manifestsIn(helm('template', wanted).stdout);
      const [container] = workloadIn(all).spec.template.spec.containers;
      const text = all.find(({ kind }) => kind === 'ConfigMap')!.data['ackspan.yaml'];
      const env = Object.fromEntries(
        container.env.map(({ name, value, valueFrom }: Manifest) => [
          name,
          value ?? SECRETS[valueFrom.secretKeyRef?.key] ?? `<${name}>`,
        ]),
      );
      const file = 'file:/var/lib/ackspan';
      const at = new Map([
        ['emptyDir', file],
        ['volume', file],
        ['redis', '<ACKSPAN_STORE>'],
      ]);
      expect(env.ACKSPAN_STORE).toBe(at.get(store));
      const { ACKSPAN_STORE: _, ...others } = env;
      const { config, faults, warnings } = loadConfig({
        env: others,
        file: { name: 'ackspan.yaml', text },
        defaults: DEFAULTS,
      });
      expect([...faults, ...warnings]).toEqual([]);
      expect(config).toMatchObject({ upstream: 'http://backend:8000', limits: { pending: 1000 } });
      const mounts = container.volumeMounts.map(({ mountPath }: { mountPath: string }) => mountPath);
      expect(mounts.includes('/var/lib/ackspan')).toBe(store === 'emptyDir' || store === 'volume');
    });

    test('the hook drains, new clients are taken for a while, and the pod has the time for it', () => {
      const delayOf = (values: readonly string[]) => {
        const { spec } = workloadIn(manifestsIn(helm('template', values).stdout)).spec.template;
        const [{ lifecycle, env }] = spec.containers;
        expect(lifecycle.preStop).toEqual({ exec: { command: ['ackspan', 'drain'] } });
        // The drain, the stop behind it, and what is over.
        expect(spec.terminationGracePeriodSeconds).toBeGreaterThan((2 * GRACE_MS) / 1000);
        return env.find(({ name }: Manifest) => name === 'ACKSPAN_SHUTDOWN_DELAY')?.value;
      };
      expect(delayOf(wanted)).toBe('3s');
      expect(delayOf([...wanted, 'config.shutdown.delay=1s'])).toBeUndefined();
    });

    test('its parts fit each other', () => {
      const all = manifestsIn(helm('template', wanted).stdout);
      const workload = workloadIn(all);
      const { labels } = workload.spec.template.metadata;
      const names = all.map(({ kind, metadata }) => `${kind}/${metadata.name}`);
      expect(new Set(names).size).toBe(names.length);
      expect(workload.kind).toBe(store === 'volume' ? 'StatefulSet' : 'Deployment');
      expect(workload.spec).not.toHaveProperty('replicas');
      for (const { kind, spec } of all) {
        if (kind === 'Service') expect(labels).toMatchObject(spec.selector);
        if (kind === 'PodDisruptionBudget' || kind === 'PodMonitor')
          expect(labels).toMatchObject(spec.selector.matchLabels);
        if (kind === 'NetworkPolicy') expect(labels).toMatchObject(spec.podSelector.matchLabels);
        if (kind === 'HorizontalPodAutoscaler')
          expect(spec.scaleTargetRef).toMatchObject({ kind: workload.kind, name: workload.metadata.name });
        if (kind === 'PrometheusRule') expect(spec.groups.length).toBeGreaterThan(3);
        if (kind === 'StatefulSet') expect(names).toContain(`Service/${spec.serviceName}`);
      }
      expect(
        names.filter((name) => /^(Ingress|PodMonitor|PrometheusRule|NetworkPolicy|Pod\w+Budget)/.test(name)),
      ).toHaveLength(5);
    });
  });

  test.each([
    ['no upstream', ['adminToken.existingSecret=ackspan'], '/upstream'],
    ['no token', ['upstream=http://backend:8000'], '/adminToken/existingSecret'],
    ['a store that does not exist', [...NEEDED, 'store.kind=disk'], '/store/kind'],
    ['Redis without its secret', [...NEEDED, 'store.kind=redis'], '/store/existingSecret'],
    ['a misspelt value', [...NEEDED, 'replicaCount=3'], 'replicaCount'],
  ])('%s is refused by name', (_, values, named) => {
    const { status, stderr } = helm('template', values);
    expect(status).toBe(1);
    expect(stderr).toContain(named);
  });
});
