// The bench's arithmetic: medians, ratios within a round, and budgets that say met or missed for the right reason.
import { describe, expect, it } from 'vitest';
import { ratiosToYardstick } from '../../bench/baseline.ts';
import { ratiosToBefore, withBefore } from '../../bench/before.ts';
import { BUDGETS } from '../../bench/budgets.ts';
import { ratios, summarise } from '../../bench/figures.ts';
import type { RowResult } from '../../bench/rounds.ts';
import { ROWS } from '../../bench/rows.ts';

describe('figures', () => {
  it('take the middle, or the mean of the two in the middle', () => {
    expect(summarise([5, 1, 3])).toMatchObject({ median: 3, min: 1, max: 5 });
    expect(summarise([4, 1, 3, 2]).median).toBe(2.5);
  });

  it('divide round by round, so that a slow round on both sides changes nothing', () => {
    expect(ratios([10, 100, 12], [5, 50, 6]).rounds).toEqual([2, 2, 2]);
  });
});

function row(name: string, cells: Record<string, Record<string, number[]>>): RowResult {
  const all = Object.entries(cells).map(([label, metrics]) => ({
    label,
    metrics: Object.fromEntries(Object.entries(metrics).map(([key, values]) => [key, summarise(values)])),
  }));
  return { name, title: name, cells: all };
}

describe('the gate', () => {
  it('compares rounds in which neither waited long for a core, and judges nothing without one', () => {
    const measured = ratiosToYardstick([
      row('saturated', {
        'http-proxy-3': { cpu: [10, 4, 10], waiting: [6, 44, 2] },
        ackspan: { cpu: [6, 8, 5], waiting: [8, 10, 24] },
        'ackspan-app': { cpu: [9, 9, 9], waiting: [26, 5, 90] },
      }),
    ]);
    expect(measured).toEqual({ saturated: { ackspan: 0.55, 'ackspan-app': undefined } });
  });
});

describe('the build before', () => {
  it('takes the same load in turn with this one, and is compared with it round by round', () => {
    const quick = ROWS.find(({ name }) => name === 'saturated')!;
    const { subjects } = withBefore(quick, '/before/main.js');
    const pair = subjects.filter(({ label }) => label.startsWith('ackspan-app'));
    expect(pair.map(({ label, variant }) => [label, variant.main])).toEqual([
      ['ackspan-app before', '/before/main.js'],
      ['ackspan-app', undefined],
    ]);
    expect(subjects.find(({ label }) => label === 'nginx before')).toBeUndefined();

    const result = row('saturated', { 'ackspan before': { cpu: [10, 20, 8] }, ackspan: { cpu: [12, 21, 16] } });
    expect(ratiosToBefore(result)).toEqual({ ackspan: expect.objectContaining({ median: 1.2, min: 1.05, max: 2 }) });
  });
});

describe('budgets', () => {
  it('are each measured by a row that exists', () => {
    for (const { row } of BUDGETS) expect(ROWS.map(({ name }) => name)).toContain(row);
  });

  it('speak of labels that their rows report', () => {
    for (const budget of BUDGETS) {
      const { name, subjects, metrics } = ROWS.find((candidate) => candidate.name === budget.row)!;
      const figures = Object.fromEntries(metrics.map(({ key }) => [key, [1, 2, 3]]));
      const cells = Object.fromEntries(subjects.map(({ label }) => [label, figures]));
      expect(budget.measure(row(name, cells)), budget.what).toBeDefined();
    }
  });

  it('are not measured when a subject is missing', () => {
    for (const budget of BUDGETS) expect(budget.measure(row(budget.row, {}))).toBeUndefined();
  });

  it('compare added latency beyond the direct connection', () => {
    const budget = BUDGETS.find(({ what }) => what === 'added latency p50, paced')!;
    const measured = budget.measure(
      row('paced', { direct: { p50: [60] }, nginx: { p50: [100] }, ackspan: { p50: [140] } }),
    );
    expect(measured?.median).toBe(2);
    expect(budget.met(2)).toBe(false);
    expect(budget.met(1.5)).toBe(true);
  });
});
