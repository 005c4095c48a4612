// journal: what is told of a delivery in flight, as Redis holds it.
import type { Delivery } from '../../delivery/record.ts';
import { isFresh } from '../codec.ts';
import { deliveryEntry, deliveryState, type WallOf } from '../snapshot.ts';
import { deliveryField, messageField, openText, stateField } from './fields.ts';
import type { Arg } from './link.ts';

/** All of a delivery of a session that can be resumed, as fields and values. */
export function deliveryPairs(delivery: Delivery, wallOf: WallOf): Arg[] {
  const { seq, payload } = delivery;
  const state = deliveryState(delivery, wallOf);
  const pairs: Arg[] = [deliveryField(seq), JSON.stringify(deliveryEntry(delivery, wallOf))];
  if (payload !== undefined) pairs.push(messageField(seq), bytesOf(payload));
  if (!isFresh(state)) pairs.push(stateField(seq), JSON.stringify(state));
  return pairs;
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
