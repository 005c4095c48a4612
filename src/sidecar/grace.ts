// sidecar: how a stop divides its grace: a delay, then the time of the clients, then notices and telemetry. Pure.

/** Parts of the grace kept for last notices where there are hooks, and for the last export, ms. */
const NOTICES_MS = 1000;
export const FLUSH_MS = 1500;
/**
 * From the last outcome to the scrape that is to see it, and from that scrape to the end, ms:
 * clocks of scrapers are not ours.
 */
export const SCRAPE_MARGIN_MS = 300;
/** Share of the time after the delay that clients have at least, before notices and telemetry … */
const LEAST_FOR_CLIENTS = 1 / 2;
/** … and before the turn of a scraper. */
const LEAST_BEFORE_SCRAPE = 1 / 4;

/** A grace from its beginning. Times are monotonic ms. */
export interface Grace {
  readonly from: number;
  readonly graceMs: number;
  readonly delayMs: number;
  /** Whether there are hooks, whose last notices take time. */
  readonly notices: boolean;
  /** When the first of the last scrapes is due; undefined = none is expected. */
  readonly scrapeAt: number | undefined;
}

/** When clients are first told to come again: behind the delay, at most half of the grace. */
export function clientsFrom({ from, graceMs, delayMs }: Pick<Grace, 'from' | 'graceMs' | 'delayMs'>): number {
  return from + Math.min(delayMs, graceMs / 2);
}

/**
 * When the last outcome has to be there: before the flush, and before the turn of whoever scrapes.
 * But clients have their share first.
 */
export function lastOutcome(grace: Grace): number {
  const begins = clientsFrom(grace);
  const end = grace.from + grace.graceMs;
  const share = (part: number) => begins + (end - begins) * part;
  const closeBy = Math.max(end - FLUSH_MS - (grace.notices ? NOTICES_MS : 0), share(LEAST_FOR_CLIENTS));
  const before = (grace.scrapeAt ?? Number.POSITIVE_INFINITY) - SCRAPE_MARGIN_MS;
  return before < share(LEAST_BEFORE_SCRAPE) ? closeBy : Math.min(closeBy, before);
}

/** The time of the last notices, where `leftMs` of the grace are left: half of a short rest. */
export function timeOfNotices(leftMs: number): number {
  return Math.max(0, leftMs - FLUSH_MS, leftMs / 2);
}
