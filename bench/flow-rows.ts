// Rows made of a steady flow: CPU per event, throughput and latency.
import type { FlowJob, FlowResult, Result } from './load/job.ts';
import type { Figures, Metric, Row, Subject } from './row.ts';

const CPU: Metric = { key: 'cpu', unit: 'µs CPU/event' };
const BUSY: Metric = { key: 'busy', unit: '% of a core' };
const WAITING: Metric = { key: 'waiting', unit: '% waiting for one' };
const FLOW_METRICS: readonly Metric[] = [CPU, { key: 'throughput', unit: 'events/s' }, BUSY, WAITING];

/** What a paced row reports: CPU, and latency from the backend's write to the verified event. */
export const PACED_METRICS: readonly Metric[] = [
  CPU,
  { key: 'p50', unit: 'µs p50' },
  { key: 'p99', unit: 'µs p99' },
  BUSY,
  WAITING,
];

// DESIGN's hot-path table speaks of this flow.
const BASE: Omit<FlowJob, 'confirm' | 'forwarded' | 'warmupMs' | 'windowMs'> = {
  kind: 'flow',
  connections: 50,
  inFlight: 16,
  rate: 0,
  deflate: false,
  writes: 'each',
  holders: 0,
  heldEach: 0,
};

/** A row whose every trial is the base flow with `changes`, each peer confirmed in its own way. */
export function flowRow(
  name: string,
  title: string,
  subjects: readonly Subject[],
  changes: Partial<FlowJob>,
  more: Partial<Pick<Row, 'quick' | 'metrics'>> = {},
): Row {
  return {
    name,
    title,
    quick: false,
    subjects,
    metrics: FLOW_METRICS,
    job: (subject, peer, quick) => ({
      ...BASE,
      confirm: peer?.confirm ?? 'app',
      forwarded: peer?.forwards ?? true,
      warmupMs: quick ? 800 : 1500,
      windowMs: quick ? 1500 : 4000,
      ...changes,
      ...subject.load,
    }),
    figures: flowFigures,
    ...more,
  };
}

function flowFigures(result: Result): Figures {
  const { cpuUs, waitUs, events, wallMs, p50Ms, p99Ms } = result as FlowResult;
  return {
    cpu: cpuUs / events,
    throughput: (events / wallMs) * 1000,
    busy: cpuUs / wallMs / 10,
    waiting: waitUs / wallMs / 10,
    p50: p50Ms * 1000,
    p99: p99Ms * 1000,
  };
}
