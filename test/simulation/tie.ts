// Simulation: two moments closer than this, ms, are one: clocks of the sidecar are read per chunk.
export const TIE_MS = 0.5;

/** Callbacks of the sidecar between the decision to cut its clients off at a stop and the last of their ends. */
const CUT_OFF_CALLBACKS = 12;

/** How long that takes at most, ms: a stop dates what it ends at its decision (SPEC D14). */
export function cutOffMs({ costMs }: { readonly costMs: number }): number {
  return CUT_OFF_CALLBACKS * costMs;
}
