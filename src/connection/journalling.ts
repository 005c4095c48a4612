// connection: tells the journal of a message that has come for a client.
import type { Journal } from '../delivery/journal.ts';
import { type Delivery, isSettled } from '../delivery/record.ts';
import type { Session } from '../delivery/session.ts';

/**
 * Notes message `ordinal`. `delivery` is the delivery that it became; undefined = it is not
 * tracked.
 */
export function journalMessage(
  journal: Journal,
  session: Session,
  delivery: Delivery | undefined,
  ordinal: number,
): void {
  if (delivery !== undefined && !isSettled(delivery)) journal.tracked(delivery);
  else if (session.resumable) journal.counted(session, ordinal);
}
