// fleets: instances on one Redis that stand still again and again under load, clients that change between them, and what came of it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { faultsOf } from '../kills/handed.ts';
import { pause } from '../kills/trial.ts';
import { type AgentBackend, startAgentBackend } from '../support/agent-runs.ts';
import { type Chance, createChance } from '../support/chance.ts';
import { type OtlpReceiver, startOtlpReceiver } from '../support/otlp-receiver.ts';
import { type RedisServer, startRedis } from '../support/redis-server.ts';
import { type Client, openClient, openPlainClient } from './client.ts';
import { Diary, EVERYBODY } from './diary.ts';
import { gather } from './evidence.ts';
import { type FleetInstance, startInstance } from './instance.ts';
import { judge, type Verdict } from './judge.ts';
import { listenToRedis } from './redis-diary.ts';

export interface FleetOptions {
  readonly seed: number;
  /** For how long instances stand still again and again. */
  readonly ms: number;
  readonly clients: number;
  /** How many of them are plain: they have not opted in. */
  readonly plain: number;
  readonly instances: number;
  readonly leaseMs: number;
  /** Paths of the built command lines: of several, instances have one in turn. */
  readonly clis: readonly string[];
}

export interface FleetResult extends Verdict {
  /** How often an instance stood still. */
  readonly stops: number;
  readonly resumes: number;
  readonly events: number;
  readonly handed: number;
  /** Sessions that clients had to begin anew, and clients that were closed for good. */
  readonly anew: number;
  readonly closed: number;
  /** What must not be, each with its story. */
  readonly wrong: readonly string[];
  /** The stories of the sessions that began anew. */
  readonly begunAnew: readonly string[];
}

/** Between two events over all clients, ms. */
const PACE_MS = 7;
/** How long a session waits for its client, ms. */
const TTL_MS = 30_000;
/** How long anything may take that has a bound only because a trial must not hang, ms. */
const PATIENCE_MS = TTL_MS + 60_000;
/** After so long without its last event a client is sent another one, ms. */
const AGAIN_MS = 2000;

