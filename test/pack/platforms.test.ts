// The files for Cloud Run and Kubernetes say what the sidecar understands, and Cloud Monitoring's agree with the SLO table.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { generatedFiles } from '../../dashboards/src/files.ts';
import { SLO } from '../../dashboards/src/slo.ts';
import { DEFAULTS } from '../../src/cli/defaults.ts';
import { loadConfig } from '../../src/config/load.ts';
import { createPeerCheck } from '../../src/front/trusted-proxies.ts';
import { logFormat } from '../../src/log/log-format.ts';
import { createResource } from '../../src/telemetry/resource.ts';
import { ROOT } from '../dashboards/collect.ts';
import { closeAll, httpUpstream } from '../support/backends.ts';
import { startSidecar } from '../support/sidecar-process.ts';
import { cannotKustomize, kustomized } from './manifests.ts';

interface Probe {
  readonly httpGet?: { readonly path: string; readonly port: number | string };
}

interface Limits {
  readonly resources: { readonly limits: { readonly cpu: string; readonly memory: string } };
}

interface Container {
  readonly name: string;
  readonly image: string;
  readonly env?: readonly { name: string; value?: string; valueFrom?: object }[];
  readonly ports?: readonly { name: string; containerPort: number }[];
  readonly startupProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly livenessProbe?: Probe;
  readonly securityContext?: object;
}

const TOKEN = 'a-token-of-the-test-only';

function documents(path: string): unknown[] {
  return parseAllDocuments(readFileSync(join(ROOT, path), 'utf8')).map((each) => {
    expect(each.errors).toEqual([]);
    return each.toJS();
  });
}

function podSpec(path: string): { containers: Container[]; initContainers?: Container[] } {
  return (documents(path)[0] as { spec: { template: { spec: never } } }).spec.template.spec;
}

function ackspanIn(path: string): Container {
  const { containers, initContainers = [] } = podSpec(path);
  return [...initContainers, ...containers].find((each) => each.name === 'ackspan')!;
}

/** The container's variables; a secret has some value. */
function variables({ env = [] }: Container): Record<string, string> {
  return Object.fromEntries(env.map(({ name, value }) => [name, value ?? TOKEN]));
}

afterEach(closeAll);

describe.each(['deploy/cloudrun/service.yaml', 'deploy/kubernetes/base/deployment.yaml'])('%s', (path) => {
  test('its variables make a configuration without a fault or a warning', () => {
    const { config, faults, warnings } = loadConfig({ env: variables(ackspanIn(path)), defaults: DEFAULTS });
    expect([...faults, ...warnings]).toEqual([]);
    expect(config!.listen.port).toBe(8080);
  });

  test('every probe is answered by the sidecar that runs with them', async () => {
    const container = ackspanIn(path);
    const { ACKSPAN_LISTEN: _, ACKSPAN_ADMIN_LISTEN: __, ACKSPAN_UPSTREAM: ___, ...env } = variables(container);
    const { address } = await httpUpstream((_, response) => response.end());
    const sidecar = await startSidecar({ upstream: address, env: { ...env, OTEL_SDK_DISABLED: 'true' } });
    const probes = [container.startupProbe, container.readinessProbe, container.livenessProbe];
    const asked = probes.flatMap((probe) => (probe?.httpGet === undefined ? [] : [probe.httpGet]));
    expect(asked.length).toBeGreaterThan(1);
    for (const { path: probed, port } of asked) {
      const base = port === 8080 || port === 'ws' ? sidecar.http : sidecar.admin;
      const answer = await fetch(base + probed);
      expect([probed, answer.status, await answer.json()]).toMatchObject([probed, 200, {}]);
    }
  });
});

test('on Kubernetes, sidecars are init containers that keep running, without privileges', () => {
  const { initContainers } = podSpec('deploy/kubernetes/base/deployment.yaml') as { initContainers: Container[] };
  expect(initContainers.map((each) => each.name)).toEqual(['otel-collector', 'ackspan']);
  for (const each of initContainers) {
    expect(each).toMatchObject({
      restartPolicy: 'Always',
      securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true },
    });
  }
});

