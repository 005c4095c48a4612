// What stands around the panels: variables, marks of firing alerts, links between the dashboards.

import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import type { DataSourceRef } from '@grafana/grafana-foundation-sdk/common';
import {
  AnnotationQueryBuilder,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  TextBoxVariableBuilder,
  type VariableModel,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus';
import { M } from '../series.ts';
import { variable } from './links.ts';
import type { DashboardSpec } from './panel.ts';

/** The Prometheus that every query asks: the dashboard's variable. */
export const SOURCE: DataSourceRef = { type: 'prometheus', uid: variable('datasource') };

/**
 * Where the local stack of docker-compose.yml serves the runbooks; elsewhere, type your own address
 * once.
 */
const RUNBOOKS = 'http://localhost:9095/runbooks/';

/** Data sources, job, the dashboard's own filters, and where the runbooks are. */
export function variables(spec: DashboardSpec): Builder<VariableModel>[] {
  return [
    new DatasourceVariableBuilder('datasource').label('Metrics').type('prometheus'),
    new DatasourceVariableBuilder('traces').label('Traces').type('tempo'),
    label('job', 'Job', M.connections),
    ...spec.filters.map((each) => label(each.name, each.label, each.metric)),
    new TextBoxVariableBuilder('runbooks')
      .label('Runbooks')
      .description('Where docs/runbooks/ is served, with a slash at the end')
      .defaultValue(RUNBOOKS)
      .current({ text: RUNBOOKS, value: RUNBOOKS }),
  ];
}

/** All values of a label; "All" also matches series without it. */
function label(name: string, text: string, metric: string): Builder<VariableModel> {
  const selector = name === 'job' ? metric : `${metric}{job=~"$job"}`;
  return new QueryVariableBuilder(name)
    .label(text)
    .datasource(SOURCE)
    .query({ qryType: 1, query: `label_values(${selector}, ${name})`, refId: 'variable' })
    .definition(`label_values(${selector}, ${name})`)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.NaturalAsc)
    .multi(true)
    .includeAll(true)
    .allValue('.*')
    .current({ text: ['All'], value: ['$__all'] });
}

/** Query behind the marks of firing alerts. */
export const ALERT_MARKS = 'ALERTS{alertname=~"Ackspan.*",alertstate="firing"}';

/** A mark in every panel where an alert fired. */
export function alertMarks(): AnnotationQueryBuilder {
  return new AnnotationQueryBuilder()
    .name('Alerts')
    .datasource(SOURCE)
    .enable(true)
    .iconColor('red')
    .target(new DataqueryBuilder().refId('A').expr(ALERT_MARKS))
    .expr(ALERT_MARKS)
    .titleFormat('{{alertname}}')
    .textFormat('{{severity}} {{priority}}');
}

/** Links to the other dashboards, variables and time range kept. */
export function dashboardLinks(others: readonly DashboardSpec[]): DashboardLinkBuilder[] {
  return others.map((other) =>
    new DashboardLinkBuilder(other.title)
      .type(DashboardLinkType.Link)
      .url(`/d/${other.uid}`)
      .includeVars(true)
      .keepTime(true),
  );
}
