// delivery: the journal's port: it is told what happens, in the turn of the event loop in which it happens.
import type { Observer } from './ports.ts';
import type { Delivery } from './record.ts';
import type { Session } from './session.ts';

/**
 * Told what has to outlive the process; the running process never reads it back. Connections tell
 * of sessions and messages. The tracker tells of everything that happens to a delivery afterwards.
 * Every call is synchronous and quick, never throws, and is not waited for (SPEC D8). Times are
 * monotonic ms.
 */
export interface Journal {
  /**
   * The steps of deliveries. A delivery that `tracked` has not been called for may take steps here
   * all the same.
   */
  readonly steps: Observer;
  /** A session has begun that can be resumed. */
  opened(session: Session): void;
  /** The session's user has become known: an event named it. */
  owned(session: Session): void;
  /**
   * A token was used, or the next one is about to be sent. `serial` numbers the latest token,
   * `used` the highest that was used.
   */
  tokens(session: Session, serial: number, used: number): void;
  /** The client's messages up to that serial have been taken in (R12). */
  heard(session: Session, serial: number): void;
  /** The client has shown that it can confirm more (`session.capability`). */
  shown(session: Session): void;
  /** The client was closed upon, or is back (`session.goodbye`). */
  parted(session: Session): void;
  /**
   * Message `ordinal` of a session that can be resumed counts (R2), and no delivery of it is in
   * flight.
   */
  counted(session: Session, ordinal: number): void;
  /** A delivery is in flight. `payload` is its message where that is kept. */
  tracked(delivery: Delivery): void;
  /**
   * The session can no longer be resumed. Its deliveries in flight may get their outcome after this
   * call.
   */
  ended(session: Session): void;
  /**
   * Makes what was told before of `session` survive the end of the process; undefined = of
   * everything. Called before bytes go to a client whose session can be resumed.
   */
  handOver(session?: Session): void;
}
