// kills: two sidecars on one Redis under load, one of which is killed with SIGKILL at random moments; clients go on at whichever is there.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { type AgentBackend, type App, openApp, type Run, startAgentBackend } from '../support/agent-runs.ts';
import { type Balancer, startBalancer } from '../support/balancer.ts';
import type { Chance } from '../support/chance.ts';
import { freePort } from '../support/free-port.ts';
import { type RedisServer, startRedis } from '../support/redis-server.ts';
import { faultsOf } from './handed.ts';
import { type Life, startLife } from './process.ts';
import { RedisRecord } from './redis-record.ts';
import { end, pause, STOPS, until } from './trial.ts';

export interface RedisResult {
  readonly kills: number;
  /** Of them, before the killed instance listened or clients were back. */
  readonly early: number;
  /** Messages that the clients with a session were handed. */
  readonly handed: number;
  /** Times that a client went on with its session. */
  readonly resumed: number;
  /** Deliveries that were written down. */
  readonly tracked: number;
  /** What must not be; empty = all is well. */
  readonly wrong: readonly string[];
}

const [USERS, OTHERS, INSTANCES] = [6, 2, 2];
/** Between two events of each run, ms. */
const PACE_MS = 5;
const RULES = [
  { match: 'agent_thinking', confirm: 'processed', timeout: '10m' },
  { match: '*', timeout: '10m' },
];

interface Instance {
  readonly port: number;
  readonly admin: number;
  readonly configFile: string;
  life: Life;
}

/**
 * Ends one of them `count` times. `clis`: paths of the built command lines: with several of them,
 * each start is of any, and some ends are a SIGTERM, as in a roll-out.
 */
export async function tryRedisKills(count: number, chance: Chance, clis: readonly string[]): Promise<RedisResult> {
  const folder = mkdtempSync(join(tmpdir(), 'ackspan-kills-'));
  const trial = new RedisTrial(chance, clis, folder);
  try {
    return await trial.run(count);
  } finally {
    await trial.end();
    rmSync(folder, { recursive: true, force: true });
  }
}

class RedisTrial {
  readonly #chance: Chance;
  readonly #clis: readonly string[];
  readonly #folder: string;
  readonly #wrong: string[] = [];
  readonly #apps = new Map<string, App>();
  readonly #instances: Instance[] = [];
  #others: WebSocket[] = [];
  #backend!: AgentBackend;
  #balancer!: Balancer;
  #redis!: RedisServer;
  #record!: RedisRecord;
  #load: NodeJS.Timeout | undefined;
  /** What each application must have got once it is back: all that Redis knew after the kill. */
  #due: ReadonlyMap<App, number> = new Map();

  constructor(chance: Chance, clis: readonly string[], folder: string) {
    this.#chance = chance;
    this.#clis = clis;
    this.#folder = folder;
  }