test('on Kubernetes, each pod is an instance of its own: by its name on spans, and by the same name on metrics', () => {
  const ackspan = ackspanIn('deploy/kubernetes/base/deployment.yaml');
  const { initContainers } = podSpec('deploy/kubernetes/base/deployment.yaml') as { initContainers: Container[] };
  const fields = (env: Container['env']) =>
    Object.fromEntries(
      env!.flatMap(({ name, valueFrom }) => {
        const { fieldRef } = (valueFrom ?? {}) as { fieldRef?: { fieldPath: string } };
        return fieldRef === undefined ? [] : [[name, fieldRef.fieldPath]];
      }),
    );
  expect(fields(initContainers.find((each) => each.name === 'otel-collector')!.env).ACKSPAN_INSTANCE).toBe(
    'metadata.name',
  );
  const pod = fields(ackspan.env);
  // As Kubernetes replaces them.
  const text = variables(ackspan).OTEL_RESOURCE_ATTRIBUTES!.replaceAll(/\$\((\w+)\)/g, (_, name) => `<${pod[name]}>`);
  const service = { serviceName: 'x', version: '1' };
  expect(createResource(service, { OTEL_RESOURCE_ATTRIBUTES: text }).attributes).toMatchObject({
    'service.instance.id': '<metadata.name>',
    'k8s.pod.name': '<metadata.name>',
    'k8s.pod.uid': '<metadata.uid>',
    'k8s.namespace.name': '<metadata.namespace>',
    'k8s.node.name': '<spec.nodeName>',
  });
});

test('on Cloud Run, one container has a port, and the grace ends inside the 10 s that the platform leaves', () => {
  const { containers } = podSpec('deploy/cloudrun/service.yaml');
  expect(containers.filter((each) => each.ports !== undefined).map((each) => each.name)).toEqual(['ackspan']);
  const { config } = loadConfig({ env: variables(ackspanIn('deploy/cloudrun/service.yaml')), defaults: DEFAULTS });
  expect(config!.shutdown.graceMs).toBeLessThan(8_000);
});

test('on Cloud Run, every container has a whole CPU: the platform refuses a fraction at this concurrency', () => {
  const { containers } = podSpec('deploy/cloudrun/service.yaml') as { containers: (Container & Limits)[] };
  for (const { name, resources } of containers) {
    expect(Number(resources.limits.cpu), name).toBeGreaterThanOrEqual(1);
    // The second generation asks for as much.
    expect(Number.parseInt(resources.limits.memory, 10), name).toBeGreaterThanOrEqual(512);
  }
});

test('on Cloud Run, the log knows the project, so that its lines join their traces', () => {
  const { fields } = logFormat({ ...variables(ackspanIn('deploy/cloudrun/service.yaml')), K_SERVICE: 'realtime' });
  expect(fields({ trace_id: 'a', span_id: 'b' })).toMatchObject({
    'logging.googleapis.com/trace': 'projects/PROJECT/traces/a',
  });
});

describe.skipIf(cannotKustomize())('on Cloud Run with Memorystore', () => {
  test('the store and the keys of sessions are secrets, and the service has a way into the VPC', () => {
    const [service] = kustomized('deploy/cloudrun');
    const { annotations } = service!.spec.template.metadata;
    expect(annotations['run.googleapis.com/vpc-access-egress']).toBe('private-ranges-only');
    expect(JSON.parse(annotations['run.googleapis.com/network-interfaces'])).toHaveLength(1);
    const [ackspan] = service!.spec.template.spec.containers as Container[];
    const secrets = ackspan!.env!.flatMap(({ name, valueFrom }) => (valueFrom === undefined ? [] : [name]));
    expect(secrets).toEqual(['ACKSPAN_ADMIN_TOKEN', 'ACKSPAN_STORE', 'ACKSPAN_SESSIONS_KEYS']);
  });

  test('the guide makes every secret of the service', () => {
    const guide = readFileSync(join(ROOT, 'docs/deploy.md'), 'utf8');
    const named = JSON.stringify(kustomized('deploy/cloudrun')).matchAll(/"(?:name|secretName)":"(ackspan-[\w-]+)"/g);
    const secrets = [...new Set([...named].map(([, name]) => name))];
    expect(secrets.length).toBe(4);
    for (const name of secrets) expect(guide).toContain(`gcloud secrets create ${name} `);
  });
});

