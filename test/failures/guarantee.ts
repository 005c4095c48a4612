// failures: what is promised in each cell of the table, written before the cell is played.

export const STORES = ['memory', 'file'] as const;
export type StoreKind = (typeof STORES)[number];

export const DISASTERS = ['cuts', 'kill', 'term', 'idle', 'wave'] as const;
export type Disaster = (typeof DISASTERS)[number];

export const TITLES: Readonly<Record<Disaster, string>> = {
  cuts: 'every path cut for 2 s, three times',
  kill: '`kill -9` of the process that holds the sessions',
  term: 'SIGTERM, and a new process',
  idle: 'nothing to send for 10 minutes',
  wave: 'a deploy: every client reconnects at once',
};

/**
 * - `whole`: every event that the sidecar read is handed to the application once and in order, and
 *   has one outcome.
 * - `once`: what is handed is handed once and in order. What the client had not got when the process
 *   ended is lost to the application, and its outcome says so.
 * - `unknown`: as `once`, and deliveries in flight have no outcome, because nothing outlives the process.
 */
export type Guarantee = 'whole' | 'once' | 'unknown';

const PROMISED: Readonly<Record<StoreKind, Readonly<Partial<Record<Disaster, Guarantee>>>>> = {
  memory: { kill: 'unknown', term: 'once', wave: 'once' },
  file: {},
};

/** `whole` wherever nothing else is named. */
export function guaranteeOf(store: StoreKind, disaster: Disaster): Guarantee {
  return PROMISED[store][disaster] ?? 'whole';
}
