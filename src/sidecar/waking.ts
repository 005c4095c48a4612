// sidecar: an instance whose lease ran out while it stood still reads no client until it knows what others have ended.
import type { RedisStore } from '../journal/redis/redis-store.ts';
import { Reading } from '../relay/reading.ts';
import { patiently } from '../time/patience.ts';
import { stoodStill } from '../time/pulse.ts';

/** The part of the store that knows what others may have done. */
export interface WakingStore {
  readonly judged: boolean;
  readonly gate: Pick<RedisStore['gate'], 'open' | 'joining'>;
  readonly members: Pick<RedisStore['members'], 'overdue'>;
}

/** Is asked and told of what an instance does when it wakes. */
export interface Waking {
  readonly reading: Reading;
  /** Is told when a standstill is over, before anything is read. */
  stoodStill(): void;
}

/** Between two looks, ms. */
const LOOK_MS = 10;
/** How long no client is read at most, ms. */
const HELD_MS = 1000;

/**
 * Holds the reads of all clients up after a standstill that may have outlasted the lease: what they
 * said is evidence for deliveries that others may have ended. Goes on without Redis after a second
 * (SPEC P10). `now`: monotonic ms.
 */
export function createWaking(store: WakingStore, now: () => number): Waking {
  const { gate, members } = store;
  const reachable = (): boolean => gate.open || gate.joining;
  const doubtful = (): boolean => reachable() && members.overdue(now());
  const reading = new Reading(() => stoodStill() && doubtful(), begun);

  function begun(): void {
    const wait = patiently(HELD_MS, over);
    const look = setInterval(() => {
      if (store.judged || !reachable()) over();
    }, LOOK_MS);
    look.unref();
    function over(): void {
      wait.cancel();
      clearInterval(look);
      reading.goOn();
    }
  }

  return {
    reading,
    // A process that was stopped behind its reads looks at its timers before it reads again.
    stoodStill(): void {
      if (doubtful()) reading.hold();
    },
  };
}
