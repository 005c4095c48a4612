// Simulation: the sidecar under test, joined from the same parts as src/sidecar/sidecar.ts; in place of HTTP a handshake that takes its round trips.

import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { createConnectionBook } from '../../src/admin/connection-book.ts';
import type { Connection } from '../../src/connection/connection.ts';
import { OverdueWords } from '../../src/connection/overdue-words.ts';
import { UNREAD_REASONS, type UnreadReason } from '../../src/connection/parts.ts';
import { createResendBudget } from '../../src/connection/resending.ts';
import type { ResumableSession } from '../../src/connection/resumable-session.ts';
import { createResumption } from '../../src/connection/resumption.ts';
import { createDecoder } from '../../src/decode/decoder.ts';
import { DEFAULT_DECODE_OPTIONS } from '../../src/decode/defaults.ts';
import type { Rule } from '../../src/decode/rules.ts';
import { ObserverList } from '../../src/delivery/observers.ts';
import type { Observer } from '../../src/delivery/ports.ts';
import type { Delivery } from '../../src/delivery/record.ts';
import type { Session } from '../../src/delivery/session.ts';
import { Tracker } from '../../src/delivery/tracker.ts';
import { answerHere } from '../../src/front/accept.ts';
import { createFrontCounters } from '../../src/front/counters.ts';
import { createOwners } from '../../src/identity/owners.ts';
import { DEFAULT_RELAY_LIMITS, RelayCounters } from '../../src/relay/tap.ts';
import { createSessionCounters } from '../../src/resume/counters.ts';
import { createRegistry } from '../../src/resume/registry.ts';
import { createTokens } from '../../src/resume/token.ts';
import { connectionView } from '../../src/sidecar/admin.ts';
import { createTicket, type FrontDeps, open, rejoin, type Ticket } from '../../src/sidecar/admission.ts';
import { startBeats } from '../../src/sidecar/beats.ts';
import { drain } from '../../src/sidecar/drain.ts';
import { createMemoryGuard } from '../../src/sidecar/memory-guard.ts';
import { register } from '../../src/sidecar/register.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { now } from '../../src/time/clock.ts';
import { Rebuilt, recordJournal } from '../support/recorded-journal.ts';
import type { History, Told } from './history.ts';
import type { Setup } from './schedule.ts';
import type { SimSocket } from './socket.ts';
import { cutOffMs } from './tie.ts';

/**
 * What a client asks for, as far as the front looks at it; one object from the request to the
 * connection, as in the listener.
 */
export interface Asked {
  readonly url: string;
  readonly ticket: Ticket;
}

export interface Sut {
  /** A request for an upgrade has come. */
  admit(url: string, user: string | undefined): Asked;
  /** True = the session goes on over its old upstream connection. */
  rejoin(asked: Asked, client: SimSocket): boolean;
  /** Backend and client are joined. True: a session goes on. */
  open(
    asked: Asked,
    client: SimSocket,
    upstream: SimSocket,
    heads: Heads,
    deflate: 'off' | 'takeover' | 'each',
  ): boolean;
  /** SIGTERM; told when everything is over. `handshaking`: how many handshakes are under way. */
  stop(handshaking: () => number, done: () => void): void;
  /** What is left, when everything should be over. */
  leaks(): string[];
  /**
   * Compares what the journal was told so far with what is in memory, and writes a difference into
   * the history. The `last` look has all that was ever told in it.
   */
  compare(last: boolean): void;
  /** Writes the figures into the history. */
  count(): void;
}

export interface Heads {
  readonly client: Buffer;
  readonly upstream: Buffer;
}

const RULE = { track: true, priority: 'critical', confirm: 'auto', resend: false } as const;

function rules({ timeoutMs, attemptsMs }: Setup): Rule[] {
  const schedule = { timeoutMs, attemptsMs };
  return [
    { match: ['auto'], ...RULE, ...schedule },
    { match: ['received'], ...RULE, confirm: 'received', ...schedule },
    { match: ['processed'], ...RULE, confirm: 'processed', ...schedule },
    { match: ['again'], ...RULE, confirm: 'processed', resend: true, ...schedule },
    { match: ['low'], ...RULE, priority: 'low', ...schedule },
    { match: ['chatter'], ...RULE, track: false, ...schedule },
  ];
}

let requests = 0;

/** Parts that an old behaviour may take the place of (reverts.ts). */
export const parts = { drain, startBeats, createMemoryStore };

/**
 * Close handshakes get this much more than the patience; the last export that much, as in
 * src/sidecar/sidecar.ts, ms.
 */
const CLOSE_MS = 500;
const FLUSH_MS = 1500;

