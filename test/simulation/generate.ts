// Simulation: writes a schedule from a seed: mostly ordinary traffic, and now and then one of the situations in which evidence and endings meet.
import { type Chance, createChance } from '../support/chance.ts';
import type { Action, ClientSetup, Emitted, Ending, Schedule, Setup } from './schedule.ts';

/** What an old behaviour may ask for (reverts.ts). Ten words a round. */
export const patterns = { unheardRounds: 9 };

/** When the last action may happen, ms after the start. */
const LENGTH_MS = 9000;
const WIDE = 4_000_000;
const TYPES = [
  ...(['auto', 'auto', 'auto', 'auto', 'received', 'processed', 'again', 'low'] as const),
  ...(['chatter', 'noise', 'binary'] as const),
];
const LEAVES = ['close', 'close', 'leave-network', 'half-close', 'page-online', 'reload', 'reload', 'vanish'] as const;
const UNREAD: readonly Emitted['type'][] = ['chatter', 'noise', 'binary'];

export function generate(seed: number): Schedule {
  const chance = createChance(seed);
  const setup = { ...generateSetup(chance), ...generateEnds(createChance(seed ^ 0x3a11)) };
  const writer = new Writer(chance, setup);
  return { seed, setup, actions: writer.write() };
}

function maybe(chance: Chance, share: number): boolean {
  return chance.next() < share;
}

function generateSetup(chance: Chance): Omit<Setup, keyof Ends> {
  const count = chance.of([1, 1, 2, 2, 3, 4]);
  const users = maybe(chance, 0.4);
  const clients: ClientSetup[] = [];
  for (let i = 0; i < count; i++)
    clients.push(generateClient(chance, users ? chance.of(['ann', 'ann', 'bob']) : undefined));
  const setup = generateLimits(chance, clients);
  if (!maybe(chance, 0.01)) return setup;
  // All that is sent is there at once: for what waits to be read on the side (`flood`).
  const wide = { rtt: 0, jitter: 0, cuts: 0, capacity: WIDE, deflate: 'takeover', sdk: false } as const;
  const flooded = { ...clients[0]!, ...wide };
  return {
    ...setup,
    ...{ backendRtt: 0, backendCuts: 0, backendCapacity: WIDE, messageBytes: 1_048_576, cost: 0.2 },
    clients: [flooded, ...clients.slice(1)],
  };
}

function generateLimits(chance: Chance, clients: readonly ClientSetup[]): Omit<Setup, keyof Ends> {
  return {
    clients,
    backendRtt: chance.of([0, 1, 20]),
    backendCuts: chance.of([0, 0, 0.3]),
    backendCapacity: chance.of([8192, 65_536, 262_144]),
    timeoutMs: chance.of([800, 2000, 4000]),
    attemptsMs: chance.of([[], [300], [200, 400], [500, 1000]]),
    history: chance.of([0, 1, 3, 10, 1000]),
    pending: chance.of([8, 1000, 1000, 1000]),
    pendingPerUser: chance.of([4, 1000, 1000]),
    messageBytes: chance.of([1500, 65_536, 1_048_576]),
    retainedBytes: chance.of([300, 100_000, 100_000]),
    reemits: maybe(chance, 0.3),
    ttlMs: chance.of([800, 3000]),
    reloadMs: chance.of([0, 500]),
    lingerMs: chance.of([3000, 6000]),
    patienceMs: chance.of([500, 2000]),
    silenceMs: chance.of([0, 0, 1500]),
    graceMs: chance.of([3000, 5000]),
    connections: chance.of([2, 100, 100]),
    cost: chance.of([0.01, 0.2, 2]),
  };
}

/** How the sidecar parts from clients of its own accord. */
type Ends = Pick<Setup, 'pace' | 'handsOver' | 'ageMs' | 'idleMs'>;

function generateEnds(chance: Chance): Ends {
  return {
    pace: chance.of([
      { atOnce: 100, perSecond: 500 },
      { atOnce: 1, perSecond: 2 },
    ]),
    handsOver: maybe(chance, 0.4),
    ageMs: chance.of([0, 0, 1000, 2500]),
    idleMs: chance.of([0, 0, 0, 1500]),
  };
}

