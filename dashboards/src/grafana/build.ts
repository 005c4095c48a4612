// Panel data → Grafana's classic dashboard JSON, through Grafana's own builders.
import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import * as common from '@grafana/grafana-foundation-sdk/common';
import * as grafana from '@grafana/grafana-foundation-sdk/dashboard';
import * as heatmap from '@grafana/grafana-foundation-sdk/heatmap';
import * as prometheus from '@grafana/grafana-foundation-sdk/prometheus';
import * as stat from '@grafana/grafana-foundation-sdk/stat';
import * as table from '@grafana/grafana-foundation-sdk/table';
import * as timeseries from '@grafana/grafana-foundation-sdk/timeseries';
import { panelLinks, tracesLink } from './links.ts';
import type { DashboardSpec, Panel, Query, Row, Stat, Step, Table, TimeSeries } from './panel.ts';
import { alertMarks, dashboardLinks, SOURCE, variables } from './surroundings.ts';

/** The dashboard as Grafana imports it (classic schema). */
export function buildDashboard(spec: DashboardSpec, others: readonly DashboardSpec[]): grafana.Dashboard {
  const builder = new grafana.DashboardBuilder(spec.title)
    .uid(spec.uid)
    .description(spec.description)
    .tags(['ackspan'])
    .editable()
    .refresh('30s')
    .time({ from: 'now-3h', to: 'now' })
    .timezone('browser')
    .tooltip(grafana.DashboardCursorSync.Crosshair)
    .variables(variables(spec))
    .annotation(alertMarks())
    .links(dashboardLinks(others));
  for (const row of spec.rows) addRow(builder, row);
  const built = builder.build();
  for (const [index, panel] of (built.panels ?? []).entries()) panel.id = index + 1;
  return built;
}

function addRow(builder: grafana.DashboardBuilder, row: Row): void {
  builder.withRow(new grafana.RowBuilder(row.title));
  for (const panel of row.panels) builder.withPanel(buildPanel(panel));
}

function buildPanel(panel: Panel): Builder<grafana.Panel> {
  switch (panel.kind) {
    case 'timeseries':
      return timeSeriesPanel(panel);
    case 'stat':
      return statPanel(panel);
    case 'heatmap':
      return heatmapPanel(panel);
    case 'table':
      return tablePanel(panel);
  }
}

/** What all of Grafana's panel builders share. */
interface PanelBuilder extends Builder<grafana.Panel> {
  title(title: string): this;
  description(description: string): this;
  datasource(source: common.DataSourceRef): this;
  span(width: number): this;
  height(height: number): this;
  unit(unit: string): this;
  noValue(text: string): this;
  min(min: number): this;
  max(max: number): this;
  decimals(decimals: number): this;
  thresholds(thresholds: Builder<grafana.ThresholdsConfig>): this;
  links(links: Builder<grafana.DashboardLink>[]): this;
  dataLinks(links: Builder<grafana.DashboardLink>[]): this;
}

function dress<B extends PanelBuilder>(builder: B, panel: Panel, height: number): B {
  builder.title(panel.title).description(panel.description).datasource(SOURCE).span(panel.span).height(height);
  builder.unit(panel.unit).noValue('no data');
  if (panel.min !== undefined) builder.min(panel.min);
  if (panel.max !== undefined) builder.max(panel.max);
  if (panel.decimals !== undefined) builder.decimals(panel.decimals);
  if (panel.steps !== undefined) builder.thresholds(thresholds(panel.steps));
  if (panel.runbook !== undefined) builder.links(panelLinks(panel.runbook));
  if (panel.traces !== undefined) builder.dataLinks([tracesLink(panel.traces)]);
  return builder;
}

function thresholds(steps: readonly Step[]): grafana.ThresholdsConfigBuilder {
  return new grafana.ThresholdsConfigBuilder().mode(grafana.ThresholdsMode.Absolute).steps([...steps]);
}

/** Reference ids of queries: A, B, C … */
export function refId(index: number): string {
  return String.fromCharCode(65 + index);
}

