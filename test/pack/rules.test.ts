// The SLO table becomes Prometheus rules, and Prometheus' own tools say that they are valid and fire when they must.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { alertGroups } from '../../dashboards/src/alerts.ts';
import { generatedFiles } from '../../dashboards/src/files.ts';
import { instanceGroup } from '../../dashboards/src/instances.ts';
import { recordingGroups } from '../../dashboards/src/recording.ts';
import { ruleFile } from '../../dashboards/src/rule-file.ts';
import { runbookOf } from '../../dashboards/src/runbook.ts';
import { RUNBOOK_BASE, SLO, type Slo } from '../../dashboards/src/slo.ts';
import { missing } from '../support/component.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const RULES = join(ROOT, 'dashboards/prometheus');
const scratch = mkdtempSync(join(tmpdir(), 'ackspan-rules-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

function run(program: string, ...args: string[]): string {
  return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: 280_000 });
}

/** The SLO with another objective of NORMAL: the one edit that an operator makes. */
function withObjective(ratio: number): Slo {
  return {
    ...SLO,
    objectives: SLO.objectives.map((each) => (each.priority === 'normal' ? { ...each, ratio } : each)),
  };
}

describe('generated files', () => {
  test.each([...generatedFiles(SLO).keys()])('%s is what the generator writes', (path) => {
    const committed = readFileSync(join(ROOT, path), 'utf8');
    const generated = generatedFiles(SLO).get(path)!;
    if (path.endsWith('.json')) expect(JSON.parse(committed)).toEqual(JSON.parse(generated));
    else expect(committed).toBe(generated);
  });

  test('every alert has a severity and a runbook that exists', () => {
    const alerts = alertGroups(SLO).flatMap((group) => group.rules);
    expect(alerts.length).toBeGreaterThan(10);
    for (const alert of alerts) {
      if (!('alert' in alert)) throw new Error('a recording rule among the alerts');
      expect(['page', 'ticket']).toContain(alert.labels.severity);
      const link = alert.annotations.runbook_url!;
      expect(link.startsWith(RUNBOOK_BASE), link).toBe(true);
      const page = readFileSync(join(ROOT, 'docs/runbooks', link.slice(RUNBOOK_BASE.length)), 'utf8');
      expect(page, `the runbook of ${alert.alert}`).toContain(`# ${alert.alert}`);
    }
  });

  test('every runbook is of an alert, and the list of runbooks has each', () => {
    const alerts = alertGroups(SLO).flatMap((group) => group.rules);
    const wanted = new Set(alerts.flatMap((rule) => ('alert' in rule ? [runbookOf(rule.alert)] : [])));
    const folder = join(ROOT, 'docs/runbooks');
    const pages = readdirSync(folder).filter((name) => name !== 'README.md');
    expect(pages.filter((name) => !wanted.has(name))).toEqual([]);
    const list = readFileSync(join(folder, 'README.md'), 'utf8');
    expect([...list.matchAll(/\]\(([\w-]+\.md)\)/g)].map(([, name]) => name).sort()).toEqual(pages.sort());
  });
});

describe.skipIf(missing('promtool'))('promtool', () => {
  test('the rules are valid', { timeout: 240_000 }, () => {
    expect(
      run('promtool', 'check', 'rules', '--lint-fatal', join(RULES, 'recording.yml'), join(RULES, 'alerts.yml')),
    ).toContain('SUCCESS');
  });

  test.each([
    'slo_test.yml',
    'slo_long_test.yml',
    'people_test.yml',
    'instances_test.yml',
    'reach_test.yml',
    'symptoms_test.yml',
  ])('they fire when they must and never otherwise: %s', { timeout: 300_000 }, (file) => {
    expect(run('promtool', 'test', 'rules', join(RULES, 'tests', file))).toContain('SUCCESS');
  });

  test('another objective is one edit: at 99 % the 4 % that never paged now do', { timeout: 120_000 }, () => {
    for (const [name, groups] of [
      ['recording.yml', [...recordingGroups(withObjective(0.99)), instanceGroup()]],
      ['alerts.yml', alertGroups(withObjective(0.99))],
    ] as const) {
      writeFileSync(join(scratch, name), ruleFile(groups));
    }
    const metric = 'ackspan_delivery_duration_seconds_count';
    const cases = {
      rule_files: ['recording.yml', 'alerts.yml'],
      evaluation_interval: '1m',
      tests: [
        {
          interval: '1m',
          input_series: [
            { series: `${metric}{job="a",priority="normal"}`, values: '0+96x120' },
            { series: `${metric}{job="a",priority="normal",error_type="timeout"}`, values: '0+4x120' },
          ],
          promql_expr_test: [
            {
              eval_time: '2h',
              expr: 'count by (priority) (ALERTS{alertstate="firing",tier="fast"})',
              exp_samples: [
                { labels: '{priority="all"}', value: 1 },
                { labels: '{priority="normal"}', value: 1 },
              ],
            },
          ],
        },
      ],
    };
    writeFileSync(join(scratch, 'test.yml'), JSON.stringify(cases));
    expect(run('promtool', 'test', 'rules', join(scratch, 'test.yml'))).toContain('SUCCESS');
  });
});

describe.skipIf(missing('amtool'))('Alertmanager', () => {
  const config = join(RULES, 'alertmanager.yml');

  test('the routing example is valid', () => {
    expect(run('amtool', 'check-config', config)).toContain('SUCCESS');
  });

  test.each(['page', 'ticket'])('a %s goes to its receiver', (severity) => {
    const receiver = run('amtool', 'config', 'routes', 'test', `--config.file=${config}`, `severity=${severity}`);
    expect(receiver.trim()).toBe(`${severity}s`);
  });

  test('every alert that the inhibitions name exists', () => {
    const names = new Set(
      alertGroups(SLO).flatMap((group) => group.rules.map((rule) => ('alert' in rule ? rule.alert : ''))),
    );
    const rules = parse(readFileSync(config, 'utf8')).inhibit_rules as Record<string, string[]>[];
    const named = JSON.stringify(rules).match(/Ackspan\w+/g)!;
    expect(named.length).toBeGreaterThan(3);
    for (const name of named) expect(names).toContain(name);
  });
});
