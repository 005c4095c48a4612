// The SDK and the sidecar's own half of the protocol over a network that loses things: at the end the sidecar knows what the application knows.
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { AckspanSocket } from '../../src/client/socket.ts';
import type { ResumableSession } from '../../src/connection/resumable-session.ts';
import { createResumption } from '../../src/connection/resumption.ts';
import type { SessionConnection } from '../../src/connection/session-connection.ts';
import { createDecoder } from '../../src/decode/decoder.ts';
import { DEFAULT_DECODE_OPTIONS } from '../../src/decode/defaults.ts';
import type { Delivery } from '../../src/delivery/record.ts';
import { Owner } from '../../src/delivery/session.ts';
import { Tracker } from '../../src/delivery/tracker.ts';
import { createSessionCounters } from '../../src/resume/counters.ts';
import { readOptIn } from '../../src/resume/opt-in.ts';
import { createRegistry } from '../../src/resume/registry.ts';
import { createTokens } from '../../src/resume/token.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { createFakeNetwork } from '../client/fake-network.ts';
import type { Link } from '../client/fake-sidecar.ts';
import { type Chance, chosenSeed, withSeed } from '../support/chance.ts';
import { silentObserver } from '../support/silent-observer.ts';
import { NO_CLAIM } from '../support/upgrades.ts';

/** What the real half needs of a connection: its session, and a way to say something. */
interface Carried {
  readonly connection: SessionConnection & { messages: number };
  readonly resumable: ResumableSession;
  link: Link | undefined;
}

/** Sessions, tracker and messages as in a sidecar; the relay around them is played. */
class HalfSidecar {
  readonly unmatched: string[] = [];
  readonly tracker = new Tracker({
    store: createMemoryStore({ history: 10_000 }),
    observer: { ...silentObserver, unmatched: (reason) => void this.unmatched.push(reason) },
    limits: { pending: 1e6, pendingPerUser: 1e6, retention: { bytes: 1e9, bytesPerSession: 1e9, bytesPerUser: 1e9 } },
    ...{ now: 1, random: () => 0.5 },
  });
  connections = 0;
  /** By ordinal, from 1. */
  readonly deliveries: Delivery[] = [];
  /** The latest. */
  #carried: Carried | undefined;
  readonly #owner = new Owner(undefined);
  readonly #reader = createDecoder(DEFAULT_DECODE_OPTIONS).open(NO_CLAIM);
  readonly #resumption: ReturnType<typeof createResumption>;

