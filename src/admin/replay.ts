// admin: POST /api/v1/replay: sends the kept messages of a filter again, at most so many; a dry run only counts.
import { UNCHANGED_REASONS, type Unchanged } from '../delivery/operator.ts';
import { type Delivery, isSettled } from '../delivery/record.ts';
import { auditLine, readWhy } from './audit.ts';
import { createMembers } from './body.ts';
import { readFilter } from './filter.ts';
import type { AdminDeps } from './ports.ts';
import { createQuery } from './query.ts';
import { badBody, badQuery, json, problem } from './reply.ts';
import type { Answer, Route } from './route.ts';
import type { ReplayJson } from './shapes.ts';
import type { Walk } from './walk.ts';

/** Most deliveries that one replay touches. */
export const REPLAY_LIMIT = 1000;
/** Deliveries that a replay touches by default. */
export const REPLAY_DEFAULT = 100;

/** The means to send messages again. */
const NO_FILTER = { parameter: 'filter', fault: 'empty', allowed: ['at least one parameter of /api/v1/deliveries'] };

/**
 * The body has `filter` (the parameters of `/api/v1/deliveries`), `limit`, `dry_run` and `reason`.
 * Only open deliveries are matched, oldest first, so that messages arrive in the order in which
 * they were first sent.
 */
export function replayRoute(deps: AdminDeps, walk: Walk): Route {
  return {
    path: '/api/v1/replay',
    open: false,
    async change(change) {
      const { operator } = deps;
      if (operator === undefined) return problem(404, 'Nothing can be changed in this process.');
      const wrong = createQuery(change.search).faults();
      if (wrong.length > 0) return badQuery(wrong);
      const members = createMembers(change.body);
      const why = readWhy(members);
      const filter = members.texts('filter');
      const limit = members.whole('limit', 1, REPLAY_LIMIT, REPLAY_DEFAULT);
      const dryRun = members.flag('dry_run', false);
      const query = createQuery(asSearch(filter));
      const wanted = readFilter(query, deps);
      const faults = [
        ...members.faults(),
        ...(Object.keys(filter).length === 0 ? [NO_FILTER] : []),
        ...query.faults().map((fault) => ({ ...fault, parameter: `filter.${fault.parameter}` })),
      ];
      if (faults.length > 0) return badBody(faults);
      const found = await choose(walk, (delivery) => wanted?.(delivery) !== false, limit);
      if ('kind' in found) return found;
      const { chosen, more } = found;
      const deliveries = chosen.map((delivery) => ({
        id: delivery.id,
        result: dryRun
          ? (operator.obstacle(delivery) ?? ('would_send' as const))
          : operator.resend(delivery, deps.now()),
      }));
      const result = summed(deliveries, dryRun, more);
      const { deliveries: _, ...counts } = result;
      deps.audit(auditLine('replay', why, change, { ...counts, filter, limit }));
      return json(200, result);
    },
  };
}

/** The oldest `limit` open deliveries that are wanted. */
async function choose(
  walk: Walk,
  wanted: (delivery: Delivery) => boolean,
  limit: number,
): Promise<{ chosen: readonly Delivery[]; more: boolean } | Answer> {
  const open: { readonly seq: number; readonly delivery: Delivery }[] = [];
  const refused = await walk.each((delivery, seq) => {
    if (!isSettled(delivery) && wanted(delivery)) open.push({ seq, delivery });
    return true;
  });
  if (refused !== undefined) return refused;
  // A delivery that was settled meanwhile is not open any more.
  const still = open.filter(({ seq, delivery }) => delivery.seq === seq && !isSettled(delivery));
  still.sort((a, b) => a.seq - b.seq);
  return { chosen: still.slice(0, limit).map(({ delivery }) => delivery), more: still.length > limit };
}

function summed(deliveries: ReplayJson['deliveries'], dryRun: boolean, more: boolean): ReplayJson {
  const count = (...results: string[]) => deliveries.filter(({ result }) => results.includes(result)).length;
  return {
    dry_run: dryRun,
    matched: deliveries.length,
    sent: count('sent', 'would_send'),
    blocked: count('blocked'),
    failed: count('failed'),
    skipped: Object.fromEntries(UNCHANGED_REASONS.map((reason) => [reason, count(reason)])) as Record<
      Unchanged,
      number
    >,
    more,
    deliveries,
  };
}

function asSearch(filter: Readonly<Record<string, string | readonly string[]>>): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(filter))
    for (const one of [value].flat()) parameters.append(name, String(one));
  return parameters.toString();
}
