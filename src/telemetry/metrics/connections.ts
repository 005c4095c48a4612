// telemetry: connections as metrics: open ones by capability, their duration, and how they ended.
import { CAPABILITIES, type Capability } from '../../delivery/words.ts';
import { CONNECTION_BOUNDS, LABEL, METRICS } from '../names/names.ts';
import type { Family, MetricSource, Point } from './producer.ts';

/** The side that ended a connection first. */
export type ClosedBy = 'client' | 'upstream' | 'sidecar';

const ENDS: readonly ClosedBy[] = ['client', 'upstream', 'sidecar'];

/** Called by the sidecar; a few adds per connection. */
export interface ConnectionMetrics {
  opened(capability: Capability): void;
  /** An open connection has shown another capability. */
  changed(from: Capability, to: Capability): void;
  /** `code` is the close code (1006 = no close frame), `durationMs` the lifetime. */
  closed(code: number, by: ClosedBy, durationMs: number, capability: Capability): void;
  readonly source: MetricSource;
}

/** Codes with a series of their own: the codes of the IANA registry (RFC 6455 §7.4.1 and later). */
const CODES = [1000, 1001, 1002, 1003, 1005, 1006, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 1015];
/** Codes that alerts watch: their series start at 0. */
const WATCHED = new Set(['1000', '1001', '1006', '1011', '1012', '1013']);

/**
 * Close codes as a bounded set: the registered ones, `3xxx` (libraries), `4xxx` (applications),
 * `other`.
 */
export function codeLabel(code: number): string {
  if (CODES.includes(code)) return String(code);
  if (code >= 3000 && code < 4000) return '3xxx';
  return code >= 4000 && code < 5000 ? '4xxx' : 'other';
}

/** Created once per process. */
export function createConnectionMetrics(): ConnectionMetrics {
  const active: Record<Capability, number> = { none: 0, received: 0, processed: 0 };
  const counts = CAPABILITIES.map(() => new Array<number>(CONNECTION_BOUNDS.length + 1).fill(0));
  const sums = CAPABILITIES.map(() => 0);
  const closed = new Map<string, Record<ClosedBy, number>>();
  for (const code of WATCHED) closed.set(code, { client: 0, upstream: 0, sidecar: 0 });
  let opened = 0;
  return {
    opened(capability) {
      opened++;
      active[capability]++;
    },
    changed(from, to) {
      active[from]--;
      active[to]++;
    },
    closed(code, by, durationMs, capability) {
      active[capability]--;
      const seconds = Math.max(0, durationMs) / 1000;
      const bucket = CONNECTION_BOUNDS.findIndex((bound) => seconds <= bound);
      const row = CAPABILITIES.indexOf(capability);
      counts[row]![bucket < 0 ? CONNECTION_BOUNDS.length : bucket]!++;
      sums[row]! += seconds;
      const label = codeLabel(code);
      let ends = closed.get(label);
      if (ends === undefined) {
        ends = { client: 0, upstream: 0, sidecar: 0 };
        closed.set(label, ends);
      }
      ends[by]++;
    },
    source: (): Family[] => [
      { metric: METRICS.connectionOpened, points: [{ attributes: {}, value: opened }] },
      { metric: METRICS.connectionActive, points: CAPABILITIES.map((each) => capabilityPoint(each, active[each])) },
      {
        metric: METRICS.connectionDuration,
        points: CAPABILITIES.map((each, i) => capabilityPoint(each, { counts: [...counts[i]!], sum: sums[i]! })),
      },
      { metric: METRICS.connectionClosed, points: closedPoints(closed) },
    ],
  };
}

function capabilityPoint(capability: Capability, value: Point['value']): Point {
  return { attributes: { [LABEL.capability]: capability }, value };
}

function closedPoints(closed: ReadonlyMap<string, Readonly<Record<ClosedBy, number>>>): Point[] {
  const points: Point[] = [];
  for (const [code, ends] of closed) {
    for (const by of ENDS) points.push({ attributes: { [LABEL.code]: code, [LABEL.by]: by }, value: ends[by] });
  }
  return points;
}
