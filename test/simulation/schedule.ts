// Simulation: a schedule: who takes part, and every action with its moment. Written by chance from one seed (generate.ts), or by a test.

/** A message that the backend sends. */
export interface Emitted {
  /** Its number, a multiple of 8: the message to client `i` is number `uid + i`. */
  readonly uid: number;
  /**
   * `auto`, `received`, `processed`, `again` (resend: true) and `low` have rules; `chatter` is not
   * tracked; `noise` is no JSON, nor is `binary`, which comes in binary frames. So do some events.
   */
  readonly type: 'auto' | 'received' | 'processed' | 'again' | 'low' | 'chatter' | 'noise' | 'binary';
  /** The event's number: twins share one. */
  readonly event: number;
  /** Bytes of filling. */
  readonly size: number;
  /** Frames that it comes in. */
  readonly pieces: number;
  readonly compressed: boolean;
  /** The filling cannot be compressed. */
  readonly dense?: boolean;
  /** A client that leaves when it has its last message leaves now. */
  readonly last?: boolean;
}

/** How a backend ends a connection right behind what it has sent. */
export type Ending =
  | { readonly how: 'close'; readonly code: number }
  | { readonly how: 'reset' | 'fin' | 'partial-reset' | 'partial-fin' | 'malformed' };

export type Action = { readonly at: number } & (
  | { readonly do: 'connect' | 'leave-network' | 'half-close' | 'page-online' | 'vanish'; readonly client: number }
  | {
      readonly do: 'emit';
      readonly to: readonly number[];
      readonly messages: readonly Emitted[];
      readonly then?: Ending;
    }
  | { readonly do: 'ping'; readonly client: number; readonly payload: string }
  | {
      readonly do: 'backend-hold' | 'client-hold' | 'stall' | 'stall-up';
      readonly client: number;
      readonly ms: number;
    }
  | { readonly do: 'freeze'; readonly ms: number }
  | { readonly do: 'restart'; readonly ms: number }
  | { readonly do: 'word'; readonly client: number; readonly event: number; readonly rejected: boolean }
  | { readonly do: 'say'; readonly client: number; readonly bytes: number }
  | { readonly do: 'pong'; readonly client: number }
  | { readonly do: 'bad-frame'; readonly client: number; readonly garbage: boolean }
  | { readonly do: 'close'; readonly client: number; readonly code: number }
  | { readonly do: 'reload'; readonly client: number; readonly orderly: boolean }
  | { readonly do: 'step-wall'; readonly ms: number }
  | { readonly do: 'sigterm' }
);

export interface ClientSetup {
  readonly sdk: boolean;
  readonly user: string | undefined;
  readonly pongs: 'all' | 'latest' | 'late' | 'never';
  readonly pongDelay: number;
  readonly answersClose: boolean;
  readonly pongsWhileClosing: boolean;
  /**
   * Shares of events that its application confirms, rejects, and confirms twice; how long it takes,
   * ms.
   */
  readonly confirms: number;
  readonly rejects: number;
  readonly repeats: number;
  readonly wordDelay: number;
  /** Round trip to the sidecar, and what its network does. */
  readonly rtt: number;
  readonly jitter: number;
  readonly cuts: number;
  readonly capacity: number;
  readonly deflate: 'off' | 'takeover' | 'each';
  /** The sidecar's socket reads while it is paused (TLS, streams), or does not (plain TCP). */
  readonly readsAhead: boolean;
}

export interface Setup {
  readonly clients: readonly ClientSetup[];
  readonly backendRtt: number;
  readonly backendCuts: number;
  readonly backendCapacity: number;
  readonly timeoutMs: number;
  readonly attemptsMs: readonly number[];
  readonly history: number;
  readonly pending: number;
  readonly pendingPerUser: number;
  readonly messageBytes: number;
  readonly retainedBytes: number;
  /** The backend can be asked to emit events again. */
  readonly reemits: boolean;
  readonly ttlMs: number;
  readonly reloadMs: number;
  readonly lingerMs: number;
  readonly patienceMs: number;
  /** 0 = nobody is cut off for being silent. */
  readonly silenceMs: number;
  readonly graceMs: number;
  /** A stop tells so many clients to come again at once, and per second after that. */
  readonly pace: { readonly atOnce: number; readonly perSecond: number };
  /** Sessions outlive the stop: what they have in flight gets no outcome here. */
  readonly handsOver: boolean;
  /** How old a connection may grow, and how long it may carry nothing; 0 = without end. */
  readonly ageMs: number;
  readonly idleMs: number;
  readonly connections: number;
  /** Most that one callback of the sidecar costs, ms. */
  readonly cost: number;
}

export interface Schedule {
  readonly seed: number;
  readonly setup: Setup;
  readonly actions: readonly Action[];
}

/** An action in words. */
export function inWords(action: Action): string {
  if (action.do === 'emit') {
    const messages = action.messages.map(
      ({ uid, type, event, pieces, compressed, size }) =>
        `m${uid} ${type} e${event}${size > 999 ? ` ${size} B` : ''}${pieces > 1 ? ` in ${pieces}` : ''}${compressed ? ' z' : ''}`,
    );
    const then = action.then === undefined ? '' : `, then ${Object.values(action.then).join(' ')}`;
    return `backend → ${action.to.join('+')}: ${messages.join(', ')}${then}`;
  }
  const { at: _, do: what, ...rest } = action;
  const facts = Object.entries(rest).map(([key, value]) => `${key} ${value}`);
  return [what, ...facts].join(' ');
}
