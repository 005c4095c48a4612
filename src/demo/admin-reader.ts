// demo: asks the sidecar's admin API over HTTP, as an operator would; remembers connections, because closed ones leave the list.
import type { Stats } from '../telemetry/metrics/stats.ts';
import { readSamples, type Sample } from './exposition.ts';

/** One line of `/api/v1/deliveries`, as far as the verdict needs it. */
export interface DeliveryLine {
  readonly session: string;
  readonly status: string;
  readonly error_type: string | null;
  readonly attempts: number;
}

/** What the list of open connections says now. */
export interface Open {
  readonly total: number;
  readonly byCapability: Readonly<Record<string, number>>;
}

/** A reader of one admin server. Every call rejects when the server does not answer 200. */
export interface AdminReader {
  stats(): Promise<Stats>;
  samples(): Promise<readonly Sample[]>;
  /** Reads the open connections and remembers their paths. */
  connections(): Promise<Open>;
  /** Every delivery with one of these outcomes that is still in the history, newest first. */
  deliveries(statuses: readonly string[]): Promise<readonly DeliveryLine[]>;
  /** Request path of a session seen by `connections`; its key when it never was. */
  pathOf(session: string): string;
}

interface ConnectionLine {
  readonly session: string;
  readonly capability: string;
  readonly path: string;
}

/** `base` is the URL of the admin server, without a slash at the end; `token` is its bearer token, if it has one. */
export function createAdminReader(base: string, token: string | undefined): AdminReader {
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const paths = new Map<string, string>();
  const get = async (path: string): Promise<Response> => {
    const response = await fetch(base + path, { headers });
    if (!response.ok) throw new Error(`${path} answers ${response.status}`);
    return response;
  };
  /** All pages of a list. */
  async function all<T>(path: string, member: string): Promise<T[]> {
    const items: T[] = [];
    let cursor = '';
    do {
      const page = (await (await get(`${path}limit=500${cursor}`)).json()) as Record<string, unknown>;
      items.push(...(page[member] as T[]));
      cursor = typeof page.next_cursor === 'string' ? `&cursor=${page.next_cursor}` : '';
    } while (cursor !== '');
    return items;
  }
  return {
    stats: async () => (await (await get('/api/v1/stats')).json()) as Stats,
    samples: async () => readSamples(await (await get('/metrics')).text()),
    async connections() {
      const lines = await all<ConnectionLine>('/api/v1/connections?', 'connections');
      const byCapability: Record<string, number> = {};
      for (const { session, path, capability } of lines) {
        paths.set(session, path);
        byCapability[capability] = (byCapability[capability] ?? 0) + 1;
      }
      return { total: lines.length, byCapability };
    },
    deliveries: (statuses) => all<DeliveryLine>(`/api/v1/deliveries?status=${statuses.join(',')}&`, 'deliveries'),
    pathOf: (session) => paths.get(session) ?? session,
  };
}
