// failures: what is promised in each cell of the table, written before the cell is played.

export const STORES = ['memory', 'file', 'redis'] as const;
export type StoreKind = (typeof STORES)[number];

/** Disasters of the store that instances share. */
export const OF_REDIS = ['restarted', 'emptied', 'stalled', 'severed'] as const;
export const DISASTERS = ['cuts', 'kill', 'term', ...OF_REDIS, 'idle', 'wave'] as const;
export type Disaster = (typeof DISASTERS)[number];

export const TITLES: Readonly<Record<Disaster, string>> = {
  cuts: 'every path cut for 2 s, three times',
  kill: '`kill -9` of the process that holds the sessions',
  term: 'SIGTERM, and a new process',
  restarted: 'Redis killed, and started with what it had on its disk',
  emptied: 'Redis killed, and started empty',
  stalled: 'Redis stands still for 10 s',
  severed: 'every path to Redis cut for 2 s, three times',
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
  // What is not promised: that nothing is lost where an instance dies while Redis is away, stands
  // still or has just been emptied, or where a failover loses what an instance had told that is
  // dead by then. No cell plays two disasters at once.
  redis: {},
};

/** The cells that there are: disasters of Redis befall a store in Redis only. */
export const CELLS = DISASTERS.flatMap((disaster) =>
  STORES.filter((store) => store === 'redis' || !isOfRedis(disaster)).map((store) => ({ store, disaster })),
);

export function isOfRedis(disaster: Disaster): boolean {
  return OF_REDIS.some((each) => each === disaster);
}

/** `whole` wherever nothing else is named. */
export function guaranteeOf(store: StoreKind, disaster: Disaster): Guarantee {
  return PROMISED[store][disaster] ?? 'whole';
}
