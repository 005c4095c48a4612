// connection: what an opted-in client is answered: how much of what it says has been taken in. One answer per session and turn of the event loop.
import type { Report } from '../delivery/ports.ts';
import { heardText } from '../resume/messages.ts';
import { whenTurnEnds } from './turn-end.ts';

/** A session whose client is answered. */
export interface Answered {
  /** Highest serial of a word of its client that was taken in; 0 = none. */
  readonly heard: number;
  /** Its connection: the client that is there now. */
  readonly connection: { readonly answerable: boolean; sendText(data: Uint8Array): void } | undefined;
}

export interface Answers {
  /** A word of the session's client was taken in, and is answered when the turn ends. */
  owe(session: Answered): void;
  /** Another client is there now, perhaps one that knows of no answers: what the one before it said is not answered to it. */
  forget(session: Answered): void;
}

export function createAnswers(report: Report): Answers {
  /** Sessions whose client is to be answered when the turn ends. */
  const owed = new Set<Answered>();

  const task = {
    atTurnEnd() {
      const sessions = [...owed];
      owed.clear();
      for (const { heard, connection } of sessions) {
        try {
          // A client that talks and does not read gets no pile of answers. The next one that can be sent says all of it: serials are cumulative.
          if (connection?.answerable === true) connection.sendText(heardText(heard));
        } catch (error) {
          report({ stage: 'resume', error });
        }
      }
    },
  };

  return {
    owe(session) {
      if (owed.size === 0) whenTurnEnds(task);
      owed.add(session);
    },
    forget(session) {
      owed.delete(session);
    },
  };
}
