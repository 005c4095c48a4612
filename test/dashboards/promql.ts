// PromQL taken apart with Prometheus' own grammar: which metrics and labels a query names, and where it does not parse.
import { parser } from '@prometheus-io/lezer-promql';

/** One metric of a query with the labels that its matchers name. */
export interface Selector {
  readonly metric: string;
  readonly labels: readonly string[];
}

export interface Parsed {
  readonly selectors: readonly Selector[];
  /** Labels of `by`, `without`, `on`, `ignoring`, `group_left`, `group_right`. */
  readonly groupings: readonly string[];
  /** Places where the grammar gave up; empty = it parses. */
  readonly errors: readonly number[];
}

/** Parses one expression; Grafana's variables must be replaced before (`plain`). */
export function parsePromQl(expr: string): Parsed {
  const selectors: { metric: string; labels: string[] }[] = [];
  const groupings: string[] = [];
  const errors: number[] = [];
  parser.parse(expr).iterate({
    enter(node) {
      const text = () => expr.slice(node.from, node.to);
      if (node.type.isError) errors.push(node.from);
      else if (node.name === 'VectorSelector') selectors.push({ metric: '', labels: [] });
      else if (node.name === 'Identifier' && selectors.length > 0) selectors.at(-1)!.metric = text();
      else if (node.name === 'LabelName') {
        if (node.node.parent?.name === 'GroupingLabels') groupings.push(text());
        else selectors.at(-1)?.labels.push(text());
      }
    },
  });
  return { selectors, groupings, errors };
}

/**
 * A panel's query as Prometheus can run it: every variable says "all", rates look back `rate`,
 * totals `range`.
 */
export function plain(expr: string, range: string, rate = range): string {
  return expr
    .replaceAll('$__rate_interval', rate)
    .replaceAll('$__range', range)
    .replaceAll(/"\$\w+"/g, '".*"')
    .replaceAll('"PRIORITY"', '"normal"');
}
