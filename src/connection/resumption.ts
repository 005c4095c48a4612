// connection: the sessions that outlive their connection: which one a request may have, and which one gives way.
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Report } from '../delivery/ports.ts';
import { type Owner, Session } from '../delivery/session.ts';
import type { OptIn } from '../resume/opt-in.ts';
import { createAnswers } from './heard.ts';
import type { ConnectionFacts } from './parts.ts';
import { ResumableSession } from './resumable-session.ts';
import type { SessionConnection } from './session-connection.ts';
import type { Claim, SessionDeps, SessionNumbers } from './session-deps.ts';

export interface ResumptionDeps extends Omit<SessionDeps, 'answers' | 'waiting'> {
  readonly report: Report;
}

/** An upgrade request as sessions see it, from its admission to its connection. */
export interface SessionRequest {
  /** The request's opt-in; undefined = the client has not opted in. */
  readonly optIn: OptIn | undefined;
  /** The user of the request, where it is proven. */
  readonly user: string | undefined;
  /** The claim of the request on a session; undefined = not decided yet. It is decided once. */
  claim: Claim | 'none' | undefined;
}

/** A client that goes on with its session over an upstream connection that is still there. */
export interface Returning {
  /** The session that goes on. */
  readonly session: Session;
  /** The subprotocol that the upstream has chosen; undefined = none. */
  readonly subprotocol: string | undefined;
  /** Takes over the client's socket, to which the 101 has been written. Does not throw. */
  join(facts: ConnectionFacts, client: Socket, head: Buffer): void;
}

/** The session of a new connection, perhaps one that its client had before. */
export interface Opening {
  readonly resumable: ResumableSession;
  /** Whether the client goes on with the session, which has an owner already. */
  readonly recovered: boolean;
  /** Joins the session to its connection; to be called before that starts. */
  begin(connection: SessionConnection): void;
}

export interface Resumption {
  /**
   * Closes the upstream connection of a client that is away, and calls `gone` when its socket is
   * closed; false = there is none. The session goes on waiting.
   */
  yieldUpstream(gone: () => void): boolean;
  /**
   * Lets the session of which the request has the token wait until the result is called: the
   * request's user is still being found out.
   */
  hold(asked: SessionRequest): () => void;
  /**
   * Whether `rejoin` will find the client's upstream connection, if it is called in this turn of
   * the event loop. The request's claim is decided by then.
   */
  rejoins(request: IncomingMessage, asked: SessionRequest): boolean;
  /**
   * Finds the session that the client asks for, if its upstream connection is still there;
   * undefined = the two cannot be joined. Otherwise the caller must join them next.
   */
  rejoin(request: IncomingMessage, asked: SessionRequest): Returning | undefined;
  /**
   * The session for a connection that the upstream has accepted; undefined = the client has not
   * opted in.
   */
  open(asked: SessionRequest, owner: Owner, traceparent: string): Opening | undefined;
  /**
   * Takes over a session of an earlier process, which waits for its client from now on. Answers
   * false if there is no room.
   */
  restore(session: Session, user: string | undefined, numbers: SessionNumbers): boolean;
  /**
   * Ends the sessions that wait for a client, or leaves them to the next process. `from`: when the
   * shutdown was decided, monotonic ms. `all`, where no client is left: also ends what was left to
   * the next process and cannot go on there any more.
   */
  close(code: number, reason: string, from: number, all?: boolean): void;
}

const GOING_AWAY = 1001; // RFC 6455 §7.4.1

