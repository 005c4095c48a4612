// Simulation: what every client needs of the simulation, and what the schedule can ask of one.
import type { History, Link } from './history.ts';
import type { Deflater } from './message.ts';
import type { ClientSetup } from './schedule.ts';
import type { Stack } from './stack.ts';
import type { End } from './wire.ts';
import type { World } from './world.ts';

/** What the clients need of the simulation. */
export interface Surroundings {
  readonly world: World;
  readonly history: History;
  /** A number in [0, 1) that depends on nothing but the seed and these two. */
  fate(uid: number, what: number): number;
  /** Whether the schedule has the backend send that event to that client, at any time. */
  isSent(client: number, event: number): boolean;
  /**
   * Opens a connection to the sidecar: the client's end, and how its compressed messages are told
   * apart.
   */
  dial(client: number, url: string, link: Link): { readonly end: End; deflater(): Deflater | undefined };
}

export interface SimClient {
  connect(): void;
  word(event: number, rejected: boolean): void;
  /** Leaves for good, at the end of the schedule. */
  end(orderly: boolean): void;
  /** The network of the page has changed. */
  online(): void;
  /** The page is loaded again; `orderly`: its browser closes the connection first. */
  reload(orderly: boolean): void;
  readonly stack: Stack | undefined;
}

/** Another connection of the client, in the history. */
export function newLink(around: Surroundings, client: number, { sdk, user }: ClientSetup): Link {
  const link: Link = {
    id: around.history.links.length + 1,
    client,
    user,
    sdk,
    parsed: [],
    evidence: [],
    upstream: 0,
    joinedAt: 0,
    left: { arrivedAt: 0, readAt: 0 },
    leftAt: 0,
    leftCode: 0,
    streamEnd: undefined,
    closedAt: 0,
    overAt: 0,
    overReadAt: 0,
    closeSentAt: 0,
    brokenAt: 0,
    supersededAt: 0,
    supersededAnew: false,
    vanishedAt: 0,
    pauses: [],
    arrivals: [],
    broke: false,
    cutShort: false,
  };
  around.history.links.push(link);
  return link;
}
