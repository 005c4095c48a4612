// Test support: a real Redis, started for one test on a free port, that can be stopped, emptied, made to stand still and spoken to.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { atEnd } from './backends.ts';
import { findProgram } from './component.ts';
import { freePort } from './free-port.ts';
import { tied } from './tied.ts';
import type { WallClock } from './wall-clock.ts';

export interface RedisServer {
  readonly port: number;
  readonly url: string;
  /** A connection of the test's own. */
  readonly client: Redis;
  /** SIGSTOP, and SIGCONT. */
  freeze(): void;
  thaw(): void;
  /**
   * Ends it with SIGKILL, and starts it again on the same port: empty, or with what it had on its
   * disk.
   */
  kill(): Promise<void>;
  start(): Promise<void>;
}

/**
 * The program to start: Redis, or what the variable ACKSPAN_TEST_REDIS names, such as the
 * `valkey-server` of `npm run test:valkey`.
 */
const program = (): string => process.env.ACKSPAN_TEST_REDIS ?? findProgram('redis-server')!;

/**
 * Starts it and waits until it answers. `args`: more of its command line; `persists`: it writes
 * down all that it is told; `clock`: its wall clock.
 */
export async function startRedis(
  args: readonly string[] = [],
  persists = false,
  clock?: Pick<WallClock, 'env'>,
): Promise<RedisServer> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'ackspan-redis-'));
  const keeps = persists ? ['--appendonly', 'yes', '--appendfsync', 'always'] : ['--appendonly', 'no'];
  const line = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', ...keeps, '--dir', folder, ...args];
  let pid = 0;
  let gone: Promise<unknown> = Promise.resolve();
  const client = new Redis({ port, host: '127.0.0.1', lazyConnect: true, maxRetriesPerRequest: null });
  client.on('error', () => {});
  const start = async (): Promise<void> => {
    // Before the allocator that Debian's Redis is linked with, which looks at the clock too early.
    const env = clock && { ...process.env, ...clock.env, LD_PRELOAD: `${clock.env.LD_PRELOAD}:libc.so.6` };
    const child = spawn(...tied(program(), line), { stdio: 'ignore', ...(env && { env }) });
    pid = child.pid!;
    gone = once(child, 'exit');
    await client.ping();
  };
  const kill = async (): Promise<void> => {
    send(pid, 'SIGKILL');
    await gone;
  };
  atEnd(async () => {
    client.disconnect();
    await kill();
    rmSync(folder, { recursive: true, force: true });
  });
  await start();
  return {
    ...{ port, url: `redis://127.0.0.1:${port}`, client, kill, start },
    freeze: () => send(pid, 'SIGSTOP'),
    thaw: () => send(pid, 'SIGCONT'),
  };
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended.
  }
}