export function createResumption(deps: ResumptionDeps): Resumption {
  const { registry, counters, journal, report } = deps;
  const waiting = new Set<ResumableSession>();
  const shared: SessionDeps = { ...deps, waiting, answers: createAnswers(report) };

  /** The claim of a request, which is decided once. */
  function claimOf(asked: SessionRequest): Claim | undefined {
    asked.claim ??= decide(asked) ?? 'none';
    return asked.claim === 'none' ? undefined : asked.claim;
  }

  /** The claim on a session whose upstream connection the request can be joined to. */
  function joinable(request: IncomingMessage, asked: SessionRequest) {
    const claim = claimOf(asked);
    const connection = claim?.resumable.connection;
    if (claim === undefined || connection?.rejoinable !== true || !fits(request, connection.facts)) return undefined;
    return { claim, connection };
  }

  function decide({ optIn, user }: SessionRequest): Claim | undefined {
    if (optIn?.session === undefined) return undefined;
    const resumable = registry.claim(optIn.session, optIn.token, user, deps.now());
    if (resumable === undefined || !resumable.lacks(optIn.last)) return resumable?.claim(optIn.last);
    counters.resume.unknown++;
    // An earlier process did not write everything down. Else the client says what cannot be: the
    // session goes on waiting for one that does not.
    if (resumable.connection === undefined) resumable.expire('incomplete');
    return undefined;
  }

  /**
   * Adds a session. At the limit, one of the same user that waits for its client gives way; none of
   * another user does.
   */
  function add(resumable: ResumableSession): void {
    const { session } = resumable;
    if (registry.full && session.user !== undefined) {
      for (const longest of waiting) {
        if (longest.session.user !== session.user) continue;
        longest.expire('evicted');
        break;
      }
    }
    if (registry.full) {
      // The session works, but ends with its connection.
      session.resumable = false;
      counters.refused++;
    }
    registry.add(resumable);
    if (session.resumable) journal?.opened(session);
  }

  return {
    /**
     * Takes the upstream connection of the client that has been away longest, which gets another
     * one when it comes back.
     */
    yieldUpstream(gone) {
      for (const { connection } of waiting) {
        if (connection === undefined || connection.attended || !connection.rejoinable) continue;
        connection.yieldPlace(GOING_AWAY, 'the place is needed', gone);
        return true;
      }
      return false;
    },

    hold({ optIn }) {
      const found = optIn?.session && registry.hasToken(optIn.session, optIn.token, deps.now());
      return found ? found.hold() : () => {};
    },

    rejoins: (request, asked) => joinable(request, asked) !== undefined,

    rejoin(request, asked) {
      const joined = joinable(request, asked);
      if (joined === undefined) return undefined;
      const { claim, connection } = joined;
      const { resumable } = claim;
      counters.resume.rejoined++;
      resumable.goOn(connection, claim);
      return {
        session: resumable.session,
        subprotocol: connection.facts.subprotocol,
        join(facts, client, head) {
          // One write carries the welcome and what was missed.
          client.cork();
          try {
            resumable.rejoin(facts, client, head);
          } catch (error) {
            report({ stage: 'resume', error });
            client.destroy();
          }
          client.uncork();
        },
      };
    },

    open(asked, owner, traceparent) {
      const { optIn } = asked;
      if (optIn === undefined) return undefined;
      if (optIn.session === undefined) counters.resume.fresh++;
      const claim = claimOf(asked);
      if (claim !== undefined) {
        const { resumable } = claim;
        const outrun = resumable.outrun(claim);
        if (registry.has(resumable) && !outrun) {
          counters.resume.recovered++;
          return { resumable, recovered: true, begin: (connection) => resumable.goOn(connection, claim) };
        }
        // The session ended before the upstream answered, or its client came back another way.
        counters.resume[outrun ? 'stale' : 'unknown']++;
      }
      const session = new Session(registry.newId(), owner, traceparent, deps.now());
      session.optedIn = true;
      session.resumable = true;
      const resumable = new ResumableSession(session, shared);
      return {
        resumable,
        recovered: false,
        begin(connection) {
          resumable.begin(connection);
          add(resumable);
        },
      };
    },

    restore(session, user, numbers) {
      // This process may have fewer places than the earlier one.
      if (registry.full) return false;
      registry.add(ResumableSession.restored(session, user, numbers, shared));
      return true;
    },

    close(code, reason, from, all = false) {
      for (const resumable of [...(all ? registry.all() : waiting)]) resumable.stop(code, reason, from);
    },
  };
}

/**
 * Whether the request fits the upstream connection that is there. The sidecar answers it in the
 * upstream's place.
 */
function fits({ url, headers }: IncomingMessage, facts: ConnectionFacts): boolean {
  if (headers['sec-websocket-version'] !== '13' || url?.split('?', 1)[0] !== facts.path) return false;
  const { subprotocol } = facts;
  if (subprotocol === undefined) return true;
  const offers = headers['sec-websocket-protocol'] ?? '';
  return offers.split(',').some((offer) => offer.trim() === subprotocol);
}
