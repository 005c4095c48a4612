// connection: answers that tell an opted-in client how much of its words was taken in: one per session and turn.
import type { Report } from '../delivery/ports.ts';
import { heardText } from '../resume/messages.ts';
import { whenTurnEnds } from './turn-end.ts';

/** A session whose client gets answers. */
export interface Answered {
  /** Highest serial of an SDK message that was taken in; 0 = none. */
  readonly heard: number;
  /** The connection that carries the session now. */
  readonly connection: { readonly answerable: boolean; sendMessage(data: Uint8Array): void } | undefined;
}

export interface Answers {
  /** Answers the client of `session` at the end of the turn. */
  owe(session: Answered): void;
  /**
   * Drops the answer that is owed, because another client has come, which may know nothing of
   * answers.
   */
  forget(session: Answered): void;
}

export function createAnswers(report: Report): Answers {
  /** Sessions whose client is answered at the end of the turn. */
  const owed = new Set<Answered>();

  const task = {
    atTurnEnd() {
      const sessions = [...owed];
      owed.clear();
      for (const { heard, connection } of sessions) {
        try {
          // A client that does not read gets no pile of answers. Serials are cumulative, so that a
          // later answer says the same.
          if (connection?.answerable === true) connection.sendMessage(heardText(heard));
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