  constructor(silenceMs: number) {
    const counters = createSessionCounters();
    this.#resumption = createResumption({
      ...{ registry: createRegistry(createTokens([], 1e9), 10, counters.resume), tracker: this.tracker, counters },
      ...{ ttlMs: 1e9, reloadMs: 1e9, silenceMs, now: () => 1 },
      ended: () => expect.fail('the session ended'),
      report: ({ error }) => expect.fail(String(error)),
    });
  }

  attach(query: URLSearchParams, link: Link): Carried {
    this.connections++;
    const old = this.#carried;
    if (old !== undefined && old.link === undefined) this.#gone(old);
    const asked = { optIn: readOptIn(`/?${query}`), user: undefined, claim: undefined };
    const opening = this.#resumption.open(asked, this.#owner, '')!;
    const { resumable } = opening;
    const connection = {
      ...{ messages: resumable.session.lastOrdinal, rejoinable: false, answerable: true },
      replaceBy() {},
      sendMessage: (data: Uint8Array) => carried.link?.send(Buffer.from(data).toString()),
      close: (code: number) => carried.link?.close(code),
    } as unknown as Carried['connection'];
    const carried: Carried = { connection, resumable, link };
    opening.begin(connection);
    this.#carried = carried;
    resumable.greet(false, 1);
    return carried;
  }

  hear(carried: Carried | undefined, text: string): void {
    const buf = Buffer.from(text);
    if (carried !== undefined && !carried.resumable.clientText(carried.connection, buf, 0, buf.length, 1, false))
      expect.fail(`for the backend: ${text}`);
  }

  /** The backend emits event `n` of the session. */
  push(n: number): void {
    const { connection, resumable, link } = this.#carried!;
    const { session } = resumable;
    const buf = Buffer.from(JSON.stringify({ type: 'tool_executing', event_id: `e${n}`, n }));
    session.lastOrdinal = connection.messages = n;
    const delivery = this.tracker.track(session, this.#reader.event(buf, 0, buf.length)!, n, 1)!;
    this.tracker.retention.keep(delivery, buf.length, () => buf);
    this.deliveries.push(delivery);
    link?.send(buf.toString());
  }

  #gone({ resumable }: Carried): void {
    resumable.closed('upstream', 1006, undefined, 1);
    this.tracker.disconnected(resumable.session, 1);
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function walk(chance: Chance, steps: number) {
  const sidecar = new HalfSidecar(chance.of([0, 50, 60_000]));
  const network = createFakeNetwork(sidecar);
  /** Of each event: whether its application could handle it; undefined while it has not said. */
  const truth: (boolean | undefined)[] = [];
  let open: { readonly n: number; end(handled: boolean): void }[] = [];
  const doubled: number[] = [];
  const connect = (resume: AckspanSocket['resumption']): AckspanSocket => {
    const opened = new AckspanSocket('ws://sidecar/', [], {
      WebSocket: network.WebSocket,
      ...{ minDelayMs: 1, maxDelayMs: 4, resume },
      shouldReconnect: ({ code }) => code === 1006,
    });
    opened.onmessage = ({ data }) => {
      const { n } = JSON.parse(data);
      if (truth[n - 1] !== undefined) doubled.push(n);
      return new Promise<void>((resolve, reject) => {
        const end = (handled: boolean): void => {
          truth[n - 1] = handled;
          if (handled) resolve();
          else reject(new Error(`no ${n}`));
        };
        open.push({ n, end });
      });
    };
    return opened;
  };
  let socket = connect(null);
  network.connection.stepDown();
  network.connection.stepDown();
  let pushed = 0;
  const some = (limit: number, act: () => unknown): void => {
    for (let i = chance.between(1, limit); i > 0; i--) act();
  };
  const acts: (() => unknown)[] = [
    () => some(chance.of([3, 120]), () => sidecar.push(++pushed)),
    () => some(chance.of([3, 300]), () => network.connection.stepDown()),
    () => some(chance.of([3, 300]), () => network.connection.stepUp()),
    () => some(200, () => open.splice(chance.between(0, open.length), 1)[0]?.end(chance.next() < 0.5)),
    () => vi.advanceTimersByTimeAsync(chance.of([1, 20, 120])),
    turn,
    () => chance.next() < 0.4 && network.connection.cut(),
    () => {
      if (chance.next() < 0.7) return;
      // Another page takes the session over; handlers that run die with this one.
      const resume = JSON.parse(JSON.stringify(socket.resumption));
      open = [];
      network.connection.leave();
      socket.close();
      socket = connect(resume);
    },
  ];
  for (let step = 0; step < steps; step++) {
    await chance.of(acts)();
    await vi.advanceTimersByTimeAsync(0);
  }
  for (let round = 0; round < 60; round++) {
    await vi.advanceTimersByTimeAsync(5);
    await turn();
    while (network.connection.stepDown() || network.connection.stepUp());
    if (round === 30) for (const { end } of open.splice(0)) end(chance.next() < 0.5);
  }
  const { resumption } = socket;
  socket.close();
  return { sidecar, truth, doubled, pushed, resumption };
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  vi.spyOn(console, 'error').mockImplementation(() => {});
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const SEED = chosenSeed();

it.each([0, 1, 2, 3])('[R12] walk %i: whatever was lost, each event ends as its application said', async (lane) => {
  const seen = { events: 0, rejected: 0, connections: 0 };
  for (let n = 0; n < 15; n++) {
    await withSeed(SEED + lane * 1000 + n, async (chance) => {
      const { sidecar, truth, doubled, pushed, resumption } = await walk(chance, 150);
      const status = (handled: boolean | undefined) => (handled ? 'confirmed' : handled === false ? 'failed' : 'open');
      expect(sidecar.deliveries.map((delivery) => delivery.status)).toEqual(truth.map(status));
      expect(truth).toHaveLength(pushed);
      for (const { status: how, errorType } of sidecar.deliveries)
        if (how === 'failed') expect(errorType).toBe('rejected');
      expect(doubled, 'handled by one page and handed to another').toEqual([]);
      expect(resumption?.words, 'unheard').toEqual([]);
      seen.events += pushed;
      seen.rejected += truth.filter((handled) => !handled).length;
      seen.connections += sidecar.connections;
      // Repetitions are not counted.
      expect(sidecar.unmatched).toEqual([]);
    });
  }
  expect(Math.min(seen.rejected, seen.connections), JSON.stringify(seen)).toBeGreaterThan(100);
});
