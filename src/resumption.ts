// Sessions that outlive their connection: who may come back, what they are told, what they are sent again, and when they are over.
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Delivery } from './delivery/record.ts';
import { type Owner, Session } from './delivery/session.ts';
import type { Tracker } from './delivery/tracker.ts';
import type { AttemptResult } from './delivery/words.ts';
import { Budget } from './resume/budget.ts';
import { readClientMessage, replayText, welcomeText } from './resume/messages.ts';
import { type OptIn, readOptIn } from './resume/opt-in.ts';
import type { Berth, Registry } from './resume/registry.ts';
import type { Connection, ConnectionFacts, OptedIn } from './session.ts';

export interface ResumptionDeps {
  readonly registry: Registry<Connection>;
  readonly tracker: Tracker;
  /** How long a session without a connection waits for its client, ms. */
  readonly ttlMs: number;
  readonly now: () => number;
  report(fault: { stage: string; error: unknown }): void;
}

/** A session for a new connection, perhaps one that the client had before. */
export interface Seat {
  readonly session: Session;
  /** Call with the connection before it starts. */
  take(connection: Connection): void;
}

export interface Resumption extends OptedIn {
  /** Whether the upgrade request at `url` opts in. */
  wanted(url: string): boolean;
  /** A client wants its session while the upstream connection is still there: joins the two and says so. */
  rejoin(
    request: IncomingMessage,
    user: string | undefined,
    accept: (subprotocol: string | undefined) => [ConnectionFacts, Socket, Buffer],
  ): boolean;
  /** The session for a connection that the upstream has accepted; undefined = the client has not opted in. */
  seat(url: string, key: readonly string[], owner: Owner, traceparent: string): Seat | undefined;
  /** Ends what waits for a client: at shutdown. */
  close(code: number, reason: string): void;
}

/** Close code towards a client whose session goes on elsewhere (RFC 6455 §7.4.2: 4000–4999 are for applications). */
export const REPLACED = 4409;
const REPLACED_REASON = 'replaced by a newer connection';
/** RFC 6455 §7.4.1, "going away". */
const GOING_AWAY = 1001;

export function createResumption(deps: ResumptionDeps): Resumption {
  const { registry, tracker, ttlMs, now, report } = deps;
  const waiting = new Map<Session, NodeJS.Timeout>();
  const budgets = new WeakMap<Connection, Budget>();
  const total = new Budget(2000, 1000);
  /** What was decided about a request, so that nobody is judged twice. Keyed by its header array, which stays the same object. */
  const judged = new WeakMap<object, Berth<Connection> | undefined>();

  function claim(ask: OptIn, key: object, user: string | undefined): Berth<Connection> | undefined {
    if (judged.has(key)) return judged.get(key);
    const berth = registry.claim(ask, user, now());
    judged.set(key, berth);
    if (berth !== undefined) last.set(berth.session, ask.last);
    return berth;
  }

  /** Sessions about to be greeted after a resume: what their client has been handed. */
  const last = new Map<Session, number>();
  const berthOf = new WeakMap<Session, Berth<Connection>>();

  function wait(session: Session): void {
    clearTimeout(waiting.get(session));
    waiting.set(session, setTimeout(expire, ttlMs, session).unref());
  }

  function expire(session: Session): void {
    waiting.delete(session);
    const carrier = berthOf.get(session)?.carrier;
    over(session);
    carrier?.close(GOING_AWAY, 'the client did not come back');
  }

  function over(session: Session): void {
    clearTimeout(waiting.get(session));
    waiting.delete(session);
    last.delete(session);
    registry.remove(session);
    tracker.ended(session, now());
  }

  return {
    wanted: (url) => readOptIn(url) !== undefined,

    rejoin(request, user, accept) {
      const ask = readOptIn(request.url ?? '');
      if (ask?.session === undefined) return false;
      const berth = claim(ask, request.rawHeaders, user);
      if (berth === undefined || !berth.carrier.rejoinable) return false;
      clearTimeout(waiting.get(berth.session));
      waiting.delete(berth.session);
      const [facts, client, head] = accept(berth.carrier.facts.subprotocol);
      if (berth.carrier.rejoin(facts, client, head, REPLACED, REPLACED_REASON)) return true;
      report({ stage: 'resume', error: new Error('the upstream went away while its client came back') });
      client.destroy();
      return true;
    },

    seat(url, key, owner, traceparent) {
      const ask = readOptIn(url);
      if (ask === undefined) return undefined;
      const berth = claim(ask, key, owner.user);
      if (berth === undefined) {
        const session = new Session(registry.newId(), owner, traceparent);
        session.optedIn = true;
        session.resumable = true;
        return { session, take: (connection) => void berthOf.set(session, registry.add(session, connection)) };
      }
      const { session } = berth;
      return {
        session,
        take(connection) {
          clearTimeout(waiting.get(session));
          waiting.delete(session);
          const old = berth.carrier;
          old.superseded = true;
          old.close(REPLACED, REPLACED_REASON);
          berth.carrier = connection;
        },
      };
    },

    greet(connection, rejoined, at) {
      const { session } = connection;
      const berth = berthOf.get(session);
      if (berth === undefined) return;
      const handed = last.get(session);
      last.delete(session);
      const token = registry.token(berth, at);
      connection.sendText(welcomeText(session.key, token, connection.messages + 1, handed !== undefined, rejoined));
      if (handed === undefined) return;
      for (const delivery of tracker.resumed(session, connection, handed, at)) again(connection, delivery);
    },

    clientText(connection, buf, start, end, at) {
      const message = readClientMessage(buf, start, end);
      if (message === undefined) return false;
      const { session } = connection;
      if (message.kind === 'confirm') tracker.processedThrough(session, message.through, message.also, at);
      else if (message.kind === 'reject') tracker.rejected(session, message.n, message.reason, at);
      else tracker.processedThrough(session, Number.MAX_SAFE_INTEGER, [], at);
      return true;
    },

    missed(connection, buf, start, end, ordinal) {
      connection.sendText(replayText(ordinal));
      connection.sendText(buf.subarray(start, end));
    },

    resend(connection, delivery, at): AttemptResult {
      if (delivery.payload === undefined) return 'failed';
      let budget = budgets.get(connection);
      if (budget === undefined) {
        budget = new Budget(64, 32);
        budgets.set(connection, budget);
      }
      if (!connection.flowing || !budget.take(at) || !total.take(at)) return 'blocked';
      if (connection.session.optedIn) again(connection, delivery);
      else connection.sendText(delivery.payload);
      return 'sent';
    },

    lost({ session }) {
      if (!session.resumable) return false;
      wait(session);
      return true;
    },

    closed(connection, by, code) {
      const { session } = connection;
      if (connection.superseded) return;
      if (by === 'sidecar' || isFinal(code)) over(session);
      else if (session.resumable && !waiting.has(session)) wait(session);
    },

    close(code, reason) {
      for (const session of [...waiting.keys()]) {
        const carrier = berthOf.get(session)?.carrier;
        over(session);
        carrier?.close(code, reason);
      }
    },
  };
}

/** Codes after which the SDK does not come back: a normal end, what would go wrong again, and an application's own (RFC 6455 §7.4). */
const FINAL = new Set([1000, 1002, 1003, 1007, 1008, 1009, 1010]);

function isFinal(code: number): boolean {
  return FINAL.has(code) || (code >= 3000 && code < 5000);
}

/** Announces a message that was sent before, and sends it. */
function again(connection: Connection, delivery: Delivery): void {
  if (delivery.payload === undefined) return;
  connection.sendText(replayText(delivery.ordinal));
  connection.sendText(delivery.payload);
}
