// Each kubectl, gcloud and helm command of docs/deploy.md follows a synopsis of that program, and names what the manifests have.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { ROOT } from '../dashboards/collect.ts';
import { closeAll } from '../support/backends.ts';
import { type Check, callsOf, judge } from './guide.ts';

afterAll(closeAll);

const text = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const yaml = (path: string) => parse(text(path), { merge: true });

/**
 * The parts of the programs' own references that the guide uses, written by hand: a flag that they
 * drop is not noticed here.
 */
const KUBECTL = [
  'kubectl create secret generic SECRET [--from-literal LITERAL]',
  'kubectl diff [-k FOLDER]',
  'kubectl apply [-k FOLDER]',
  'kubectl kustomize FOLDER',
  'kubectl rollout status WORKLOAD [--timeout DURATION]',
  'kubectl rollout pause WORKLOAD',
  'kubectl rollout resume WORKLOAD',
  'kubectl rollout undo WORKLOAD',
  'kubectl set image WORKLOAD CONTAINER_IMAGE',
  'kubectl patch statefulset STATEFUL_SET [-p PATCH]',
  'kubectl get pods [-l LABEL] [-w]',
  'kubectl exec WORKLOAD [-c CONTAINER]',
  'kubectl logs WORKLOAD [-c CONTAINER] [-f]',
  'kubectl port-forward WORKLOAD PORTS',
];
const HELM = ['helm upgrade RELEASE FOLDER [--install] [--set HELM_VALUE]', 'helm rollback RELEASE'];
const GCLOUD = [
  'gcloud config set project PROJECT',
  'gcloud services enable API',
  'gcloud iam service-accounts create ACCOUNT',
  'gcloud projects add-iam-policy-binding PROJECT [--member MEMBER] [--role ROLE]',
  'gcloud artifacts repositories create REPOSITORY [--repository-format FORMAT] [--location REGION]',
  'gcloud builds submit [--tag IMAGE]',
  'gcloud secrets create CLOUD_SECRET [--data-file FILE]',
  'gcloud secrets versions access latest [--secret CLOUD_SECRET]',
  'gcloud redis instances create REDIS [--region REGION] [--tier TIER] [--size SIZE] [--redis-version VERSION] [--network NETWORK] [--enable-auth] [--redis-config CONFIG]',
  'gcloud redis instances describe REDIS [--region REGION] [--format FORMAT]',
  'gcloud redis instances get-auth-string REDIS [--region REGION] [--format FORMAT]',
  'gcloud run services replace FILE [--region REGION]',
  'gcloud run services add-iam-policy-binding SERVICE [--region REGION] [--member MEMBER] [--role ROLE]',
  'gcloud run services proxy SERVICE [--region REGION] [--port PORT]',
  'gcloud run services update SERVICE [--region REGION] [--no-traffic] [--tag NEW_TAG] [--container CLOUD_CONTAINER] [--image IMAGE]',
  'gcloud run services update-traffic SERVICE [--region REGION] [--to-tags TAG_SHARES] [--to-revisions SHARES] [--to-latest]',
  'gcloud run revisions list [--service SERVICE] [--region REGION] [--limit NUMBER]',
  'gcloud logging read FILTER [--limit NUMBER] [--freshness DURATION]',
];
const SYNOPSES = [...KUBECTL, ...HELM, ...GCLOUD];

const one =
  (what: string, ...known: readonly string[]): Check =>
  (value) =>
    known.includes(value) ? undefined : `${value} is no ${what} (${known.join(', ')})`;
const like =
  (what: string, pattern: RegExp): Check =>
  (value) =>
    pattern.test(value) ? undefined : `${value} is no ${what}`;
const file: Check = (path) =>
  path === '-' || existsSync(join(ROOT, path)) || existsSync(path) ? undefined : `${path} is not there`;

