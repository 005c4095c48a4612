// failures: one cell of the table: applications under load, the disaster, and what all of them and the collector have in the end.
import { join } from 'node:path';
import { Record } from '../kills/record.ts';
import { RedisRecord } from '../kills/redis-record.ts';
import type { App } from '../support/agent-runs.ts';
import { type Disaster, type Guarantee, guaranteeOf, isOfRedis, type StoreKind } from './guarantee.ts';
import type { Instance } from './instance.ts';
import { judge, type Outcomes } from './judge.ts';
import { openScene, pause, type Scene, until } from './scene.ts';

export interface Cell {
  readonly store: StoreKind;
  readonly disaster: Disaster;
  readonly guarantee: Guarantee;
  readonly clients: number;
  /** Events that the backend sent, and those that applications were handed. */
  readonly sent: number;
  readonly handed: number;
  /** Events without an outcome, and events with two. */
  readonly outcomes: Outcomes;
  /** Sessions that were resumed, and those that clients had to begin anew. */
  readonly resumed: number;
  readonly begun: number;
  /** What the guarantee does not allow; empty = it holds. */
  readonly wrong: readonly string[];
}

export interface Size {
  readonly clients: number;
  /** Clients of the deploy wave. */
  readonly wave: number;
  readonly idleMs: number;
  readonly cutMs: number;
  /** How long Redis stands still, ms. */
  readonly stallMs: number;
  /** How long events flow before and after the disaster, ms. */
  readonly loadMs: number;
  /** `store.lease`. */
  readonly lease?: string;
}

/**
 * Plays one cell. `cli`: path of the built command line. Throws where it cannot be played to its
 * end.
 */
export async function playCell(store: StoreKind, disaster: Disaster, size: Size, cli: string): Promise<Cell> {
  const scene = await openScene(cli);
  try {
    const play = new Play(scene, store, size);
    await play.begin(disaster);
    await play[disaster]();
    return { store, disaster, ...(await play.end(disaster)) };
  } finally {
    await scene.close();
  }
}

class Play {
  readonly #scene: Scene;
  readonly #store: StoreKind;
  readonly #size: Size;
  readonly #record = new Record();
  readonly #instances: Instance[] = [];
  readonly #due = new Map<App, number>();
  readonly #wrong: string[] = [];
  #instance!: Instance;
  /** The other instance, where the store is shared. */
  #survivor: Instance | undefined;
  #redis: Awaited<ReturnType<Scene['redis']>> | undefined;
  #told: RedisRecord | undefined;

  constructor(scene: Scene, store: StoreKind, size: Size) {
    this.#scene = scene;
    this.#store = store;
    this.#size = size;
  }

