// The generator process: takes one job, says where its backend listens, waits for the proxy, runs the job and answers. It stays, with its connections, until it is stopped.
import net from 'node:net';
import { cpuMicros, processTree } from '../accounting.ts';
import { startBackend } from './backend.ts';
import { prepareCrowd } from './crowd.ts';
import { prepareFlow } from './flow.ts';
import type { Job, Report, Result, Target } from './job.ts';
import { lowestRss, prepareMemory } from './memory.ts';
import { createMessages } from './messages.ts';
import { prepareSoak } from './soak.ts';
import { delay, now } from './timing.ts';

interface Prepared {
  /** Where its backend listens. */
  readonly place: number | string;
  run(target: Target, startMs: number): Promise<Result>;
}

function tell(report: Report): void {
  process.send?.(report);
}

function fault(what: string): void {
  tell({ error: what });
  process.exitCode = 1;
  setTimeout(() => process.exit(1), 50);
}

/** `folder` is the job's own. */
async function prepare(job: Job, folder: string): Promise<Prepared> {
  switch (job.kind) {
    case 'flow':
      return prepareFlow(job, fault, () => tell({ window: 'begins' }));
    case 'idle':
    case 'pending':
      return prepareMemory(job, fault);
    case 'crowd':
      return prepareCrowd(job, folder, fault);
    case 'soak':
      return prepareSoak(job, fault, (sample) => tell({ sample }));
    case 'start': {
      const options = { deflate: false, writes: 'each', forwarded: false, onFault: fault } as const;
      const backend = await startBackend({ ...options, messages: createMessages(false), onConfirmed: () => {} });
      const run = async ({ pid }: Target, startMs: number): Promise<Result> => {
        const pids = processTree(pid);
        const cpuUs = cpuMicros(pids);
        return { kind: 'start', startMs, cpuUs, rssKiB: await lowestRss(pids, job.settleMs) };
      };
      return { place: backend.place, run };
    }
  }
}

/**
 * Tries until one upgrade through the proxy succeeds; returns when that was, ms since the epoch.
 */
async function firstAccepted(port: number): Promise<number> {
  const deadline = now() + 20_000;
  while (now() < deadline) {
    if (await tryUpgrade(port)) return now();
    await delay(2);
  }
  throw new Error('the proxy accepted no connection within 20 s');
}

function tryUpgrade(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ port, host: '127.0.0.1' });
    socket.on('error', () => resolve(false));
    socket.on('close', () => resolve(false));
    socket.once('data', (chunk) => {
      resolve(chunk.toString('latin1').startsWith('HTTP/1.1 101'));
      socket.destroy();
    });
    socket.write(
      'GET /ws HTTP/1.1\r\nHost: bench.local\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n',
    );
  });
}

async function main(): Promise<void> {
  const prepared = await prepare(JSON.parse(process.argv[2]!) as Job, process.argv[3]!);
  const target = new Promise<Target>((resolve) => process.once('message', (message) => resolve(message as Target)));
  tell({ listening: prepared.place });
  const { spawnedAt, ...rest } = await target;
  const acceptedAt = await firstAccepted(rest.port);
  tell({ result: await prepared.run({ ...rest, spawnedAt }, acceptedAt - spawnedAt) });
}

function failed(error: unknown): void {
  fault(error instanceof Error ? error.message : String(error));
}

// A message that cannot be read (bad compression, say) throws inside a socket's callback: it fails
// the run like any wrong byte.
process.on('uncaughtException', failed);
process.on('disconnect', () => process.exit(1));
main().catch(failed);
