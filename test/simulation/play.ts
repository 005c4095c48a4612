// Simulation: plays a schedule: world, sidecar, clients and backend; answers the history.
import './globals.ts';
import { createChance } from '../support/chance.ts';
import type { SimClient, Surroundings } from './clients.ts';
import { Network } from './dial.ts';
import { PONG } from './frames.ts';
import { EPOCH, enter, leave, stepWall } from './globals.ts';
import { emptyHistory, type History } from './history.ts';
import { Loop } from './loop.ts';
import { PlainClient } from './plain-client.ts';
import { type Action, inWords, type Schedule } from './schedule.ts';
import { SdkClient } from './sdk-client.ts';
import { createSut, type Sut } from './sut.ts';
import { World } from './world.ts';

/** A line of the story: something that was done or happened, so many ms after the start. */
export interface Line {
  readonly at: number;
  readonly who: string;
  readonly what: string;
}

/** Runs do not overlap in time: what the process keeps of standstills belongs to one run. */
const APART_MS = 10_000_000;
/** From the last action to the end of the clients; and time for everything to end. */
const QUIET_MS = 1500;
const AFTER_MS = 20_000;
let runs = 0;

/** Plays the schedule. `tell` hears what happens, in order. */
export async function play(schedule: Schedule, tell?: (line: Line) => void): Promise<History> {
  const world = new World(EPOCH + ++runs * APART_MS);
  const loop = new Loop(world, createChance(schedule.seed ^ 0x51ed));
  loop.cost = schedule.setup.cost;
  loop.promises = schedule.setup.clients.some(({ sdk }) => sdk);
  enter(world, loop, createChance(schedule.seed ^ 0x2f1b).next);
  try {
    return await new Play(schedule, world, loop, tell).run();
  } finally {
    leave();
  }
}

class Play {
  private readonly world: World;
  private readonly history: History;
  private readonly schedule: Schedule;
  private readonly loop: Loop;
  private readonly tell: ((line: Line) => void) | undefined;
  private readonly start: number;
  private readonly clients: SimClient[];
  private readonly network: Network;
  private sut: Sut | undefined;
  private stopped = false;

  constructor(schedule: Schedule, world: World, loop: Loop, tell: ((line: Line) => void) | undefined) {
    this.schedule = schedule;
    this.world = world;
    this.loop = loop;
    this.tell = tell;
    this.start = world.now;
    const { patienceMs, silenceMs, cost: costMs, history: kept } = schedule.setup;
    const bounds = { patienceMs, silenceMs, costMs, forgets: kept < 1000 };
    const history = emptyHistory(world.now, loop.standstills, bounds);
    this.history = history;
    const fate = (uid: number, what: number) => createChance(schedule.seed + uid * 31 + what * 7919).next();
    const network = new Network({ schedule, world, loop, history, fate, note: (who, what) => this.note(who, what) });
    this.network = network;
    const dial: Surroundings['dial'] = (client, url, link) => network.dial(client, url, link);
    const sent = new Set<string>();
    for (const action of schedule.actions)
      if (action.do === 'emit')
        for (const to of action.to) for (const { event } of action.messages) sent.add(`${to} ${event}`);
    const isSent = (client: number, event: number) => sent.has(`${client} ${event}`);
    const around = { world, history, fate, isSent, dial };
    this.clients = schedule.setup.clients.map((setup, i) =>
      setup.sdk ? new SdkClient(around, i, setup) : new PlainClient(around, i, setup),
    );
  }

