// admin-client: why a delivery ended as it did, in a few words for lists, from its own record alone. Pure.
import type { DeliveryJson } from '../admin/shapes.ts';
import { CAUSES, endingOf } from './causes.ts';
import { printable } from './printable.ts';

/** Why a delivery ended as it did, in a few words; `''` where there is nothing to explain. */
export function brief(delivery: DeliveryJson): string {
  if (delivery.status === 'confirmed') return delivery.rejected_ms === null ? '' : CAUSES.rejected_later.title;
  if (delivery.status === 'pending' || delivery.status === 'retrying') return '';
  if (delivery.status === 'timeout' && delivery.received_ms !== null)
    return (delivery.received_ms > (delivery.settled_ms ?? 0) ? CAUSES.slow_client : CAUSES.not_processed).title;
  const ending = endingOf(delivery);
  return ending === undefined
    ? printable(delivery.error_type ?? delivery.unverifiable_reason ?? '')
    : CAUSES[ending].title;
}