function generateClient(chance: Chance, user: string | undefined): ClientSetup {
  const sdk = maybe(chance, 0.3);
  return {
    sdk,
    user,
    pongs: chance.of(['all', 'all', 'all', 'latest', 'late', 'never']),
    pongDelay: chance.of([1, 30, 300, 1500]),
    answersClose: maybe(chance, 0.9),
    pongsWhileClosing: maybe(chance, 0.5),
    confirms: chance.of([0, 0, 0.5, 1]),
    rejects: chance.of([0, 0, 0.2]),
    repeats: chance.of([0, 0.2]),
    wordDelay: chance.of([0, 5, 200]),
    rtt: chance.of([0, 2, 40, 120, 300]),
    jitter: chance.of([0, 1, 20]),
    cuts: chance.of([0, 0, 0.3, 0.8]),
    capacity: chance.of([2048, 32_768, 262_144]),
    deflate: sdk ? 'off' : chance.of(['off', 'off', 'takeover', 'each']),
    readsAhead: maybe(chance, 0.4),
  };
}

function ending(then: Ending | undefined): { then?: Ending } {
  return then === undefined ? {} : { then };
}

class Writer {
  private readonly chance: Chance;
  private readonly setup: Setup;
  private readonly actions: Action[] = [];
  private uid = 0;
  private event = 0;
  private readonly made = new Map<number, Pick<Emitted, 'type' | 'size' | 'compressed'>>();
  private readonly recent: number[][];

  constructor(chance: Chance, setup: Setup) {
    this.chance = chance;
    this.setup = setup;
    this.recent = setup.clients.map(() => []);
  }

  write(): Action[] {
    const { chance, setup } = this;
    const end = chance.of([2000, 4000, LENGTH_MS]);
    setup.clients.forEach((_, client) => {
      let at = chance.of([0, 0, 100]);
      this.actions.push({ at, do: 'connect', client });
      this.pattern(client, at + 700);
      const quiet = chance.of([3, 20, 200]);
      while (at < end) {
        at += chance.next() * quiet * chance.of([0.1, 1, 4]);
        this.step(client, at);
        if (this.uid > (client + 1) * 60) break;
      }
    });
    if (maybe(chance, 0.25))
      this.actions.push({ at: chance.next() * end, do: 'freeze', ms: chance.of([60, 240, 900, 5000]) });
    if (maybe(chance, 0.15)) this.actions.push({ at: chance.next() * end, do: 'restart', ms: chance.of([0, 300]) });
    if (maybe(chance, 0.15)) this.actions.push({ at: chance.next() * end, do: 'sigterm' });
    if (maybe(chance, 0.1))
      this.actions.push({ at: chance.next() * end, do: 'step-wall', ms: chance.of([-3_600_000, 60_000]) });
    return this.actions.sort((a, b) => a.at - b.at);
  }

  private step(client: number, at: number): void {
    const { chance } = this;
    const dice = chance.next();
    if (dice < 0.72) this.emit(client, at);
    else if (dice < 0.76)
      this.actions.push({ at, do: 'ping', client, payload: chance.of(['', 'keepalive', `p${this.uid}-${at | 0}`]) });
    else if (dice < 0.79) this.actions.push({ at, do: 'say', client, bytes: chance.of([20, 3000, 60_000]) });
    else if (dice < 0.82) this.word(client, at);
    else if (dice < 0.85) this.pressure(client, at);
    else if (dice < 0.87) this.actions.push({ at, do: 'stall', client, ms: chance.of([50, 400, 3000]) });
    else if (dice < 0.873) this.actions.push({ at, do: 'bad-frame', client, garbage: maybe(chance, 0.3) });
    else if (dice < 0.885) this.actions.push({ at, do: 'pong', client });
    else if (dice < 0.9) this.leave(client, at);
    else if (dice < 0.915) this.endBehind(client, at);
  }

