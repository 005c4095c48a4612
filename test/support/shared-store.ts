// Test support: a Redis, a backend, and one address before as many sidecars as a test starts.
import { type Run, startAgentBackend } from './agent-runs.ts';
import { startBalancer } from './balancer.ts';
import { eventually } from './child.ts';
import { startRedis } from './redis-server.ts';
import { type SidecarProcess, startSidecar } from './sidecar-process.ts';
import type { WallClock } from './wall-clock.ts';

/** `config` is that of every sidecar; `redisArgs`: more of Redis' command line; `clock`: its clock. */
export async function startShared(config: object = {}, redisArgs: readonly string[] = [], clock?: WallClock) {
  const redis = await startRedis(redisArgs, false, clock);
  const backend = await startAgentBackend();
  const balancer = await startBalancer();
  const start = (store: object = {}, env: Readonly<Record<string, string>> = {}): Promise<SidecarProcess> =>
    startSidecar({
      ...{ upstream: `http://127.0.0.1:${backend.port}`, env },
      config: {
        store: { at: redis.url, lease: '1500ms', ...store },
        ...{ events: { rules: [{ match: '*', timeout: '60s' }] }, sessions: { ttl: '60s' }, ...config },
      },
    });
  const url = (user: string) => `ws://127.0.0.1:${balancer.port}/ws?user=${user}`;
  const runOf = (user: string): Promise<Run> =>
    eventually(() => {
      const run = backend.runs.get(user);
      if (run?.socket === undefined) throw new Error(`${user} is not connected`);
      return run;
    });
  return { redis, backend, balancer, start, url, runOf };
}
