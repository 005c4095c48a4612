// connection: what the sessions of a process share, and what a client shows that may go on with one of them.
import type { Journal } from '../delivery/journal.ts';
import type { Delivery } from '../delivery/record.ts';
import type { Session } from '../delivery/session.ts';
import type { Tracker } from '../delivery/tracker.ts';
import type { SessionCounters } from '../resume/counters.ts';
import type { Registry } from '../resume/registry.ts';
import type { Answers } from './heard.ts';
import type { ResumableSession } from './resumable-session.ts';

/** The parts that all sessions of a process share. */
export interface SessionDeps {
  readonly registry: Registry<ResumableSession>;
  readonly tracker: Tracker;
  readonly counters: SessionCounters;
  readonly answers: Answers;
  /** Sessions that wait for their client; the longest wait comes first. */
  readonly waiting: Set<ResumableSession>;
  /** Time for which a session without a connection waits for its client, ms. */
  readonly ttlMs: number;
  /** Such a time after Close 1001, ms: a page that reloads comes back soon, a closed one never. */
  readonly reloadMs: number;
  /** Silence after which a client gives up its path, ms; 0 = never. */
  readonly silenceMs: number;
  readonly now: () => number;
  /** Is told of sessions; undefined = nothing outlives the process. */
  readonly journal?: Journal | undefined;
  /** Whether the next process goes on with the session. Default: it does not. */
  readonly handsOver?: (session: Session) => boolean;
  /** Fences the session off, if others may have taken it without this process knowing that. */
  readonly doubt?: ((resumable: ResumableSession) => void) | undefined;
  /** Is told once that the session is over. */
  ended(session: Session): void;
}

/** A client may go on with a session: what it said, and which of its session's claims it is. */
export interface Claim {
  readonly resumable: ResumableSession;
  /** Ordinal of the last message that the client's application was handed. */
  readonly last: number;
  readonly number: number;
}

/** The numbers of a session's welcomes, and of its client's SDK messages. */
export type SessionNumbers = Pick<ResumableSession, 'serial' | 'used' | 'heard'>;

/** How a session is left to another instance. */
export interface Leaving {
  /** Tells the journal. */
  told(): void;
  /** Whether another instance has the delivery, too. What no other instance has ends here. */
  elsewhere(delivery: Delivery): boolean;
  /** How that ends. */
  readonly why: 'disconnected' | 'shutdown';
}