  private emit(client: number, at: number, then?: Ending): void {
    const { chance } = this;
    const messages: Emitted[] = [];
    const count = chance.of([1, 1, 2, 3, 8]);
    for (let i = 0; i < count; i++) messages.push(this.message(client));
    const to = [client];
    // Two tabs of one user get the same event.
    const { user } = this.setup.clients[client]!;
    if (user !== undefined && then === undefined)
      this.setup.clients.forEach((other, i) => {
        if (i !== client && other.user === user && maybe(chance, 0.4)) to.push(i);
      });
    this.actions.push({ at, do: 'emit', to, messages, ...ending(then) });
  }

  /** `fixed`: what a pattern asks of it; then it is an event of its own. */
  private message(client: number, fixed: Partial<Emitted> = {}): Emitted {
    const { chance } = this;
    const recent = this.recent[client]!;
    const twin = recent.length > 0 && maybe(chance, 0.12) && Object.keys(fixed).length === 0;
    const event = twin ? chance.of(recent.slice(-4)) : ++this.event;
    if (!twin) recent.push(event);
    const made = {
      type: chance.of(TYPES),
      size: chance.of([0, 10, 60, 200, 1000, 5000]),
      compressed: maybe(chance, 0.5),
      ...fixed,
    };
    // What the sidecar does not read, or cannot, has ids of its own: a twin of such a message is
    // one too.
    const before = this.made.get(event);
    if (before !== undefined) {
      if (UNREAD.includes(before.type) !== UNREAD.includes(made.type)) made.type = before.type;
      Object.assign(made, { size: before.size, compressed: before.compressed });
    }
    this.made.set(event, made);
    return {
      uid: ++this.uid * 8,
      event,
      pieces: chance.of([1, 1, 1, 1, 2, 3]),
      ...made,
      ...(maybe(chance, 0.015) && { last: true }),
    };
  }

  private word(client: number, at: number): void {
    const recent = this.recent[client]!;
    const event =
      recent.length > 0 && maybe(this.chance, 0.8) ? this.chance.of(recent.slice(-5)) : this.chance.between(0, 60);
    this.actions.push({ at, do: 'word', client, event, rejected: maybe(this.chance, 0.2) });
  }

  private pressure(client: number, at: number): void {
    const { chance } = this;
    const ms = chance.of([100, 1000, 5000]);
    this.actions.push({ at, do: chance.of(['backend-hold', 'client-hold']), client, ms });
    if (maybe(chance, 0.5)) this.actions.push({ at: at + 1, do: 'say', client, bytes: 300_000 });
    if (maybe(chance, 0.3)) this.emit(client, at + 20);
  }

  private leave(client: number, at: number): void {
    const { chance } = this;
    const how = chance.of(LEAVES);
    if (how === 'close')
      this.actions.push({ at, do: how, client, code: chance.of([1000, 1000, 1001, 1005, 4000, 1009, 4401, 1011]) });
    else if (how === 'reload') this.actions.push({ at, do: how, client, orderly: maybe(chance, 0.5) });
    else this.actions.push({ at, do: how, client });
    if (maybe(chance, 0.5)) this.emit(client, at + chance.of([0, 1, 30]));
    if (!maybe(chance, 0.7)) return;
    this.actions.push({ at: at + chance.of([20, 600]), do: 'connect', client });
  }

  private endBehind(client: number, at: number): void {
    const { chance } = this;
    const how = chance.of([
      'close',
      'close',
      'close',
      'reset',
      'fin',
      'partial-reset',
      'partial-fin',
      'malformed',
    ] as const);
    if (how === 'close') this.emit(client, at, { how, code: chance.of([1000, 1001, 1011, 1012, 4401]) });
    else this.emit(client, at, { how });
    if (maybe(chance, 0.7)) this.actions.push({ at: at + chance.of([50, 600]), do: 'connect', client });
  }

