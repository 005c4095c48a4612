// connection: half-open connections: a client that sends nothing and answers no barrier is cut off, so that it can come back another way (limits.silence).
import { onBeat, stillSince } from '../time/pulse.ts';

/** A connection as far as its silence goes. */
export interface Silent {
  /** Names the client's connection: another one that takes its place has said nothing yet, and been asked nothing. */
  readonly id: string;
  /** Bytes that have come from its clients. */
  readonly heard: number;
  /** A barrier is on its way to the client. */
  readonly asked: boolean;
  /** Whether a client is there. */
  readonly attended: boolean;
  /** Whether the client has ever answered: silence of one that never did says nothing (SPEC D12). */
  readonly answers: boolean;
  /** Whether bytes of the client may wait unread. */
  blind(now: number): boolean;
  probe(now: number): unknown;
  drop(at: number): void;
}

export interface SilenceDeps {
  readonly connections: Iterable<Silent>;
  /** How long, ms; 0 = nobody is ever cut off. */
  readonly silenceMs: number;
  readonly now: () => number;
  /** Told of each client that was cut off. */
  dropped(connection: Silent): unknown;
}

/** What was seen of a connection at the last look. */
interface Seen {
  id: string;
  heard: number;
  /** Since when nothing was heard, and since when besides a barrier was out; 0 = none was. Monotonic ms. */
  quietAt: number;
  askedAt: number;
}

/** Looks, per `silence`. */
const LOOKS = 8;

/**
 * Looks at every connection eight times per `silenceMs`. A client that was silent for so long is asked, by a barrier, if none is on
 * its way; one that was silent for so long while a barrier was, is cut off. Standstills do not count. The result ends it.
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
      const { id, heard } = connection;
      if (known === undefined || known.id !== id) seen.set(connection, { id, heard, quietAt: at, askedAt: 0 });
      else if (known.heard !== heard || connection.blind(at)) {
        known.heard = heard;
        known.quietAt = at;
        known.askedAt = 0;
      } else look(connection, known, at);
    }
  });

  function look(connection: Silent, known: Seen, at: number): void {
    if (connection.asked) {
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
