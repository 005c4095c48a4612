// Rounds of figures → median, lowest, highest; and ratios taken within each round, so that a slow minute slows both sides.

export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly rounds: readonly number[];
}

/** Throws on no values: a row without a single good round has no summary. */
export function summarise(values: readonly number[]): Summary {
  if (values.length === 0) throw new Error('no rounds to summarise');
  const sorted = [...values].sort((a, b) => a - b);
  const mid = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[mid]! : (sorted[mid - 1]! + sorted[mid]!) / 2;
  return { median, min: sorted[0]!, max: sorted.at(-1)!, rounds: values };
}

/** `of[i] / to[i]` per round. */
export function ratios(of: readonly number[], to: readonly number[]): Summary {
  return summarise(of.slice(0, to.length).map((value, i) => value / to[i]!));
}
