// connection: sessions that outlive their connection: who may come back, what they are told, what they are sent again, and when they are over.
import type { IncomingMessage } from 'node:http';
import type { Journal } from '../delivery/journal.ts';
import type { Report } from '../delivery/ports.ts';
import type { Delivery } from '../delivery/record.ts';
import { type Owner, Session } from '../delivery/session.ts';
import type { Tracker } from '../delivery/tracker.ts';
import type { AttemptResult } from '../delivery/words.ts';
import type { EndedBy } from '../relay/tap.ts';
import { Budget } from '../resume/budget.ts';
import type { EndedCounters, SessionCounters } from '../resume/counters.ts';
import { isFinal } from '../resume/final.ts';
import { looksLikeNotice, readClientMessage, replayText, welcomeText } from '../resume/messages.ts';
import type { Berth, Registry } from '../resume/registry.ts';
import { patiently, type Wait } from '../time/patience.ts';
import type { Connection } from './connection.ts';
import { createAnswers } from './heard.ts';
import type { OptedIn } from './opted-in.ts';
import { type Claim, fits, type Returning, type SessionRequest } from './session-request.ts';

export interface ResumptionDeps {
  readonly registry: Registry<Connection>;
  readonly tracker: Tracker;
  readonly counters: SessionCounters;
  /** How long a session without a connection waits for its client, ms. */
  readonly ttlMs: number;
  /** The same after a Close frame with 1001: a page that reloads is back in a moment, one that was closed never is, ms. */
  readonly reloadMs: number;
  /** How long its path may be silent before a client gives it up, ms; 0 = for ever. */
  readonly silenceMs: number;
  readonly now: () => number;
  /** Told of sessions; left out where nothing outlives the process. */
  readonly journal?: Journal | undefined;
  /** The session is over; told once. */
  ended(session: Session): void;
  readonly report: Report;
}

/** A session for a new connection, perhaps one that the client had before. */
export interface Seat {
  readonly session: Session;
  /** The client goes on with it: it had an owner before. */
  readonly recovered: boolean;
  /** Call with the connection before it starts. */
  take(connection: Connection): void;
}

export interface Resumption extends OptedIn {
  /** Closes the upstream connection of a client that is away, whose session goes on waiting; false = there is none. */
  yieldUpstream(): boolean;
  /** A client wants its session while the upstream connection is still there: the two must be joined next. Undefined = they cannot be. */
  rejoin(request: IncomingMessage, asked: SessionRequest): Returning | undefined;
  /** The session for a connection that the upstream has accepted; undefined = the client has not opted in. */
  seat(asked: SessionRequest, owner: Owner, traceparent: string): Seat | undefined;
  /** Ends what waits for a client: at shutdown. */
  close(code: number, reason: string): void;
}

/** Close code towards a client whose session goes on elsewhere (RFC 6455 §7.4.2: 4000–4999 are for applications). */
export const REPLACED = 4409;
const REPLACED_REASON = 'replaced by a newer connection';
/** RFC 6455 §7.4.1, "going away". */
const GOING_AWAY = 1001;
/** Messages that may be sent again on one connection: so many at once, and so many a second. */
const RESENDS = { burst: 64, perSecond: 32 };
/** The same over all connections: a fraction of what one instance relays. */
const ALL_RESENDS = { burst: 2000, perSecond: 1000 };

