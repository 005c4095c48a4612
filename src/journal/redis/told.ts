// journal: what is told of a session and its deliveries in flight, as Redis holds it.
import type { Delivery } from '../../delivery/record.ts';
import { deliveryEntry, deliveryState, sessionEntry, type WallOf } from '../snapshot.ts';
import { deliveryField, messageField, openText, sessionPairs, stateField } from './fields.ts';
import { Place, type SessionLedger } from './ledger.ts';
import type { Arg } from './link.ts';

/** Notes that a delivery of a session that can be resumed has begun. */
export function noteBegun(ledger: SessionLedger, delivery: Delivery, place: Place, wallOf: WallOf): void {
  ledger.set('ordinal', String(delivery.ordinal));
  setDelivery(ledger, delivery, place, wallOf);
}

/** Notes what has changed of it. */
export function noteState(ledger: SessionLedger, delivery: Delivery, place: Place, wallOf: WallOf): void {
  const { seq } = delivery;
  const state = deliveryState(delivery, wallOf);
  ledger.received.delete(delivery);
  ledger.set(stateField(seq), JSON.stringify(state));
  place.state = true;
  if (!state.kept) ledger.remove(messageField(seq));
}

/** Notes for those that have been received and are still open that they have been. */
export function noteReceived(ledger: SessionLedger, wallOf: WallOf): void {
  const received = [...ledger.received];
  ledger.received.clear();
  for (const delivery of received)
    if (delivery.journal instanceof Place) noteState(ledger, delivery, delivery.journal, wallOf);
}

/** Notes that a delivery is over. Of one that was not told of yet nothing is left. */
export function noteEnd(ledger: SessionLedger, delivery: Delivery, { message, state }: Place): void {
  const { seq } = delivery;
  const field = deliveryField(seq);
  ledger.received.delete(delivery);
  if (!ledger.sets.has(field)) {
    ledger.remove(field);
    if (message) ledger.remove(messageField(seq));
    if (state) ledger.remove(stateField(seq));
    return;
  }
  for (const each of [field, messageField(seq), stateField(seq)]) ledger.sets.delete(each);
}

/** All of a session, with what is in flight and written down, as fields and values. */
export function wholeSession(ledger: SessionLedger, wallOf: WallOf): Arg[] {
  const { session } = ledger;
  const fields = sessionPairs(sessionEntry(session, ledger, wallOf));
  const into = { set: (field: string, value: Arg) => void fields.push(field, value) };
  for (const delivery of session.open?.values() ?? [])
    if (delivery.journal instanceof Place) setDelivery(into, delivery, delivery.journal, wallOf);
  return fields;
}

/** Sets all of a delivery. The place notes what there is of it. */
function setDelivery(into: Pick<SessionLedger, 'set'>, delivery: Delivery, place: Place, wallOf: WallOf): void {
  const { seq, payload } = delivery;
  into.set(deliveryField(seq), JSON.stringify(deliveryEntry(delivery, wallOf)));
  place.message = payload !== undefined;
  if (payload !== undefined) into.set(messageField(seq), bytesOf(payload));
  place.state = !isUntouched(delivery);
  if (place.state) into.set(stateField(seq), JSON.stringify(deliveryState(delivery, wallOf)));
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

function bytesOf(payload: Uint8Array): Buffer {
  return Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
}
