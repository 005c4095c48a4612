// Storm: what one connection will do, all of it from the run's seed and the connection's number.
import { createRandom } from '../load/timing.ts';

export const CLIENTS = [
  ['normal', 24],
  ['latest', 8],
  ['mute', 5],
  ['confirming', 16],
  ['late', 8],
  ['leaving', 6],
  ['half', 4],
  ['reset', 4],
  ['upload', 1],
  ['malformed', 4],
  ['frozen', 6],
  ['sdk', 12],
] as const;
export type ClientKind = (typeof CLIENTS)[number][0];

export interface PlannedEvent {
  /** Before it, ms. */
  readonly gap: number;
  readonly type: string;
  readonly bytes: number;
  /** Has the id of the event before it. */
  readonly twin: boolean;
  readonly binary: boolean;
  readonly ping: 'none' | 'constant' | 'unique';
  /** What an application that confirms says: when, and whether it could handle it. */
  readonly wordMs: number;
  readonly ok: boolean;
  readonly twice: boolean;
}

export type LinkFault = 'fin' | 'reset' | 'vanish' | 'stall' | 'trickle';

export interface LinkPlan {
  /** One way, ms. */
  readonly delayMs: number;
  readonly fault: { readonly afterMs: number; readonly how: LinkFault; readonly ms: number } | undefined;
}

export type BackendEnd =
  | { readonly how: 'close'; readonly code: number }
  | { readonly how: 'crash'; readonly inside: boolean }
  | { readonly how: 'wait' };

export interface Plan {
  readonly id: number;
  readonly client: ClientKind;
  readonly deflate: boolean;
  readonly events: readonly PlannedEvent[];
  readonly end: BackendEnd;
  /** The backend reads nothing from this event on, so long. */
  readonly deaf: { readonly at: number; readonly ms: number } | undefined;
  /** After how many messages the client does what its kind says, and for how long. */
  readonly turn: { readonly at: number; readonly ms: number };
  /** How long the client stays after the last event is due, ms. */
  readonly stayMs: number;
  readonly clientLink: LinkPlan;
  readonly backendLink: LinkPlan;
}

const TYPES = [
  'agent_started',
  'agent_thinking',
  'tool_executing',
  'quick_token',
  'strict_result',
  'note',
  'heartbeat',
];
const CODES = [1000, 1001, 1011, 1012, 4401];

export function createPlan(seed: number, id: number): Plan {
  const random = createRandom((seed ^ Math.imul(id + 1, 0x9e3779b1)) >>> 0);
  for (let i = 0; i < 4; i++) random();
  const between = (from: number, to: number) => from + Math.floor(random() * (to - from + 1));
  const chance = (share: number) => random() < share;
  const client = pick(random());
  const count = between(5, 60);
  const burst = chance(0.3);
  const event = (n: number): PlannedEvent => ({
    gap: burst ? (chance(0.1) ? between(50, 600) : 0) : between(0, 220),
    type: TYPES[between(0, TYPES.length - 1)]!,
    bytes: chance(0.04) ? between(4000, 40_000) : between(60, 700),
    twin: n > 0 && client !== 'sdk' && chance(0.02),
    binary: client !== 'sdk' && chance(0.01),
    ping: chance(0.06) ? (chance(0.5) ? 'constant' : 'unique') : 'none',
    wordMs: client === 'late' ? between(500, 7000) : between(0, 40),
    ok: !chance(0.06),
    twice: client === 'late' && chance(0.2),
  });
  const events = Array.from({ length: count }, (_, n) => event(n));
  const link = (): LinkPlan => {
    const hows = ['fin', 'reset', 'vanish', 'stall', 'trickle'] as const;
    const fault = chance(0.12)
      ? { afterMs: between(100, 5000), how: hows[between(0, 4)]!, ms: between(200, 2500) }
      : undefined;
    return { delayMs: chance(0.3) ? 0 : between(0, 75), fault };
  };
  const toss = random();
  const end: BackendEnd =
    toss < 0.45
      ? { how: 'close', code: CODES[between(0, CODES.length - 1)]! }
      : toss < 0.55
        ? { how: 'crash', inside: chance(0.5) }
        : { how: 'wait' };
  return {
    id,
    client,
    deflate: client !== 'sdk' && chance(0.15),
    events,
    end,
    deaf: client === 'upload' || chance(0.05) ? { at: between(0, count - 1), ms: between(1000, 3000) } : undefined,
    turn: { at: between(1, count), ms: between(300, 3000) },
    stayMs: chance(0.3) ? between(4500, 7000) : between(600, 2500),
    clientLink: link(),
    backendLink: link(),
  };
}

function pick(toss: number): ClientKind {
  const all = CLIENTS.reduce((sum, [, weight]) => sum + weight, 0);
  let left = toss * all;
  for (const [kind, weight] of CLIENTS) {
    left -= weight;
    if (left < 0) return kind;
  }
  return 'normal';
}
