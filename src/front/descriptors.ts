// front: file descriptors: new clients are turned away while the last ones are needed to dial for those that are in.
import { readdirSync, readFileSync } from 'node:fs';
import { now } from '../time/clock.ts';

/**
 * Descriptors that are kept for everything but clients and their upstream connections: exports,
 * hooks, look-ups, files.
 */
const RESERVE = 64;
/** Time between two reads of the limit, ms. The limit may change while the process runs. */
const FRESH_MS = 1000;

export interface DescriptorDeps {
  /** Number of sockets of clients. */
  clients(): number;
  /** Number of sockets to the upstream. */
  upstreams(): number;
  /** Number of other known sockets, such as those of the admin server. */
  others(): number;
  /** The soft limit; undefined = unknown. Default: the limit in /proc/self/limits. */
  limit?(): number | undefined;
  /** Descriptors that were open before any client came. Default: those in /proc/self/fd now. */
  base?(): number;
}

export interface Descriptors {
  /**
   * Whether one more client and all that are in can have an upstream connection, without the
   * reserve.
   */
  readonly room: boolean;
  /** Whether four in five places for clients are taken, so that idle clients should be let go. */
  readonly scarce: boolean;
  /**
   * Whether half of the reserve is in use, so that a client cannot even be told why it is turned
   * away.
   */
  readonly exhausted: boolean;
}

/** Creates the count. There is always room where the limit is unknown. */
export function createDescriptors(deps: DescriptorDeps): Descriptors {
  const { limit = readLimit, base = countOpen } = deps;
  const atStart = base();
  let known: number | undefined;
  let readAt = Number.NEGATIVE_INFINITY;

  /** Descriptors that are left beside the reserve when `sockets` are open. */
  function left(sockets: number): number {
    if (now() - readAt > FRESH_MS) {
      readAt = now();
      known = limit() ?? known;
    }
    if (known === undefined) return Number.POSITIVE_INFINITY;
    return known - RESERVE - atStart - deps.others() - sockets;
  }

  function free(): number {
    const clients = deps.clients();
    // A client without an upstream connection may ask for one at any time.
    return left(clients + Math.max(clients, deps.upstreams()));
  }

  return {
    get room() {
      return free() >= 0;
    },
    get scarce() {
      return free() < ((known ?? 0) - RESERVE - atStart) / 5;
    },
    get exhausted() {
      return left(deps.clients() + deps.upstreams()) < -RESERVE / 2;
    },
  };
}

function readLimit(): number | undefined {
  try {
    const found = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'));
    return found === null ? undefined : Number(found[1]);
  } catch {
    // This is another system than Linux, or no descriptor was left to read the file. The last known
    // limit holds.
    return undefined;
  }
}

function countOpen(): number {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    // This is another system than Linux, which has no limit to read either.
    return 0;
  }
}
