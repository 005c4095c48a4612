// delivery: the port to whatever outlives the process: it is told what happens, in the turn of the event loop in which it happens.
import type { Observer } from './ports.ts';
import type { Delivery } from './record.ts';
import type { Session } from './session.ts';

/**
 * Told what has to outlive the process; keeps nothing for the process that runs. Whoever runs connections tells of sessions and of
 * messages, the tracker of everything that happens to a delivery afterwards. Every call is synchronous and quick, never throws, and
 * is not waited for (SPEC D8). Times are monotonic ms.
 */
export interface Journal {
  /** The steps of deliveries. One that `tracked` below has not been told of may take steps here all the same. */
  readonly steps: Observer;
  /** A session that its client may come back to has begun. */
  opened(session: Session): void;
  /** The session's user has become known: an event named it. */
  owned(session: Session): void;
  /** A token was used, or the next is about to be sent: the latest has number `serial`, the highest that was used has number `used`. */
  tokens(session: Session, serial: number, used: number): void;
  /** The client's words up to that serial have been taken in (R12). */
  heard(session: Session, serial: number): void;
  /** The client has shown that it can confirm more (`session.capability`). */
  shown(session: Session): void;
  /** Message `ordinal` of a session that its client may come back to counts (R2), and no delivery of it is in flight. */
  counted(session: Session, ordinal: number): void;
  /** A delivery is in flight, and `payload` is its message where that is kept. */
  tracked(delivery: Delivery): void;
  /** Nobody can come back to the session. What it has in flight may get its outcome after this call. */
  ended(session: Session): void;
  /** When this returns, what was told before it survives the end of the process. Called before bytes go to a client that may come back. */
  handOver(): void;
}
