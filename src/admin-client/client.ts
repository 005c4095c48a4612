// admin-client: the admin API as typed calls, each of which rejects with an `AdminFailure` only.
import type { DeadLetterJson, DeadLetterPageJson, PurgeJson } from '../admin/dead-letter-shapes.ts';
import type {
  AboutJson,
  ChangeJson,
  ConnectionDetailJson,
  ConnectionJson,
  ConnectionPageJson,
  DeliveryDetailJson,
  DeliveryJson,
  DeliveryPageJson,
  DrainJson,
  MessagePageJson,
  ReplayJson,
  SessionJson,
  SessionPageJson,
} from '../admin/shapes.ts';
import type { SummaryJson, TopJson } from '../admin/stats-shapes.ts';
import type { UnmatchedPageJson } from '../admin/unmatched-shapes.ts';
import type { Stats } from '../telemetry/metrics/stats.ts';
import { readSamples, type Sample } from './exposition.ts';
import { AdminFailure } from './failure.ts';
import { type DeliveryFilter, queryOf } from './filter.ts';
import { type Followed, follow } from './follow.ts';
import { exportLines, type LetterFilter } from './letters.ts';
import { type Place, readiness, requestJson, requestText, stranger } from './request.ts';

/** One page of a list. */
export interface Paging {
  /** Rows, 1 to 500. */
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
}

/** The filters of connections. */
export interface ConnectionFilter {
  readonly user?: string | undefined;
  readonly claimed_user?: string | undefined;
  readonly session?: string | undefined;
  readonly capability?: string | undefined;
  readonly state?: string | undefined;
}

/** The reason for a change, and its author. Both go into the sidecar's log. */
export interface Why {
  readonly reason: string;
  readonly by?: string | undefined;
}

/** A list that may have been cut. */
export interface Gathered<T> {
  readonly items: readonly T[];
  /** Whether there are more than were asked for. */
  readonly more: boolean;
}

export interface AdminClient {
  readonly place: Place;
  about(): Promise<AboutJson>;
  /** Whether the sidecar takes traffic, and the reasons if it does not. */
  ready(): Promise<{ readonly ready: boolean; readonly reasons: readonly string[] }>;
  stats(): Promise<Stats & { readonly drain?: DrainJson }>;
  summary(): Promise<SummaryJson>;
  top(
    query: { readonly by: string; readonly sort?: string; readonly limit?: number } & DeliveryFilter,
  ): Promise<TopJson>;
  samples(): Promise<readonly Sample[]>;
  deliveries(filter: DeliveryFilter, paging?: Paging): Promise<DeliveryPageJson>;
  /** Deliveries, newest first, at most `most`, over as many pages as that takes. */
  everyDelivery(filter: DeliveryFilter, most: number): Promise<Gathered<DeliveryJson>>;
  /** The delivery whose own id or event id is `id`. */
  delivery(id: string): Promise<DeliveryDetailJson>;
  connections(filter: ConnectionFilter, paging?: Paging): Promise<ConnectionPageJson>;
  everyConnection(filter: ConnectionFilter, most: number): Promise<Gathered<ConnectionJson>>;
  connection(id: string): Promise<ConnectionDetailJson>;
  messages(connection: string, paging?: Paging): Promise<MessagePageJson>;
  everySession(filter: { readonly user?: string | undefined }, most: number): Promise<Gathered<SessionJson>>;
  /** Confirmations that changed nothing, newest first. */
  unmatched(
    filter: { readonly event_id?: string; readonly reason?: string },
    limit?: number,
  ): Promise<UnmatchedPageJson>;
  /** Newest loss first, at most `most`. */
  everyDeadLetter(filter: LetterFilter, most: number): Promise<Gathered<DeadLetterJson>>;
  /** One letter a line, as JSON; all that match. */
  exportDeadLetters(filter: LetterFilter): AsyncGenerator<string, void>;
  purgeDeadLetters(owner: Pick<LetterFilter, 'user' | 'claimed_user'>, why: Why): Promise<PurgeJson>;
  /** Begins to part from every client; answers at once. */
  drain(why: Why): Promise<DrainJson>;
  drainProgress(): Promise<DrainJson>;
  /** By the delivery’s own id: an event’s may mean several. */
  change(action: ChangeJson['action'], id: string, why: Why): Promise<ChangeJson>;
  replay(
    filter: DeliveryFilter,
    options: Why & { readonly dryRun: boolean; readonly limit?: number | undefined },
  ): Promise<ReplayJson>;
  /** Steps of deliveries and connections as they happen, and statistics (`follow.ts`). */
  follow(filter: DeliveryFilter & { readonly events?: string }, signal: AbortSignal): AsyncGenerator<Followed, void>;
}

/** Longest time until an answer is there, ms. */
export const DEFAULT_TIMEOUT_MS = 10_000;
/**
 * How long nothing of an export may come, ms: a sidecar may have much to look through between two
 * letters that match.
 */
const SILENCE_MS = 60_000;
/** Most empty pages in a row: a sidecar looks through only so many letters for one page. */
const EMPTY_PAGES = 1_000;
/** The largest page that the API gives. */
const PAGE = 500;

type Loose = Readonly<Record<string, unknown>>;

