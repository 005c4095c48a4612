// The crowd: as many connections as the machine allows, and the wave when some of them are cut off and come back at once.
import fs from 'node:fs';
import { cpuMicros, processTree } from '../accounting.ts';
import { startBackend } from './backend.ts';
import { type ClientConnection, connectClient } from './client.ts';
import type { CrowdJob, CrowdResult, Target } from './job.ts';
import { lowestRss } from './memory.ts';
import { createMessages } from './messages.ts';
import { delay, now, openAll, until } from './timing.ts';

/** Connections from one loopback address: fewer than the 28,232 local ports that Linux gives out. */
const PER_ADDRESS = 20_000;
/** How long one step may take on a machine that is busy, ms. */
const PATIENCE_MS = 300_000;

/**
 * Prepares a crowd. The backend listens on a socket in the file system, where no local ports are
 * used up. `fault` is called at the first wrong byte, and when a connection ends that was not cut.
 */
export async function prepareCrowd(job: CrowdJob, folder: string, fault: (what: string) => void) {
  const messages = createMessages(false);
  const common = { messages, deflate: false, writes: 'each', onFault: fault } as const;
  const backend = await startBackend({
    ...common,
    path: `${folder}/backend.sock`,
    forwarded: job.forwarded,
    onConfirmed: () => {},
  });
  // nginx serves as another user than root.
  fs.chmodSync(folder, 0o711);
  fs.chmodSync(String(backend.place), 0o666);
  const cut = new Set<number>();
  const open = (port: number, index: number): Promise<ClientConnection> =>
    connectClient(port, index, {
      ...common,
      confirm: job.confirm,
      // Who is cut off comes back from the same address.
      from: `127.0.0.${1 + Math.floor((index % job.connections) / PER_ADDRESS)}`,
      onVerified: () => {},
      onClosed: (conn) => cut.has(conn) || fault(`connection ${conn} was closed`),
    });

  /** Sends each of them an event, and waits until all are there. */
  async function touch(clients: readonly ClientConnection[]): Promise<void> {
    const reached = (): boolean => clients.every((client) => backend.connections[client.index] !== undefined);
    await until('every connection reached the backend', reached, PATIENCE_MS);
    for (const client of clients) {
      backend.send(client.index, 1);
      if (client.index % 20 === 0) await delay(1);
    }
    await until('every event arrived', () => clients.every((client) => client.next === 1), PATIENCE_MS);
  }

  const run = async (target: Target, startMs: number): Promise<CrowdResult> => {
    const pids = processTree(target.pid);
    const [before, after] = [job.before, job.connections - job.before];
    const early = await openAll(before, 0, (index) => open(target.port, index));
    await touch(early);
    const rssBeforeKiB = await lowestRss(pids, job.settleMs / 2);
    const others = await openAll(after, before, (index) => open(target.port, index));
    await touch(others);
    const rssAfterKiB = await lowestRss(pids, job.settleMs);

    const leaving = others.slice(0, job.wave);
    for (const { index } of leaving) cut.add(index);
    const [at, cpu] = [now(), cpuMicros(pids)];
    for (const { socket } of leaving) socket.destroy();
    // All at once, as after a network's failure: no client waits for another.
    const back = await Promise.all(leaving.map((_, i) => open(target.port, job.connections + i)));
    const waveMs = now() - at;
    const waveCpuUs = cpuMicros(pids) - cpu;
    await touch(back);
    const sent = job.connections + job.wave;
    return { kind: 'crowd', startMs, rssBeforeKiB, rssAfterKiB, grown: after, waveMs, waveCpuUs, sent };
  };
  return { place: backend.place, run };
}
