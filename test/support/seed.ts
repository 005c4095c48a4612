// Test support: how property tests run: fast-check prints its seed on failure, and FC_SEED repeats it.

/**
 * The bound for "the random cases met this more than `times` times", which is a fact about a full
 * run. A short run (FC_RUNS below 1) meets rare things by luck, so the bound is one that any number
 * passes; what the property itself says is checked all the same.
 */
export function enough(times: number): number {
  return Number(process.env.FC_RUNS || 1) < 1 ? -1 : times;
}

/**
 * Options for `fc.assert`. FC_SEED sets the seed (of `lane` 0; the others follow), FC_RUNS
 * multiplies the runs.
 */
export function propertyOptions(numRuns: number, lane = 0): { numRuns: number; seed?: number } {
  const { FC_SEED, FC_RUNS } = process.env;
  return {
    numRuns: Math.ceil(numRuns * (FC_RUNS ? Number(FC_RUNS) : 1)),
    ...(FC_SEED && { seed: Number(FC_SEED) + lane }),
  };
}
