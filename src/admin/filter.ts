// admin: the filter of a list of deliveries: read from the query once, asked once per delivery.
import type { Delivery } from '../delivery/record.ts';
import { ERROR_TYPES, LEVELS, PRIORITIES, STATUSES, UNVERIFIABLE_REASONS } from '../delivery/words.ts';
import type { AdminDeps } from './ports.ts';
import type { Query } from './query.ts';

/** Whether a delivery is wanted. */
export type DeliveryFilter = (delivery: Delivery) => boolean;

/** The evidence so far; `none` = none yet. */
export const LEVEL_FILTERS = ['none', ...LEVELS] as const;
/**
 * Why a delivery was not confirmed. `limit` and `operator` are reasons of `failed` and of
 * `unverifiable`.
 */
export const REASON_FILTERS: readonly string[] = [
  ...new Set([...ERROR_TYPES.filter((type) => type !== ''), ...UNVERIFIABLE_REASONS]),
];
/** Longest text that ids are searched for. */
const TEXT_LIMIT = 200;

type FilterDeps = Pick<AdminDeps, 'now' | 'wallOf' | 'book'>;

/**
 * Reads every filter of a list of deliveries. A parameter left out matches everything. Undefined:
 * no filter was given.
 */
export function readFilter(query: Query, deps: FilterDeps): DeliveryFilter | undefined {
  const tests = [...exact(query), ...searched(query), ...timed(query, deps), ...carried(query, deps)];
  if (tests.length === 0) return undefined;
  return (delivery) => tests.every((test) => test(delivery));
}

/** `user`, `claimed_user`, `session`, `type`, `status`, `priority`, `level` and `reason`. */
function exact(query: Query): DeliveryFilter[] {
  const tests: DeliveryFilter[] = [];
  const user = query.text('user');
  const claimed = query.text('claimed_user');
  const session = query.text('session');
  const types = query.list('type');
  const statuses = query.words('status', STATUSES);
  const priorities = query.words('priority', PRIORITIES);
  const levels = query.words('level', LEVEL_FILTERS);
  const reasons = query.words('reason', REASON_FILTERS);
  if (statuses !== undefined) tests.push(({ status }) => statuses.has(status));
  if (types !== undefined) tests.push(({ type }) => types.has(type.name));
  if (priorities !== undefined) tests.push(({ type }) => priorities.has(type.policy.priority));
  if (levels !== undefined) tests.push(({ level }) => levels.has(level || 'none'));
  if (reasons !== undefined) tests.push(({ errorType, unverified }) => reasons.has(errorType || unverified));
  if (session !== undefined) tests.push((delivery) => delivery.session.key === session);
  if (user !== undefined) tests.push((delivery) => delivery.session.user === user);
  if (claimed !== undefined) tests.push((delivery) => delivery.session.claimedUser === claimed);
  return tests;
}

/**
 * `q`: a part of any id of the delivery (its own, the event's, the run's, the tool call's, the
 * user's, the session's), whatever its case.
 */
function searched(query: Query): DeliveryFilter[] {
  const text = query.text('q');
  if (text === undefined) return [];
  if (text.length > TEXT_LIMIT) {
    query.refuse('q', 'too long', [`at most ${TEXT_LIMIT} characters`]);
    return [];
  }
  const wanted = text.toLowerCase();
  return [
    ({ id, eventId, run, toolCall, session }) =>
      [eventId, session.user, run, toolCall, id, session.key].some(
        (each) => each?.toLowerCase().includes(wanted) === true,
      ),
  ];
}

/** `since` and `until`, on the time of the send. */
function timed(query: Query, { now, wallOf }: FilterDeps): DeliveryFilter[] {
  const at = now();
  const wall = wallOf(at);
  // The caller's time is the wall clock's, and the records' is monotonic. It is translated once, so
  // that one page is cut at one moment.
  const offset = wall - at;
  const since = query.time('since', wall);
  const until = query.time('until', wall);
  const tests: DeliveryFilter[] = [];
  if (since !== undefined) tests.push(({ sentAt }) => sentAt >= since - offset);
  if (until !== undefined) tests.push(({ sentAt }) => sentAt < until - offset);
  return tests;
}

/**
 * `connection`: the delivery was sent to its session while the connection was there. A connection
 * that is forgotten has no deliveries.
 */
function carried(query: Query, { book }: FilterDeps): DeliveryFilter[] {
  const id = query.text('connection');
  if (id === undefined) return [];
  const entry = book?.get(id);
  if (entry === undefined) return [() => false];
  const { session, openedAt } = entry.view();
  const until = entry.closed?.at ?? Number.POSITIVE_INFINITY;
  return [({ session: { key }, sentAt }) => key === session && sentAt >= openedAt && sentAt <= until];
}
