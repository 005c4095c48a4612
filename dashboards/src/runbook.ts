// What every alert says about itself: two sentences, and the page that says what to do.
import type { Slo } from './slo.ts';

/** Annotations of an alert; `description` may hold Prometheus templates. */
export function annotations(slo: Slo, alert: string, summary: string, description: string): Record<string, string> {
  return { summary, description, runbook_url: `${slo.runbookBase}${runbookOf(alert)}` };
}

/** Its runbook's file name: `AckspanDeliveryOutage` → `delivery-outage.md`. */
export function runbookOf(alert: string): string {
  const words = alert.replace(/^Ackspan/, '').replace(/(?<=[a-z])(?=[A-Z])/g, '-');
  return `${words.toLowerCase()}.md`;
}
