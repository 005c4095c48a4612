// admin: the connections of this process, open ones and the latest closed ones, each with the steps of its life.
import type { Capability } from '../delivery/words.ts';
import type { ConnectionView } from './ports.ts';

/** The side that ended a connection. */
export type ClosedBy = 'client' | 'upstream' | 'sidecar';

/** A step of a connection's life; `at` is monotonic ms. */
export interface LifeStep {
  readonly step: 'opened' | 'capability' | 'closed';
  readonly at: number;
  readonly capability?: Capability;
  readonly by?: ClosedBy;
  readonly code?: number;
}

/** One connection. */
export interface BookEntry {
  /** The connection as it is, or as it was at its end. */
  view(): ConnectionView;
  readonly life: readonly LifeStep[];
  readonly closed: { readonly at: number; readonly by: ClosedBy; readonly code: number } | undefined;
}

/** Called for every step of every connection. */
export type BookListener = (entry: BookEntry, step: LifeStep) => void;

/** `C` is what a connection is to those who tell of it. */
export interface ConnectionBook<C = unknown> {
  opened(id: string, connection: C, at: number): void;
  capability(id: string, capability: Capability, at: number): void;
  closed(id: string, by: ClosedBy, code: number, at: number): void;
  get(id: string): BookEntry | undefined;
  /** Every connection, in no order. */
  each(): Iterable<BookEntry>;
  /** Calls the listener from now on. The result ends the calls. */
  watch(listener: BookListener): () => void;
}

/** Number of closed connections that are remembered. */
const OVER_LIMIT = 2_000;

/** Numbers instead of steps, because there is one of these for every open connection. */
class Held<C> implements BookEntry {
  /** The connection while it is open, and what it looked like at its end. */
  #open: C | undefined;
  #last: ConnectionView | undefined = undefined;
  readonly #look: (connection: C) => ConnectionView;
  closed: BookEntry['closed'] = undefined;
  /** When the client showed that it can confirm at that level; 0 = not yet. */
  received = 0;
  processed = 0;

  constructor(connection: C, look: (connection: C) => ConnectionView) {
    this.#open = connection;
    this.#look = look;
  }

  view(): ConnectionView {
    return this.#last ?? this.#look(this.#open!);
  }

  /**
   * Keeps the view. The session may go on over another connection, and the memory of this one must
   * not keep the session alive.
   */
  close(closed: BookEntry['closed']): void {
    this.#last = this.view();
    this.#open = undefined;
    this.closed = closed;
  }

  get life(): readonly LifeStep[] {
    const steps: LifeStep[] = [{ step: 'opened', at: this.view().openedAt }];
    if (this.received !== 0) steps.push({ step: 'capability', at: this.received, capability: 'received' });
    if (this.processed !== 0) steps.push({ step: 'capability', at: this.processed, capability: 'processed' });
    if (this.closed !== undefined) steps.push({ step: 'closed', ...this.closed });
    return steps;
  }
}

/**
 * Remembers every open connection, which is seen through `look`, and the latest closed ones. `left`
 * is called with the number of each that is forgotten.
 */
export function createConnectionBook<C>(
  look: (connection: C) => ConnectionView,
  left?: (seq: number) => void,
): ConnectionBook<C> {
  const open = new Map<string, Held<C>>();
  const over = new Map<string, Held<C>>();
  const listeners = new Set<BookListener>();
  const tell = (held: Held<C>, step: LifeStep): void => {
    for (const listener of listeners) listener(held, step);
  };
  return {
    opened(id, connection, at) {
      const held = new Held(connection, look);
      open.set(id, held);
      tell(held, { step: 'opened', at });
    },
    capability(id, capability, at) {
      const held = open.get(id);
      if (held === undefined || capability === 'none') return;
      held[capability] = at;
      tell(held, { step: 'capability', at, capability });
    },
    closed(id, by, code, at) {
      const held = open.get(id);
      if (held === undefined) return;
      open.delete(id);
      held.close({ at, by, code });
      over.set(id, held);
      const [oldest] = over.size > OVER_LIMIT ? over : [];
      if (oldest !== undefined) {
        over.delete(oldest[0]);
        left?.(oldest[1].view().seq);
      }
      tell(held, { step: 'closed', at, by, code });
    },
    get: (id) => open.get(id) ?? over.get(id),
    *each() {
      yield* open.values();
      yield* over.values();
    },
    watch(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
