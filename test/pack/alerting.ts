// Test support: what stands behind Prometheus' alerts: the shipped rules on a faster clock, Alertmanager, a webhook, the runbooks.
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { expect, vi } from 'vitest';
import { parse, stringify } from 'yaml';
import { generatedFiles } from '../../dashboards/src/files.ts';
import { SLO } from '../../dashboards/src/slo.ts';
import { ROOT } from '../dashboards/collect.ts';
import { listenOn } from '../support/backends.ts';
import { eventually, startChild } from '../support/child.ts';
import { freePort } from '../support/free-port.ts';
import { scratchFolder } from './prometheus.ts';

/** What Alertmanager posts, as far as the tests read it. */
export interface Notice {
  readonly status: 'firing' | 'resolved';
  readonly receiver: string;
  readonly alerts: readonly Alert[];
  /** Where it was posted to: one path for each receiver. */
  readonly path: string;
}

export interface Alert {
  readonly status: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface Alerting {
  /** `host:port` of Alertmanager. */
  readonly alertmanager: string;
  /** Where docs/runbooks/ is served, as docker-compose.yml serves it. */
  readonly runbooks: string;
  /** What has been posted so far, in order. */
  readonly notices: readonly Notice[];
  /** The notices of an alert with this status. */
  of(alertname: string, status: Notice['status']): readonly Notice[];
  /** Resolves with the first of them. */
  notice(alertname: string, status: Notice['status']): Promise<Notice>;
}

/** Longest wait for a notice, ms: it only keeps a test from hanging. */
const PATIENCE_MS = 120_000;

/**
 * The same rules on a faster clock: minutes become seconds. What waits longer than a minute before
 * it fires waits as ever, and stays out of these tests.
 */
export function fastRules(): Record<string, string> {
  const fast = (name: string) =>
    generatedFiles(SLO)
      .get(`dashboards/prometheus/${name}`)!
      .replaceAll(/interval: \w+/g, 'interval: 1s')
      .replaceAll('[10m]', '[16s]')
      .replaceAll(/\[(2m|5m)\]/g, '[8s]')
      .replaceAll('[30m]', '[16s]')
      .replaceAll(/\[(1h|6h|1d|3d)\]/g, '[24s]')
      .replaceAll('offset 10m', 'offset 4s')
      .replaceAll(/^( +for): 1m$/gm, '$1: 2s');
  return { 'recording.yml': fast('recording.yml'), 'alerts.yml': fast('alerts.yml') };
}

/** Starts Alertmanager, a webhook and what serves the runbooks. */
export async function startAlerting(): Promise<Alerting> {
  const { url, notices } = await startWebhook();
  const of: Alerting['of'] = (alertname, status) =>
    notices.filter((notice) => notice.status === status && notice.alerts[0]?.labels.alertname === alertname);
  return {
    alertmanager: await startAlertmanager(url),
    runbooks: await startRunbooks(),
    notices,
    of,
    notice: (alertname, status) => vi.waitFor(() => first(of(alertname, status)), { timeout: PATIENCE_MS }),
  };
}

function first(found: readonly Notice[]): Notice {
  if (found.length === 0) throw new Error('no such notice has been posted');
  return found[0]!;
}

/** The committed routing with this webhook, waiting seconds where it says minutes. */
async function startAlertmanager(webhook: string): Promise<string> {
  const folder = scratchFolder('alertmanager');
  const text = readFileSync(join(ROOT, 'dashboards/prometheus/alertmanager.yml'), 'utf8')
    .replaceAll(/(group_wait|group_interval): \w+/g, '$1: 1s')
    .replaceAll('http://alert-log:9095', webhook);
  const config = { global: { resolve_timeout: '5s' }, ...(parse(text) as object) };
  writeFileSync(join(folder, 'alertmanager.yml'), stringify(config));
  const address = `127.0.0.1:${await freePort()}`;
  startChild('prometheus-alertmanager', [
    `--config.file=${join(folder, 'alertmanager.yml')}`,
    `--storage.path=${join(folder, 'data')}`,
    `--web.listen-address=${address}`,
    '--cluster.listen-address=',
  ]);
  await eventually(async () => expect((await fetch(`http://${address}/-/ready`)).status).toBe(200));
  return address;
}

/** Keeps what is posted to it. */
async function startWebhook(): Promise<{ url: string; notices: Notice[] }> {
  const notices: Notice[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      notices.push({ ...(JSON.parse(Buffer.concat(chunks).toString()) as Notice), path: request.url ?? '' });
      response.end();
    });
  });
  return { url: `http://127.0.0.1:${await listenOn(server)}`, notices };
}

async function startRunbooks(): Promise<string> {
  const child = startChild(process.execPath, [join(ROOT, 'deploy/compose/alert-log.mjs')], { PORT: '0' });
  const { port } = await child.line(({ msg }) => msg === 'listening');
  return `http://127.0.0.1:${port}/runbooks/`;
}

/** Checks that the alert's link is the whole address of a page, which is there and about it. */
export async function expectRunbook({ labels, annotations }: Alert, { runbooks }: Alerting): Promise<void> {
  const link = annotations.runbook_url ?? '';
  expect(link.startsWith(runbooks), link).toBe(true);
  expect(await (await fetch(link)).text()).toContain(`# ${labels.alertname}`);
  expect(labels).not.toHaveProperty('runbook_base');
}
