// kills: one sidecar under load, killed with SIGKILL at random moments and started again on the same directory; what its clients got is held against its files.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { type AgentBackend, type App, openApp, type Run, startAgentBackend } from '../support/agent-runs.ts';
import type { Chance } from '../support/chance.ts';
import { freePort } from '../support/free-port.ts';
import { faultsOf } from './handed.ts';
import { type Life, startLife } from './process.ts';
import { Record } from './record.ts';

export interface Result {
  readonly kills: number;
  /** Of them, before the sidecar listened or its clients were back. */
  readonly early: number;
  /** Messages that the clients with a session were handed. */
  readonly handed: number;
  /** Deliveries that were written down, by how they ended. */
  readonly ends: ReadonlyMap<string, number>;
  /** What must not be; empty = all is well. */
  readonly wrong: readonly string[];
}

const [USERS, OTHERS] = [5, 2];
/** Between two events of each run, ms. */
const PACE_MS = 4;
/** How long anything may take that has a bound only because a trial must not hang, ms. */
const PATIENCE_MS = 30_000;
/** Share of the ends that are a SIGTERM, where several builds take turns. */
export const STOPS = 0.4;
/**
 * One event in five asks for the application's word, which the clients without a session never
 * give.
 */
const RULES = [
  { match: 'agent_thinking', confirm: 'processed', timeout: '10m' },
  { match: '*', timeout: '10m' },
];

/**
 * Ends it `count` times. `clis`: paths of the built command lines: with several of them, each start
 * is of any, and some ends are a SIGTERM, as in an upgrade.
 */
export async function tryKills(count: number, chance: Chance, clis: readonly string[]): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'ackspan-kills-'));
  const trial = new Trial(chance, clis, folder);
  try {
    return await trial.run(count);
  } finally {
    await trial.end();
    rmSync(folder, { recursive: true, force: true });
  }
}

class Trial {
  readonly #chance: Chance;
  readonly #clis: readonly string[];
  readonly #directory: string;
  readonly #configFile: string;
  readonly #record = new Record();
  readonly #wrong: string[] = [];
  readonly #apps = new Map<string, App>();
  #others: WebSocket[] = [];
  #backend: AgentBackend | undefined;
  #life: Life | undefined;
  #load: NodeJS.Timeout | undefined;
  #url = '';
  #adminUrl = '';

  constructor(chance: Chance, clis: readonly string[], folder: string) {
    this.#chance = chance;
    this.#clis = clis;
    this.#directory = join(folder, 'store');
    this.#configFile = join(folder, 'ackspan.yaml');
  }

