// connection: half-open connections: a client that is silent and answers no barrier is cut off (limits.silence).
import { onBeat, stillSince } from '../time/pulse.ts';

/** A connection, as its silence shows. */
export interface Silent {
  /**
   * Name of the client's connection. Another client has another name, and its silence begins anew.
   */
  readonly id: string;
  /** Bytes that have come from the connection's clients. */
  readonly heard: number;
  /**
   * Grows while the client takes bytes that wait for it; -1 = none wait. Frames of ours that wait
   * with them make it smaller.
   */
  readonly taken: number;
  /** Whether a barrier is on its way to the client. */
  readonly asked: boolean;
  /** Whether a client is there. */
  readonly attended: boolean;
  /**
   * Whether the client has ever answered. The silence of one that never did says nothing (SPEC
   * D12).
   */
  readonly answers: boolean;
  /** Whether bytes of the client may wait unread. */
  blind(now: number): boolean;
  probe(now: number): unknown;
  drop(at: number): void;
}

export interface SilenceDeps {
  readonly connections: Iterable<Silent>;
  /** Longest silence, ms; 0 = clients are never cut off. */
  readonly silenceMs: number;
  readonly now: () => number;
  /** Is told of each client that was cut off. */
  dropped(connection: Silent): unknown;
}

/** What was seen of a connection at the last look. */
interface Seen {
  id: string;
  heard: number;
  taken: number;
  /**
   * Start of the silence, and start of the wait for a barrier or for a client that takes nothing
   * during it; 0 = there is nothing to wait for. Monotonic ms.
   */
  quietAt: number;
  askedAt: number;
}

/** Looks at a connection in the time of `silenceMs`. */
const LOOKS = 8;

/**
 * Looks at every connection eight times per `silenceMs`. A client that was silent for that time is
 * asked by a barrier, unless one is on its way. A client that was silent for that time while a
 * barrier was on its way is cut off, and so is one that took nothing of what waits for it, because
 * it cannot be asked. One that takes some of it is there. Standstills do not count. The answer ends
 * the watch.
 */
export function watchSilence({ connections, silenceMs, now, dropped }: SilenceDeps): () => void {
  if (silenceMs === 0) return () => {};
  const seen = new WeakMap<Silent, Seen>();
  let next = now() + silenceMs / LOOKS;
  return onBeat((at) => {
    if (at < next) return;
    next = at + silenceMs / LOOKS;
    for (const connection of connections) {
      if (!connection.attended || !connection.answers) continue;
      const known = seen.get(connection);
      const { id, heard, taken } = connection;
      if (known === undefined || known.id !== id) seen.set(connection, { id, heard, taken, quietAt: at, askedAt: 0 });
      else if (known.heard !== heard || hasTaken(known.taken, taken) || connection.blind(at)) {
        known.heard = heard;
        known.quietAt = at;
        known.askedAt = 0;
      } else look(connection, known, at);
      if (known !== undefined) known.taken = taken;
    }
  });

  function look(connection: Silent, known: Seen, at: number): void {
    if (connection.asked || connection.taken >= 0) {
      if (known.askedAt === 0) known.askedAt = at;
      if (at - known.askedAt - stillSince(known.askedAt) < silenceMs) return;
      seen.delete(connection);
      dropped(connection);
      connection.drop(at);
      return;
    }
    known.askedAt = 0;
    if (at - known.quietAt >= silenceMs) connection.probe(at);
  }
}

/** Whether a client that was sent more than it took has taken some of it, or all. */
function hasTaken(before: number, now: number): boolean {
  return before >= 0 && (now < 0 || now > before);
}
