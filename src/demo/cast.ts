// demo: the roles of the clients. The verdict never reads this: it finds out from the sidecar's own numbers.

/** How a client behaves. */
export interface Role {
  /** First part of the name of each client with the role. */
  readonly name: string;
  readonly count: number;
  /** One line for the reader. */
  readonly does: string;
  /** How late pings are answered, ms; 0 = at once, undefined = never. */
  readonly pongAfterMs: number | undefined;
  /** What the application does with events that carry an id. */
  readonly confirms: 'nothing' | 'all' | 'rejects-some' | 'those-of-others';
  /** The misfortune of the client half-way. */
  readonly fate: 'none' | 'dies' | 'freezes';
}

const ORDINARY = { pongAfterMs: 0, confirms: 'nothing', fate: 'none' } as const;

/** Delay of slow pongs, ms: late enough for the first probe, early enough for the deadline. */
const SLOW_MS = 600;

/** All clients, by role. */
export const CAST: readonly Role[] = [
  { ...ORDINARY, name: 'healthy', count: 40, does: 'answer pings, as every WebSocket stack does' },
  { ...ORDINARY, name: 'confirming', count: 4, does: 'also confirm each tool event once handled', confirms: 'all' },
  { ...ORDINARY, name: 'fussy', count: 1, does: 'confirms, but rejects some tool results', confirms: 'rejects-some' },
  { ...ORDINARY, name: 'slow', count: 3, does: `answer pings ${SLOW_MS} ms late`, pongAfterMs: SLOW_MS },
  { ...ORDINARY, name: 'mute', count: 1, does: 'never answers a ping', pongAfterMs: undefined },
  { ...ORDINARY, name: 'dying', count: 1, does: 'loses its network half-way, then its connection', fate: 'dies' },
  { ...ORDINARY, name: 'frozen', count: 1, does: 'stops reading half-way, its connection stays open', fate: 'freezes' },
  { ...ORDINARY, name: 'prying', count: 1, does: "confirms other people's events", confirms: 'those-of-others' },
];

/** One client. */
export interface Member {
  readonly name: string;
  readonly role: Role;
}

/** Names all clients: `healthy-1`, `healthy-2` … */
export function membersOf(cast: readonly Role[]): Member[] {
  return cast.flatMap((role) =>
    Array.from({ length: role.count }, (_, index) => ({ name: `${role.name}-${index + 1}`, role })),
  );
}
