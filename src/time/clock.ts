// time: the two clocks: the monotonic one for durations and order, the wall clock for the outside (SPEC D18).

/**
 * Origin of the monotonic clock, chosen so that it reads like ms since the epoch at the start of
 * the process.
 */
const ORIGIN = performance.timeOrigin;

/**
 * Monotonic time, ms with microsecond fractions: for durations, deadlines and order inside this
 * process. It never steps. It drifts away from the wall clock when that is set; `wallOf`
 * translates.
 */
export function now(): number {
  return ORIGIN + performance.now();
}

/**
 * The wall clock, ms since the epoch: the outside's "now" (JWT, signatures, certificates). It may
 * step either way.
 */
export function wall(): number {
  return Date.now();
}

/**
 * Steps and drift below this are ignored, ms: the wall clock is read in whole ms, and times of one
 * record must keep their distances.
 */
const TOLERANCE_MS = 5;
/** Readings of both clocks that decide whether the wall clock was set. */
const READINGS = 5;

/** The monotonic clock starts at the wall clock's own reading, and is more exact than whole ms. */
let offset = 0;

/**
 * The moment `at` of the monotonic clock as ms since the epoch, by the wall clock as it stands when
 * this is called.
 */
export function wallOf(at: number): number {
  return at + wallOffset();
}

/**
 * Offset from the monotonic clock to ms since the epoch. It changes only when the wall clock was
 * set or has drifted.
 */
export function wallOffset(): number {
  if (Math.abs(Date.now() - now() - offset) > TOLERANCE_MS) {
    const seen = distance();
    if (Math.abs(seen - offset) > TOLERANCE_MS) offset = seen;
  }
  return offset;
}

/**
 * The distance between the clocks, ms, by the quickest of a few readings: the process may lose the
 * CPU between the two.
 */
function distance(): number {
  let best = 0;
  let quickest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < READINGS; i++) {
    const before = now();
    const outside = Date.now();
    const took = now() - before;
    if (took >= quickest) continue;
    quickest = took;
    best = outside - before;
  }
  return best;
}
