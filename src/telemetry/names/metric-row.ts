// telemetry: one row of the table of metrics, and the keys that its attributes may have.

/**
 * `counter` only grows; `updown` is a sum that also falls; `gauge` is a reading; `histogram` has
 * the explicit `bounds`.
 */
export type MetricKind = 'counter' | 'updown' | 'gauge' | 'histogram';

/** One metric as every exporter, dashboard and page of documentation describes it. */
export interface MetricRow {
  /** OpenTelemetry name. Prometheus spells it with underscores and suffixes. */
  readonly name: string;
  readonly kind: MetricKind;
  /**
   * UCUM unit: `s`, `By`, `1`, or an annotation such as `{delivery}` that adds nothing to the
   * Prometheus name.
   */
  readonly unit: string;
  readonly description: string;
  /** Keys of the metric's attributes. In Prometheus a dot becomes an underscore. */
  readonly attributes: readonly string[];
  /** Upper bucket bounds in `unit`, ascending; histograms only. */
  readonly bounds?: readonly number[];
}

/** Keys of metric attributes. No user, session, connection or message id is ever one of them. */
export const LABEL = {
  /** The event's type, or `other` past the limit of distinct types. */
  eventType: 'event.type',
  priority: 'priority',
  /** Highest evidence at the outcome: `received`, `processed`, or `none`. */
  level: 'level',
  /** Absent when confirmed: in PromQL `error_type=""`. */
  errorType: 'error.type',
  kind: 'kind',
  result: 'result',
  reason: 'reason',
  capability: 'capability',
  code: 'code',
  by: 'by',
  /** `down` = upstream to client, `up` = client to upstream. */
  direction: 'direction',
  /** The tool's name, or `other` past 100 of them. */
  tool: 'tool',
  limit: 'limit',
  version: 'version',
  nodeVersion: 'node.version',
  cpuMode: 'cpu.mode',
  heapSpace: 'v8js.heap.space.name',
} as const;

/** A row; `bounds` for histograms only. */
// biome-ignore lint/complexity/useMaxParams: a table reads well in columns.
export function row(
  name: string,
  kind: MetricKind,
  unit: string,
  attributes: readonly string[],
  description: string,
  bounds?: readonly number[],
): MetricRow {
  return bounds === undefined
    ? { name, kind, unit, attributes, description }
    : { name, kind, unit, attributes, description, bounds };
}
