// admin: GET /api/v1/deliveries/{id}: one delivery with its timeline, by its own id or by its event's.
import type { Delivery } from '../delivery/record.ts';
import { deliveryDetail, deliverySummary } from './delivery-view.ts';
import type { AdminDeps } from './ports.ts';
import { createQuery } from './query.ts';
import { badQuery, json, problem } from './reply.ts';
import type { Route } from './route.ts';
import type { DeliveryDetailJson } from './shapes.ts';

/** Most other deliveries of the same event that are listed beside the one asked for. */
const SAME_EVENT_LIMIT = 100;

/**
 * One delivery. An event id means its newest delivery. The event's other deliveries are listed with
 * it.
 */
export function deliveryRoute(deps: AdminDeps): Route {
  const { store } = deps;
  return {
    path: '/api/v1/deliveries/{id}',
    open: false,
    answer({ params, search }) {
      const faults = createQuery(search).faults();
      if (faults.length > 0) return badQuery(faults);
      const id = params.id as string;
      const delivery: Delivery | undefined = store.get(id) ?? store.withEvent(id)[0];
      if (delivery === undefined)
        return problem(404, 'No delivery in flight or in the history has this id, nor does its event.');
      const { eventId } = delivery;
      const others = (eventId === undefined ? [] : store.withEvent(eventId)).filter((other) => other !== delivery);
      return json(200, {
        ...deliveryDetail(delivery, deps),
        same_event: {
          count: others.length,
          deliveries: others.slice(0, SAME_EVENT_LIMIT).map((other) => deliverySummary(other, deps)),
        },
      } satisfies DeliveryDetailJson);
    },
  };
}