export async function playFleet(options: FleetOptions): Promise<FleetResult> {
  const folder = mkdtempSync(join(tmpdir(), 'ackspan-fleets-'));
  const fleet = new Fleet(options, folder);
  try {
    await fleet.begin();
    await fleet.play();
    await fleet.settle();
    return fleet.result();
  } finally {
    await fleet.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

class Fleet {
  readonly #options: FleetOptions;
  readonly #folder: string;
  readonly #chance: Chance;
  readonly #diary = new Diary();
  readonly #instances: FleetInstance[] = [];
  readonly #clients: Client[] = [];
  readonly #sentAt = new Map<string, number>();
  readonly #wrong: string[] = [];
  /** Clients that did not get their last event, and when that was given up. */
  readonly #behind: [client: Client, at: number][] = [];
  readonly #ends: (() => unknown)[] = [];
  #backend!: AgentBackend;
  #collector!: OtlpReceiver;
  #load: NodeJS.Timeout | undefined;

  constructor(options: FleetOptions, folder: string) {
    this.#options = options;
    this.#folder = folder;
    this.#chance = createChance(options.seed);
  }

  async begin(): Promise<void> {
    const { leaseMs, clis, instances, clients, plain } = this.#options;
    const redis = await startRedis();
    this.#backend = await startAgentBackend();
    this.#collector = await startOtlpReceiver();
    const deaf = await this.#listen(redis);
    this.#ends.push(
      deaf,
      () => this.#backend.crash(),
      this.#collector.close,
      () => redis.client.disconnect(),
      redis.kill,
    );
    const config = {
      upstream: `http://127.0.0.1:${this.#backend.port}`,
      store: { at: redis.url, lease: `${leaseMs}ms` },
      sessions: { ttl: `${TTL_MS}ms` },
      limits: { silence: `${leaseMs}ms` },
      // Deadlines are far away: what times out here is lost.
      events: { rules: [{ match: '*', timeout: '10m' }] },
    };
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: this.#collector.endpoint };
    for (let i = 0; i < instances; i++) {
      const name = String.fromCharCode('A'.charCodeAt(0) + i);
      const cli = clis[i % clis.length]!;
      this.#instances.push(await startInstance(name, cli, this.#folder, config, env, this.#diary));
    }
    const deps = { chance: this.#chance, targets: this.#instances, leaseMs, diary: this.#diary };
    for (let i = 0; i < clients; i++)
      this.#clients.push(await (i < plain ? openPlainClient : openClient)(`u${i}`, deps));
    if (!(await until(() => this.#clients.every(({ open }) => open)))) throw new Error('not every client came in');
  }

  #listen({ client }: RedisServer): Promise<() => void> {
    const byPid = () => new Map(this.#instances.map(({ life, name }) => [life.pid, name]));
    return listenToRedis(client, byPid, this.#diary);
  }

  /** Everything happens at once. */
  async play(): Promise<void> {
    const { ms, leaseMs } = this.#options;
    this.#load = setInterval(() => this.#emit(this.#chance.of(this.#clients)), PACE_MS);
    for (const client of this.#clients) client.wander();
    for (const instance of this.#instances) instance.unsettle(this.#chance, leaseMs);
    await pause(ms);
    clearInterval(this.#load);
    for (const client of this.#clients) client.stay();
    for (const instance of this.#instances) instance.rest();
    this.#diary.note(EVERYBODY, 'trial', 'nothing stands still any more');
  }

  #emit({ user }: Client): void {
    const run = this.#backend.runs.get(user);
    if (run?.socket?.readyState !== WebSocket.OPEN) return;
    this.#backend.emit(run);
    const id = `${user}-${run.sent}`;
    this.#sentAt.set(id, Date.now());
    this.#diary.note(user, 'sent', `${id} over connection ${run.bySocket.length} of its user`);
  }

  /** Every client gets its last event, everything its outcome, and all end. */
  async settle(): Promise<void> {
    for (const client of this.#clients) this.#emit(client);
    const from = Date.now();
    let at = from;
    await until(() => {
      const behind = this.#clients.filter((client) => this.#isBehind(client));
      // The last one may have gone to a connection that was being closed.
      if (Date.now() > at + AGAIN_MS) {
        at = Date.now();
        for (const client of behind) this.#emit(client);
      }
      return behind.length === 0;
    });
    for (const client of this.#clients) if (this.#isBehind(client)) this.#behind.push([client, from]);
    const left = async (): Promise<number> => {
      const all = await Promise.all(this.#instances.map((each) => each.left()));
      return all.reduce((a, b) => a + b, 0);
    };
    if (!(await until(async () => (await left()) === 0)))
      this.#wrong.push(`${await left()} deliveries or waiting sessions are left`);
    for (const client of this.#clients) client.leave();
    for (const { life, name } of this.#instances) {
      const code = await life.stop();
      if (code !== 0) this.#wrong.push(`${name} ended with ${code}: ${life.faults.slice(-3)}`);
    }
  }

  #isBehind(client: Client): boolean {
    const { user, open, numbers, closedAt } = client;
    if (closedAt !== undefined) return false;
    const run = this.#backend.runs.get(user);
    return !open || (run?.socket !== undefined && numbers.at(-1) !== run.sent);
  }

  result(): FleetResult {
    const [clients, instances, sentAt] = [this.#clients, this.#instances, this.#sentAt];
    const evidence = gather({ clients, instances, sentAt, spans: this.#collector.spans, diary: this.#diary });
    const verdict = judge(evidence.fates);
    for (const id of verdict.two) this.#wrong.push(evidence.ofEvent(id, 'has two outcomes'));
    for (const id of verdict.none) this.#wrong.push(evidence.ofEvent(id, 'has no outcome'));
    for (const id of verdict.untrue) this.#wrong.push(evidence.ofEvent(id, 'is called confirmed'));
    for (const [client, at] of this.#behind)
      this.#wrong.push(evidence.ofClient(client, 'does not get its last event', at));
    const begunAnew: string[] = [];
    for (const client of clients) {
      const { user, optedIn, numbers, anewAt, closedAt } = client;
      if (optedIn) this.#wrong.push(...faultsOf(this.#backend.runs.get(user), numbers));
      if (closedAt !== undefined) this.#wrong.push(evidence.ofClient(client, 'was closed for good', closedAt));
      for (const at of anewAt) begunAnew.push(evidence.ofClient(client, 'began anew', at));
    }
    const sum = (of: (client: Client) => number): number => clients.reduce((all, client) => all + of(client), 0);
    return {
      ...verdict,
      stops: instances.reduce((all, { stops }) => all + stops, 0),
      resumes: sum(({ resumes }) => resumes),
      events: sentAt.size,
      handed: sum(({ numbers }) => numbers.length),
      anew: begunAnew.length,
      closed: sum(({ closedAt }) => (closedAt === undefined ? 0 : 1)),
      ...{ wrong: this.#wrong, begunAnew },
    };
  }

  async close(): Promise<void> {
    clearInterval(this.#load);
    for (const client of this.#clients) {
      client.stay();
      client.leave();
    }
    for (const instance of this.#instances) {
      instance.rest();
      await instance.life.kill();
    }
    for (const end of this.#ends) await end();
  }
}

/** False: it did not come true in time. */
async function until(done: () => boolean | Promise<boolean>): Promise<boolean> {
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end; await pause(20)) if (await done()) return true;
  return false;
}