function query(each: Query, index: number): prometheus.DataqueryBuilder {
  const built = new prometheus.DataqueryBuilder()
    .refId(refId(index))
    .datasource(SOURCE)
    .editorMode(prometheus.QueryEditorMode.Code)
    .expr(each.expr)
    .legendFormat(each.legend);
  return each.exemplars ? built.exemplar(true) : built;
}

function timeSeriesPanel(panel: TimeSeries): Builder<grafana.Panel> {
  const builder = dress(new timeseries.PanelBuilder(), panel, 8)
    .targets(panel.queries.map((each, i) => query(each, i).range()))
    .lineWidth(panel.stacked ? 1 : 2)
    .fillOpacity(panel.stacked ? 40 : 8)
    .showPoints(common.VisibilityMode.Never)
    .tooltip(
      new common.VizTooltipOptionsBuilder().mode(common.TooltipDisplayMode.Multi).sort(common.SortOrder.Descending),
    )
    .legend(
      new common.VizLegendOptionsBuilder()
        .displayMode(common.LegendDisplayMode.Table)
        .placement(common.LegendPlacement.Bottom)
        .showLegend(true)
        .calcs(['lastNotNull', 'max']),
    );
  if (panel.stacked) builder.stacking(new common.StackingConfigBuilder().mode(common.StackingMode.Normal));
  if (panel.lines) {
    const mode = common.GraphThresholdsStyleMode.Dashed;
    builder.thresholdsStyle(new common.GraphThresholdsStyleConfigBuilder().mode(mode));
  }
  return builder;
}

function statPanel(panel: Stat): Builder<grafana.Panel> {
  return dress(new stat.PanelBuilder(), panel, 5)
    .targets(panel.queries.map((each, i) => query(each, i).instant()))
    .colorMode(common.BigValueColorMode.Value)
    .graphMode(common.BigValueGraphMode.None)
    .reduceOptions(new common.ReduceDataOptionsBuilder().calcs(['lastNotNull']));
}

function heatmapPanel(panel: Panel): Builder<grafana.Panel> {
  return dress(new heatmap.PanelBuilder(), panel, 9)
    .targets(panel.queries.map((each, i) => query(each, i).range().format(prometheus.PromQueryFormat.Heatmap)))
    .calculate(false)
    .color(
      new heatmap.HeatmapColorOptionsBuilder()
        .mode(heatmap.HeatmapColorMode.Scheme)
        .scheme('Spectral')
        .scale(heatmap.HeatmapColorScale.Exponential)
        .fill('dark-orange')
        .exponent(0.5)
        .steps(64)
        .reverse(true),
    )
    .yAxis(new heatmap.YAxisConfigBuilder().unit(panel.unit).axisPlacement(common.AxisPlacement.Left))
    .exemplarsColor('rgba(255,0,255,0.7)')
    .tooltip(
      new heatmap.HeatmapTooltipBuilder().mode(common.TooltipDisplayMode.Single).showColorScale(true).yHistogram(true),
    )
    .showLegend();
}

function tablePanel(panel: Table): Builder<grafana.Panel> {
  const builder = dress(new table.PanelBuilder(), panel, 7)
    .targets(panel.queries.map((each, i) => query(each, i).instant().format(prometheus.PromQueryFormat.Table)))
    .withTransformation({ id: 'joinByField', options: { byField: panel.by, mode: 'outer' } })
    .withTransformation({
      id: 'organize',
      options: {
        excludeByName: Object.fromEntries(timeColumns(panel).map((name) => [name, true])),
        renameByName: Object.fromEntries(panel.queries.map((each, i) => [`Value #${refId(i)}`, each.legend])),
      },
    });
  for (const [column, unit] of Object.entries(panel.units)) {
    builder.overrideByName(column, [{ id: 'unit', value: unit }]);
  }
  return builder;
}

/** A join of several instant queries repeats the time of each. */
function timeColumns(panel: Table): string[] {
  return ['Time', ...panel.queries.map((_, i) => `Time ${i + 1}`)];
}
