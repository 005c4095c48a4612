// The whole of a run, as `--json` prints it and `--markdown` reads it.
import type { Machine } from './machine.ts';
import type { RowResult } from './rounds.ts';

export interface BenchResult {
  readonly machine: Machine;
  readonly rounds: number;
  readonly quick: boolean;
  /** Peers that did not take part, and why. */
  readonly skipped: readonly { readonly peer: string; readonly why: string }[];
  readonly rows: readonly RowResult[];
}