  async run(count: number): Promise<Result> {
    await this.#begin();
    let early = 0;
    for (let kill = 0; kill < count; kill++) {
      if (!(await this.#liveAndDie(kill))) early++;
      if (this.#wrong.length > 20) break;
    }
    await this.#settle();
    const { ends, without, several } = this.#record.sum();
    if (without.length > 0) this.#wrong.push(`deliveries without an outcome: ${without}`);
    if (several.length > 0) this.#wrong.push(`deliveries with several outcomes: ${several}`);
    const apps = [...this.#apps];
    for (const [user, { numbers }] of apps) this.#wrong.push(...faultsOf(this.#runOf(user), numbers));
    const handed = apps.reduce((sum, [, { numbers }]) => sum + numbers.length, 0);
    return { kills: count, early, handed, ends, wrong: this.#wrong };
  }

  async end(): Promise<void> {
    clearInterval(this.#load);
    for (const { socket } of this.#apps.values()) socket.close();
    for (const other of this.#others) other.terminate();
    await this.#life?.kill();
    await this.#backend?.crash();
  }

  async #begin(): Promise<void> {
    this.#backend = await startAgentBackend();
    const [port, admin] = [await freePort(), await freePort()];
    this.#url = `ws://127.0.0.1:${port}/ws`;
    this.#adminUrl = `http://127.0.0.1:${admin}`;
    // JSON is YAML.
    const config = {
      ...{ upstream: `http://127.0.0.1:${this.#backend.port}`, listen: `127.0.0.1:${port}` },
      ...{
        admin: { listen: `127.0.0.1:${admin}` },
        store: { at: `file:${this.#directory}`, after: '20ms' },
        events: { rules: RULES },
      },
      sessions: { ttl: '10m' },
    };
    writeFileSync(this.#configFile, JSON.stringify(config));
    this.#life = startLife(this.#chance.of(this.#clis), this.#configFile);
    await this.#life.listening;
    for (let i = 0; i < USERS; i++) this.#apps.set(`u${i}`, openApp(`${this.#url}?user=u${i}`));
    await this.#whole();
    this.#load = setInterval(() => this.#backend!.step(Number.POSITIVE_INFINITY, () => false), PACE_MS);
  }

  /**
   * One life of the process, until it is killed. False: it was killed before its clients were back.
   */
  async #liveAndDie(kill: number): Promise<boolean> {
    const life = this.#life!;
    const early = kill > 0 && this.#chance.next() < 0.2;
    if (early) await pause(this.#chance.between(0, 1500));
    else {
      await life.listening;
      await this.#whole();
      this.#openOthers();
      await pause(this.#chance.between(0, 400));
    }
    await end(life, this.#clis.length > 1 && this.#chance.next() < STOPS, this.#wrong);
    this.#wrong.push(...life.faults.map((fault) => `kill ${kill}: ${fault}`));
    const { image, damaged } = this.#record.look(this.#directory);
    this.#wrong.push(...damaged.map((each) => `kill ${kill}: damaged: ${each}`));
    const due = new Map<App, number>();
    for (const [user, app] of this.#apps) {
      const written = image.sessions.get(app.socket.resumption?.session ?? '')?.ordinal;
      if (written === undefined) this.#wrong.push(`kill ${kill}: the session of ${user} is not in the store`);
      else if (app.numbers.length > written)
        this.#wrong.push(`kill ${kill}: ${user} got ${app.numbers.length} messages, the store knows ${written}`);
      else due.set(app, written);
    }
    this.#life = startLife(this.#chance.of(this.#clis), this.#configFile);
    this.#due = due;
    return !early;
  }

  /**
   * What each application must have got once it is back: all that was written down before the kill.
   */
  #due: ReadonlyMap<App, number> = new Map();

  /** Every client is back, with everything that it missed. */
  async #whole(): Promise<void> {
    const missing = (): string[] =>
      [...this.#apps].flatMap(([user, app]) => {
        const { numbers, resumed, socket } = app;
        if (resumed.some(({ recovered }) => !recovered)) return [`${user} lost its session`];
        if (socket.readyState !== WebSocket.OPEN || this.#runOf(user)?.socket === undefined) return [`${user} is away`];
        const due = this.#due.get(app) ?? 0;
        return numbers.length < due ? [`${user} got ${numbers.length} messages of ${due}`] : [];
      });
    await until(() => missing().length === 0);
    this.#wrong.push(...missing());
  }

  #openOthers(): void {
    for (const other of this.#others) other.terminate();
    this.#others = Array.from({ length: OTHERS }, (_, i) => {
      const socket = new WebSocket(`${this.#url}?user=other${i}`);
      socket.on('error', () => {});
      return socket;
    });
  }

  /** Nothing more is sent; everything gets its outcome. */
  async #settle(): Promise<void> {
    await this.#life!.listening;
    await this.#whole();
    clearInterval(this.#load);
    for (const other of this.#others) other.terminate();
    const all = [...this.#apps].map(([user, app]) => ({ app, run: this.#runOf(user)! }));
    await until(() => all.every(({ app, run }) => app.numbers.at(-1) === run.sent));
    let pending = -1;
    await until(async () => {
      ({ pending } = (await (await fetch(`${this.#adminUrl}/api/v1/stats`)).json()) as { pending: number });
      return pending === 0;
    });
    if (pending !== 0) this.#wrong.push(`${pending} deliveries never got an outcome`);
    const code = await this.#life!.stop();
    if (code !== 0) this.#wrong.push(`the last process ended with ${code}`);
    this.#record.look(this.#directory);
  }

  #runOf(user: string): Run | undefined {
    return this.#backend!.runs.get(user);
  }
}

export async function until(done: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + PATIENCE_MS; !(await done()) && Date.now() < end; ) await pause(5);
}

/** Ends a process with SIGKILL, or with a SIGTERM, which it has to obey. */
export async function end(life: Life, orderly: boolean, wrong: string[]): Promise<void> {
  if (!orderly) return await life.kill();
  // Before it listens, SIGTERM ends it as SIGKILL does.
  const listens = await Promise.race([life.listening.then(() => true), pause(0)]).catch(() => false);
  const code = await life.stop();
  // A client that comes back to it is told so.
  life.faults.splice(0, life.faults.length, ...life.faults.filter((fault) => !fault.includes('is shutting down')));
  if (listens === true && code !== 0) wrong.push(`a process that was to stop ended with ${code}`);
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
