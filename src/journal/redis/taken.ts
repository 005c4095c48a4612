// journal: what an instance takes over from another one.
import type { OpenDelivery } from '../image.ts';
import type { ReadSession } from './fields.ts';

/** A session that goes on here. */
export interface TakenSession extends ReadSession {
  readonly epoch: string;
  /** How long no instance had it, ms. */
  readonly awayMs: number;
}

/** What is known of a session that goes. */
export interface Known {
  /** When it was asked for, by the clock of Redis. */
  readonly at?: number | undefined;
  /** Ordinal up to which Redis had it when another instance took it: that one has so much. */
  readonly had?: number | undefined;
}

/**
 * The part of the sidecar that goes on with what is taken over, and lets go of what others have
 * taken.
 */
export interface Host {
  /** Goes on with a session, which waits for its client. False: it was given back: no room. */
  adopt(taken: TakenSession): boolean;
  /**
   * Ends deliveries of a dead instance whose clients cannot come back to them, and hands their dead
   * letters over.
   */
  endAsLost(open: readonly OpenDelivery[]): void;
  /**
   * Lets go of a session without an outcome for what it has in flight. `asked`: another instance
   * wants it for its client, and has it not yet. `client`: that instance has it. `reaper`: this one
   * was taken for dead. False: a client has come here since, and the session stays.
   */
  letGo(session: string, why: 'asked' | 'client' | 'reaper', known: Known): boolean;
  /**
   * Calls `next` when it is clear whether this instance has the session: where its lease has run
   * out, others may have taken what it had.
   */
  whenClear(session: string, next: () => void): void;
  /**
   * The process ends: sessions that others took, and that it asks for, are left to them, with an
   * outcome for what no other instance has.
   */
  stops(): void;
  /**
   * Whether a client has come for the session here, which goes before one at another instance that
   * has used token `used`.
   */
  keeps(session: string, used: number): boolean;
  /** Another instance has ended these deliveries, by number. */
  forget(numbers: ReadonlySet<number>): void;
}