  /**
   * Now and then a situation that chance would not build: it takes many steps that fit together.
   */
  private pattern(client: number, at: number): void {
    const { chance, setup } = this;
    const { sdk } = setup.clients[client]!;
    if (setup.backendCapacity === WIDE && client === 0) {
      if (maybe(chance, 0.7)) this.waitingTwins(client, at - 400);
      this.flood(client, at);
    }
    const dice = chance.next();
    if (dice < 0.04) this.heartbeats(client, at);
    else if (dice < 0.08 && sdk) this.unheard(client, at);
    else if (dice < 0.11 && !sdk) this.shedTwin(client, at);
    else if (dice < 0.14) this.crossing(client, at);
    else if (dice < 0.16) this.tornFrame(client, at);
    else if (dice < 0.19 && sdk && setup.silenceMs > 0) this.silentSuccessor(client, at);
    else if (dice < 0.21 && !sdk) this.comeBack(client, at);
  }

  /** A backend whose pings all look alike, with messages between them. */
  private heartbeats(client: number, at: number): void {
    const { chance } = this;
    const gap = chance.of([3, 20, 60]);
    for (let i = 0; i < 6; i++) {
      this.actions.push({ at: at + i * gap, do: 'ping', client, payload: 'keepalive' });
      if (maybe(chance, 0.6)) this.emit(client, at + i * gap + chance.next() * gap);
    }
  }

  /**
   * So much is in flight that a LOW event is let through untracked; a copy of it is tracked,
   * because it is CRITICAL.
   */
  private shedTwin(client: number, at: number): void {
    const messages: Emitted[] = [];
    const most = Math.min(this.setup.pending, this.setup.pendingPerUser, 12);
    for (let i = 0; i < most - 1; i++) messages.push(this.message(client, { type: 'auto', size: 10 }));
    const low = this.message(client, { type: 'low', size: 10 });
    this.actions.push({ at, do: 'emit', to: [client], messages: [...messages, low] });
    const { rtt } = this.setup.clients[client]!;
    for (const wait of [rtt * 0.9, rtt * 1.5 + 1, rtt + 30])
      this.actions.push({
        ...({ at: at + wait, do: 'emit', to: [client] } as const),
        messages: [{ ...low, uid: ++this.uid * 8, type: this.chance.of(['auto', 'processed'] as const) }],
      });
  }

  /** Both sides close at the same time, with codes that may be the same, right behind events. */
  private crossing(client: number, at: number): void {
    const { chance } = this;
    const { rtt } = this.setup.clients[client]!;
    const codes = chance.of([[1000, 1000, 1001], [4401], [1011]]);
    this.emit(client, at, { how: 'close', code: chance.of(codes) });
    this.actions.push({ at: at + chance.next() * rtt * 0.7, do: 'close', client, code: chance.of(codes) });
  }

  /**
   * Two events, of which the second gets no barrier of its own, and then a frame that only begins:
   * its backend dies inside it.
   */
  private tornFrame(client: number, at: number): void {
    const { chance } = this;
    for (const gap of [0, 0.4]) this.emit(client, at + gap);
    const how = chance.of(['partial-reset', 'partial-fin'] as const);
    this.actions.push({ at: at + 0.8, do: 'emit', to: [client], messages: [], ...ending({ how }) });
  }

  /**
   * A client falls silent with a barrier out; the connection that takes its place is slow to speak.
   */
  private silentSuccessor(client: number, at: number): void {
    const { chance, setup } = this;
    const { silenceMs } = setup;
    const { rtt } = setup.clients[client]!;
    this.actions.push({ at, do: 'stall-up', client, ms: 2 * silenceMs });
    this.emit(client, at + 1);
    const back = at + silenceMs * chance.of([0.5, 0.8, 1]);
    this.actions.push({ at: back, do: 'page-online', client });
    this.actions.push({ at: back + 2 * rtt + 30, do: 'stall-up', client, ms: silenceMs });
  }

  /**
   * An application confirms over its next connection what it got over the last one, while the
   * backend sends that again.
   */
  private comeBack(client: number, at: number): void {
    const type = this.chance.of(['auto', 'processed'] as const);
    const again = this.message(client, { type, size: 10, pieces: 1 });
    this.actions.push({ at, do: 'emit', to: [client], messages: [again] });
    this.confirmedLater(client, at, again);
  }