/** Name of an instance in output: host and port, and the path of a mount. */
export function nameOf({ place }: Pick<AdminClient, 'place'>): string {
  return place.base.replace(/^https?:\/\//, '');
}

/** Creates a client of the admin server at `place`. */
export function createAdminClient(place: Place, timeoutMs = DEFAULT_TIMEOUT_MS): AdminClient {
  /**
   * Reads an object. `shape` are members that it must have, so that an answer of another kind of
   * server is noticed here.
   */
  const get = async <T>(path: string, ...shape: readonly string[]): Promise<T> =>
    checked<T>(await requestJson(place, path, { timeoutMs }), shape);
  const post = async <T>(path: string, body: object, ...shape: readonly string[]): Promise<T> => {
    // Without a token the sidecar asks for a header that no other site can make a browser send.
    const headers = { 'x-ackspan-request': '1' };
    return checked<T>(await requestJson(place, path, { method: 'POST', body, headers, timeoutMs }), shape);
  };
  function checked<T>(answer: Loose, shape: readonly string[]): T {
    if (shape.some((name) => answer[name] === undefined || answer[name] === null)) throw stranger(place);
    return answer as T;
  }
  async function every<T>(
    page: (paging: Paging) => Promise<{ readonly next_cursor: string | null }>,
    itemsOf: (page: never) => readonly T[],
    most: number,
  ): Promise<Gathered<T>> {
    const items: T[] = [];
    let cursor: string | undefined;
    let empty = 0;
    do {
      const answer = await page({ limit: Math.min(PAGE, most - items.length), cursor });
      const some = itemsOf(answer as never);
      if (!Array.isArray(some)) throw stranger(place);
      // A server whose pages are empty and go on would be asked for ever.
      empty = some.length === 0 ? empty + 1 : 0;
      if (empty > EMPTY_PAGES) throw stranger(place);
      for (const item of some) items.push(item);
      cursor = answer.next_cursor ?? undefined;
    } while (cursor !== undefined && items.length < most);
    return { items: items.slice(0, most), more: cursor !== undefined || items.length > most };
  }
  const client: AdminClient = {
    place,
    about: () => get('/api/v1/about', 'version', 'started_at'),
    ready: () => readiness(place, timeoutMs),
    stats: () => get('/api/v1/stats', 'tracked', 'by_priority'),
    summary: () => get('/api/v1/summary', 'windows'),
    top: (query) => get(`/api/v1/top${queryOf(query)}`, 'rows'),
    samples: async () => readSamples(await requestText(place, '/metrics', { timeoutMs })),
    deliveries: (filter, paging) => get(`/api/v1/deliveries${queryOf({ ...filter, ...paging })}`, 'deliveries'),
    everyDelivery: (filter, most) =>
      every(
        (paging) => client.deliveries(filter, paging),
        (page: DeliveryPageJson) => page.deliveries,
        most,
      ),
    delivery: async (id) => get(`/api/v1/deliveries/${partOf(id)}`, 'id', 'timeline'),
    connections: (filter, paging) => get(`/api/v1/connections${queryOf({ ...filter, ...paging })}`, 'connections'),
    everyConnection: (filter, most) =>
      every(
        (paging) => client.connections(filter, paging),
        (page: ConnectionPageJson) => page.connections,
        most,
      ),
    connection: async (id) => get(`/api/v1/connections/${partOf(id)}`, 'id', 'life'),
    messages: async (id, paging) =>
      get(`/api/v1/connections/${partOf(id)}/messages${queryOf(paging ?? {})}`, 'messages'),
    everySession: (filter, most) =>
      every(
        (paging) => get<SessionPageJson>(`/api/v1/sessions${queryOf({ ...filter, ...paging })}`, 'sessions'),
        (page: SessionPageJson) => page.sessions,
        most,
      ),
    unmatched: (filter, limit) => get(`/api/v1/unmatched${queryOf({ ...filter, limit })}`, 'unmatched'),
    everyDeadLetter: (filter, most) =>
      every(
        (paging) => get<DeadLetterPageJson>(`/api/v1/dead-letters${queryOf({ ...filter, ...paging })}`, 'dead_letters'),
        (page: DeadLetterPageJson) => page.dead_letters,
        most,
      ),
    exportDeadLetters: (filter) => exportLines(place, `/api/v1/dead-letters/export${queryOf(filter)}`, SILENCE_MS),
    purgeDeadLetters: ({ user, claimed_user }, why) =>
      post('/api/v1/dead-letters/purge', { user, claimed_user, ...why }, 'purged'),
    drain: (why) => post('/drain', why, 'state'),
    drainProgress: () => get('/api/v1/drain', 'state'),
    change: async (action, id, why) => post(`/api/v1/deliveries/${partOf(id)}/${action}`, why, 'delivery'),
    replay: (filter, { dryRun, limit, reason, by }) =>
      post('/api/v1/replay', { filter, dry_run: dryRun, limit, reason, by }, 'deliveries'),
    follow: (filter, signal) => follow(place, `/api/v1/stream${queryOf(filter)}`, { signal, timeoutMs }),
  };
  return client;
}

/**
 * An id as one part of a path. Two parts mean another folder, however they are encoded (URL
 * standard, "dot segments").
 */
function partOf(id: string): string {
  if (id === '' || id === '.' || id === '..') throw new AdminFailure('missing', `nothing has the id "${id}"`);
  return encodeURIComponent(id);
}
