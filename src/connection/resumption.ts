// connection: sessions that outlive their connection, all of them: which one a request may go on with, and which gives way when there are too many.
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Report } from '../delivery/ports.ts';
import { type Owner, Session } from '../delivery/session.ts';
import type { OptIn } from '../resume/opt-in.ts';
import { createAnswers } from './heard.ts';
import type { ConnectionFacts } from './parts.ts';
import { type Claim, ResumableSession, type SessionDeps, type SessionNumbers } from './resumable-session.ts';
import type { SessionConnection } from './session-connection.ts';

export interface ResumptionDeps extends Omit<SessionDeps, 'answers' | 'waiting'> {
  readonly report: Report;
}

/** A request for an upgrade, as far as sessions go: one object from its admission to its connection. */
export interface SessionRequest {
  /** What its query asks for; undefined = the client has not opted in. */
  readonly optIn: OptIn | undefined;
  /** Whose it is, where that is proven. */
  readonly user: string | undefined;
  /** The claim that it has on a session; undefined until that is decided, once. */
  claim: Claim | 'none' | undefined;
}

/** A client that goes on with its session over the upstream connection that is still there. */
export interface Returning {
  /** The session that goes on. */
  readonly session: Session;
  /** As the upstream had chosen it; undefined for none. */
  readonly subprotocol: string | undefined;
  /** Takes over the client's socket, on which the upgrade has been answered. Does not throw. */
  join(facts: ConnectionFacts, client: Socket, head: Buffer): void;
}

/** The session of a new connection, perhaps one that its client had before. */
export interface Opening {
  readonly resumable: ResumableSession;
  /** The client goes on with it: it had an owner before. */
  readonly recovered: boolean;
  /** Call with the connection before it starts. */
  begin(connection: SessionConnection): void;
}

export interface Resumption {
  /** Closes the upstream connection of a client that is away, whose session goes on waiting; false = there is none. */
  yieldUpstream(): boolean;
  /** A client wants its session while the upstream connection is still there. The two must be joined next; undefined = they cannot be. */
  rejoin(request: IncomingMessage, asked: SessionRequest): Returning | undefined;
  /** The session for a connection that the upstream has accepted; undefined = the client has not opted in. */
  open(asked: SessionRequest, owner: Owner, traceparent: string): Opening | undefined;
  /** Takes over a session of an earlier process, whose client may come back as if its connection had just ended. False: there is no room. */
  restore(session: Session, user: string | undefined, numbers: SessionNumbers): boolean;
  /** Ends what waits for a client, or leaves it to the next process: at shutdown. */
  close(code: number, reason: string): void;
}

export function createResumption(deps: ResumptionDeps): Resumption {
  const { registry, counters, journal, report } = deps;
  const waiting = new Set<ResumableSession>();
  const shared: SessionDeps = { ...deps, waiting, answers: createAnswers(report) };

  /** Decides once which session the request may go on with. */
  function claimOf(asked: SessionRequest): Claim | undefined {
    asked.claim ??= decide(asked) ?? 'none';
    return asked.claim === 'none' ? undefined : asked.claim;
  }

  function decide({ optIn, user }: SessionRequest): Claim | undefined {
    if (optIn?.session === undefined) return undefined;
    const resumable = registry.claim(optIn.session, optIn.token, user, deps.now());
    if (resumable === undefined || !resumable.lacks(optIn.last)) return resumable?.claim(optIn.last);
    counters.resume.unknown++;
    resumable.expire('incomplete');
    return undefined;
  }

  /** With as many sessions as there may be, one of the same user gives way that waits for its client; nobody else's does. */
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
      // It works as a connection does, and ends with it.
      session.resumable = false;
      counters.refused++;
    }
    registry.add(resumable);
    if (session.resumable) journal?.opened(session);
  }

  return {
    /** A place for an upstream connection is needed: the client that has been away longest finds another one when it comes back. */
    yieldUpstream() {
      for (const resumable of waiting) if (resumable.yieldUpstream()) return true;
      return false;
    },

    rejoin(request, asked) {
      const claim = claimOf(asked);
      if (claim === undefined) return undefined;
      const { resumable } = claim;
      const { connection } = resumable;
      if (connection === undefined || !connection.rejoinable || !fits(request, connection.facts)) return undefined;
      counters.resume.rejoined++;
      resumable.goOn(connection, claim);
      return {
        session: resumable.session,
        subprotocol: connection.facts.subprotocol,
        join(facts, client, head) {
          // The welcome and what was missed in one write.
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
        // The upstream took its time: the session is over by now, or its client has come back another way.
        counters.resume[outrun ? 'stale' : 'unknown']++;
      }
      const session = new Session(registry.newId(), owner, traceparent);
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
      // There may be fewer places than the earlier process had.
      if (registry.full) return false;
      registry.add(ResumableSession.restored(session, user, numbers, shared));
      return true;
    },

    close(code, reason) {
      for (const resumable of [...waiting]) resumable.stop(code, reason);
    },
  };
}

/** Whether the client asks for what its upstream connection is: the sidecar answers in the upstream's place. */
function fits({ url, headers }: IncomingMessage, facts: ConnectionFacts): boolean {
  if (headers['sec-websocket-version'] !== '13' || url?.split('?', 1)[0] !== facts.path) return false;
  const { subprotocol } = facts;
  if (subprotocol === undefined) return true;
  const offers = headers['sec-websocket-protocol'] ?? '';
  return offers.split(',').some((offer) => offer.trim() === subprotocol);
}