test('on Cloud Run, what the front end says of the client goes on to the backend, and nobody else is believed', () => {
  const { config } = loadConfig({ env: variables(ackspanIn('deploy/cloudrun/service.yaml')), defaults: DEFAULTS });
  const trusted = createPeerCheck(config!.trustedProxies);
  expect(['169.254.169.126', '10.0.0.1', '127.0.0.1', '203.0.113.1'].map(trusted)).toEqual([true, false, false, false]);
});

describe('Cloud Monitoring', () => {
  const files = new Map(
    [...generatedFiles(SLO)]
      .filter(([path]) => path.includes('monitoring/'))
      .map(([path, text]) => [path.split('/').at(-1)!, JSON.parse(text)]),
  );

  test('there is a policy for the outage and for each tier, with at most the six conditions that the API takes', () => {
    for (const tier of ['outage', ...SLO.tiers.map((each) => each.name)]) {
      const policy = files.get(`alert-policy-${tier}.json`);
      expect(policy.conditions.length).toBeGreaterThan(0);
      expect(policy.conditions.length).toBeLessThanOrEqual(6);
      const runbook = /docs\/runbooks\/[\w-]+\.md/.exec(policy.documentation.content)![0];
      expect(existsSync(join(ROOT, runbook))).toBe(true);
      for (const { conditionPrometheusQueryLanguage: condition } of policy.conditions) {
        expect(Number.parseInt(condition.evaluationInterval, 10) % 30).toBe(0);
      }
    }
  });

  test('what the objective does not show has a policy too, with the conditions of the Prometheus alert that pages', () => {
    const alerts = parse(readFileSync(join(ROOT, 'dashboards/prometheus/alerts.yml'), 'utf8')).groups.flatMap(
      ({ rules }: { rules: { alert: string; expr: string; for?: string; labels: { severity: string } }[] }) => rules,
    );
    for (const [file, alert] of [
      ['no-data', 'AckspanNoData'],
      ['unverifiable', 'AckspanUnverifiableShare'],
      ['upstream-down', 'AckspanUpstreamDown'],
      ['cannot-connect', 'AckspanCannotConnect'],
    ]) {
      const { conditions, severity, documentation } = files.get(`alert-policy-${file}.json`);
      const found = conditions.map(
        ({ conditionPrometheusQueryLanguage: one }: { conditionPrometheusQueryLanguage: Record<string, string> }) => [
          one.query!.trim(),
          Number.parseInt(one.duration!, 10),
        ],
      );
      const paging = alerts.filter(
        (one: { alert: string; labels: { severity: string } }) => one.alert === alert && one.labels.severity === 'page',
      );
      expect(found.length, alert).toBeGreaterThan(0);
      expect(found).toEqual(
        paging.map((one: { expr: string; for: string }) => [one.expr.trim(), Number.parseInt(one.for, 10) * 60]),
      );
      expect(severity).toBe('CRITICAL');
      expect(existsSync(join(ROOT, /docs\/runbooks\/[\w-]+\.md/.exec(documentation.content)![0]))).toBe(true);
    }
  });

  test('the SLO has the objective and window of the table, and counts as bad what the sidecar calls an error', () => {
    const slo = files.get('slo.json');
    expect(slo.goal).toBe(0.95);
    expect(slo.rollingPeriod).toBe('604800s');
    const { totalServiceFilter, badServiceFilter } = slo.serviceLevelIndicator.requestBased.goodTotalRatio;
    expect(badServiceFilter.startsWith(totalServiceFilter)).toBe(true);
    expect(badServiceFilter).toContain(
      'one_of("timeout","disconnected","rejected","shutdown","limit","operator","instance_lost")',
    );
  });

  test('the thresholds are factor × budget of each objective', () => {
    const limits = files
      .get('alert-policy-fast.json')
      .conditions.map((each: { conditionPrometheusQueryLanguage: { query: string } }) =>
        Number(/> ([\d.]+)$/m.exec(each.conditionPrometheusQueryLanguage.query)![1]),
      );
    // All priorities together are weighed by their own budgets, so their threshold is the factor
    // itself.
    expect(limits).toEqual([3.36, 0.0336, 0.1008, 0.168]);
  });
});
