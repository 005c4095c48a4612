// front: file descriptors. New clients are turned away before the last ones are used, so that those who are in can be dialled for.
import { readdirSync, readFileSync } from 'node:fs';
import { now } from '../time/clock.ts';

/** Kept for everything that is neither a client nor its upstream connection: exports, hooks, name look-ups, files. */
const RESERVE = 64;
/** How often the limit is read again, ms: it may be changed while the process runs. */
const FRESH_MS = 1000;

export interface DescriptorDeps {
  /** Sockets of clients. */
  clients(): number;
  /** Sockets to the upstream. */
  upstreams(): number;
  /** Other sockets that are counted, such as those of the admin server. */
  others(): number;
  /** The soft limit; undefined = unknown. Default: that of /proc/self/limits. */
  limit?(): number | undefined;
  /** Open before there was any client. Default: what /proc/self/fd holds now. */
  base?(): number;
}

export interface Descriptors {
  /** Whether everybody who is in, and one more client, can have an upstream connection, and the reserve stays. */
  readonly room: boolean;
  /** One client in five may still come: time to let go of clients that can come back. */
  readonly scarce: boolean;
  /** Half of the reserve is in use by now: a client that is turned away cannot even be told why. */
  readonly exhausted: boolean;
}

/** Where nothing is known of a limit there is always room. */
export function createDescriptors(deps: DescriptorDeps): Descriptors {
  const { limit = readLimit, base = countOpen } = deps;
  const atStart = base();
  let known: number | undefined;
  let readAt = Number.NEGATIVE_INFINITY;

  /** Descriptors beside the reserve, when there are so many sockets. */
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
    // Another system than Linux, or no descriptor left to read it with: what was known holds.
    return undefined;
  }
}

function countOpen(): number {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    // Another system than Linux, where there is no limit to be read either.
    return 0;
  }
}