/** `reemit`: asks the backend to emit that message again. */
export function createSut(setup: Setup, history: History, reemit: (uid: number) => void): Sut {
  const report = ({ stage, error }: { stage: string; error: unknown }): void => {
    // A peer's framing error, a limit, a standstill, and a connection without a tracked event are
    // the world's.
    if (['frames', 'relay.limit', 'standstill', 'decode', 'inflate'].includes(stage)) return;
    history.faults.push(`${stage}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  };
  const decoder = createDecoder({ ...DEFAULT_DECODE_OPTIONS, unread: 'count', rules: rules(setup) });
  const store = parts.createMemoryStore({ history: setup.history });
  const owners = createOwners({ connectionsPerUser: 100 });
  const sessions = createSessionCounters();
  const counters = new RelayCounters();
  const unread = Object.fromEntries(UNREAD_REASONS.map((reason) => [reason, 0])) as Record<UnreadReason, number>;
  const { retainedBytes, patienceMs, messageBytes, lingerMs } = setup;
  const retention = { bytes: retainedBytes * 2, bytesPerUser: retainedBytes * 2, bytesPerSession: retainedBytes };
  const recorded = recordJournal();
  const { journal } = recorded;
  const rebuilt = new Rebuilt();
  const tracker = new Tracker({
    store,
    observer: new ObserverList([observe(history), journal.steps]),
    limits: { pending: setup.pending, pendingPerUser: setup.pendingPerUser, retention },
    now: now(),
    random: Math.random,
    reemit: setup.reemits
      ? ({ run }) => {
          reemit(Number(run!.slice(1, -1)));
          return 'sent';
        }
      : undefined,
  });
  const connections = new Set<Connection>();
  const tokens = createTokens(['key'], 24 * 3_600_000);
  const books = createRegistry<ResumableSession>(tokens, setup.connections, sessions.resume);
  const begun = new Set<ResumableSession>();
  const registry: typeof books = Object.create(books, {
    add: {
      value: (session: ResumableSession) => {
        books.add(session);
        begun.add(session);
      },
    },
  });
  const resumption = createResumption({
    registry,
    tracker,
    counters: sessions,
    ttlMs: setup.ttlMs,
    reloadMs: Math.min(setup.reloadMs, setup.ttlMs),
    silenceMs: setup.silenceMs,
    now,
    journal,
    ended: (session) => owners.release(session.owner),
    handsOver: () => setup.handsOver && history.stopAt > 0,
    report,
  });
  const unwatched = { connections: { opened() {}, capability() {}, closed() {} } };
  const book = createConnectionBook(connectionView);
  const observer = register({ connections, owners, watch: unwatched as never, book, report });
  const relay = { counters, limits: { ...DEFAULT_RELAY_LIMITS, messageBytes, lingerMs, patienceMs }, now, report };
  const overdue = new OverdueWords();
  const parked = { count: 0 };
  const front = {
    config: { tracing: { propagate: 'never' } },
    connections,
    resumption,
    owners,
    counters: createFrontCounters(),
    connectionDeps: {
      ...{ tracker, decoder, relay, unread, overdue, parked, observer, journal },
      resendBudget: createResendBudget(),
    },
    report,
  } as unknown as FrontDeps;
  const silent = {
    get cut(): number {
      return history.cuts.length;
    },
    set cut(_: number) {
      history.cuts.push(now());
    },
  };
  const watch = { stoodStill() {} };
  const { silenceMs } = setup;
  const stopBeats = parts.startBeats({
    tracker,
    overdue,
    connections,
    silent,
    aged: { age: 0, idle: 0 },
    watch,
    unread: { counts: decoder.unread, policy: 'count', relay: counters },
    limits: { silenceMs, connectionAgeMs: setup.ageMs, idleMs: setup.idleMs },
    memory: createMemoryGuard({ share: 0, limitBytes: 0, now, shed() {}, fault() {}, info() {} }),
    report,
  });
  /** The stop is over. */
  let ended = false;
  /** What the journal has open is what the next process finds; this one does nothing more. */
  const handOver = (): void => {
    stopBeats();
    journal.look(now());
    history.faults.push(...rebuilt.differences(recorded.entries, store, begun).map((each) => `journal: ${each}`));
    history.handedOver = new Set(rebuilt.image.open.keys());
  };

  return {
    admit: (url, user) => ({ url, ticket: createTicket(url, { user, claimed: undefined, learn: undefined }) }),
    rejoin({ url, ticket }, client) {
      const headers = { 'sec-websocket-version': '13', 'sec-websocket-key': 'a2V5' };
      const request = { url, headers, rawHeaders: [] as string[] } as unknown as IncomingMessage;
      const rejoining = rejoin(front, request, ticket);
      if (rejoining === undefined) return false;
      answerHere({ request, socket: client as unknown as Socket, head: Buffer.alloc(0) }, rejoining);
      return true;
    },
    open({ url, ticket }, client, upstream, heads, deflate) {
      const before = sessions.resume.recovered;
      const agreed = {
        serverNoContextTakeover: deflate === 'each',
        serverMaxWindowBits: 15,
        clientNoContextTakeover: true as const,
        clientMaxWindowBits: 15,
      };
      if (ended) {
        // The process has ended: its drain had waited for the handshake as long as it may.
        for (const socket of [client, upstream]) socket.destroy();
        return false;
      }
      client.write('HTTP/1.1 101 Switching Protocols\r\n\r\n');
      const upgraded = {
        request: { id: `c${++requests}`, rawHeaders: [] as string[], url, remoteAddress: '192.0.2.1' },
        subprotocol: undefined,
        client,
        upstream,
        clientHead: heads.client,
        upstreamHead: heads.upstream,
        deflate: deflate === 'off' ? undefined : agreed,
        opaque: false,
      };
      open(front, upgraded as never, ticket);
      return sessions.resume.recovered > before;
    },
    stop(handshaking, done) {
      const closeBy = now() + setup.graceMs - FLUSH_MS;
      const closing = Math.min(patienceMs + CLOSE_MS, setup.graceMs / 2);
      history.stopAt = now();
      history.closeBy = closeBy;
      const goesOn = ({ resumable }: Session) => resumable && setup.handsOver && history.handedOver === undefined;
      const deps = {
        ...{ connections, parked, resumption, tracker, goesOn, pace: setup.pace },
        ...{ pending: () => store.pending, handshaking, unconfirmed() {} },
      };
      const over = (): void => {
        ended = true;
        if (setup.handsOver) handOver();
        done();
      };
      parts.drain(deps, closeBy - closing, closeBy).then(over, (error) => {
        history.faults.push(`drain: ${error}`);
        done();
      });
    },
    leaks() {
      stopBeats();
      // What the next process goes on with stays in memory to the end of this one.
      const stays = [...begun].some(({ session }) => session.resumable) && history.handedOver !== undefined;
      const handedOver = history.handedOver?.size ?? 0;
      const lasting: [string, number][] = [
        ['sessions in the registry', registry.size],
        ['users with a session', owners.size],
        ['bytes kept for replays', tracker.retention.bytes],
        ['deliveries in the wheel', tracker.waiting],
      ];
      const left: [string, number][] = [
        ...(stays ? [] : lasting),
        ['connections', connections.size],
        ['sessions that wait for their client', sessions.waiting],
        ['deliveries in flight', store.pending - handedOver],
        ['deliveries tracked and not settled', tracker.tracked - tracker.settled - handedOver],
        ['bytes of client frames held back', counters.heldBytes],
        ['messages that wait to be decoded', counters.undecoded],
        ['clients counted as away', parked.count],
      ];
      return left.filter(([, count]) => count !== 0).map(([what, count]) => `${count} ${what}`);
    },
    compare(last) {
      journal.look(now());
      const agrees = rebuilt.agrees(recorded.entries, store, begun);
      if (agrees && !last) return;
      const differences = rebuilt.differences(recorded.entries, store, begun);
      if (!agrees && differences.length === 0) differences.push('another index, in what no text tells');
      history.faults.push(...differences.map((each) => `journal: ${each}`));
    },
    count() {
      const sum = (figures: object): number => Object.values(figures).reduce((total: number, one) => total + one, 0);
      history.untracked = sum(decoder.others) + sum(unread) + counters.messagesUnwatched;
    },
  };
}

/** Writes down what the tracker says. */
function observe(history: History): Observer {
  const told = new Map<number, Told>();
  return {
    tracked(delivery: Delivery) {
      const one: Told = {
        uid: Number(delivery.run?.slice(1, -1) ?? 0),
        seq: delivery.seq,
        session: delivery.session.key,
        ordinal: delivery.ordinal,
        eventId: delivery.eventId,
        required: delivery.required,
        sentAt: delivery.sentAt,
        trackedAt: now(),
        timeoutMs: delivery.type.policy.timeoutMs,
        outcomes: 0,
        status: '',
        errorType: '',
        unverified: '',
        level: '',
        settledAt: 0,
        upgradedAt: 0,
        rejectedAt: 0,
        reemittedAt: 0,
      };
      told.set(delivery.seq, one);
      history.deliveries.push(one);
    },
    attempted(delivery, { kind }) {
      const one = told.get(delivery.seq);
      if (one !== undefined && kind === 'reemit') one.reemittedAt ||= now();
    },
    received() {},
    settled(delivery) {
      const one = told.get(delivery.seq);
      if (one === undefined) return;
      one.outcomes++;
      one.status = delivery.status;
      one.errorType = delivery.errorType;
      one.unverified = delivery.unverified;
      one.level = delivery.level;
      // When it was said: of a message that is read on the side, the record's own time may be when
      // it was relayed. The end of a stop was decided before it was carried out.
      const decided = delivery.errorType === 'shutdown' ? delivery.settledAt : now();
      one.settledAt = now() - decided < cutOffMs(history) ? decided : now();
    },
    upgraded(delivery) {
      const one = told.get(delivery.seq);
      if (one !== undefined) one.upgradedAt = now();
    },
    rejectedLater(delivery) {
      const one = told.get(delivery.seq);
      if (one !== undefined) one.rejectedAt = now();
    },
    unmatched() {},
    shed() {
      history.shed++;
    },
  };
}
