// The budgets of the design, each as a figure computed from a run: met, missed, or not measured.
import { ratios, type Summary, summarise } from './figures.ts';
import type { RowResult } from './rounds.ts';

export interface Budget {
  readonly what: string;
  /** As the design words it. */
  readonly limit: string;
  /** The row that measures it. */
  readonly row: string;
  /** Undefined when the row or one of its subjects did not run. */
  measure(row: RowResult): Summary | undefined;
  met(median: number): boolean;
}

function values(row: RowResult, label: string, metric: string): readonly number[] | undefined {
  return row.cells.find((cell) => cell.label === label)?.metrics[metric]?.rounds;
}

function ratioBudget(row: string, what: string, metric: string, of: string, to: string, limit: number): Budget {
  return {
    what,
    limit: `≤ ${limit} × ${to}`,
    row,
    measure: (result) => {
      const above = values(result, of, metric);
      const below = values(result, to, metric);
      return above === undefined || below === undefined ? undefined : ratios(above, below);
    },
    met: (median) => median <= limit,
  };
}

function levelBudget(row: string, what: string, metric: string, limit: number, unit: string): Budget {
  return {
    what,
    limit: `≤ ${limit} ${unit}`,
    row,
    measure: (result) => {
      const own = values(result, 'ackspan', metric);
      return own === undefined ? undefined : summarise(own);
    },
    met: (median) => median <= limit,
  };
}

/**
 * Latency beyond a direct connection, of Ackspan against nginx. The median is that of the medians:
 * a round's own ratio may divide by next to nothing.
 */
function addedLatencyBudget(metric: 'p50' | 'p99', limit: number): Budget {
  return {
    what: `added latency ${metric}, paced`,
    limit: `≤ ${limit} × nginx`,
    row: 'paced',
    measure: (result) => {
      const direct = values(result, 'direct', metric);
      const own = values(result, 'ackspan', metric);
      const other = values(result, 'nginx', metric);
      if (direct === undefined || own === undefined || other === undefined) return undefined;
      const added = (all: readonly number[]): number[] => all.map((value, i) => value - direct[i]!);
      const median = summarise(added(own)).median / summarise(added(other)).median;
      return { ...ratios(added(own), added(other)), median };
    },
    met: (median) => median <= limit,
  };
}

function stalledBudget(): Budget {
  return {
    what: 'added latency p99 while Redis stands still',
    limit: '≤ 1.1 × without a store',
    row: 'stalled',
    measure: (result) => {
      const [direct, still, without] = ['direct', STALLED, NO_STORE].map((label) => values(result, label, 'p99'));
      if (direct === undefined || still === undefined || without === undefined) return undefined;
      const added = (all: readonly number[]): number[] => all.map((value, i) => value - direct[i]!);
      const median = summarise(added(still)).median / summarise(added(without)).median;
      return { ...ratios(added(still), added(without)), median };
    },
    met: (median) => median <= 1.1,
  };
}

/** Subjects of the rows about the store. */
export const NO_STORE = 'ackspan, no store';
export const ON_FILES = 'ackspan, store on files';
export const IN_REDIS = 'ackspan, store in Redis';
export const STALLED = 'ackspan, Redis stands still';

const SATURATED = 'CPU per confirmed event, saturated, 1 % of confirmed spans kept';

export const BUDGETS: readonly Budget[] = [
  ratioBudget('saturated', `${SATURATED}, barriers`, 'cpu', 'ackspan', 'nginx', 1.5),
  ratioBudget('saturated', `${SATURATED}, barriers`, 'cpu', 'ackspan', 'http-proxy-3', 1),
  ratioBudget('saturated', `${SATURATED}, application confirmations`, 'cpu', 'ackspan-app', 'nginx', 1.5),
  ratioBudget('saturated', `${SATURATED}, application confirmations`, 'cpu', 'ackspan-app', 'http-proxy-3', 0.85),
  ratioBudget(
    'burst',
    'CPU per confirmed event, everything due at once in one write',
    'cpu',
    'ackspan',
    'http-proxy-3',
    1.5,
  ),
  ratioBudget('spans', 'the same, every span kept and exported', 'cpu', 'ackspan, spans kept 1', 'nginx', 3),
  ratioBudget('paced', 'CPU per event, paced', 'cpu', 'ackspan', 'http-proxy-3', 1),
  addedLatencyBudget('p50', 1.5),
  addedLatencyBudget('p99', 1.5),
  ratioBudget('store', 'CPU per event with a store on files, 10 % opted in', 'cpu', ON_FILES, NO_STORE, 1.1),
  ratioBudget('store', 'CPU per event with a store in Redis, 10 % opted in', 'cpu', IN_REDIS, NO_STORE, 1.1),
  stalledBudget(),
  levelBudget('idle', 'memory per idle connection', 'memory', 8, 'KiB'),
  levelBudget('full', 'resident memory at 10,000 connections × 10 pending', 'rss', 512, 'MiB'),
  {
    ...ratioBudget('pending', 'CPU per event by number pending', 'cpu', pending(100_000), pending(100), 1.1),
    limit: '100,000 pending ≤ 1.1 × 100 pending',
  },
  levelBudget('start', 'ready after start', 'start', 250, 'ms'),
  ratioBudget('start', 'ready after start', 'start', 'ackspan', 'http-proxy-3', 2),
  levelBudget('start', 'resident memory, nothing connected', 'rss', 60, 'MiB'),
];

/** The label under which the pending row reports one of its two loads. */
export function pending(count: number): string {
  return `ackspan, ${count} pending`;
}
