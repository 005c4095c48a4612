// The whole chain on real programs: clients freeze → sidecar → Prometheus rule → Alertmanager → webhook, and back when they thaw.

import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { parse, stringify } from 'yaml';
import { generatedFiles } from '../../dashboards/src/files.ts';
import { SLO } from '../../dashboards/src/slo.ts';
import { ROOT } from '../dashboards/collect.ts';
import { closeAll, listenOn } from '../support/backends.ts';
import { eventually, startChild } from '../support/child.ts';
import { missing } from '../support/component.ts';
import { type SidecarProcess, startSidecar } from '../support/sidecar-process.ts';
import { freePort, scratchFolder, startPrometheus } from './prometheus.ts';
import { startPushing } from './pushing.ts';

/** What Alertmanager posts, as far as the test reads it. */
interface Notice {
  readonly status: 'firing' | 'resolved';
  readonly receiver: string;
  readonly alerts: readonly { readonly status: string; readonly labels: Readonly<Record<string, string>> }[];
}

/** The same rules on a faster clock: minutes become seconds. */
function fastRules(): Record<string, string> {
  const fast = (name: string) =>
    generatedFiles(SLO)
      .get(`dashboards/prometheus/${name}`)!
      .replaceAll(/interval: \w+/g, 'interval: 1s')
      .replaceAll('[10m]', '[16s]')
      .replaceAll('[5m]', '[8s]')
      .replaceAll('[30m]', '[16s]')
      .replaceAll(/\[(1h|6h|1d|3d)\]/g, '[24s]')
      .replaceAll('offset 10m', 'offset 4s');
  return { 'recording.yml': fast('recording.yml'), 'alerts.yml': fast('alerts.yml') };
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

/** Keeps what is posted to it; the path is the receiver. */
async function startWebhook(): Promise<{ url: string; notices: (Notice & { path: string })[] }> {
  const notices: (Notice & { path: string })[] = [];
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

afterEach(closeAll);

describe.skipIf(missing('prometheus', 'prometheus-alertmanager'))('the chain of alerts', () => {
  test('frozen clients page within two minutes, and the page resolves when they thaw', {
    timeout: 240_000,
  }, async () => {
    const webhook = await startWebhook();
    const alertmanager = await startAlertmanager(webhook.url);
    const backend = await startPushing({ everyMs: 50 });
    const sidecar: SidecarProcess = await startSidecar({
      upstream: backend.url,
      config: { events: { rules: [{ match: '*', priority: 'high', timeout: '1s', attempts: ['300ms'] }] } },
    });
    const clients = backend.startClients(sidecar.ws, 4);
    await clients.line(({ received }) => Number(received) >= 40);
    await startPrometheus({ targets: [new URL(sidecar.admin).host], rules: fastRules(), alertmanager });
    await eventually(async () => expect((await sidecar.stats()).confirmed).toBeGreaterThan(200));
    const outages = (status: string) =>
      webhook.notices.filter(
        (notice) => notice.status === status && notice.alerts[0]?.labels.alertname === 'AckspanDeliveryOutage',
      );
    expect(outages('firing')).toEqual([]);

    const frozenAt = performance.now();
    clients.signal('SIGSTOP');
    await vi.waitFor(() => expect(outages('firing').length).toBeGreaterThan(0), { timeout: 120_000, interval: 200 });
    console.info(`paged ${((performance.now() - frozenAt) / 1000).toFixed(1)} s after the clients froze`);
    const [notice] = outages('firing');
    expect(notice).toMatchObject({ path: '/page', receiver: 'pages' });
    expect(notice!.alerts[0]!.labels).toMatchObject({ severity: 'page', job: 'ackspan', priority: 'all' });

    clients.signal('SIGCONT');
    await vi.waitFor(() => expect(outages('resolved').length).toBeGreaterThan(0), { timeout: 60_000, interval: 200 });
  });
});
