// Query fragments: a metric narrowed to what the dashboard's variables choose.

/** Narrowed by job, instance, priority and event type: the metrics of deliveries. */
export function ofEvents(metric: string, extra = ''): string {
  return select(metric, 'job=~"$job", instance=~"$instance", priority=~"$priority", event_type=~"$event_type"', extra);
}

/** Narrowed by job, instance and priority. */
export function ofPriority(metric: string, extra = ''): string {
  return select(metric, 'job=~"$job", instance=~"$instance", priority=~"$priority"', extra);
}

/** Narrowed by job: series that rules recorded. */
export function ofJob(metric: string, extra = ''): string {
  return select(metric, 'job=~"$job"', extra);
}

/** Narrowed by job and instance. */
export function ofInstance(metric: string, extra = ''): string {
  return select(metric, 'job=~"$job", instance=~"$instance"', extra);
}

/** Per second over Grafana's choice of interval. */
export function rate(selector: string): string {
  return `rate(${selector}[$__rate_interval])`;
}

/** Grouped sum of a rate; `by` may be empty. */
export function sumRate(selector: string, by = ''): string {
  return by === '' ? `sum(${rate(selector)})` : `sum by (${by}) (${rate(selector)})`;
}

/** A quantile of a histogram's buckets; `by` are labels beside `le`. */
export function quantile(q: number, buckets: string, by = ''): string {
  return `histogram_quantile(${q}, sum by (${by === '' ? 'le' : `le, ${by}`}) (${rate(buckets)}))`;
}

function select(metric: string, variables: string, extra: string): string {
  return `${metric}{${extra === '' ? variables : `${extra}, ${variables}`}}`;
}
