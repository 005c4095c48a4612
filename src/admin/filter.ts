// admin: which deliveries a caller wants to see: read from the query once, asked once per delivery.
import type { Delivery } from '../delivery/record.ts';
import { PRIORITIES, STATUSES } from '../delivery/words.ts';
import type { AdminDeps } from './ports.ts';
import type { Query } from './query.ts';

/** Whether a delivery is wanted. */
export type DeliveryFilter = (delivery: Delivery) => boolean;

/** Reads `user`, `claimed_user`, `session`, `type`, `status`, `priority` and `since`; a parameter left out matches everything. */
export function readFilter(query: Query, deps: Pick<AdminDeps, 'now' | 'wallOf'>): DeliveryFilter {
  const user = query.text('user');
  const claimed = query.text('claimed_user');
  const session = query.text('session');
  const types = query.list('type');
  const statuses = query.words('status', STATUSES);
  const priorities = query.words('priority', PRIORITIES);
  const now = deps.now();
  const wall = deps.wallOf(now);
  // The caller's time is the wall clock's, the records' is monotonic: translated once, so that one page is cut at one moment.
  const since = (query.time('since', wall) ?? Number.NEGATIVE_INFINITY) - (wall - now);
  return (delivery) =>
    delivery.sentAt >= since &&
    (statuses === undefined || statuses.has(delivery.status)) &&
    (types === undefined || types.has(delivery.type.name)) &&
    (priorities === undefined || priorities.has(delivery.type.policy.priority)) &&
    (session === undefined || delivery.session.key === session) &&
    (user === undefined || delivery.session.user === user) &&
    (claimed === undefined || delivery.session.claimedUser === claimed);
}
