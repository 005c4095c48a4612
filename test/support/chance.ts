// Test support: chance that can be repeated: everything follows from one seed, which a failing test prints.

export interface Chance {
  /** In [0, 1). */
  next(): number;
  /** A whole number in [from, to]. */
  between(from: number, to: number): number;
  /** One element of the list. */
  of<T>(choices: readonly T[]): T;
}

/** FC_SEED, else a new one. */
export function chosenSeed(): number {
  const { FC_SEED } = process.env;
  return FC_SEED ? Number(FC_SEED) : Math.floor(Math.random() * 2 ** 31);
}

/** mulberry32. */
export function createChance(seed: number): Chance {
  let state = seed | 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const between = (from: number, to: number) => from + Math.floor(next() * (to - from + 1));
  return { next, between, of: (choices) => choices[between(0, choices.length - 1)]! };
}

/** Runs `body`, and prints the seed when it fails. */
export async function withSeed(seed: number, body: (chance: Chance) => Promise<void>): Promise<void> {
  try {
    await body(createChance(seed));
  } catch (error) {
    throw new Error(`seed ${seed} (repeat with FC_SEED=${seed}): ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  }
}
