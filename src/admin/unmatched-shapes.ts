// admin: confirmations that changed nothing, as JSON.
import type { UnmatchedReason } from '../delivery/words.ts';

/** One such confirmation. */
export interface UnmatchedJson {
  readonly at: string;
  readonly reason: UnmatchedReason;
  /** The id that the confirmation named: an event's, or a delivery's where the event has none. */
  readonly event_id: string;
  /** The session and user that sent it. */
  readonly session: string;
  readonly user: string | null;
  readonly connection: string | null;
}

/** The latest, newest first. */
export interface UnmatchedPageJson {
  readonly unmatched: readonly UnmatchedJson[];
  /** Number of those since the start that are not remembered any more. */
  readonly forgotten: number;
}
