// The SLO table: objectives, windows and tiers. Rules, dashboards and cloud policies are generated from it; edit here only.

/** How loud an alert is: a `page` wakes somebody, a `ticket` waits for the morning. */
export type Severity = 'page' | 'ticket';

/** What must be confirmed of one group of deliveries. */
export interface Objective {
  /** Label value of `priority`; `all` = every delivery together. */
  readonly priority: string;
  /** Share of settled deliveries that must be confirmed, in (0, 1). */
  readonly ratio: number;
  /** Whether burning its budget may page; otherwise it only ever opens a ticket. */
  readonly pages: boolean;
}

/** One burn-rate alert: it fires while the budget burns `factor` times too fast over both windows. */
export interface BurnTier {
  readonly name: string;
  readonly factor: number;
  readonly long: Window;
  readonly short: Window;
  readonly severity: Severity;
  /** Settled deliveries that the long window must hold: below it a ratio says nothing. */
  readonly minDeliveries: number;
  /** Unconfirmed deliveries that the long window must hold: two failures in three events wake nobody. */
  readonly minUnconfirmed: number;
}

/** Every look-back that rules use, shortest first. */
export const WINDOWS = ['2m', '5m', '30m', '1h', '6h', '3d', '7d'] as const;
export type Window = (typeof WINDOWS)[number];

/** The SLO as one value, so that a test can generate everything from another one. */
export interface Slo {
  readonly window: Window;
  readonly objectives: readonly Objective[];
  readonly tiers: readonly BurnTier[];
  readonly outage: {
    /** Unconfirmed share of all deliveries above which users have nothing. */
    readonly ratio: number;
    readonly long: Window;
    readonly short: Window;
    readonly minDeliveries: number;
  };
  /** Where runbooks are served, with a slash at its end; relative = inside this repository. */
  readonly runbookBase: string;
}

/**
 * Factors: the usual 14.4 and 6 cannot work with a budget of 5 % (14.4 × 5 % = 72 % failing). These spend, of a 7-day budget,
 * 2 % in 1 h (3.36), 5 % in 6 h (1.4), and everything (1). The short window ends the alert soon after the recovery.
 * The outage's short window is 2 m, not 1 m: with a scrape every 60 s, one minute holds a single sample and no rate.
 */
export const SLO: Slo = {
  window: '7d',
  objectives: [
    { priority: 'all', ratio: 0.95, pages: true },
    { priority: 'critical', ratio: 0.99, pages: true },
    { priority: 'high', ratio: 0.97, pages: true },
    { priority: 'normal', ratio: 0.95, pages: true },
    { priority: 'low', ratio: 0.9, pages: false },
  ],
  tiers: [
    { name: 'fast', factor: 3.36, long: '1h', short: '5m', severity: 'page', minDeliveries: 60, minUnconfirmed: 10 },
    { name: 'slow', factor: 1.4, long: '6h', short: '30m', severity: 'page', minDeliveries: 200, minUnconfirmed: 20 },
    { name: 'budget', factor: 1, long: '3d', short: '6h', severity: 'ticket', minDeliveries: 200, minUnconfirmed: 20 },
  ],
  outage: { ratio: 0.5, long: '5m', short: '2m', minDeliveries: 20 },
  runbookBase: 'docs/runbooks/',
};

/** The budget: what may go unconfirmed, in (0, 1). */
export function budgetOf(objective: Objective): number {
  return round(1 - objective.ratio);
}

/** The objective of all deliveries together. Throws when the table lacks it. */
export function overall(slo: Slo): Objective {
  const found = slo.objectives.find((each) => each.priority === 'all');
  if (found === undefined) throw new Error('the SLO table has no objective for priority "all"');
  return found;
}

/** A number without floating-point dust: `1 - 0.95` is 0.05. */
export function round(value: number): number {
  return Number(value.toPrecision(12));
}
