// What a panel shows, as plain data: the dashboards are lists of these. How Grafana wants it is `build.ts`'s job.

/** One query of a panel. */
export interface Query {
  readonly expr: string;
  /** Legend template, such as `{{priority}}`; also the column's name in a table. */
  readonly legend: string;
  /** Ask for exemplars: each is a dot that opens its trace. */
  readonly exemplars?: boolean;
}

/** A colour from `value` upwards; the first step begins at minus infinity. */
export interface Step {
  readonly value: number | null;
  readonly color: 'green' | 'orange' | 'red' | 'blue' | 'text';
}

/** The shared part: every panel says how to read it and what is bad. */
interface Base {
  readonly title: string;
  /** How to read it, what is bad, and what to do then. */
  readonly description: string;
  /** Width in 24ths of the screen. */
  readonly span: number;
  readonly unit: string;
  readonly queries: readonly Query[];
  readonly steps?: readonly Step[];
  readonly min?: number;
  readonly max?: number;
  readonly decimals?: number;
  /** File name of the runbook to link to. */
  readonly runbook?: string;
  /**
   * Link to the traces behind it: a TraceQL query, which may name labels of the series that was
   * clicked (`links.ts`).
   */
  readonly traces?: string;
}

export interface TimeSeries extends Base {
  readonly kind: 'timeseries';
  /** Areas on top of each other: parts of a whole. */
  readonly stacked?: boolean;
  /** Draw the steps as lines. */
  readonly lines?: boolean;
}

export interface Stat extends Base {
  readonly kind: 'stat';
}

export interface Heatmap extends Base {
  readonly kind: 'heatmap';
}

/** One row per value of `by`, one column per query. */
export interface Table extends Base {
  readonly kind: 'table';
  readonly by: string;
  /** Unit per column, by its legend; the others have `unit`. */
  readonly units: Readonly<Record<string, string>>;
}

export type Panel = TimeSeries | Stat | Heatmap | Table;

/** Panels under one heading. */
export interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

/** A whole dashboard. */
export interface DashboardSpec {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  /**
   * Extra variables beside data source and job: label names, each filtering the metric that is
   * given.
   */
  readonly filters: readonly { readonly name: string; readonly label: string; readonly metric: string }[];
  readonly rows: readonly Row[];
}
