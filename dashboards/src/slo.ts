// The SLO table: objectives, windows and tiers. Rules, dashboards and cloud policies are generated from it; edit here only.

/** How loud an alert is: a `page` wakes somebody, a `ticket` waits for the morning. */
export type Severity = 'page' | 'ticket';

/** What must be confirmed of one group of deliveries. */
export interface Objective {
  /**
   * Label value of `priority`; `all` = every delivery together: what is stated, never what is
   * weighed.
   */
  readonly priority: string;
  /** Share of settled deliveries that must be confirmed, in (0, 1). */
  readonly ratio: number;
  /** Whether burning its budget may page; otherwise it only ever opens a ticket. */
  readonly pages: boolean;
}

/**
 * One burn-rate alert: it fires while the budget burns `factor` times too fast over both windows.
 */
export interface BurnTier {
  readonly name: string;
  readonly factor: number;
  readonly long: Window;
  readonly short: Window;
  readonly severity: Severity;
  /** Settled deliveries that the long window must hold: below it a ratio says nothing. */
  readonly minDeliveries: number;
  /**
   * Unconfirmed deliveries that the long window must hold: two failures in three events wake
   * nobody.
   */
  readonly minUnconfirmed: number;
  /** How long a job must have been seen before its pace may alert: minutes of data are no hour. */
  readonly settleIn: Window;
}

/** Every look-back that rules use, shortest first. */
export const WINDOWS = ['5m', '10m', '30m', '1h', '6h', '1d', '3d', '7d'] as const;
export type Window = (typeof WINDOWS)[number];

/** The SLO as one value, so that a test can generate everything from another one. */
export interface Slo {
  readonly window: Window;
  readonly objectives: readonly Objective[];
  readonly tiers: readonly BurnTier[];
  readonly outage: {
    /** Unconfirmed share of all deliveries above which the application is broken for its users. */
    readonly ratio: number;
    /** Unconfirmed deliveries that the long window must hold. */
    readonly minUnconfirmed: number;
    /**
     * Look-backs, shortest first: a service with little traffic reaches the count in a longer one
     * only.
     */
    readonly windows: readonly { readonly long: Window; readonly short: Window }[];
    /**
     * Says that it is over: a short window that holds so many settled deliveries, with a share
     * below this one.
     */
    readonly recovered: { readonly ratio: number; readonly minDeliveries: number };
    /** As in a tier. */
    readonly settleIn: Window;
  };
  /** Where runbooks are served, with a slash at its end; may be a Prometheus template. */
  readonly runbookBase: string;
}

/**
 * The default: the external label `runbook_base` of the Prometheus that sends the alert, else the
 * path in this repository.
 */
export const RUNBOOK_BASE = '{{ or $externalLabels.runbook_base "docs/runbooks/" }}';

/**
 * Factors: the usual 14.4 and 6 cannot work with a budget of 5 % (14.4 × 5 % = 72 % failing). These
 * spend, of a 7-day budget, 2 % in 1 h (3.36), 5 % in 6 h (1.4), and everything (1). The short
 * window ends the alert soon after the recovery. The outage promises a page within 10 minutes from
 * 30 % failing. The threshold is lower, so that 30 % stay above it in spite of chance; 15 losses
 * and a share of 25 % do not come together by chance where a tenth fails, which LOW may. No window
 * is shorter than 5 m: with a scrape every 60 s, one or two minutes hold a sample or two, and a
 * rate of them is no measure. A longer look-back remembers an outage for hours, so it is silent
 * once a shorter window holds 20 deliveries and lost less than an eighth of them: by chance that
 * happens to 20 deliveries of which 30 % fail in one window of 28.
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
    { ...burn('fast', 3.36, '1h', '5m'), minDeliveries: 60, settleIn: '10m' },
    { ...burn('slow', 1.4, '6h', '30m'), settleIn: '30m' },
    { ...burn('budget', 1, '3d', '6h'), severity: 'ticket', settleIn: '30m' },
  ],
  outage: {
    ratio: 0.25,
    minUnconfirmed: 15,
    windows: [
      { long: '10m', short: '5m' },
      { long: '1h', short: '30m' },
      { long: '6h', short: '1h' },
      { long: '1d', short: '6h' },
    ],
    recovered: { ratio: 0.125, minDeliveries: 20 },
    settleIn: '10m',
  },
  runbookBase: RUNBOOK_BASE,
};

/** A tier that pages, with what all tiers have in common. */
function burn(name: string, factor: number, long: Window, short: Window): Omit<BurnTier, 'settleIn'> {
  return { name, factor, long, short, severity: 'page', minDeliveries: 100, minUnconfirmed: 10 };
}

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

/** The objectives that deliveries are weighed by: one per priority. */
export function byPriority(slo: Slo): readonly Objective[] {
  return slo.objectives.filter((each) => each.priority !== 'all');
}

/** A number without floating-point dust: `1 - 0.95` is 0.05. */
export function round(value: number): number {
  return Number(value.toPrecision(12));
}
