// admin-client: the facts from which a delivery is explained. Types only: the page uses them too.
import type { ConnectionJson, DeliveryDetailJson } from '../admin/shapes.ts';
import type { UnmatchedJson } from '../admin/unmatched-shapes.ts';

/** A connection of the delivery’s user, and the admin server that told of it. */
export interface Sighting {
  readonly base: string;
  readonly connection: ConnectionJson;
}

/** Deliveries that ended for the same reason at about the same time. */
export interface Alike {
  readonly deliveries: number;
  readonly sessions: number;
  /** Whether there are more than were read. */
  readonly more: boolean;
}

/** A case: one delivery and what stands around it. */
export interface Case {
  readonly delivery: DeliveryDetailJson;
  readonly alike: Alike | undefined;
  /**
   * The connections that the delivery's user has now, on every admin server that was asked;
   * undefined = none was asked.
   */
  readonly sightings: readonly Sighting[] | undefined;
  /**
   * Confirmations of the delivery's event that were turned away, because another session sent them.
   */
  readonly turnedAway: readonly UnmatchedJson[];
}
