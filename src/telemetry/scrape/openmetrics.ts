// telemetry: metric data → Prometheus text 0.0.4 or OpenMetrics 1.0, in slices that leave the event loop room.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Attributes } from '@opentelemetry/api';
import type { DataPoint, Histogram, MetricData, ResourceMetrics } from '@opentelemetry/sdk-metrics';
import type { Exemplar, HistogramPoint } from '../metrics/exemplars.ts';
import type { TextFormat } from './accept.ts';
import { EXPONENTIAL_HISTOGRAM, type Group, groups, HISTOGRAM, labelsOf } from './families.ts';

/** Longest stretch of writing before other work gets its turn, ms. */
const SLICE_MS = 3;

/**
 * The whole exposition. Scope labels are left out (every metric of Ackspan has one scope, and they
 * would be on every series); the resource is `target_info`. Exemplars and `# UNIT` exist in
 * OpenMetrics only. Bounds are written as OpenMetrics' canonical floats (`le="1.0"`) in both
 * formats, so that a change of format starts no new series.
 */
export async function writeExposition(metrics: ResourceMetrics, format: TextFormat): Promise<string> {
  // Joined slice by slice: one join of everything would itself take the event loop for many
  // milliseconds.
  const slices: string[] = [];
  await nextTurn();
  let parts = [targetInfo(metrics.resource.attributes, format)];
  let sliceEnd = performance.now() + SLICE_MS;
  for (const group of groups(metrics)) {
    parts.push(head(group, format));
    for (const member of group.members) {
      const write = pointWriter(group, member, format);
      for (let i = 0; i < member.dataPoints.length; i++) {
        parts.push(write(i));
        if (performance.now() < sliceEnd) continue;
        slices.push(parts.join(''));
        parts = [];
        await nextTurn();
        sliceEnd = performance.now() + SLICE_MS;
      }
    }
  }
  if (format === 'openmetrics') parts.push('# EOF\n');
  slices.push(parts.join(''));
  if (slices.length > 1) await nextTurn();
  return slices.join('');
}

function head(group: Group, format: TextFormat): string {
  const type = group.kind === 'updown' ? 'gauge' : group.kind;
  if (format === 'text') {
    const name = group.kind === 'counter' ? `${group.name}_total` : group.name;
    return `# HELP ${name} ${escapeHelp(group.help)}\n# TYPE ${name} ${type}\n`;
  }
  const unit = group.unit === '' ? '' : `# UNIT ${group.name} ${group.unit}\n`;
  return `# TYPE ${group.name} ${type}\n${unit}# HELP ${group.name} ${escapeText(group.help)}\n`;
}

function pointWriter(group: Group, metric: MetricData, format: TextFormat): (index: number) => string {
  switch (metric.dataPointType) {
    case EXPONENTIAL_HISTOGRAM:
      return () => '';
    case HISTOGRAM: {
      // A point that holds nothing yet has no bounds of its own.
      const full = metric.dataPoints.find(({ value }) => value.buckets.boundaries.length > 0);
      const bounds = (full?.value.buckets.boundaries ?? []).map(boundText);
      return (i) => histogram(group.name, metric.dataPoints[i]!, bounds, format === 'openmetrics');
    }
    default: {
      const name = group.kind === 'counter' ? `${group.name}_total` : group.name;
      return (i) => sample(name, metric.dataPoints[i]!);
    }
  }
}

function sample(name: string, { attributes, value }: DataPoint<number>): string {
  const labels = labelPairs(attributes);
  return `${labels === '' ? name : `${name}{${labels}}`} ${numberText(value)}\n`;
}

function histogram(name: string, point: HistogramPoint, bounds: readonly string[], exemplars: boolean): string {
  const { buckets, count, sum }: Histogram = point.value;
  const labels = labelPairs(point.attributes);
  const prefix = `${name}_bucket{${labels}${labels === '' ? '' : ','}le="`;
  let text = '';
  let cumulative = 0;
  const last = buckets.counts.length - 1;
  for (let i = 0; i < buckets.counts.length; i++) {
    cumulative += buckets.counts[i]!;
    const exemplar = exemplars ? point.exemplars?.[i] : undefined;
    text += `${prefix}${i === last ? '+Inf' : bounds[i]}"} ${cumulative}${exemplar === undefined ? '' : exemplarText(exemplar)}\n`;
  }
  const braced = labels === '' ? '' : `{${labels}}`;
  const total = sum === undefined ? '' : `${name}_sum${braced} ${numberText(sum)}\n`;
  return `${text}${total}${name}_count${braced} ${count}\n`;
}

/** OpenMetrics 1.0: at most 128 characters of labels; these are 63. The timestamp is in seconds. */
function exemplarText({ traceId, spanId, value, time }: Exemplar): string {
  const seconds = (time / 1000).toFixed(3);
  return ` # {trace_id="${traceId}",span_id="${spanId}"} ${numberText(value)} ${seconds}`;
}

function targetInfo(attributes: Attributes, format: TextFormat): string {
  const labels = labelPairs(attributes);
  if (labels === '') return '';
  const [name, type] = format === 'openmetrics' ? ['target', 'info'] : ['target_info', 'gauge'];
  return `# HELP ${name} Target metadata\n# TYPE ${name} ${type}\ntarget_info{${labels}} 1\n`;
}

/** `a="x",b="y"`. */
function labelPairs(attributes: Attributes): string {
  let pairs = '';
  for (const [name, text] of labelsOf(attributes)) pairs += `${pairs === '' ? '' : ','}${name}="${escapeText(text)}"`;
  return pairs;
}

function escapeText(text: string): string {
  return /[\\"\n]/.test(text) ? escapeHelp(text).replace(/"/g, '\\"') : text;
}

/** Text 0.0.4 leaves quotes in help texts alone; OpenMetrics and label values do not. */
function escapeHelp(text: string): string {
  return text.replace(/\\/g, '\\\\').replace(/\n/g, '\\n');
}

function numberText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value);
}

function boundText(bound: number): string {
  if (bound === Number.POSITIVE_INFINITY) return '+Inf';
  return Number.isInteger(bound) ? `${bound}.0` : String(bound);
}
