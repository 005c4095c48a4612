// admin: POST /api/v1/deliveries/{id}/resend, …/confirm and …/fail: changes one open delivery by hand, audited.
import type { Operator, Unchanged } from '../delivery/operator.ts';
import type { Delivery } from '../delivery/record.ts';
import type { AttemptResult } from '../delivery/words.ts';
import { auditLine, readWhy } from './audit.ts';
import { createMembers } from './body.ts';
import { deliverySummary } from './delivery-view.ts';
import type { AdminDeps } from './ports.ts';
import { createQuery } from './query.ts';
import { badBody, badQuery, json, problem } from './reply.ts';
import type { Answer, Change, Route } from './route.ts';
import type { ChangeJson } from './shapes.ts';

/** Why a delivery was left unchanged, for people. */
const UNCHANGED: Readonly<Record<Unchanged, string>> = {
  settled: 'The delivery has its outcome, and outcomes are final.',
  not_kept:
    'Its message is not kept: only those of clients that have opted in, or whose rule says `resend: true`, are.',
  away: 'Its client is not connected. A message that is kept is sent again by itself when the client comes back.',
};

/** The changes of one delivery. Each returns its result. */
const ACTIONS: Readonly<
  Record<ChangeJson['action'], (by: Operator, one: Delivery, now: number) => AttemptResult | Unchanged | undefined>
> = {
  resend: (operator, delivery, now) => operator.resend(delivery, now),
  confirm: (operator, delivery, now) => operator.confirm(delivery, now),
  fail: (operator, delivery, now) => operator.fail(delivery, now),
};

/** The three changes of a delivery. A change without effect has an audit line too. */
export function changeRoutes(deps: AdminDeps): readonly Route[] {
  return (Object.keys(ACTIONS) as ChangeJson['action'][]).map((action) => ({
    path: `/api/v1/deliveries/{id}/${action}`,
    open: false,
    change: (change) => apply(action, change, deps),
  }));
}

function apply(action: ChangeJson['action'], change: Change, deps: AdminDeps): Answer {
  const { operator, store } = deps;
  if (operator === undefined) return problem(404, 'Nothing can be changed in this process.');
  const wrong = createQuery(change.search).faults();
  if (wrong.length > 0) return badQuery(wrong);
  const members = createMembers(change.body);
  const why = readWhy(members);
  const faults = members.faults();
  if (faults.length > 0) return badBody(faults);
  // A change takes the delivery's own id only: an event id may mean several deliveries, and a
  // change must not guess.
  const delivery = store.get(change.params.id as string);
  if (delivery === undefined) return problem(404, 'No delivery in flight or in the history has this id.');
  const facts = { delivery: delivery.id, event_id: delivery.eventId ?? null, type: delivery.type.name };
  const done = ACTIONS[action](operator, delivery, deps.now());
  const refused = isUnchanged(done) ? done : undefined;
  deps.audit(auditLine(action, why, change, { ...facts, result: done ?? 'done' }));
  if (refused !== undefined) return problem(409, UNCHANGED[refused], { code: refused });
  return json(200, {
    action,
    result: (done as AttemptResult | undefined) ?? null,
    delivery: deliverySummary(delivery, deps),
  } satisfies ChangeJson);
}

function isUnchanged(done: AttemptResult | Unchanged | undefined): done is Unchanged {
  return done !== undefined && Object.hasOwn(UNCHANGED, done);
}
