// sidecar: a session that others took while this instance stood still: asked for until it is clear whose client has it.
import { Fence } from '../connection/fence.ts';
import type { ResumableSession } from '../connection/resumable-session.ts';
import type { Claims } from '../journal/redis/claims.ts';

type Session = Pick<ResumableSession, 'id' | 'used' | 'connection' | 'fence' | 'expected'>;

export interface TakingBackDeps<S extends Session> {
  /** Undefined = Redis cannot be asked. */
  claims(): Pick<Claims, 'takeBack'> | undefined;
  readonly registry: { has(session: S): boolean };
}

/** Whether a client is known that came elsewhere for the session; or this process ends. */
export type Whose = 'another client' | 'no client' | 'the end';

/** Until it is asked for again, ms. */
const AGAIN_MS = 500;

/**
 * Takes sessions back, or calls their `leave`. An instance that has the session and does not answer
 * may not know of a client here: while there is one, it is asked again, until it answers, or is
 * dead.
 */
export function createTakingBack<S extends Session>({ claims, registry }: TakingBackDeps<S>) {
  /** Sessions that are asked for, and how each is left. */
  const under = new Map<S, () => void>();
  let stopped = false;

  async function settle(session: S): Promise<Whose | undefined> {
    // What a client has said that is gone waits for the session, too, and a client at the door.
    while (session.connection?.attended === true || session.fence?.holds === true || session.expected) {
      const claimed = await claims()?.takeBack(session.id, session.used);
      // The session may have been given back, or be over, meanwhile.
      if (claimed === 'adopted' || !registry.has(session)) return undefined;
      if (claimed === 'stale') return 'another client';
      if (claimed === 'unknown') return 'no client';
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS).unref());
      if (!registry.has(session) || session.fence === undefined) return undefined;
    }
    return 'no client';
  }

  return {
    /** What the client says counts when the session is back. */
    ask(session: S, leave: (whose: Whose) => void): void {
      if (under.has(session)) return;
      if (stopped) {
        leave('the end');
        return;
      }
      under.set(session, () => leave('the end'));
      session.fence = new Fence(session.fence);
      void settle(session).then((whose) => {
        if (under.delete(session) && whose !== undefined) leave(whose);
      });
    },
    /** Leaves all of them, because the process ends. */
    stop(): void {
      stopped = true;
      const all = [...under.values()];
      under.clear();
      for (const leave of all) leave();
    },
  };
}
