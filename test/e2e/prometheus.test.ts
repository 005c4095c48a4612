// Debian's Prometheus scrapes the running sidecar: it is up, its series can be queried, its exemplars lead to spans that exist; promtool has no complaint.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { atEnd, closeAll } from '../support/backends.ts';
import { eventually, startChild } from '../support/child.ts';
import { findProgram, missing } from '../support/component.ts';
import { freePort } from '../support/free-port.ts';
import { startOtlpReceiver } from '../support/otlp-receiver.ts';
import { expectHealthyLog, type SidecarProcess, startSidecar } from '../support/sidecar-process.ts';
import { confirmation, event, openClient, startWsBackend, tell } from '../support/ws-peers.ts';

afterEach(closeAll);

interface Answer {
  readonly status: string;
  readonly data: unknown;
}

/** A Prometheus that scrapes the sidecar twice a second; answers its query API. */
async function startPrometheus(sidecar: SidecarProcess): Promise<(path: string) => Promise<Answer>> {
  const folder = mkdtempSync(join(tmpdir(), 'ackspan-prometheus-'));
  atEnd(() => rmSync(folder, { recursive: true, force: true }));
  const target = new URL(sidecar.admin).host;
  const file = join(folder, 'prometheus.yml');
  writeFileSync(
    file,
    JSON.stringify({
      global: { scrape_interval: '500ms', scrape_timeout: '500ms' },
      scrape_configs: [{ job_name: 'ackspan', static_configs: [{ targets: [target] }] }],
    }),
  );
  const port = await freePort();
  startChild(findProgram('prometheus')!, [
    `--config.file=${file}`,
    `--storage.tsdb.path=${join(folder, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--enable-feature=exemplar-storage',
    '--log.level=error',
  ]);
  const base = `http://127.0.0.1:${port}`;
  await eventually(async () => expect((await fetch(`${base}/-/ready`)).status).toBe(200));
  return async (path) => (await (await fetch(base + path)).json()) as Answer;
}

describe.skipIf(missing('prometheus', 'promtool'))('Prometheus', () => {
  it('scrapes a running sidecar and finds the traces of its exemplars', async () => {
    const receiver = await startOtlpReceiver();
    atEnd(() => receiver.close());
    const backend = await startWsBackend();
    const sidecar = await startSidecar({
      upstream: backend.address,
      env: { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${receiver.endpoint}/v1/traces`, OTEL_BSP_SCHEDULE_DELAY: '50' },
    });
    const client = await openClient(sidecar.ws);
    const peer = await backend.peer(0);
    for (let n = 1; n <= 30; n++) tell(peer, event(`e-${n}`, n % 2 === 0 ? 'tool_executing' : 'agent_thinking'));
    await sidecar.reach({ confirmed: 30, pending: 0 });
    tell(client, confirmation('nobody-sent-this'));

    const ask = await startPrometheus(sidecar);
    const value = async (query: string) => {
      const { data } = await ask(`/api/v1/query?query=${encodeURIComponent(query)}`);
      return (data as { result: { value: [number, string] }[] }).result.map((each) => Number(each.value[1]));
    };
    await eventually(async () => expect(await value('up{job="ackspan"}')).toEqual([1]));
    await eventually(async () =>
      expect(await value('sum(ackspan_delivery_duration_seconds_count{error_type=""})')).toEqual([30]),
    );
    expect(
      await value('sum(ackspan_delivery_duration_seconds_count{event_type="tool_executing",priority="critical"})'),
    ).toEqual([15]);
    expect(await value('ackspan_confirmation_unmatched_total{reason="unknown"}')).toEqual([1]);
    expect(await value('sum(ackspan_delivery_pending)')).toEqual([0]);
    expect(
      await value('count(ackspan_delivery_duration_seconds_count{error_type="timeout"}) > 0'),
      'error series begin at 0',
    ).not.toEqual([]);
    expect(await value('sum(ackspan_delivery_duration_seconds_count{error_type!=""})')).toEqual([0]);

    // Calls of tools and the open connection have spans too.
    const deliveries = () => receiver.spans.filter(({ name }) => name.startsWith('send '));
    await eventually(() => expect(deliveries()).toHaveLength(30));
    const known = new Set(receiver.spans.map(({ traceId }) => traceId));
    const now = Date.now() / 1000;
    const found = await eventually(async () => {
      const { data } = await ask(
        `/api/v1/query_exemplars?query=ackspan_delivery_duration_seconds_bucket&start=${now - 600}&end=${now + 600}`,
      );
      const exemplars = (data as { exemplars: { labels: Record<string, string> }[] }[]).flatMap(
        (each) => each.exemplars,
      );
      expect(exemplars.length).toBeGreaterThan(0);
      return exemplars;
    });
    for (const { labels } of found) expect(known, JSON.stringify(labels)).toContain(labels.trace_id);
    expectHealthyLog(sidecar);
  });

  it('promtool check metrics finds no fault in the text of /metrics', async () => {
    const backend = await startWsBackend();
    const sidecar = await startSidecar({ upstream: backend.address });
    const client = await openClient(sidecar.ws);
    tell(await backend.peer(0), event('e1'));
    await sidecar.reach({ confirmed: 1 });
    client.socket.close();
    await sidecar.idle();
    const text = await (await fetch(`${sidecar.admin}/metrics`)).text();
    const checked = spawnSync(findProgram('promtool')!, ['check', 'metrics'], { input: text, encoding: 'utf8' });
    expect([checked.status, checked.stdout, checked.stderr]).toEqual([0, '', '']);
  });
});
