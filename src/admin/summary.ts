// admin: GET /api/v1/summary and /api/v1/lines: the state against the objective, and its course second by second.
import { CAPABILITIES, type Capability } from '../delivery/words.ts';
import { isoTime } from './iso-time.ts';
import type { Past, WindowName } from './past.ts';
import type { AdminDeps } from './ports.ts';
import { createQuery } from './query.ts';
import { badQuery, json } from './reply.ts';
import type { Route } from './route.ts';
import { countsOf, quantileOf, type Sample, windowOf } from './sample.ts';
import type { LineJson, LinesJson, SummaryJson } from './stats-shapes.ts';

type Deps = Pick<AdminDeps, 'wallOf' | 'statistics'>;

/** One sample as a line. */
export function lineOf(sample: Sample, deps: Deps): LineJson {
  const { latencyMs } = deps.statistics;
  return {
    at: isoTime(sample.at, deps),
    seconds: Math.round(sample.seconds * 1000) / 1000,
    ...countsOf(sample),
    pending: sample.pending,
    connections: sample.connections,
    p50_ms: quantileOf(sample, 0.5, latencyMs),
    p95_ms: quantileOf(sample, 0.95, latencyMs),
    p99_ms: quantileOf(sample, 0.99, latencyMs),
  };
}

/**
 * The last five minutes, the last hour and everything since the start, judged against the
 * objectives.
 */
export function summaryRoute(deps: AdminDeps, past: Past): Route {
  const { settings, statistics } = deps;
  const judged = (sample: Sample) => windowOf(sample, settings.objective, statistics.latencyMs);
  return {
    path: '/api/v1/summary',
    open: false,
    answer({ search }) {
      const faults = createQuery(search).faults();
      if (faults.length > 0) return badQuery(faults);
      const byCapability = Object.fromEntries(CAPABILITIES.map((each) => [each, 0])) as Record<Capability, number>;
      let open = 0;
      for (const { capability } of deps.connections?.() ?? []) {
        open++;
        byCapability[capability]++;
      }
      return json(200, {
        at: isoTime(deps.now(), deps),
        pending: deps.store.pending,
        windows: { '5m': judged(past.window('5m')), '1h': judged(past.window('1h')), start: judged(past.start()) },
        connections: { open, by_capability: byCapability },
      } satisfies SummaryJson);
    },
  };
}

/** The lines of a window: of one second for `5m`, of ten for `1h`. */
export function linesRoute(deps: AdminDeps, past: Past): Route {
  return {
    path: '/api/v1/lines',
    open: false,
    answer({ search }) {
      const query = createQuery(search);
      const window = query.one<WindowName>('window', ['5m', '1h'], '5m');
      const faults = query.faults();
      if (faults.length > 0) return badQuery(faults);
      const seconds = window === '5m' ? 1 : 10;
      const lines = past.lines(window).map((sample) => lineOf(sample, deps));
      return json(200, { seconds, lines } satisfies LinesJson);
    },
  };
}