/** What the values must be, by the manifests that the commands are about. */
function checksOf(): Record<string, Check> {
  const deployment = yaml('deploy/kubernetes/base/deployment.yaml');
  const { name, labels } = deployment.metadata;
  const pod = deployment.spec.template.spec;
  const containers = [...pod.initContainers, ...pod.containers];
  const names = containers.map((each: { name: string }) => each.name);
  const ports = containers.flatMap((each: { ports?: { containerPort: number }[] }) => each.ports ?? []);
  expect(text('deploy/kubernetes/components/store-volume/kustomization.yaml')).toContain('StatefulSet');
  const service = yaml('deploy/cloudrun/service.yaml');
  const cloud = service.spec.template.spec;
  const ackspan = cloud.containers.find((each: { name: string }) => each.name === 'ackspan');
  const secrets = `${text('deploy/cloudrun/service.yaml')}${text('deploy/cloudrun/kustomization.yaml')}`;
  const image = ackspan.image.replace(/:TAG$/, '');
  const tags = new Set<string>();
  return {
    WORKLOAD: one('workload', `deployment/${name}`, `statefulset/${name}`),
    STATEFUL_SET: one('StatefulSet', name),
    CONTAINER: one('container', ...names),
    CONTAINER_IMAGE: like('container and image', new RegExp(`^(${names.join('|')})=registry\\.example/[\\w/]+:\\w+$`)),
    LABEL: one('label', ...Object.entries(labels).map(([key, value]) => `${key}=${value}`)),
    PORTS: one('port', ...ports.map(({ containerPort: port }) => `${port}:${port}`)),
    SECRET: (value) =>
      text('deploy/kubernetes/base/deployment.yaml').includes(`name: ${value},`) ||
      text('deploy/kubernetes/components/store-redis/kustomization.yaml').includes(`name: ${value},`)
        ? undefined
        : `no pod reads the secret ${value}`,
    PATCH: (value) =>
      typeof JSON.parse(value).spec.updateStrategy.rollingUpdate.partition === 'number'
        ? undefined
        : `${value} sets no partition`,
    FOLDER: (path) =>
      ['kustomization.yaml', 'Chart.yaml'].some((each) => existsSync(join(ROOT, path, each)))
        ? undefined
        : `${path} holds nothing to apply`,
    HELM_VALUE: (value) => {
      const known = value
        .split('=')[0]!
        .split('.')
        .reduce((at, key) => at?.[key], yaml('deploy/helm/ackspan/values.yaml'));
      return known === undefined ? `the chart has no value ${value}` : undefined;
    },
    FILE: file,
    SERVICE: one('service', service.metadata.name),
    CLOUD_CONTAINER: one('container', ...cloud.containers.map((each: { name: string }) => each.name)),
    IMAGE: like(`image like ${image}`, new RegExp(`^${image}:(TAG|NEW)$`)),
    CLOUD_SECRET: (value) =>
      new RegExp(`(name|secretName): ${value}\\b`).test(secrets) ? undefined : `no container reads the secret ${value}`,
    ACCOUNT: one('account', cloud.serviceAccountName.split('@')[0]),
    MEMBER: one('member', `serviceAccount:${cloud.serviceAccountName}`, 'allUsers'),
    ROLE: like('role', /^roles\/[a-z]+\.[a-zA-Z]+$/),
    REPOSITORY: one('repository', image.split('/')[2]),
    PORT: like('port', /^\d+$/),
    NUMBER: like('number', /^\d+$/),
    DURATION: like('duration', /^\d+[smhd]$/),
    FILTER: like('filter for the service', new RegExp(`service_name="${service.metadata.name}"`)),
    NEW_TAG: (value) => void tags.add(value),
    TAG_SHARES: (value) =>
      tags.has(value.split('=')[0]!) && /=\d+$/.test(value) ? undefined : `nothing was tagged as ${value} says`,
    SHARES: like('share of a revision', /^[\w-]+=\d+$/),
  };
}

const followed = new Set<string>();

describe.each(['On Kubernetes', 'On Cloud Run'])('docs/deploy.md, %s', (section) => {
  test('no command has a flag, a name or a file that is not there', () => {
    const checks = checksOf();
    const calls = callsOf(section);
    expect(calls.length).toBeGreaterThan(15);
    const verdicts = calls.map((call) => judge(call, SYNOPSES, checks));
    expect(verdicts.flatMap(({ faults }) => faults)).toEqual([]);
    for (const { synopsis } of verdicts) followed.add(synopsis!);
  });
});

test('every synopsis is followed somewhere, the ones of canary and roll-back included', () => {
  expect(SYNOPSES.filter((synopsis) => !followed.has(synopsis))).toEqual([]);
});

test.each([
  ['gcloud run services update-trafic realtime --to-latest', 'no such command'],
  ['gcloud run services update-traffic realtime --to-tag=canary=5', 'no flag --to-tag'],
  ['gcloud run services update-traffic realtime --to-tags=canari=5', 'nothing was tagged'],
  ['gcloud run services update-traffic ackspan --to-latest', 'ackspan is no service'],
  ['gcloud run services update realtime --container=sidecar', 'sidecar is no container'],
  ['gcloud run services replace deploy/cloudrun/services.yaml', 'is not there'],
  ['kubectl rollout undo deployment/ackspan', 'is no workload'],
  ['kubectl rollout undo', 'not WORKLOAD'],
  ['kubectl set image deployment/realtime sidecar=registry.example/ackspan:NEW', 'is no container'],
  ['kubectl apply -k deploy/kubernetes/overlays/memory', 'holds nothing'],
])('%s: %s', (command, fault) => {
  expect(judge(command.split(' '), SYNOPSES, checksOf()).faults.join()).toContain(fault);
});
