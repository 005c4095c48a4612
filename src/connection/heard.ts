// connection: what an opted-in client is answered: how much of what it says has been taken in. One answer per connection and turn of the event loop.
import type { Journal } from '../delivery/journal.ts';
import type { Report } from '../delivery/ports.ts';
import type { Session } from '../delivery/session.ts';
import { heardText } from '../resume/messages.ts';
import type { Berth } from '../resume/registry.ts';
import type { Connection } from './connection.ts';
import { whenTurnEnds } from './turn-end.ts';

export interface Answers {
  /** A word with this serial was taken in; 0 = a word that asks for no answer. */
  heard(connection: Connection, serial: number): void;
  /** Another client is there now, perhaps one that knows of no answers: what the one before it said is not answered to it. */
  forget(connection: Connection): void;
}

/** `berthOf` finds where the serials of a session are kept. */
export function createAnswers(
  berthOf: (session: Session) => Berth<Connection> | undefined,
  report: Report,
  journal?: Journal | undefined,
): Answers {
  /** Connections whose client is to be answered when the turn ends. */
  const owed = new Set<Connection>();

  function answer(connection: Connection): void {
    const berth = berthOf(connection.session);
    // Whoever talks and does not read gets no pile of answers. The next one that can be sent says all of it: serials are cumulative.
    if (berth !== undefined && !connection.superseded && connection.answerable)
      connection.sendText(heardText(berth.heard));
  }

  const task = {
    atTurnEnd() {
      const connections = [...owed];
      owed.clear();
      for (const connection of connections) {
        try {
          answer(connection);
        } catch (error) {
          report({ stage: 'resume', error });
        }
      }
    },
  };

  return {
    heard(connection, serial) {
      const berth = berthOf(connection.session);
      if (berth === undefined || serial === 0) return;
      if (serial > berth.heard) {
        berth.heard = serial;
        if (connection.session.resumable) journal?.heard(connection.session, serial);
      }
      if (owed.size === 0) whenTurnEnds(task);
      owed.add(connection);
    },
    forget(connection) {
      owed.delete(connection);
    },
  };
}
