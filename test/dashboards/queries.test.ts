// No query names a metric or label that does not exist; every panel says how to read it and where to go on.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { labelsOf, series } from '../../dashboards/src/series.ts';
import { METRICS, type MetricRow } from '../../src/telemetry/names/names.ts';
import { ATTR } from '../../src/telemetry/names/span-names.ts';
import { allQueries, DASHBOARDS, panelQueries, ROOT, readDashboard, ruleQueries } from './collect.ts';
import { parsePromQl, plain } from './promql.ts';

const SCRAPE = ['job', 'instance'];
const SLO_LABELS = ['job', 'priority'];

/** Every name that a query may use, with the labels that its samples carry. */
function knownSeries(): Map<string, Set<string>> {
  const known = new Map<string, Set<string>>();
  const add = (name: string, labels: readonly string[]) => known.set(name, new Set([...labels, ...SCRAPE]));
  for (const row of Object.values<MetricRow>(METRICS)) {
    const name = series(row);
    const labels = labelsOf(row);
    if (row.kind === 'histogram') {
      for (const part of ['_count', '_sum']) add(name + part, labels);
      add(`${name}_bucket`, [...labels, 'le']);
    } else add(name, labels);
  }
  for (const name of ['up', 'scrape_duration_seconds', 'target_info']) add(name, []);
  add('ALERTS', ['alertname', 'alertstate', 'severity', 'priority']);
  for (const { where } of ruleQueries()) {
    const name = where.replace('rule ', '');
    if (name.startsWith('job_instance:')) add(name, []);
    else if (name.includes(':')) add(name, SLO_LABELS);
  }
  return known;
}

const KNOWN = knownSeries();

describe('queries', () => {
  test('there are queries of every kind', () => {
    for (const kind of ['overview', 'operations', 'rule', 'runbook', 'variable']) {
      expect(
        allQueries().some((each) => each.where.includes(kind)),
        kind,
      ).toBe(true);
    }
    expect(panelQueries().length).toBeGreaterThan(50);
  });

  test.each(allQueries())('$where parses and names only what exists', ({ expr }) => {
    const { selectors, groupings, errors } = parsePromQl(plain(expr, '5m'));
    expect(errors, `does not parse: ${expr}`).toEqual([]);
    const carried = new Set<string>();
    for (const { metric, labels } of selectors) {
      const known = KNOWN.get(metric);
      expect(known, `unknown metric ${metric}`).toBeDefined();
      for (const label of labels) expect([...known!], `${metric} has no label ${label}`).toContain(label);
      for (const label of known!) carried.add(label);
    }
    for (const label of groupings) expect([...carried], `no metric here carries ${label}`).toContain(label);
  });

  test('a metric or a label that does not exist is found', () => {
    expect(parsePromQl('sum(((').errors.length).toBeGreaterThan(0);
    const { selectors, groupings } = parsePromQl('sum by (nobody) (rate(ackspan_no_such_total{nothing="1"}[5m]))');
    expect(selectors).toEqual([{ metric: 'ackspan_no_such_total', labels: ['nothing'] }]);
    expect(groupings).toEqual(['nobody']);
    expect(KNOWN.has('ackspan_no_such_total')).toBe(false);
  });
});

describe.each(DASHBOARDS)('%s', (name) => {
  const dashboard = readDashboard(name);
  const panels = dashboard.panels.filter((panel) => panel.type !== 'row');

  test.each(panels)('panel "$title" has a description, a unit, and links that lead somewhere', (panel) => {
    expect(panel.description!.length).toBeGreaterThan(40);
    expect(panel.fieldConfig!.defaults.unit).toBeTruthy();
    expect(panel.targets!.length).toBeGreaterThan(0);
    for (const link of panel.links ?? []) {
      const file = /^\$\{runbooks\}(.+)$/.exec(link.url)?.[1];
      expect(existsSync(join(ROOT, 'docs/runbooks', file!)), `${link.url} leads to no runbook`).toBe(true);
    }
    for (const link of panel.fieldConfig!.defaults.links ?? []) {
      const panes = new URL(link.url, 'http://grafana').searchParams.get('panes');
      const query = JSON.parse(panes!).traces.queries[0].query as string;
      expect(query).toMatch(/^\{ .* \}$/);
    }
  });

  test('panels fill the grid without overlap', () => {
    const cells = new Set<string>();
    for (const panel of dashboard.panels) {
      const { x, y, w, h } = panel.gridPos;
      expect(x + w, panel.title).toBeLessThanOrEqual(24);
      for (let column = x; column < x + w; column++) {
        for (let line = y; line < y + h; line++) {
          expect(cells.has(`${column}/${line}`), `${panel.title} lies on another panel`).toBe(false);
          cells.add(`${column}/${line}`);
        }
      }
    }
  });

  test('ids and titles are unique', () => {
    expect(new Set(dashboard.panels.map((panel) => panel.id)).size).toBe(dashboard.panels.length);
    expect(new Set(dashboard.panels.map((panel) => panel.title)).size).toBe(dashboard.panels.length);
  });
});

