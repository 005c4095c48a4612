// resume: what is counted about sessions: plain numbers for metrics and log lines. Types, not interfaces: each is read as a record of series.

/** What became of requests for a session (`ackspan.session.resume`). */
export type ResumeCounters = {
  /** Opted in without asking for a session. */
  fresh: number;
  /** Goes on with its session, over a new upstream connection. */
  recovered: number;
  /** The same over the upstream connection that it had. */
  rejoined: number;
  unknown: number;
  expired: number;
  forged: number;
  foreign: number;
  /** An older token of the session, used after a newer one; or a request that a newer one overtook. */
  stale: number;
};

/** How sessions have ended (`ackspan.session.ended`). */
export type EndedCounters = {
  /** By a Close frame after which nobody comes back. */
  closed: number;
  /** Its client did not come back within the time. */
  expired: number;
  /** It waited for its client longest when its user began another one and there were too many. */
  evicted: number;
  /** It was restored, and its client had messages that the store knows nothing of. */
  incomplete: number;
  /** At shutdown, or because its connection could not be closed in time. */
  stopped: number;
};

/** All of it, since start. */
export interface SessionCounters {
  readonly resume: ResumeCounters;
  readonly ended: EndedCounters;
  /** Sessions that wait for their client now. */
  waiting: number;
  /** Sessions that end with their connection, because there were as many as there may be. */
  refused: number;
}

export function createSessionCounters(): SessionCounters {
  return {
    resume: { fresh: 0, recovered: 0, rejoined: 0, unknown: 0, expired: 0, forged: 0, foreign: 0, stale: 0 },
    ended: { closed: 0, expired: 0, evicted: 0, incomplete: 0, stopped: 0 },
    waiting: 0,
    refused: 0,
  };
}
