// Test support: the connection of a client that has opted in, in front of a backend, over memory sockets and by the test's clock.
import { expect } from 'vitest';
import { Connection } from '../../src/connection/connection.ts';
import { OverdueWords } from '../../src/connection/overdue-words.ts';
import type { ConnectionEnd, MessageWatch } from '../../src/connection/parts.ts';
import { createResendBudget } from '../../src/connection/resending.ts';
import type { ResumableSession } from '../../src/connection/resumable-session.ts';
import { createResumption } from '../../src/connection/resumption.ts';
import { createDecoder } from '../../src/decode/decoder.ts';
import { DEFAULT_DECODE_OPTIONS } from '../../src/decode/defaults.ts';
import { type Delivery, isSettled } from '../../src/delivery/record.ts';
import { Owner } from '../../src/delivery/session.ts';
import { Tracker } from '../../src/delivery/tracker.ts';
import { CLOSE, PING, PONG, TEXT } from '../../src/relay/frames.ts';
import type { Deflate } from '../../src/relay/spliced-sockets.ts';
import { DEFAULT_RELAY_LIMITS, RelayCounters } from '../../src/relay/tap.ts';
import { createSessionCounters } from '../../src/resume/counters.ts';
import { createRegistry } from '../../src/resume/registry.ts';
import { createTokens } from '../../src/resume/token.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { FACTS } from './bare-connection.ts';
import { clientFrame, closePayload, frame, readFrames } from './raw-frames.ts';
import { silentObserver } from './silent-observer.ts';
import { MemorySocket, settle } from './socket-pair.ts';

const RETENTION = { bytes: 9999, bytesPerSession: 9999, bytesPerUser: 9999 };

interface Options {
  readonly ttlMs?: number;
  readonly reloadMs?: number;
  readonly deflate?: Deflate;
  readonly messages?: MessageWatch;
}

/** Opens the connection. Of the outcomes, `status reason` is told by event id. */
export async function openOptedIn({ ttlMs = 60_000, reloadMs = 60_000, deflate, messages }: Options = {}) {
  const time = { now: 10_000 };
  const told: string[] = [];
  const parked = { count: 0 };
  const store = createMemoryStore({ history: 100 });
  const tracker = new Tracker({
    ...{ store, observer: silentObserver, now: time.now, random: () => 0.5 },
    limits: { pending: 100, pendingPerUser: 100, retention: RETENTION },
  });
  const counters = createSessionCounters();
  const registry = createRegistry<ResumableSession>(createTokens(['key'], 60_000), 10, counters.resume);
  const report = ({ error }: { error: unknown }) => expect.fail(String(error));
  const now = () => time.now;
  const resumption = createResumption({
    ...{ registry, tracker, counters, ttlMs, reloadMs, silenceMs: 0, now, ended() {}, report },
  });
  const relay = { counters: new RelayCounters(), limits: { ...DEFAULT_RELAY_LIMITS, patienceMs: 2000 }, now, report };
  const observer = {
    opened: ({ id }: Connection) => void told.push(`opened ${id}`),
    capability: (_: Connection, from: string, to: string) => void told.push(`${from} to ${to}`),
    closed: (_: Connection, { by, code, at }: ConnectionEnd) => void told.push(`closed by ${by} ${code} at ${at}`),
  };
  const deps = {
    ...{ tracker, decoder: createDecoder(DEFAULT_DECODE_OPTIONS), relay, observer, parked, messages },
    unread: { binary: 0, too_large: 0, unreadable: 0, superseded: 0 },
    overdue: new OverdueWords(),
    resendBudget: createResendBudget(),
  };
  const asked = { optIn: { session: undefined, token: '', last: 0 }, user: undefined, claim: undefined };
  const opening = resumption.open(asked, new Owner(undefined), '')!;
  const { resumable } = opening;
  const connection = new Connection({ ...FACTS, openedAt: time.now }, resumable.session, deps, resumable);
  const [client, upstream] = [new MemorySocket(), new MemorySocket()];
  opening.begin(connection);
  connection.start({ client, upstream, deflate });
  await settle();
  /** Brings the client back, over the upstream connection that it had. */
  const rejoin = async (last: number): Promise<MemorySocket> => {
    const next = new MemorySocket();
    resumable.goOn(connection, resumable.claim(last));
    resumable.rejoin({ ...FACTS, id: 'c-2', seq: 2, openedAt: time.now }, next, Buffer.alloc(0));
    await settle();
    return next;
  };
  const outcomes = (): string[] => {
    const all: Delivery[] = [];
    store.each((delivery) => all.push(delivery) > 0);
    return all
      .sort((a, b) => a.seq - b.seq)
      .map((one) => `${one.eventId} ${one.status} ${isSettled(one) ? one.errorType || one.unverified : ''}`.trim());
  };
  const connect = (): Connection => new Connection(FACTS, resumable.session, deps, resumable);
  return { client, upstream, connection, connect, resumable, tracker, counters, parked, told, time, rejoin, outcomes };
}

export const event = (id: string): Buffer => frame(JSON.stringify({ type: 'agent_thinking', event_id: id }));
export const leave = (code: number): Buffer => clientFrame(closePayload(code), { opcode: CLOSE });

/** Texts that a client got, in short. */
export const texts = (socket: MemorySocket): string[] =>
  readFrames(socket.taken())
    .filter(({ opcode }) => opcode <= 2)
    .map(({ opcode, payload }) => {
      const said = JSON.parse(`${payload}`);
      return `${opcode === TEXT ? '' : 'binary '}${said.ackspan ?? said.event_id}`;
    });

/** Answers every barrier that the client was sent. */
export function answer(client: MemorySocket): void {
  for (const { opcode, payload } of readFrames(client.drain()))
    if (opcode === PING) client.send(clientFrame(payload, { opcode: PONG }));
}
