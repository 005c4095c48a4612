// One trial: a generator, a proxy between its two ends, one job, one result; both processes are gone afterwards.
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { adopt, stop } from './children.ts';
import { divideCores } from './cores.ts';
import type { Job, Report, Result, Sample } from './load/job.ts';
import { delay, now } from './load/timing.ts';
import type { Peer, PeerSetup } from './peers/peer.ts';

/** How a peer is set up where it differs from the plain case. */
export type Variant = Partial<
  Pick<PeerSetup, 'deflate' | 'otlp' | 'keepConfirmed' | 'holdSeconds' | 'retain' | 'nodeFlags' | 'main'>
> & {
  /**
   * What outlives the proxy: files in its folder, or a Redis of its own, which may stand still in
   * the window that counts.
   */
  readonly keeps?: 'file' | 'redis' | 'stalled redis';
  /** Put before the command instead of what gives it a core of its own. */
  readonly prefix?: readonly string[];
};

/** What `/api/v1/stats` said at the end; undefined for peers that track nothing. */
export type Stats = Readonly<Record<string, unknown>>;

export interface Trial {
  readonly result: Result;
  readonly stats: Stats | undefined;
}

/** A proxy under test while it runs. */
export interface Running {
  readonly pid: number;
  readonly admin: number;
}

/** Told while the trial runs, and once more when the load has ended and the proxy still stands. */
export interface Watcher {
  /** Told when the proxy has been started and the load has been told to begin. */
  started?(running: Running): void;
  sample?(sample: Sample, running: Running): void;
  ended?(result: Result, running: Running): Promise<void>;
}

/**
 * Runs a job through a peer (undefined = directly). Throws when a byte was wrong, something died,
 * or the tracker's sums are off.
 */
export async function runTrial(
  peer: Peer | undefined,
  job: Job,
  variant: Variant = {},
  watcher: Watcher = {},
): Promise<Trial> {
  divideCores();
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'ackspan-bench-'));
  const generator = adopt(fork(GENERATOR, [JSON.stringify(job), dir]));
  let proxy: ChildProcess | undefined;
  let redis: { readonly child: ChildProcess; readonly url: string } | undefined;
  try {
    const upstream = await firstReport(generator, (report) => ('listening' in report ? report.listening : undefined));
    if (peer === undefined) {
      generator.send({ port: Number(upstream), pid: 0, spawnedAt: now() });
      return { result: await resultOf(generator), stats: undefined };
    }
    if (variant.keeps?.endsWith('redis')) redis = await startRedis(dir);
    const store = redis?.url ?? (variant.keeps === 'file' ? `file:${path.join(dir, 'store')}` : undefined);
    const setup = { ...DEFAULTS, ...variant, store, dir, upstream, listen: await freePort(), admin: await freePort() };
    const { child, died } = startPeer(peer, setup, variant.prefix ?? divideCores());
    proxy = child;
    const running = { pid: child.pid!, admin: setup.admin };
    generator.send({ port: setup.listen, pid: running.pid, spawnedAt: now() });
    watcher.started?.(running);
    generator.on('message', (message) => {
      const report = message as Report;
      if ('window' in report && variant.keeps === 'stalled redis') redis!.child.kill('SIGSTOP');
      if ('sample' in report) watcher.sample?.(report.sample, running);
    });
    const result = await Promise.race([resultOf(generator), died]).catch(async (error: unknown) => {
      // The load may notice first that the proxy has died; what the proxy said says more.
      await Promise.race([died, delay(2000)]);
      throw error;
    });
    await watcher.ended?.(result, running);
    return { result, stats: peer.tracks ? await statsOf(setup.admin, result) : undefined };
  } finally {
    await stop(proxy);
    await stop(generator);
    redis?.child.kill('SIGKILL');
    fs.rmSync(dir, { recursive: true, force: true });
  }
}

const GENERATOR = fileURLToPath(new URL('./load/main.js', import.meta.url));
const DEFAULTS = {
  deflate: false,
  otlp: 0,
  keepConfirmed: 0.01,
  holdSeconds: 0,
  retain: false,
  nodeFlags: [],
} as const;

/** A Redis that keeps nothing on the disk; resolves when it accepts connections. */
async function startRedis(dir: string): Promise<{ child: ChildProcess; url: string }> {
  const port = await freePort();
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', dir];
  const child = adopt(spawn('redis-server', args, { stdio: 'ignore' }));
  const failed = once(child, 'error').then(([error]) => Promise.reject(error));
  const accepts = async (): Promise<void> => {
    for (let accepted = false; !accepted; ) {
      const socket = net.connect(port, '127.0.0.1');
      accepted = await once(socket, 'connect').then(
        () => true,
        () => false,
      );
      socket.destroy();
      if (!accepted) await delay(20);
    }
  };
  await Promise.race([accepts(), failed]);
  return { child, url: `redis://127.0.0.1:${port}` };
}

function startPeer(peer: Peer, setup: PeerSetup, prefix: readonly string[]) {
  const { command, args, env } = peer.command(setup);
  const [program, ...rest] = [...prefix, command, ...args] as [string, ...string[]];
  const child = adopt(spawn(program, rest, { env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'pipe'] }));
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said = `${said}${chunk}`.slice(-8000);
  });
  const died = new Promise<never>((_, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => reject(new Error(`${peer.name} ended with ${code} in the middle of a run: ${said}`)));
  });
  // Once the trial is over nobody waits for this any more, and the proxy's end is wanted.
  died.catch(() => {});
  return { child, died };
}

function firstReport<T>(generator: ChildProcess, pick: (report: Report) => T | undefined): Promise<T> {
  return new Promise((resolve, reject) => {
    const onMessage = (message: unknown): void => {
      const report = message as Report;
      const picked = pick(report);
      if (picked !== undefined) done(() => resolve(picked));
      else if ('error' in report) done(() => reject(new Error(report.error)));
    };
    const onExit = (code: number | null): void => done(() => reject(new Error(`the generator ended with ${code}`)));
    const done = (settle: () => void): void => {
      generator.off('message', onMessage);
      generator.off('exit', onExit);
      settle();
    };
    generator.on('message', onMessage);
    generator.on('exit', onExit);
  });
}

function resultOf(generator: ChildProcess): Promise<Result> {
  return firstReport(generator, (report) => ('result' in report ? report.result : undefined));
}

/** How long the answers to the last events may be on their way, ms. */
const LAST_ANSWERS_MS = 30_000;

/** The tracker's sums, of a flow when all that was sent is confirmed, or when that takes too long. */
async function statsOf(admin: number, result: Result): Promise<Stats> {
  const until = now() + LAST_ANSWERS_MS;
  let stats = await readStats(admin);
  while (result.kind === 'flow' && Number(stats.confirmed) < result.sent && now() < until) {
    await delay(20);
    stats = await readStats(admin);
  }
  return stats;
}

/** The tracker's own sums. Throws when the admin server does not answer. */
export async function readStats(admin: number): Promise<Stats> {
  const response = await fetch(`http://127.0.0.1:${admin}/api/v1/stats`);
  if (!response.ok) throw new Error(`/api/v1/stats answered ${response.status}`);
  return (await response.json()) as Stats;
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
