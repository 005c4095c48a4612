// telemetry: metric data as Prometheus families, whatever the format: names, kinds, labels.
import { type Attributes, diag } from '@opentelemetry/api';
import type { DataPointType, MetricData, ResourceMetrics } from '@opentelemetry/sdk-metrics';
import type { MetricKind } from '../names/names.ts';
import { familyName, labelName, unitOf } from '../names/prometheus-names.ts';

export const HISTOGRAM: DataPointType.HISTOGRAM = 0;
export const EXPONENTIAL_HISTOGRAM: DataPointType.EXPONENTIAL_HISTOGRAM = 1;
const SUM: DataPointType.SUM = 3;

/** Metrics that share a Prometheus name, from any scope: every format has one head for them. */
export interface Group {
  readonly name: string;
  readonly kind: MetricKind;
  readonly unit: string;
  readonly help: string;
  readonly members: MetricData[];
}

/** The families. Metrics without points are left out. */
export function groups(metrics: ResourceMetrics): Iterable<Group> {
  const found = new Map<string, Group>();
  for (const metric of metrics.scopeMetrics.flatMap((scope) => scope.metrics)) {
    const { name, unit, description } = metric.descriptor;
    const kind = kindOf(metric);
    if (kind === undefined || metric.dataPoints.length === 0) continue;
    const family = familyName(name, unit, kind);
    const group = found.get(family);
    if (family === '' || (group !== undefined && group.kind !== kind)) {
      diag.warn(`metric ${name} left out: its Prometheus name '${family}' is empty or taken by another kind`);
    } else if (group !== undefined) {
      group.members.push(metric);
    } else {
      found.set(family, { name: family, kind, unit: unitOf(family, unit), help: description, members: [metric] });
    }
  }
  return found.values();
}

/** The kind; undefined for exponential histograms of the SDK, which no text can express. */
function kindOf(metric: MetricData): MetricKind | undefined {
  switch (metric.dataPointType) {
    case EXPONENTIAL_HISTOGRAM:
      return undefined;
    case HISTOGRAM:
      return 'histogram';
    case SUM:
      return metric.isMonotonic ? 'counter' : 'updown';
    default:
      return 'gauge';
  }
}

/**
 * Labels by name, sorted by key. Keys that become the same label name are joined by `;` in the
 * order of their keys (compatibility specification).
 */
export function labelsOf(attributes: Attributes): ReadonlyMap<string, string> {
  const labels = new Map<string, string>();
  for (const key of Object.keys(attributes).sort()) {
    const value = attributes[key];
    if (value === undefined || value === null) continue;
    const name = labelName(key);
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    const before = labels.get(name);
    labels.set(name, before === undefined ? text : `${before};${text}`);
  }
  return labels;
}
