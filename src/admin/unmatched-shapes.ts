// admin: confirmations that changed nothing, as JSON.
import type { UnmatchedReason } from '../delivery/words.ts';

/** One of them. */
export interface UnmatchedJson {
  readonly at: string;
  readonly reason: UnmatchedReason;
  /** What the confirmation named: an event's id, or a delivery's where the event has none. */
  readonly event_id: string;
  /** Who said it. */
  readonly session: string;
  readonly user: string | null;
  readonly connection: string | null;
}

/** The latest, newest first. */
export interface UnmatchedPageJson {
  readonly unmatched: readonly UnmatchedJson[];
  /** Those since the start that are not remembered any more. */
  readonly forgotten: number;
}
