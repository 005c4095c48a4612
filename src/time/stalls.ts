// time: things that must move, and are given up when they have not for so long. Standstills do not count.
import { patiently, type Wait } from './patience.ts';

/** A thing that depends on another side. */
export interface Moving {
  /**
   * Whether the thing waits for that side right now. Time in which it does not wait is no stall.
   */
  readonly waiting: boolean;
  /** A value that changes whenever that side has done something. */
  readonly moved: number;
  /** Called once when the thing has waited too long. It is not watched any more. */
  stalled(): void;
}

/** Watches many at the price of one timer, which runs only while there is something to watch. */
export interface StallWatch {
  readonly size: number;
  add(moving: Moving): void;
  remove(moving: Moving): void;
}

/** Looks per limit. A stall is noticed after 1 to 1.25 times the limit. */
const LOOKS = 4;

/** `ms` 0 = never given up. */
export function createStallWatch(ms: number): StallWatch {
  const watched = new Map<Moving, { moved: number; still: number }>();
  let wait: Wait | undefined;

  function look(): void {
    wait = undefined;
    for (const [moving, seen] of watched) {
      const { waiting, moved } = moving;
      if (!waiting || moved !== seen.moved) {
        seen.moved = moved;
        seen.still = 0;
      } else if (++seen.still >= LOOKS) {
        watched.delete(moving);
        moving.stalled();
      }
    }
    lookAgain();
  }

  function lookAgain(): void {
    if (wait === undefined && watched.size > 0) wait = patiently(ms / LOOKS, look);
  }

  return {
    get size() {
      return watched.size;
    },
    add(moving) {
      if (ms === 0) return;
      watched.set(moving, { moved: moving.moved, still: 0 });
      lookAgain();
    },
    remove(moving) {
      watched.delete(moving);
      if (watched.size > 0) return;
      wait?.cancel();
      wait = undefined;
    },
  };
}
