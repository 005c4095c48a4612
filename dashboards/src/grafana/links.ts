// Ways out of a panel: its runbook, and the traces of what it counts.
import { DashboardLinkBuilder, DashboardLinkType } from '@grafana/grafana-foundation-sdk/dashboard';

/** A variable of the dashboard, as Grafana replaces it. */
export function variable(name: string): string {
  return `\${${name}}`;
}

/** In a link: the value of a label of the series that was clicked. */
export function clicked(label: string): string {
  return variable(`__field.labels.${label}`);
}

/** The link to a runbook; `$runbooks` is the dashboard's variable for where they are served. */
export function panelLinks(runbook: string): DashboardLinkBuilder[] {
  return [
    new DashboardLinkBuilder('Runbook')
      .type(DashboardLinkType.Link)
      .url(variable('runbooks') + runbook)
      .targetBlank(true)
      .tooltip('What it means and what to do'),
  ];
}

/**
 * Opens Grafana's Explore on the trace data source with a TraceQL query, in the time range of the
 * panel.
 */
export function tracesLink(traceQl: string): DashboardLinkBuilder {
  const pane = {
    traces: {
      datasource: variable('traces'),
      queries: [
        {
          refId: 'A',
          datasource: { type: 'tempo', uid: variable('traces') },
          queryType: 'traceql',
          query: traceQl,
          limit: 50,
        },
      ],
      range: { from: variable('__from'), to: variable('__to') },
    },
  };
  return new DashboardLinkBuilder('Traces of these')
    .type(DashboardLinkType.Link)
    .url(`/explore?schemaVersion=1&orgId=1&panes=${encodePane(pane)}`)
    .targetBlank(true);
}

/** Percent-encoded, except the variables, which Grafana replaces only as they are written. */
function encodePane(pane: object): string {
  return encodeURIComponent(JSON.stringify(pane)).replace(/%24%7B([\w.]+)%7D/g, (_, name: string) => variable(name));
}
