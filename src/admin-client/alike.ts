// admin-client: when a delivery ended, and which ends are taken for one event. Pure.
import type { DeliveryJson } from '../admin/shapes.ts';

/** Greatest distance between two ends that are called simultaneous, ms. */
export const ALIKE_MS = 5_000;

/** Time of a delivery's end, ms since the epoch; undefined while the delivery is open. */
export function endedAt({ sent_at, settled_ms }: Pick<DeliveryJson, 'sent_at' | 'settled_ms'>): number | undefined {
  return settled_ms === null ? undefined : Date.parse(sent_at) + settled_ms;
}
