// Fuzz: what can be fuzzed. A target reads any bytes, and its oracle throws when the code under test and a slow reference disagree.

export interface Target {
  readonly name: string;
  /** Parts of the addresses of the scripts whose coverage guides. */
  readonly about: readonly string[];
  /** Words of the format. */
  readonly dictionary: readonly Uint8Array[];
  /** Longest input, bytes. */
  readonly maxBytes: number;
  /**
   * Throws when the code throws, or says something else than the reference. Must come back,
   * whatever the input.
   */
  run(input: Uint8Array): void;
}

/** Words as text, for a dictionary. */
export function words(...all: readonly string[]): Buffer[] {
  return all.map((word) => Buffer.from(word, 'latin1'));
}

/** Throws with both sides in its message when they differ. */
export function agree(what: string, ours: unknown, reference: unknown): void {
  const [a, b] = [JSON.stringify(ours), JSON.stringify(reference)];
  if (a !== b) throw new Error(`${what}: ${a} instead of ${b}`);
}