  async run(): Promise<History> {
    const { loop, world, history, network, start } = this;
    await loop.call(() => {
      this.sut = network.sut = createSut(this.schedule.setup, history, (uid) => network.reemit(uid));
    });
    let last = 0;
    for (const action of this.schedule.actions) {
      last = Math.max(last, action.at);
      world.plan(start + action.at, () => this.act(action));
    }
    await loop.run(start + last + QUIET_MS);
    const orderly = createChance(this.schedule.seed ^ 0x77);
    for (const client of this.clients) client.end(orderly.next() < 0.5);
    await loop.run(world.now + 1000);
    for (const client of this.clients) client.stack?.reset();
    for (const backend of network.backends) backend?.letGo();
    await loop.run(world.now + AFTER_MS / 2);
    if (network.giveUpVanished()) await loop.run(world.now + AFTER_MS / 2);
    await loop.run(world.now + AFTER_MS / 2);
    await this.conclude();
    return history;
  }

  private note(who: string, what: string): void {
    this.tell?.({ at: this.world.now - this.start, who, what });
  }

  private act(action: Action): void {
    this.sut?.compare(false);
    if ('client' in action) this.actOn(action);
    else this.actOnAll(action);
    this.note(['freeze', 'sigterm', 'step-wall'].includes(action.do) ? 'machine' : 'schedule', inWords(action));
  }

  /** What concerns one client, or its connection to the backend. */
  private actOn(action: Action & { readonly client: number }): void {
    const client = this.clients[action.client]!;
    const { stack } = client;
    const backend = this.network.backends[action.client];
    if (action.do === 'connect' && !this.network.closed) client.connect();
    else if (action.do === 'ping') backend?.ping(action.payload);
    else if (action.do === 'backend-hold') backend?.hold(action.ms);
    else if (action.do === 'client-hold') stack?.hold(action.ms);
    else if (action.do === 'stall') this.network.stall(action.client, action.ms);
    else if (action.do === 'stall-up') stack?.stallUp(action.ms);
    else if (action.do === 'word') client.word(action.event, action.rejected);
    else if (action.do === 'say' && stack?.closing === false) stack.send(2, Buffer.alloc(action.bytes));
    else if (action.do === 'pong') stack?.send(PONG, Buffer.from('unasked'));
    else if (action.do === 'bad-frame') stack?.breakRules(action.garbage);
    else if (action.do === 'leave-network') stack?.reset();
    else if (action.do === 'half-close') stack?.halfClose();
    else if (action.do === 'page-online') client.online();
    else if (action.do === 'reload') client.reload(action.orderly);
    else if (action.do === 'vanish') this.network.vanish(action.client);
    else if (action.do === 'close') stack?.close(action.code);
  }

  private actOnAll(action: Action): void {
    const { network } = this;
    if (action.do === 'emit') {
      for (const message of action.messages) for (const to of action.to) network.backends[to]?.emit(message);
      if (action.then !== undefined) network.backends[action.to[0]!]?.finish(action.then);
    } else if (action.do === 'restart') {
      network.backendDownUntil = this.world.now + action.ms;
      for (const one of network.backends) one?.reset();
    } else if (action.do === 'freeze') this.loop.stand(action.ms);
    else if (action.do === 'step-wall') stepWall(action.ms);
    else if (action.do === 'sigterm') this.terminate();
  }

  private terminate(): void {
    if (this.network.closed) return;
    this.network.closed = true;
    this.loop.promises = true;
    this.network.signal(() => {
      this.note('sidecar', 'begins to stop');
      const done = (): void => {
        this.stopped = true;
        this.note('sidecar', 'has stopped');
      };
      this.sut!.stop(() => this.network.handshaking, done);
    });
  }

  private async conclude(): Promise<void> {
    const { history, loop, sut, network } = this;
    await loop.call(() => {
      sut!.compare(true);
      history.leaks.push(...sut!.leaks());
      sut!.count();
    });
    if (loop.waiting > 0) history.leaks.push(`${loop.waiting} timers`);
    if (network.closed && !this.stopped) history.leaks.push('the sidecar did not stop');
    const { crash } = loop;
    if (crash !== undefined) history.faults.push(`thrown: ${crash instanceof Error ? crash.stack : crash}`);
    const open = network.account();
    if (open > 0) history.leaks.push(`${open} sockets`);
  }
}
