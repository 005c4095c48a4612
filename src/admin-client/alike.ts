// admin-client: when a delivery ended, and which ends are taken for one event. Pure.
import type { DeliveryJson } from '../admin/shapes.ts';

/** How far apart ends may be that are called simultaneous, ms. */
export const ALIKE_MS = 5_000;

/** When a delivery ended, ms since the epoch; undefined while it is open. */
export function endedAt({ sent_at, settled_ms }: Pick<DeliveryJson, 'sent_at' | 'settled_ms'>): number | undefined {
  return settled_ms === null ? undefined : Date.parse(sent_at) + settled_ms;
}
