// kills: what an application was handed, held against what the backend sent it.
import type { Run } from '../support/agent-runs.ts';

/**
 * Doubled, out of order, or lost between two that came over the same connection; behind the last
 * one the sidecar may not have read it.
 */
export function faultsOf(run: Run | undefined, numbers: readonly number[]): string[] {
  const faults: string[] = [];
  let at = 0;
  let first = 1;
  for (const sent of run?.bySocket ?? []) {
    for (let n = first; n < first + sent && numbers[at] === n; n++) at++;
    first += sent;
  }
  if (at < numbers.length)
    faults.push(`${run?.user} got ${numbers.slice(Math.max(0, at - 2), at + 3)} around place ${at}`);
  return faults;
}
