// time: drives something that has timers from the beat of the process, in portions that leave the event loop room.
import type { Report } from '../delivery/ports.ts';
import { BEAT_MS, onBeat } from './pulse.ts';

/**
 * Something with timers. `tick` does at most `budget` visits and returns whether more are due.
 * `waiting` 0 = no timer.
 */
export interface Ticking {
  readonly waiting: number;
  tick(now: number, budget: number): boolean;
}

/**
 * Visits between two turns of the event loop: about a millisecond of work, so no frame waits longer
 * for a mass time-out (SPEC D8).
 */
const BUDGET = 500;

/**
 * Calls `tick` every `everyMs` (default: each beat) while a timer waits, always after the sockets
 * have been read. The result ends it. An error of `tick` goes to `report`, and the beat goes on.
 */
export function startBeat(ticking: Ticking, report: Report, everyMs = BEAT_MS): () => void {
  const beats = Math.max(1, Math.round(everyMs / BEAT_MS));
  let left = beats;
  let more: NodeJS.Immediate | undefined;
  const tick = (at: number): void => {
    more = undefined;
    if (ticking.waiting === 0) return;
    try {
      if (ticking.tick(at, BUDGET)) more = setImmediate(tick, at);
    } catch (error) {
      report({ stage: 'track', error });
    }
  };
  const stop = onBeat((at) => {
    if (--left > 0) return;
    left = beats;
    if (more === undefined) tick(at);
  });
  return () => {
    stop();
    clearImmediate(more);
  };
}
