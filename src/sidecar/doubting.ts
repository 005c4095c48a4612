// sidecar: when the lease of this instance has run out, words of clients wait until it is known whose the sessions are.
import { Fence } from '../connection/fence.ts';
import type { ResumableSession } from '../connection/resumable-session.ts';
import type { RedisStore } from '../journal/redis/redis-store.ts';
import { patiently, type Wait } from '../time/patience.ts';

/** The part of the store that knows what others may have done. */
export interface DoubtStore {
  readonly gate: Pick<RedisStore['gate'], 'open' | 'joining'>;
  readonly members: Pick<RedisStore['members'], 'overdue' | 'lapsedAt'>;
  readonly journal: Pick<RedisStore['journal'], 'whole' | 'ledgerOf' | 'miss'>;
  readonly link: Pick<RedisStore['link'], 'read'>;
}

/** Between two looks, ms. */
const LOOK_MS = 20;

/**
 * Fences sessions off whose clients say something while this instance does not know whether others
 * have taken the sessions. Each session is written whole. Redis refuses that where another
 * instance has it, and then this instance asks for it, or leaves it. Where Redis does not say it
 * within `patienceMs`, evidence counts (SPEC P10). `now`: monotonic ms.
 */
export function createDoubt(store: DoubtStore, patienceMs: number, now: () => number) {
  const { gate, members, journal, link } = store;
  const doubted = new Map<ResumableSession, Fence>();
  /** For which lapse of the lease Redis has said of a session whose it is, monotonic ms. */
  const judged = new WeakMap<ResumableSession, number>();
  let asking = false;
  /** Redis has not said it in time, and has not answered since. */
  let silent = false;

  /** Whether Redis has said of all of them whether they are this instance's. */
  async function said(): Promise<boolean> {
    if (gate.joining || members.overdue(now()) || !journal.whole) return false;
    return link.read().then(
      () => true,
      // The connection went: the gate tells.
      () => false,
    );
  }

  async function ask(): Promise<void> {
    let patient = true;
    let clear = false;
    let wait: Wait | undefined;
    // Where this instance stands still once more, Redis cannot say anything meanwhile.
    const over = new Promise<false>((resolve) => {
      wait = patiently(patienceMs, () => {
        patient = false;
        resolve(false);
      });
    });
    while ((gate.open || gate.joining) && patient && !clear) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS).unref());
      clear = await Promise.race([said(), over]);
    }
    wait?.cancel();
    asking = false;
    silent = members.overdue(now());
    const lapsedAt = members.lapsedAt(now());
    if (clear && lapsedAt !== undefined) for (const session of doubted.keys()) judged.set(session, lapsedAt);
    // Another fence is that of a session that is asked for.
    for (const [session, fence] of doubted) if (session.fence === fence) session.openFence();
    doubted.clear();
  }

  /** Others may have it since, also where this instance has said again that it is there. */
  function lapsed(session: ResumableSession): boolean {
    silent &&= members.overdue(now());
    const lapsedAt = silent ? undefined : members.lapsedAt(now());
    return lapsedAt !== undefined && judged.get(session) !== lapsedAt;
  }

  return (session: ResumableSession): void => {
    if (!gate.open && !gate.joining) return;
    if (!asking && !lapsed(session)) return;
    const ledger = journal.ledgerOf(session.session);
    if (ledger === undefined) return;
    const fence = new Fence();
    session.fence = fence;
    doubted.set(session, fence);
    journal.miss(ledger);
    if (asking) return;
    asking = true;
    void ask();
  };
}
