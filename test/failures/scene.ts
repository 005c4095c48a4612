// failures: what a cell is played with: a backend, instances behind a gateway, applications on the SDK, a collector of spans, and a load.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { type AgentBackend, type App, openApp, startAgentBackend } from '../support/agent-runs.ts';
import { type OtlpReceiver, startOtlpReceiver } from '../support/otlp-receiver.ts';
import { type RedisServer, startRedis } from '../support/redis-server.ts';
import { clockRate, ownClocks } from '../support/wall-clock.ts';
import { type Gateway, startGateway } from './gateway.ts';
import { createInstance, type Instance } from './instance.ts';

/** Events per real second over all clients. */
const RATE = 1000;
/** How long anything may take that has a bound only because a cell must not hang, ms. */
const PATIENCE_MS = 120_000 * clockRate();

export interface Scene {
  readonly backend: AgentBackend;
  readonly gateway: Gateway;
  readonly collector: OtlpReceiver;
  readonly apps: ReadonlyMap<string, App>;
  /** For what a store keeps on this machine. */
  readonly folder: string;
  /**
   * A Redis that writes down all that it is told or nothing, and the path to it that instances
   * take.
   */
  redis(persists: boolean): Promise<{ readonly server: RedisServer; readonly path: Gateway }>;
  instance(config?: Readonly<Record<string, unknown>>): Promise<Instance>;
  /** Opens the applications; resolves when all are connected. */
  enter(clients: number): Promise<void>;
  /** Every application has a connection, and the backend has one to it. */
  connected(): Promise<void>;
  /** Events flow to all applications until `rest`. */
  load(): void;
  rest(): void;
  /** Resolves when every application has been handed the last event that was sent to it. */
  handed(): Promise<void>;
  close(): Promise<void>;
}

/** `cli`: path of the built command line. */
export async function openScene(cli: string): Promise<Scene> {
  const folder = mkdtempSync(join(tmpdir(), 'ackspan-failures-'));
  const backend = await startAgentBackend();
  const collector = await startOtlpReceiver();
  const gateway = await startGateway(0);
  const apps = new Map<string, App>();
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint, ...ownClocks() };
  let instances = 0;
  const ends: (() => Promise<unknown>)[] = [];
  let timer: NodeJS.Timeout | undefined;
  const scene: Scene = {
    ...{ backend, gateway, collector, apps, folder },
    instance: (config = {}) =>
      createInstance(cli, folder, `instance-${++instances}`, { ...common(backend.port), ...config }, env),
    async redis(persists) {
      const server = await startRedis([], persists);
      const path = await startGateway(server.port);
      ends.push(() => {
        server.client.disconnect();
        return Promise.all([server.kill(), path.close()]);
      });
      return { server, path };
    },
    async enter(clients) {
      for (let i = 0; i < clients; i++) apps.set(`u${i}`, openApp(`ws://127.0.0.1:${gateway.port}/ws?user=u${i}`));
      await scene.connected();
    },
    connected: () =>
      until('every application is connected', () =>
        [...apps].every(
          ([user, { socket }]) =>
            socket.readyState === WebSocket.OPEN && backend.runs.get(user)?.socket?.readyState === WebSocket.OPEN,
        ),
      ),
    load() {
      clearInterval(timer);
      const step = (): void => void backend.step(Number.POSITIVE_INFINITY, () => false);
      timer = setInterval(step, (clockRate() * 1000 * apps.size) / RATE);
    },
    rest: () => clearInterval(timer),
    handed: () =>
      until('every application has its last event', () =>
        [...apps].every(([user, { numbers }]) => numbers.at(-1) === backend.runs.get(user)?.sent),
      ),
    async close() {
      clearInterval(timer);
      for (const { socket } of apps.values()) socket.close();
      await gateway.close();
      await backend.crash();
      await collector.close();
      for (const end of ends) await end();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return scene;
}

/** Deadlines are far away: what times out here is lost, and not late on a busy machine. */
function common(upstream: number): Readonly<Record<string, unknown>> {
  return {
    upstream: `http://127.0.0.1:${upstream}`,
    sessions: { ttl: '20m' },
    events: { rules: [{ match: '*', timeout: '10m' }] },
  };
}

/** Throws with `what` where it does not come true. */
export async function until(what: string, done: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  while (!(await done())) {
    if (Date.now() > end) throw new Error(`it did not come true that ${what}`);
    await pause(5);
  }
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
