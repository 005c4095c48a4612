// delivery: how a connection was closed, and what its client could not say any more for that reason (D15, D24).
import type { Journal } from './journal.ts';
import type { Delivery } from './record.ts';
import type { Session } from './session.ts';
import type { UnverifiableReason } from './words.ts';

/** A Close frame ended what the client could say. */
export interface Goodbye {
  /** The client closed of its own accord, with no complaint, or answered a Close frame. */
  readonly orderly: boolean;
  /** Whether the client's own Close frame was the first. */
  readonly own: boolean;
  /** From when on a message had no chance to be answered, monotonic ms. */
  readonly since: number;
  /** Ordinal of the last message that was written to the client. */
  readonly through: number;
}

/** How the session's client was closed upon, be it still there or not; undefined = it was not. */
export function goodbyeOf({ goodbye, link }: Session): Goodbye | undefined {
  const through = link?.closedBehind;
  return through === undefined ? goodbye : { orderly: false, own: false, since: Number.POSITIVE_INFINITY, through };
}

/** Notes how the session's client was closed upon; undefined = it was not, or it is back. */
export function noteGoodbye(session: Session, goodbye: Goodbye | undefined, journal: Journal | undefined): void {
  if (session.goodbye === goodbye) return;
  session.goodbye = goodbye;
  if (session.resumable) journal?.parted(session);
}

/** Why nobody can say how the open delivery ended; undefined = its client had its chance. */
export function cutOff(delivery: Delivery, { orderly, own, since, through }: Goodbye): UnverifiableReason | undefined {
  const { session, sentAt, queue } = delivery;
  if (delivery.ordinal > through) return undefined;
  if (queue === 'received')
    return orderly && sentAt >= since && session.capability !== 'none' ? 'client_left' : undefined;
  // The message was received. Only the operator's own word makes a loss of that.
  if (queue !== 'processed' || !session.optedIn || delivery.type.policy.confirm !== 'auto') return undefined;
  return own ? 'client_left' : 'closed';
}