  async begin(disaster: Disaster): Promise<void> {
    if (this.#store === 'redis') await this.#share(disaster);
    await this.#start(await this.#another());
    await this.#scene.enter(disaster === 'wave' ? this.#size.wave : this.#size.clients);
    this.#scene.load();
    await pause(this.#size.loadMs);
  }

  async cuts(): Promise<void> {
    for (let i = 0; i < 3; i++) {
      await this.#scene.gateway.cut(this.#size.cutMs);
      await this.#scene.connected();
    }
  }

  async kill(): Promise<void> {
    await this.#instance.kill();
    await this.#look();
    if (this.#survivor === undefined) await this.#start(this.#instance);
    else this.#switch(this.#survivor);
  }

  async term(): Promise<void> {
    const old = this.#instance;
    if (this.#survivor !== undefined) this.#switch(this.#survivor);
    await this.#stop(old);
    await this.#look();
    if (this.#survivor === undefined) await this.#start(old);
  }

  async restarted(): Promise<void> {
    await this.#redis!.server.kill();
    await pause(this.#size.cutMs);
    await this.#redis!.server.start();
  }

  emptied(): Promise<void> {
    return this.restarted();
  }

  async stalled(): Promise<void> {
    this.#redis!.server.freeze();
    await pause(this.#size.stallMs);
    this.#redis!.server.thaw();
  }

  async severed(): Promise<void> {
    for (let i = 0; i < 3; i++) {
      await this.#redis!.path.cut(this.#size.cutMs);
      await pause(this.#size.loadMs);
    }
  }

  async idle(): Promise<void> {
    const { idleMs } = this.#size;
    this.#scene.rest();
    const from = await this.#clocks();
    await pause(idleMs);
    for (const [whose, at] of await this.#clocks()) {
      const ms = at - from.get(whose)!;
      // A head of HTTP has whole seconds.
      if (ms < idleMs - 1000) this.#wrong.push(`${whose} was idle for ${ms} ms by its own clock`);
    }
    for (const [user, { closes, resumed }] of this.#scene.apps)
      if (closes.length + resumed.length > 0) this.#wrong.push(`${user}'s connection ended while it was idle`);
    this.#scene.load();
  }

  /**
   * A directory belongs to one process at a time; without one the new process is there before the
   * old one goes.
   */
  async wave(): Promise<void> {
    if (this.#store === 'file') return this.term();
    const old = this.#instance;
    await this.#start(await this.#another());
    await this.#stop(old);
  }

  async end(disaster: Disaster): Promise<Omit<Cell, 'store' | 'disaster'>> {
    const { apps, backend, collector } = this.#scene;
    await this.#scene.connected();
    await pause(this.#size.loadMs);
    this.#scene.rest();
    await this.#scene.handed();
    // Redis is told everything again, whatever has befallen it.
    await until('the store has everything', () => this.#instance.whole());
    // What is still under way has its last chance in the stop.
    await this.#stop(this.#instance);
    if (this.#survivor !== undefined && this.#survivor !== this.#instance) await this.#stop(this.#survivor);
    await this.#look();
    const ofRedis = isOfRedis(disaster);
    // That Redis is in trouble is said, as it must be.
    for (const { faults } of this.#instances)
      this.#wrong.push(...faults.filter((fault) => !ofRedis || !fault.includes('"stage":"store"')));
    const guarantee = guaranteeOf(this.#store, disaster);
    const died = disaster === 'kill' || disaster === 'term' || disaster === 'wave';
    const judged = judge({
      ...{ guarantee, died, apps, runs: backend.runs, due: this.#due, spans: collector.spans },
      written: this.#store === 'file' ? this.#record.sum() : this.#told?.sum(),
    });
    const resumptions = [...apps.values()].flatMap(({ resumed }) => resumed);
    const resumed = resumptions.filter(({ recovered }) => recovered).length;
    const begun = resumptions.length - resumed;
    if (guarantee === 'whole' && begun > 0) this.#wrong.push(`${begun} clients lost their session`);
    this.#told?.end();
    return { guarantee, clients: apps.size, ...judged, resumed, begun, wrong: [...this.#wrong, ...judged.wrong] };
  }

  /** What each process that takes part calls the time, ms. */
  async #clocks(): Promise<ReadonlyMap<string, number>> {
    const clocks = new Map<string, number>();
    for (const [i, instance] of this.#instances.entries()) clocks.set(`instance ${i + 1}`, await instance.clock());
    const time = await this.#redis?.server.client.time();
    if (time !== undefined) clocks.set('Redis', Number(time[0]) * 1000 + Number(time[1]) / 1000);
    return clocks;
  }

  async #another(): Promise<Instance> {
    const instance = await this.#scene.instance(this.#config());
    this.#instances.push(instance);
    return instance;
  }

  /**
   * Two instances, with the other one there from the beginning. What Redis is told can be heard
   * while it does not fail itself.
   */
  async #share(disaster: Disaster): Promise<void> {
    this.#redis = await this.#scene.redis(disaster === 'restarted');
    if (!isOfRedis(disaster)) this.#told = await RedisRecord.listen(this.#redis.server.client);
    if (disaster === 'wave') return;
    this.#survivor = await this.#another();
    await this.#survivor.start();
  }

  #config(): Readonly<{ [key: string]: unknown }> {
    const { lease = '2s' } = this.#size;
    if (this.#redis !== undefined)
      return { store: { at: `redis://127.0.0.1:${this.#redis.path.port}`, after: '20ms', lease } };
    return this.#store === 'file' ? { store: { at: `file:${this.#directory}`, after: '20ms' } } : {};
  }

  get #directory(): string {
    return join(this.#scene.folder, 'store');
  }

  async #start(instance: Instance): Promise<void> {
    await instance.start();
    this.#switch(instance);
  }

  /** Clients come to that instance from now on. */
  #switch(instance: Instance): void {
    this.#instance = instance;
    this.#scene.gateway.target = instance.port;
  }

  async #stop(instance: Instance): Promise<void> {
    const code = await instance.stop();
    if (code !== 0) this.#wrong.push(`the process ended with ${code}`);
  }

  /** Notes what the store says: what is due to whom, and how deliveries ended. */
  async #look(): Promise<void> {
    if (this.#store === 'memory') return;
    const ordinals = this.#store === 'file' ? this.#readFiles() : await this.#askRedis();
    for (const [user, app] of this.#scene.apps) {
      const written = ordinals.get(app.socket.resumption?.session ?? '');
      if (written === undefined) this.#wrong.push(`the session of ${user} is not in the store`);
      else this.#due.set(app, Math.max(written, this.#due.get(app) ?? 0));
    }
  }

  #readFiles(): ReadonlyMap<string, number> {
    const { image, damaged } = this.#record.look(this.#directory);
    this.#wrong.push(...damaged.map((each) => `damaged: ${each}`));
    return new Map([...image.sessions].map(([key, { ordinal }]) => [key, ordinal]));
  }

  async #askRedis(): Promise<ReadonlyMap<string, number>> {
    const { client } = this.#redis!.server;
    const ordinals = new Map<string, number>();
    for (const { socket } of this.#scene.apps.values()) {
      const session = socket.resumption?.session ?? '';
      const ordinal = await client.hget(`ackspan:session:{${session}}`, 'ordinal');
      if (ordinal !== null) ordinals.set(session, Number(ordinal));
    }
    return ordinals;
  }
}
