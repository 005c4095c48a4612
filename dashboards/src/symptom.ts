// What a symptom is: one alert beside the objective, before it becomes a Prometheus rule.
import type { Severity } from './slo.ts';

/** One symptom; `for` and `keep` as Prometheus has them. */
export interface Symptom {
  readonly alert: string;
  readonly severity: Severity;
  readonly expr: string;
  readonly for?: string;
  readonly keep?: string;
  /** Labels beside the severity: two rules of one name must differ. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly summary: string;
  readonly description: string;
}

/** Sum over a job of a counter's growth. */
export function grew(selector: string, window: string): string {
  return `sum by (job) (increase(${selector}[${window}]))`;
}
