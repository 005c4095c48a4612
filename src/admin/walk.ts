// admin: looks through all deliveries in short slices, so that a search of many holds up no relayed message.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Store } from '../delivery/ports.ts';
import type { Delivery } from '../delivery/record.ts';
import { problem } from './reply.ts';
import type { Answer } from './route.ts';

/** Longest slice, ms; between two slices the event loop takes its turn. */
const SLICE_MS = 3;
/** Deliveries between two looks at the clock. */
const STEP = 32;
/** Most searches that wait for the one under way. */
const WAITING_LIMIT = 32;

/** Searches of the store. */
export interface Walk {
  /**
   * Shows every delivery in flight, newest first, and then those of the history. `seq` is the
   * number that the delivery had at the start. `visit` returns false to end the search. Resolves
   * with a refusal where too many searches wait.
   */
  each(visit: (delivery: Delivery, seq: number) => boolean): Promise<Answer | undefined>;
}

export interface WalkDeps {
  readonly store: Pick<Store, 'each'>;
  /** Monotonic ms of the processor's time: never a test's clock. */
  readonly now?: () => number;
}

/**
 * One search at a time: a turn of the event loop has one slice, however many ask. A record that is
 * used again for another delivery meanwhile is left out, which its number shows.
 */
export function createWalk({ store, now = () => performance.now() }: WalkDeps): Walk {
  let last: Promise<void> = Promise.resolve();
  let waiting = 0;

  async function run(visit: (delivery: Delivery, seq: number) => boolean): Promise<void> {
    const records: Delivery[] = [];
    const seqs: number[] = [];
    // The list changes between two turns, so its records are noted in one: about 16 ms of CPU for
    // 100,000, where the search itself takes ten times that.
    store.each((delivery) => {
      records.push(delivery);
      seqs.push(delivery.seq);
      return true;
    });
    let slice = now();
    for (let i = 0; i < records.length; i++) {
      if (i % STEP === STEP - 1 && now() - slice >= SLICE_MS) {
        await nextTurn();
        slice = now();
      }
      const delivery = records[i] as Delivery;
      const seq = seqs[i] as number;
      if (delivery.seq === seq && !visit(delivery, seq)) return;
    }
  }

  return {
    async each(visit) {
      if (waiting > WAITING_LIMIT)
        return problem(503, 'Too many searches at once.', { headers: { 'Retry-After': '1' } });
      waiting++;
      const mine = last.then(() => run(visit)).finally(() => waiting--);
      // The next one begins in a turn of its own.
      last = mine.then(
        () => nextTurn(),
        () => nextTurn(),
      );
      await mine;
      return undefined;
    },
  };
}
