// Where the id of an event is in its data: the places that backends of agents use, first hit wins.

/** Outermost first; the same order as the sidecar's `events.id`, then seen from inside the payload. */
const PLACES: readonly (readonly string[])[] = [
  ['event_id'],
  ['message_id'],
  ['data', 'event_id'],
  ['payload', 'parameters', 'event_id'],
  ['payload', 'result', 'event_id'],
  ['data', 'parameters', 'event_id'],
  ['data', 'result', 'event_id'],
  ['results', 'event_id'],
  ['parameters', 'event_id'],
  ['result', 'event_id'],
];

/** The id that the application on the other side will find in the event and confirm; undefined when there is none. Never throws for plain data. */
export function eventIdIn(data: unknown): string | undefined {
  if (typeof data !== 'object' || data === null) return undefined;
  for (const place of PLACES) {
    let at: unknown = data;
    for (const key of place) {
      if (typeof at !== 'object' || at === null) break;
      at = (at as Record<string, unknown>)[key];
    }
    if (typeof at === 'string' && at !== '') return at;
  }
  return undefined;
}
