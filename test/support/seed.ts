// Test support: how property tests run: fast-check prints its seed on failure, and FC_SEED repeats it.

/** Options for `fc.assert`. FC_SEED sets the seed, FC_RUNS multiplies the runs. */
export function propertyOptions(numRuns: number): { numRuns: number; seed?: number; endOnFailure?: boolean } {
  const { FC_SEED, FC_RUNS } = process.env;
  return {
    numRuns: numRuns * (FC_RUNS ? Number(FC_RUNS) : 1),
    ...(FC_SEED && { seed: Number(FC_SEED) }),
  };
}
