// The one clock, and the heartbeat that drives the tracker's timers: ms since the epoch that never step back.

/** Never changes while a process lives; reading it from `performance` costs as much as reading the clock. */
const ORIGIN = performance.timeOrigin;

/** ms since the epoch with microsecond fractions, from the monotonic clock: a change of the system time does not move it. */
export function now(): number {
  return ORIGIN + performance.now();
}

/** Something with timers to look at: `tick` does at most `budget` visits and says whether more are due; `waiting` 0 = none at all. */
export interface Ticking {
  readonly waiting: number;
  tick(now: number, budget: number): boolean;
}

/** ms between looks: each wakes a loop that may be idle. With the wheel's 25 ms tick a time-out is noticed within 75 ms (SPEC D4). */
const BEAT_MS = 50;
/** Visits between two turns of the event loop: about a millisecond of work, so no frame waits longer for a mass time-out (SPEC D8). */
const BUDGET = 500;

/** Calls `tick` every `everyMs` (50 ms unless said otherwise) while anything waits; the result ends it. What `tick` throws goes to `report`, and the beat goes on. */
export function startBeat(
  ticking: Ticking,
  report: (fault: { stage: string; error: unknown }) => void,
  everyMs = BEAT_MS,
): () => void {
  let more: NodeJS.Immediate | undefined;
  const beat = () => {
    more = undefined;
    if (ticking.waiting === 0) return;
    try {
      if (ticking.tick(now(), BUDGET)) more = setImmediate(beat);
    } catch (error) {
      report({ stage: 'track', error });
    }
  };
  const timer = setInterval(() => {
    if (more === undefined) beat();
  }, everyMs);
  timer.unref();
  return () => {
    clearInterval(timer);
    if (more !== undefined) clearImmediate(more);
  };
}
