// connection: what the journal is told of a message that has come for a client.
import type { Journal } from '../delivery/journal.ts';
import { type Delivery, isSettled } from '../delivery/record.ts';
import type { Session } from '../delivery/session.ts';

/** Message `ordinal` has come; `delivery` is what it became, undefined where it is not tracked. Says whether it is in flight. */
export function journalMessage(
  journal: Journal,
  session: Session,
  delivery: Delivery | undefined,
  ordinal: number,
): void {
  if (delivery !== undefined && !isSettled(delivery)) journal.tracked(delivery);
  else if (session.resumable) journal.counted(session, ordinal);
}