  async run(count: number): Promise<RedisResult> {
    await this.#begin();
    let early = 0;
    for (let kill = 0; kill < count && this.#wrong.length <= 20; kill++) if (!(await this.#kill(kill))) early++;
    await this.#settle();
    const { without, several } = this.#record.sum();
    if (without.length > 0) this.#wrong.push(`deliveries without an outcome: ${without}`);
    if (several.length > 0) this.#wrong.push(`deliveries with several outcomes: ${several}`);
    const apps = [...this.#apps];
    for (const [user, { numbers }] of apps) this.#wrong.push(...faultsOf(this.#runOf(user), numbers));
    const handed = apps.reduce((sum, [, { numbers }]) => sum + numbers.length, 0);
    const resumed = apps.reduce((sum, [, app]) => sum + app.resumed.length, 0);
    return { kills: count, early, handed, resumed, tracked: this.#record.tracked, wrong: this.#wrong };
  }

  async end(): Promise<void> {
    clearInterval(this.#load);
    for (const { socket } of this.#apps.values()) socket.close();
    for (const other of this.#others) other.terminate();
    for (const { life } of this.#instances) await life.kill();
    this.#record?.end();
    this.#redis?.client.disconnect();
    await this.#redis?.kill();
    await this.#backend?.crash();
  }

  async #begin(): Promise<void> {
    this.#redis = await startRedis();
    this.#record = await RedisRecord.listen(this.#redis.client);
    this.#backend = await startAgentBackend();
    this.#balancer = await startBalancer();
    for (let i = 0; i < INSTANCES; i++) this.#instances.push(await this.#newInstance(i));
    for (const { life } of this.#instances) await life.listening;
    this.#balancer.target = () => this.#chance.of(this.#instances).port;
    for (let i = 0; i < USERS; i++) this.#apps.set(`u${i}`, openApp(`${this.#url}?user=u${i}`));
    await this.#whole();
    this.#load = setInterval(() => this.#backend.step(Number.POSITIVE_INFINITY, () => false), PACE_MS);
  }

  async #newInstance(i: number): Promise<Instance> {
    const [port, admin] = [await freePort(), await freePort()];
    const configFile = join(this.#folder, `ackspan-${i}.yaml`);
    const config = {
      ...{ upstream: `http://127.0.0.1:${this.#backend.port}`, listen: `127.0.0.1:${port}` },
      admin: { listen: `127.0.0.1:${admin}` },
      // What a session leaves out that is written whole, after a lease has run out, has ended. The
      // record cannot tell, so the lease is longer than a busy machine holds a process up.
      store: { at: this.#redis.url, after: '20ms', lease: '3s' },
      ...{ events: { rules: RULES }, sessions: { ttl: '10m' } },
    };
    writeFileSync(configFile, JSON.stringify(config));
    return { port, admin, configFile, life: startLife(this.#clis[i % this.#clis.length]!, configFile) };
  }

  get #url(): string {
    return `ws://127.0.0.1:${this.#balancer.port}/ws`;
  }

  /**
   * Ends one instance, and starts it again. False: it was killed before it listened, or before all
   * clients were back.
   */
  async #kill(kill: number): Promise<boolean> {
    const victim = this.#chance.of(this.#instances);
    const early = kill > 0 && this.#chance.next() < 0.2;
    if (early) await pause(this.#chance.between(0, 1500));
    else {
      for (const { life } of this.#instances) await life.listening;
      await this.#whole();
      this.#openOthers();
      await pause(this.#chance.between(0, 400));
    }
    await end(victim.life, this.#clis.length > 1 && this.#chance.next() < STOPS, this.#wrong);
    this.#wrong.push(...victim.life.faults.map((fault) => `kill ${kill}: ${fault}`));
    await this.#look(kill);
    victim.life = startLife(this.#chance.of(this.#clis), victim.configFile);
    return !early;
  }

  /** Holds what the clients have against what Redis knows. */
  async #look(kill: number): Promise<void> {
    const due = new Map<App, number>();
    for (const [user, app] of this.#apps) {
      const got = app.numbers.length;
      const key = `ackspan:session:{${app.socket.resumption?.session}}`;
      let ordinal = Number.NaN;
      // What the kernel has, Redis may read after this question.
      await until(async () => {
        ordinal = Number(await this.#redis.client.hget(key, 'ordinal'));
        return ordinal >= got;
      });
      if (Number.isNaN(ordinal)) this.#wrong.push(`kill ${kill}: the session of ${user} is not in Redis`);
      else if (got > ordinal) this.#wrong.push(`kill ${kill}: ${user} got ${got} messages, Redis knows ${ordinal}`);
      due.set(app, ordinal);
    }
    this.#due = due;
  }

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

  /** Nothing more is sent; everything gets its outcome, at whichever instance has it. */
  async #settle(): Promise<void> {
    for (const { life } of this.#instances) await life.listening;
    await this.#whole();
    clearInterval(this.#load);
    for (const other of this.#others) other.terminate();
    const all = [...this.#apps].map(([user, app]) => ({ app, run: this.#runOf(user)! }));
    await until(() => all.every(({ app, run }) => app.numbers.at(-1) === run.sent));
    const left = async (): Promise<number> => {
      const stats = this.#instances.map(async ({ admin }) => {
        const answer = await fetch(`http://127.0.0.1:${admin}/api/v1/stats`);
        return ((await answer.json()) as { pending: number }).pending;
      });
      const pending = (await Promise.all(stats)).reduce((a, b) => a + b, 0);
      const dead = (await this.#redis.client.zcard('ackspan:{instances}:leases')) - INSTANCES;
      return pending + dead;
    };
    let rest = -1;
    await until(async () => {
      rest = await left();
      return rest === 0;
    });
    if (rest !== 0) this.#wrong.push(`${rest} deliveries or instances are left`);
    for (const { life } of this.#instances) {
      const code = await life.stop();
      if (code !== 0) this.#wrong.push(`the last process ended with ${code}: ${life.faults}`);
    }
  }

  #runOf(user: string): Run | undefined {
    return this.#backend.runs.get(user);
  }
}