  /** The application's word on a message comes over its next connection, and so does a copy. */
  private confirmedLater(client: number, at: number, again: Emitted): void {
    const { chance } = this;
    const { rtt } = this.setup.clients[client]!;
    this.actions.push({ at: at + 2 * rtt + 30, do: 'leave-network', client });
    this.actions.push({ at: at + 2 * rtt + 40, do: 'connect', client });
    const open = at + 5 * rtt + 120;
    const messages = [this.message(client, { type: 'auto', size: 10, pieces: 1 }), { ...again, uid: ++this.uid * 8 }];
    this.actions.push({ at: open, do: 'emit', to: [client], messages });
    const said = open + chance.next() * rtt * 0.5;
    this.actions.push({ at: said, do: 'word', client, event: again.event, rejected: false });
    if (maybe(chance, 0.5)) this.actions.push({ at: said + 1, do: 'leave-network', client });
  }

  /**
   * The words of an SDK do not arrive, and the connection is lost: what it says again must be all
   * that matters.
   */
  private unheard(client: number, at: number): void {
    const { chance } = this;
    this.actions.push({ at, do: 'stall-up', client, ms: 3000 });
    for (let i = 0; i < patterns.unheardRounds; i++) {
      const messages: Emitted[] = [];
      for (let j = 0; j < 10; j++) messages.push(this.message(client, { type: 'auto', size: 0, pieces: 1 }));
      this.actions.push({ at: at + 1 + i, do: 'emit', to: [client], messages });
    }
    this.actions.push({ at: at + chance.of([200, 600]), do: 'page-online', client });
  }

  /**
   * A large compressed message, which is read in slices, and more behind it than may wait; the
   * client half-closes meanwhile.
   */
  private flood(client: number, at: number): void {
    const { chance } = this;
    const big = this.message(client, { type: 'auto', size: 900_000, pieces: 1, compressed: true });
    const rest: Emitted[] = [];
    for (let i = 0; i < 9; i++)
      rest.push(this.message(client, { type: 'auto', size: 160_000, pieces: 1, compressed: true, dense: true }));
    this.actions.push({ at, do: 'emit', to: [client], messages: [big] });
    if (maybe(chance, 0.7)) this.actions.push({ at: at + chance.next() * 0.3, do: 'half-close', client });
    this.actions.push({ at: at + 0.3 + chance.next() * 0.5, do: 'emit', to: [client], messages: rest });
    // A small copy of one that may have come too fast to be read.
    if (!this.setup.clients[client]!.sdk && maybe(chance, 0.5))
      this.confirmedLater(client, at + 1, { ...chance.of(rest), size: 10, compressed: false, dense: false });
  }

  /**
   * Two messages of one id wait behind large ones to be read, while the application confirms the id
   * twice: before it has the second, or behind a pong that proves receipt of both.
   */
  private waitingTwins(client: number, at: number): void {
    const { chance } = this;
    const large: Emitted[] = [];
    for (let i = 0; i < 6; i++)
      large.push(this.message(client, { type: 'auto', size: 900_000, pieces: 1, compressed: true }));
    const type = chance.of(['auto', 'processed', 'processed'] as const);
    const first = this.message(client, { type, size: 10, pieces: 1, compressed: false });
    const copy = { ...first, uid: ++this.uid * 8 };
    // The frame that follows is cut by the sidecar's reads, so that a barrier goes before it.
    const dense = this.message(client, { type: 'auto', size: 160_000, pieces: 1, compressed: false, dense: true });
    this.actions.push({ at, do: 'emit', to: [client], messages: [...large, first] });
    if (maybe(chance, 0.5)) this.actions.push({ at: at + 0.5, do: 'client-hold', client, ms: chance.of([1, 3]) });
    this.actions.push({ at: at + 0.6, do: 'emit', to: [client], messages: [copy, dense] });
    for (let n = 0; n < 2; n++)
      this.actions.push({ at: at + 0.7 + chance.next() * 3, do: 'word', client, event: first.event, rejected: false });
  }
}
