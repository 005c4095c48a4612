// journal: what is told of a session and its deliveries in flight, as Redis holds it.
import type { Delivery } from '../../delivery/record.ts';
import { deliveryEntry, deliveryState, sessionEntry, type WallOf } from '../snapshot.ts';
import { openText, sessionPairs } from './fields.ts';
import { Place, type SessionLedger } from './ledger.ts';
import type { Arg } from './link.ts';

/** Notes that a delivery of a session that can be resumed has begun. */
export function noteBegun(ledger: SessionLedger, delivery: Delivery, place: Place, wallOf: WallOf): void {
  ledger.ordinal = delivery.ordinal;
  setDelivery(ledger, delivery, place, wallOf);
}

/** Notes what has changed of it. */
export function noteState(ledger: SessionLedger, delivery: Delivery, place: Place, wallOf: WallOf): void {
  const state = deliveryState(delivery, wallOf);
  ledger.received.delete(delivery);
  place.state = JSON.stringify(state);
  place.hasState = true;
  if (!state.kept) {
    place.message = undefined;
    place.messageGone = place.hasMessage;
  }
  ledger.note(place);
}

/** Notes for those that have been received and are still open that they have been. */
export function noteReceived(ledger: SessionLedger, wallOf: WallOf): void {
  if (ledger.received.size === 0) return;
  const received = [...ledger.received];
  ledger.received.clear();
  for (const delivery of received)
    if (delivery.journal instanceof Place) noteState(ledger, delivery, delivery.journal, wallOf);
}

/** Notes that a delivery is over. Of one that was not told of yet nothing is left. */
export function noteEnd(ledger: SessionLedger, delivery: Delivery, place: Place): void {
  if (ledger.received.size > 0) ledger.received.delete(delivery);
  const untold = place.fixed !== '';
  ledger.drop(place);
  if (untold) return;
  place.gone = true;
  ledger.note(place);
}

/**
 * Takes all of a session, with what is in flight and written down, as fields and values. No change
 * waits after that.
 */
export function takeWhole(ledger: SessionLedger, wallOf: WallOf): Arg[] {
  const { session } = ledger;
  const fields = sessionPairs(sessionEntry(session, ledger, wallOf));
  for (const delivery of session.open?.values() ?? []) {
    const place = delivery.journal;
    if (!(place instanceof Place)) continue;
    setDelivery(ledger, delivery, place, wallOf);
    place.addPairs(fields);
  }
  ledger.forget();
  return fields;
}

/** Notes all of a delivery, and what there is of it. */
function setDelivery(ledger: SessionLedger, delivery: Delivery, place: Place, wallOf: WallOf): void {
  place.fixed = ledger.texts.of(delivery, wallOf);
  place.message = delivery.payload;
  place.hasMessage = delivery.payload !== undefined;
  place.hasState = !isUntouched(delivery);
  place.state = place.hasState ? JSON.stringify(deliveryState(delivery, wallOf)) : '';
  ledger.note(place);
}

/** Nothing has happened to the delivery yet: its state would say nothing. */
function isUntouched({ receivedAt, attemptLog, word, errorText, queue, shownAs }: Delivery): boolean {
  const told = word !== '' || errorText !== '' || shownAs !== '' || queue === 'reemission';
  return receivedAt === 0 && (attemptLog === undefined || attemptLog.length === 0) && !told;
}

/**
 * A delivery of another client. Its message is left out, because no other instance could send it.
 */
export function otherText(delivery: Delivery, wallOf: WallOf): string {
  return openText(deliveryEntry(delivery, wallOf), { ...deliveryState(delivery, wallOf), kept: false });
}
