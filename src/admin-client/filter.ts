// admin-client: the filters of deliveries, as the query of the admin API has them.

/**
 * The filters that lists, the stream and replays of deliveries have in common. Lists are words
 * separated by commas.
 */
export interface DeliveryFilter {
  readonly user?: string | undefined;
  readonly session?: string | undefined;
  readonly connection?: string | undefined;
  readonly type?: string | undefined;
  readonly status?: string | undefined;
  readonly priority?: string | undefined;
  readonly level?: string | undefined;
  readonly reason?: string | undefined;
  /** A part of the id of the delivery, its event, its run or its tool call. */
  readonly q?: string | undefined;
  /** ISO 8601, ms since the epoch, or a duration back from now such as `15m`. */
  readonly since?: string | undefined;
  readonly until?: string | undefined;
}

/** The query `?a=b&c=d`, or `''`. A value that is undefined or null is left out. */
export function queryOf(parameters: object): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters))
    if (value !== undefined && value !== null) query.set(name, String(value));
  const text = query.toString();
  return text === '' ? '' : `?${text}`;
}
