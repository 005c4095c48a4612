// demo: the demo's readings over the admin API, as an operator would make them. Closed connections are remembered.
import type { AdminClient } from '../admin-client/client.ts';
import type { Sample } from '../admin-client/exposition.ts';
import type { Stats } from '../telemetry/metrics/stats.ts';

/** One line of `/api/v1/deliveries`, as far as the verdict needs it. */
export interface DeliveryLine {
  readonly session: string;
  readonly status: string;
  readonly error_type: string | null;
  readonly attempts: number;
}

/** The list of open connections. */
export interface Open {
  readonly total: number;
  readonly byCapability: Readonly<Record<string, number>>;
}

/** Readings of one admin server. Every call rejects when the server does not answer 200. */
export interface Readings {
  stats(): Promise<Stats>;
  samples(): Promise<readonly Sample[]>;
  /** Reads the open connections and remembers their paths. */
  connections(): Promise<Open>;
  /** Every delivery with one of these outcomes that is still in the history, newest first. */
  deliveries(statuses: readonly string[]): Promise<readonly DeliveryLine[]>;
  /**
   * Request path of a session seen by `connections`, or the session's key when it was never seen.
   */
  pathOf(session: string): string;
}

export function createReadings(client: AdminClient): Readings {
  const paths = new Map<string, string>();
  return {
    stats: client.stats,
    samples: client.samples,
    async connections() {
      const { items } = await client.everyConnection({}, Number.POSITIVE_INFINITY);
      const byCapability: Record<string, number> = {};
      for (const { session, path, capability } of items) {
        paths.set(session, path);
        byCapability[capability] = (byCapability[capability] ?? 0) + 1;
      }
      return { total: items.length, byCapability };
    },
    deliveries: async (statuses) =>
      (await client.everyDelivery({ status: statuses.join(',') }, Number.POSITIVE_INFINITY)).items,
    pathOf: (session) => paths.get(session) ?? session,
  };
}
