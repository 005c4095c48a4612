// Debian's Prometheus scrapes a running demo and a sidecar in trouble: every query is executed, and every panel shows more than zeros.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { generatedFiles } from '../../dashboards/src/files.ts';
import { SLO } from '../../dashboards/src/slo.ts';
import {
  DASHBOARDS,
  panelQueries,
  policyQueries,
  ROOT,
  readDashboard,
  ruleQueries,
  runbookQueries,
  surroundingQueries,
} from '../dashboards/collect.ts';
import { drawDashboard, type Picture, takePicture } from '../dashboards/picture.ts';
import { plain } from '../dashboards/promql.ts';
import { atEnd, closeAll } from '../support/backends.ts';
import { builtCli } from '../support/build.ts';
import { eventually, startChild } from '../support/child.ts';
import { missing } from '../support/component.ts';
import { type OtlpReceiver, startOtlpReceiver } from '../support/otlp-receiver.ts';
import { type Prometheus, type Result, startPrometheus } from './prometheus.ts';
import { startTrouble } from './trouble.ts';

/**
 * Long enough for the demo's losses (it freezes and kills clients half-way); queries look back as
 * far.
 */
const DEMO = '16s';
const LOOK_BACK_S = 16;

/** Rules are evaluated every second here, not every 30. */
function quickRules(): Record<string, string> {
  const quick = (name: string) =>
    generatedFiles(SLO)
      .get(`dashboards/prometheus/${name}`)!
      .replaceAll(/interval: \w+/g, 'interval: 1s');
  return { 'recording.yml': quick('recording.yml'), 'alerts.yml': quick('alerts.yml') };
}

/** Whether a panel would show anything but a line at zero. */
function showsSomething(found: readonly Result[]): boolean {
  return found.some(({ points }) => points.some(([, value]) => Number.isFinite(value) && value !== 0));
}

describe.skipIf(missing('prometheus'))('a running demo and a sidecar in trouble, scraped', () => {
  let prometheus: Prometheus;
  let demoInstance: string;
  let receiver: OtlpReceiver;

  beforeAll(async () => {
    receiver = await startOtlpReceiver();
    atEnd(() => receiver.close());
    const trouble = await startTrouble(receiver.endpoint);
    const demo = startChild(process.execPath, [builtCli(), 'demo', '--duration', DEMO, '--keep'], {
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint,
      OTEL_BSP_SCHEDULE_DELAY: '500',
    });
    const look = await demo.line(({ text }) => /Look inside.*http:\/\//.test(String(text)));
    demoInstance = new URL(/http:\/\/\S+/.exec(String(look.text))![0]).host;
    const targets = [demoInstance, new URL(trouble.admin).host];
    prometheus = await startPrometheus({ targets, rules: quickRules() });
    const finished = () => expect(demo.lines.some(({ text }) => String(text).startsWith('Verdict'))).toBe(true);
    await vi.waitFor(finished, { timeout: 240_000 });
  }, 120_000);
  afterAll(closeAll);

  test.each(panelQueries())('panel $where', async ({ expr, target }) => {
    const query = plain(expr, `${LOOK_BACK_S}s`);
    const found = target.instant ? await prometheus.query(query) : await prometheus.range(query, LOOK_BACK_S);
    expect(found.length, `no data for ${query}`).toBeGreaterThan(0);
    expect(showsSomething(found), `nothing but 0 for ${query}`).toBe(true);
    for (const label of target.legendFormat.matchAll(/\{\{(\w+)\}\}/g)) {
      for (const { metric } of found) expect(metric, `legend ${target.legendFormat}`).toHaveProperty(label[1]!);
    }
  });

  test.each(surroundingQueries())('$where', async ({ where, expr }) => {
    const found = await prometheus.query(plain(expr, '16s'));
    if (where.includes('variable')) expect(found.length).toBeGreaterThan(0);
  });

  test.each([...policyQueries(), ...runbookQueries()])('$where is taken: $expr', async ({ expr }) => {
    await prometheus.query(plain(expr, '16s'));
  });

  test('every rule is evaluated without an error, and the recorded series have data', async () => {
    const rules = await eventually(async () => {
      const all = await prometheus.rules();
      expect(all.filter((rule) => rule.health !== 'ok').map((rule) => [rule.name, rule.lastError])).toEqual([]);
      return all;
    });
    expect(rules.length).toBe(ruleQueries().length);
    for (const rule of rules) {
      const found = await prometheus.query(rule.query);
      if (rule.type === 'recording') expect(found.length, rule.name).toBeGreaterThan(0);
    }
  });

  test('the confirmation rate by Prometheus is the one that the sidecar states', async () => {
    // The last outcomes reach Prometheus with the next scrape.
    await eventually(async () => {
      const settled = (labels: string) =>
        `sum(ackspan_delivery_duration_seconds_count{instance="${demoInstance}"${labels}})`;
      const [rate] = await prometheus.query(`${settled(',error_type=""')} / ${settled('')}`);
      const stats = (await (await fetch(`http://${demoInstance}/api/v1/stats`)).json()) as {
        confirmation_rate: number;
      };
      expect(rate!.points[0]![1]).toBeCloseTo(stats.confirmation_rate, 6);
    });
  });

  test('exemplars lead to spans that were exported', async () => {
    const found = await prometheus.exemplars('ackspan_delivery_duration_seconds_bucket', 120);
    const ids = found.flatMap((each) => each.exemplars.map((exemplar) => exemplar.labels.trace_id));
    expect(ids.length).toBeGreaterThan(20);
    await receiver.waitFor(({ spans }) => {
      const exported = new Set(spans.map((span) => span.traceId));
      return ids.every((id) => exported.has(id!));
    });
  });

  describe.skipIf(missing('chromium'))('as a picture', () => {
    test.each(DASHBOARDS)('%s is drawn from the real results', { timeout: 240_000 }, async (name) => {
      const file = join(ROOT, `.cache/dashboard-${name}.png`);
      rmSync(file, { force: true });
      const drawn: Picture = await drawDashboard(readDashboard(name), prometheus, LOOK_BACK_S);
      await takePicture(drawn, file);
      const panels = readDashboard(name).panels.filter((panel) => panel.type !== 'row');
      expect(drawn.panels).toBe(panels.length);
      expect(drawn.empty).toEqual([]);
    });
  });
});