export function createResumption(deps: ResumptionDeps): Resumption {
  const { registry, tracker, counters, ttlMs, reloadMs, silenceMs: silence, now, journal, report } = deps;
  /** In the order in which they began to wait. */
  const waiting = new Map<Session, Wait>();
  const berthOf = new WeakMap<Session, Berth<Connection>>();
  const budgets = new WeakMap<Connection, Budget>();
  const total = new Budget(ALL_RESENDS.burst, ALL_RESENDS.perSecond);
  /** Connections about to be greeted that go on with a session: up to where their client has it. */
  const returning = new WeakMap<Connection, number>();
  const answers = createAnswers((session) => berthOf.get(session), report, journal);

  /** Decides once which session the request may go on with. */
  function claimOf(asked: SessionRequest): Claim | undefined {
    asked.claim ??= decide(asked) ?? 'none';
    return asked.claim === 'none' ? undefined : asked.claim;
  }

  function decide({ optIn, user }: SessionRequest): Claim | undefined {
    if (optIn?.session === undefined) return undefined;
    const berth = registry.claim(optIn.session, optIn.token, user, now());
    if (berth === undefined) return undefined;
    journal?.tokens(berth.session, berth.serial, berth.used);
    // Its client is on the way: the upstream's answer may take longer than what is left of the time.
    if (waiting.has(berth.session)) wait(berth.session);
    return { berth, last: optIn.last, number: ++berth.claims };
  }

  /** The claim's session goes on over `connection`. */
  function seated(claimed: Claim, connection: Connection): void {
    stopWaiting(claimed.berth.session);
    claimed.berth.seated = claimed.number;
    claimed.berth.carrier = connection;
    returning.set(connection, claimed.last);
  }

  function wait(session: Session, ms = ttlMs): void {
    stopWaiting(session);
    waiting.set(
      session,
      patiently(ms, () => expire(session, 'expired')),
    );
    counters.waiting = waiting.size;
  }

  function stopWaiting(session: Session): void {
    waiting.get(session)?.cancel();
    waiting.delete(session);
    counters.waiting = waiting.size;
  }

  function expire(session: Session, how: keyof EndedCounters): void {
    const carrier = berthOf.get(session)?.carrier;
    over(session, how);
    carrier?.close(GOING_AWAY, 'the client did not come back');
  }

  function over(session: Session, how: keyof EndedCounters, why?: 'shutdown'): void {
    tracker.ended(session, now(), why);
    forget(session, how);
  }

  /** Nobody will resume the session. What it has in flight is ended by its caller, or by its connection, which knows why. */
  function forget(session: Session, how: keyof EndedCounters): void {
    stopWaiting(session);
    session.resumable = false;
    if (!registry.remove(session)) return;
    counters.ended[how]++;
    journal?.ended(session);
    deps.ended(session);
  }

  /** With as many sessions as there may be, one of the same user gives way that waits for its client; nobody else's does. */
  function add(session: Session, connection: Connection): void {
    if (registry.full && session.user !== undefined) {
      for (const longest of waiting.keys()) {
        if (longest.user !== session.user) continue;
        expire(longest, 'evicted');
        break;
      }
    }
    if (registry.full) {
      // It works as a connection does, and ends with it.
      session.resumable = false;
      counters.refused++;
    }
    berthOf.set(session, registry.add(session, connection));
    if (session.resumable) journal?.opened(session);
  }

  /** A place for an upstream connection is needed: the client that has been away longest finds another one when it comes back. */
  function yieldUpstream(): boolean {
    for (const session of waiting.keys()) {
      const carrier = berthOf.get(session)?.carrier;
      if (carrier === undefined || carrier.attended || !carrier.rejoinable) continue;
      carrier.close(GOING_AWAY, 'the place is needed');
      return true;
    }
    return false;
  }

  return {
    yieldUpstream,

    rejoin(request, asked) {
      const claimed = claimOf(asked);
      if (claimed === undefined) return undefined;
      const { carrier } = claimed.berth;
      if (!carrier.rejoinable || !fits(request, carrier.facts)) return undefined;
      counters.resume.rejoined++;
      seated(claimed, carrier);
      return {
        session: carrier.session,
        subprotocol: carrier.facts.subprotocol,
        join(facts, client, head) {
          // The welcome and what was missed in one write.
          client.cork();
          try {
            carrier.rejoin(facts, client, head, REPLACED, REPLACED_REASON);
          } catch (error) {
            report({ stage: 'resume', error });
            client.destroy();
          }
          client.uncork();
        },
      };
    },

    seat(asked, owner, traceparent) {
      const { optIn } = asked;
      if (optIn === undefined) return undefined;
      if (optIn.session === undefined) counters.resume.fresh++;
      const claimed = claimOf(asked);
      if (claimed !== undefined) {
        const { berth, number } = claimed;
        const { session, carrier, seated: latest } = berth;
        if (registry.has(berth) && number > latest) {
          counters.resume.recovered++;
          return {
            session,
            recovered: true,
            take(connection) {
              carrier.replaceBy(REPLACED, REPLACED_REASON);
              seated(claimed, connection);
            },
          };
        }
        // The upstream took its time: the session is over by now, or its client has come back another way.
        counters.resume[number > latest ? 'unknown' : 'stale']++;
      }
      const session = new Session(registry.newId(), owner, traceparent);
      session.optedIn = true;
      session.resumable = true;
      return { session, recovered: false, take: (connection) => add(session, connection) };
    },

    greet(connection, rejoined, at) {
      const { session } = connection;
      const berth = berthOf.get(session);
      if (berth === undefined) return;
      const handed = returning.get(connection);
      returning.delete(connection);
      // The client that is there now may be one that knows nothing of serials.
      answers.forget(connection);
      const facts = { session: session.key, token: registry.token(berth, at), next: connection.messages + 1 };
      if (session.resumable) journal?.tokens(session, berth.serial, berth.used);
      const recovered = handed !== undefined;
      connection.sendText(welcomeText({ ...facts, recovered, rejoined, heard: berth.heard, silence }));
      if (handed === undefined) return;
      const missed = tracker.resumed(session, connection, handed, at);
      // What its application was handed is evidence.
      if (session.resumable) journal?.shown(session);
      for (const delivery of missed) again(connection, delivery);
    },

    clientText(connection, buf, start, end, at) {
      const message = readClientMessage(buf, start, end);
      if (message === undefined) return false;
      if (connection.superseded) return true;
      const { session } = connection;
      if (message.kind === 'confirm') tracker.processedThrough(session, message.through, message.also, at);
      else if (message.kind === 'reject') tracker.rejected(session, message.n, message.reason, at);
      else if (message.kind === 'invalid') tracker.processedThrough(session, Number.MAX_SAFE_INTEGER, [], at);
      answers.heard(connection, message.serial);
      return true;
    },

    missed(connection, buf, start, end, ordinal) {
      connection.sendText(replayText(ordinal));
      connection.sendText(buf.subarray(start, end));
    },

    notice: (buf, start, end, ordinal) => (looksLikeNotice(buf, start, end) ? replayText(ordinal) : undefined),

    resend(connection, delivery, at): AttemptResult {
      if (delivery.payload === undefined) return 'failed';
      let budget = budgets.get(connection);
      if (budget === undefined) {
        budget = new Budget(RESENDS.burst, RESENDS.perSecond);
        budgets.set(connection, budget);
      }
      if (!connection.flowing || !budget.take(at) || !total.take(at)) return 'blocked';
      if (connection.session.optedIn) again(connection, delivery);
      else connection.sendText(delivery.payload);
      return 'sent';
    },

    lost({ session }, code) {
      const ms = code === GOING_AWAY ? reloadMs : ttlMs;
      if (!session.resumable || ms === 0) return false;
      wait(session, ms);
      return true;
    },

    closed(connection, by: EndedBy, code) {
      const { session } = connection;
      // The upstream went while the client was away: it comes back all the same.
      if (connection.superseded || waiting.has(session)) return;
      if (by === 'sidecar') forget(session, 'stopped');
      else if (!session.resumable || isFinal(code) || (goodbye(by, code) && reloadMs === 0)) forget(session, 'closed');
      else wait(session, goodbye(by, code) ? reloadMs : ttlMs);
    },

    close(code, reason) {
      for (const session of [...waiting.keys()]) {
        const carrier = berthOf.get(session)?.carrier;
        over(session, 'stopped', 'shutdown');
        carrier?.close(code, reason, 'shutdown');
      }
    },
  };
}

/** The page went away: to be loaded again, or for good. */
function goodbye(by: EndedBy, code: number): boolean {
  return by === 'client' && code === GOING_AWAY;
}

/** Announces a message that was sent before, and sends it. */
function again(connection: Connection, delivery: Delivery): void {
  if (delivery.payload === undefined) return;
  connection.sendText(replayText(delivery.ordinal));
  connection.sendText(delivery.payload);
}
