// Simulation: two moments closer than this, ms, are one: clocks of the sidecar are read per chunk.
export const TIE_MS = 0.5;
