// admin: GET /api/v1/deliveries: deliveries in flight and in the history, newest first, filtered, in stable pages.
import type { Delivery } from '../delivery/record.ts';
import { deliverySummary } from './delivery-view.ts';
import { readFilter } from './filter.ts';
import { createPicker, readPage } from './page.ts';
import type { AdminDeps } from './ports.ts';
import { createQuery } from './query.ts';
import { badQuery, json } from './reply.ts';
import type { Route } from './route.ts';
import type { DeliveryPageJson } from './shapes.ts';
import type { Walk } from './walk.ts';

/** The list of deliveries. One pass over the store per page; nothing is sorted but the page. */
export function deliveriesRoute(deps: AdminDeps, walk: Walk): Route {
  const { store, info } = deps;
  return {
    path: '/api/v1/deliveries',
    open: false,
    async answer({ search }) {
      const query = createQuery(search);
      const wanted = readFilter(query, deps);
      const request = readPage(query, info.startedAt);
      const faults = query.faults();
      if (faults.length > 0) return badQuery(faults);
      const picker = createPicker<{ readonly seq: number; readonly delivery: Delivery }>(request);
      const refused = await walk.each((delivery, seq) => {
        if (picker.wants(seq) && wanted?.(delivery) !== false) picker.take({ seq, delivery });
        return true;
      });
      if (refused !== undefined) return refused;
      const { items, nextCursor } = picker.page();
      return json(200, {
        // A record that has left the history meanwhile may be another delivery's by now.
        deliveries: items
          .filter(({ seq, delivery }) => delivery.seq === seq)
          .map(({ delivery }) => deliverySummary(delivery, deps)),
        next_cursor: nextCursor,
        pending: store.pending,
        recent: store.recent,
      } satisfies DeliveryPageJson);
    },
  };
}
