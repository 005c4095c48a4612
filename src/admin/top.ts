// admin: GET /api/v1/top: the users, types, sessions or priorities that lose most and wait longest.
import { type Delivery, isSettled } from '../delivery/record.ts';
import { readFilter } from './filter.ts';
import type { AdminDeps } from './ports.ts';
import { createQuery } from './query.ts';
import { badQuery, json } from './reply.ts';
import type { Route } from './route.ts';
import { rateOf } from './sample.ts';
import type { TopJson, TopRowJson } from './stats-shapes.ts';
import type { Walk } from './walk.ts';

export const TOP_BY = ['user', 'type', 'session', 'priority'] as const;
export const TOP_SORT = ['lost', 'slowest', 'tracked', 'pending'] as const;
/** Most rows of an answer. */
export const TOP_LIMIT = 100;
/**
 * Most keys that are counted at a time. Deliveries of further keys are left out, and the answer has
 * their number.
 */
const KEY_LIMIT = 10_000;

interface Row {
  tracked: number;
  pending: number;
  confirmed: number;
  failed: number;
  timeout: number;
  unverifiable: number;
  /** Times of confirmed deliveries, ms. */
  readonly times: number[];
}

function keyOf(by: TopJson['by'], { session, type }: Delivery): string | null {
  switch (by) {
    case 'user':
      return session.user ?? null;
    case 'type':
      return type.name;
    case 'session':
      return session.key;
    case 'priority':
      return type.policy.priority;
  }
}

function add(row: Row, delivery: Delivery): void {
  row.tracked++;
  if (!isSettled(delivery)) row.pending++;
  else row[delivery.status as 'confirmed' | 'failed' | 'timeout' | 'unverifiable']++;
  if (delivery.status === 'confirmed') row.times.push(delivery.settledAt - delivery.sentAt);
}

/** Nearest rank. */
function quantile(sorted: readonly number[], q: number): number | null {
  const at = Math.max(1, Math.ceil(q * sorted.length)) - 1;
  return sorted[at] ?? null;
}

function shown(key: string | null, { times, ...row }: Row): TopRowJson {
  times.sort((a, b) => a - b);
  return {
    key,
    ...row,
    lost: row.failed + row.timeout,
    rate: rateOf(row),
    p50_ms: quantile(times, 0.5),
    p95_ms: quantile(times, 0.95),
    max_ms: times.at(-1) ?? null,
  };
}

/** The order of rows, descending. Among equals the one with more deliveries comes first. */
function weight(sort: TopJson['sort'], row: TopRowJson): number {
  return sort === 'slowest' ? (row.p95_ms ?? -1) : row[sort];
}

/** Rows of one kind of key. Bounded by the history: nothing is kept for it. */
export function topRoute(deps: AdminDeps, walk: Walk): Route {
  return {
    path: '/api/v1/top',
    open: false,
    async answer({ search }) {
      const query = createQuery(search);
      const by = query.one('by', TOP_BY, 'user');
      const sort = query.one('sort', TOP_SORT, 'lost');
      const limit = query.whole('limit', 1, TOP_LIMIT, 10);
      const wanted = readFilter(query, deps);
      const faults = query.faults();
      if (faults.length > 0) return badQuery(faults);
      const rows = new Map<string | null, Row>();
      let [lookedAt, leftOut] = [0, 0];
      const refused = await walk.each((delivery) => {
        if (wanted?.(delivery) === false) return true;
        lookedAt++;
        const key = keyOf(by, delivery);
        let row = rows.get(key);
        if (row === undefined && rows.size >= KEY_LIMIT) {
          leftOut++;
          return true;
        }
        if (row === undefined) {
          row = { tracked: 0, pending: 0, confirmed: 0, failed: 0, timeout: 0, unverifiable: 0, times: [] };
          rows.set(key, row);
        }
        add(row, delivery);
        return true;
      });
      if (refused !== undefined) return refused;
      const sorted = [...rows]
        .map(([key, row]) => shown(key, row))
        .sort((a, b) => weight(sort, b) - weight(sort, a) || b.tracked - a.tracked);
      return json(200, {
        by,
        sort,
        looked_at: lookedAt,
        left_out: leftOut,
        rows: sorted.slice(0, limit),
      } satisfies TopJson);
    },
  };
}