describe('a fleet', () => {
  /** A query with a line for each instance: the ones that matter must come first, and be few. */
  const byInstance = panelQueries().filter(({ target }) => target.legendFormat.includes('{{instance}}'));

  test('there are lines by instance', () => expect(byInstance.length).toBeGreaterThan(15));

  test.each(byInstance)('$where shows the ten worst instances, not all of them', ({ expr, where }) => {
    expect(expr).toMatch(/^(topk|bottomk)\(10, .*\)$/s);
    expect(where).toContain('(the ten ');
  });
});

describe('pages', () => {
  const titles = DASHBOARDS.map((name) => readDashboard(name).title);

  test('there is one per question', () => {
    expect(titles.slice(0, 4)).toEqual([
      'Ackspan: are we inside the objective?',
      'Ackspan: who loses, where, why?',
      'Ackspan: which instance?',
      'Ackspan: what do retries cost?',
    ]);
  });

  test.each(DASHBOARDS)('%s leads to each of the others', (name) => {
    const { links, uid } = readDashboard(name);
    const others = DASHBOARDS.filter((other) => other !== name).map((other) => readDashboard(other));
    expect(links.map(({ title }) => title)).toEqual(others.map(({ title }) => title));
    for (const other of others) expect(links.some(({ url }) => url.startsWith(`/d/${other.uid}`))).toBe(true);
    expect(links.some(({ url }) => url.startsWith(`/d/${uid}`))).toBe(false);
  });
});

describe('recording rules', () => {
  const recorded = new Set(ruleQueries().flatMap(({ where }) => (where.includes(':') ? [where.slice(5)] : [])));
  /** What a rule keeps of a delivery: a query that asks for more cannot read it. */
  const KEPT = ['job', 'instance', 'priority'];

  /**
   * A panel of shares over time that counts settled deliveries itself, and neither looks at nor
   * groups by anything that the rules do not keep.
   */
  const computesAnew = (expr: string): boolean => {
    const { selectors, groupings } = parsePromQl(plain(expr, '5m'));
    const settled = selectors.filter(({ metric }) => metric === 'ackspan_delivery_duration_seconds_count');
    const asked = [...settled.flatMap(({ labels }) => labels), ...groupings];
    const more = asked.some((label) => label !== 'error_type' && !KEPT.includes(label));
    const split = groupings.includes('error_type');
    return settled.length > 0 && !more && !split && !expr.includes('$__range');
  };

  test('a page reads only those that the file has, and the first two questions about instances and objective do', () => {
    const read = panelQueries().flatMap(({ expr, where }) =>
      parsePromQl(plain(expr, '5m'))
        .selectors.filter(({ metric }) => metric.includes(':'))
        .map(({ metric }) => ({ where, metric })),
    );
    for (const { where, metric } of read) expect([...recorded], where).toContain(metric);
    for (const page of ['overview', 'instances']) {
      expect(
        read.some(({ where }) => where.startsWith(page)),
        page,
      ).toBe(true);
    }
  });

  test.each(panelQueries())('$where computes nothing that a rule records', ({ expr }) => {
    expect(computesAnew(expr), expr).toBe(false);
  });

  test('a query that does is found', () => {
    const settled = 'ackspan_delivery_duration_seconds_count';
    const share = `sum by (priority) (rate(${settled}{error_type!=""}[$__rate_interval])) / sum by (priority) (rate(${settled}[$__rate_interval]))`;
    expect(computesAnew(share)).toBe(true);
    expect(computesAnew(share.replaceAll('(priority)', '(priority, level)'))).toBe(false);
  });
});

test('what trace links ask for are attributes that spans carry', () => {
  const carried: readonly string[] = Object.values(ATTR);
  const links = DASHBOARDS.flatMap((name) => readDashboard(name).panels).flatMap(
    (panel) => panel.fieldConfig?.defaults.links ?? [],
  );
  const attributes = links.flatMap(({ url }) => decodeURIComponent(url).match(/(?<=span\.)[a-z_.]+/g) ?? []);
  expect(attributes.length).toBeGreaterThan(5);
  for (const attribute of attributes) expect(carried, `no span attribute ${attribute}`).toContain(attribute);
});
