// failures: one cell of the table: applications under load, the disaster, and what all of them and the collector have in the end.
import { join } from 'node:path';
import { Record } from '../kills/record.ts';
import type { App } from '../support/agent-runs.ts';
import { type Disaster, type Guarantee, guaranteeOf, type StoreKind } from './guarantee.ts';
import type { Instance } from './instance.ts';
import { judge, type Outcomes } from './judge.ts';
import { openScene, pause, type Scene } from './scene.ts';

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
  /** How long events flow before and after the disaster, ms. */
  readonly loadMs: number;
}

/** Plays one cell. `cli`: path of the built command line. Throws where it cannot be played to its end. */
export async function playCell(store: StoreKind, disaster: Disaster, size: Size, cli: string): Promise<Cell> {
  const scene = await openScene(cli);
  try {
    const play = new Play(scene, store, size);
    await play.begin(disaster === 'wave' ? size.wave : size.clients);
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

  constructor(scene: Scene, store: StoreKind, size: Size) {
    this.#scene = scene;
    this.#store = store;
    this.#size = size;
  }

  async begin(clients: number): Promise<void> {
    await this.#start(await this.#another());
    await this.#scene.enter(clients);
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
    this.#look();
    await this.#start(this.#instance);
  }

  async term(): Promise<void> {
    await this.#stop(this.#instance);
    this.#look();
    await this.#start(this.#instance);
  }

  async idle(): Promise<void> {
    this.#scene.rest();
    await pause(this.#size.idleMs);
    for (const [user, { closes }] of this.#scene.apps)
      if (closes.length > 0) this.#wrong.push(`${user}'s connection ended with ${closes} while it was idle`);
    this.#scene.load();
  }

  /** A directory belongs to one process at a time; without one the new process is there before the old one goes. */
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
    // What is still under way has its last chance in the stop.
    await this.#stop(this.#instance);
    this.#look();
    for (const { faults } of this.#instances) this.#wrong.push(...faults);
    const guarantee = guaranteeOf(this.#store, disaster);
    const died = disaster !== 'cuts' && disaster !== 'idle';
    const judged = judge({
      ...{ guarantee, died, apps, runs: backend.runs, due: this.#due, spans: collector.spans },
      record: this.#store === 'file' ? this.#record : undefined,
    });
    const resumptions = [...apps.values()].flatMap(({ resumed }) => resumed);
    const resumed = resumptions.filter(({ recovered }) => recovered).length;
    const begun = resumptions.length - resumed;
    if (guarantee === 'whole' && begun > 0) this.#wrong.push(`${begun} clients lost their session`);
    return { guarantee, clients: apps.size, ...judged, resumed, begun, wrong: [...this.#wrong, ...judged.wrong] };
  }

  async #another(): Promise<Instance> {
    const instance = await this.#scene.instance(this.#config());
    this.#instances.push(instance);
    return instance;
  }

  #config(): Readonly<{ [key: string]: unknown }> {
    return this.#store === 'file' ? { store: { at: `file:${this.#directory}`, after: '20ms' } } : {};
  }

  get #directory(): string {
    return join(this.#scene.folder, 'store');
  }

  async #start(instance: Instance): Promise<void> {
    await instance.start();
    this.#instance = instance;
    this.#scene.gateway.target = instance.port;
  }

  async #stop(instance: Instance): Promise<void> {
    const code = await instance.stop();
    if (code !== 0) this.#wrong.push(`the process ended with ${code}`);
  }

  /** Notes what the files of a process that has ended say: what is due to whom, and how deliveries ended. */
  #look(): void {
    if (this.#store !== 'file') return;
    const { image, damaged } = this.#record.look(this.#directory);
    this.#wrong.push(...damaged.map((each) => `damaged: ${each}`));
    for (const [user, app] of this.#scene.apps) {
      const written = image.sessions.get(app.socket.resumption?.session ?? '')?.ordinal;
      if (written === undefined) this.#wrong.push(`the session of ${user} is not in the store`);
      else this.#due.set(app, Math.max(written, this.#due.get(app) ?? 0));
    }
  }
}
