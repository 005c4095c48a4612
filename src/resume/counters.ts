// resume: counts about sessions, for metrics and log lines. Types, not interfaces: each is read as a record of series.

/** Requests for a session by result (`ackspan.session.resume`). */
export type ResumeCounters = {
  /** The client opted in without asking for a session. */
  fresh: number;
  /** The session goes on, over a new upstream connection. */
  recovered: number;
  /** The session goes on, over the upstream connection that it had. */
  rejoined: number;
  unknown: number;
  expired: number;
  forged: number;
  foreign: number;
  /** The token was older than one that was used; or a newer request overtook this one. */
  stale: number;
};

/** Ended sessions by reason (`ackspan.session.ended`). */
export type EndedCounters = {
  /** A Close frame came after which no client comes back. */
  closed: number;
  /** The client did not come back within the time. */
  expired: number;
  /** The session had waited longest when its user began another one and there were too many. */
  evicted: number;
  /** The session goes on at another instance. */
  moved: number;
  /** The session was restored, and its client had messages that the store knows nothing of. */
  incomplete: number;
  /** The sidecar stopped, or the connection could not be closed in time. */
  stopped: number;
};

/** All counts, since start. */
export interface SessionCounters {
  readonly resume: ResumeCounters;
  readonly ended: EndedCounters;
  /** Sessions that wait for their client now. */
  waiting: number;
  /** Sessions that end with their connection, because the limit on sessions was reached. */
  refused: number;
}

export function createSessionCounters(): SessionCounters {
  return {
    resume: { fresh: 0, recovered: 0, rejoined: 0, unknown: 0, expired: 0, forged: 0, foreign: 0, stale: 0 },
    ended: { closed: 0, expired: 0, evicted: 0, moved: 0, incomplete: 0, stopped: 0 },
    waiting: 0,
    refused: 0,
  };
}
