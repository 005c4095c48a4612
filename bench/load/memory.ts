// Memory jobs: opens many connections, idle or with unconfirmed events, and reads what the proxy holds for them.
import { processTree, rssKiB } from '../accounting.ts';
import { type Backend, startBackend } from './backend.ts';
import { type ClientConnection, connectClient } from './client.ts';
import type { IdleJob, MemoryResult, PendingJob, Target } from './job.ts';
import { createMessages } from './messages.ts';
import { delay, now, openAll, until } from './timing.ts';

/** Prepares an idle or a pending job. */
export async function prepareMemory(job: IdleJob | PendingJob, fault: (what: string) => void) {
  const messages = createMessages(false);
  const backend = await startBackend({
    messages,
    deflate: false,
    writes: 'each',
    forwarded: job.kind === 'idle' && job.forwarded,
    onFault: fault,
    onConfirmed: () => {},
  });
  const run = async (target: Target, startMs: number): Promise<MemoryResult> => {
    const open = (index: number): Promise<ClientConnection> =>
      connectClient(target.port, index, {
        messages,
        deflate: false,
        writes: 'each',
        confirm: job.kind === 'idle' ? job.confirm : 'barrier',
        onFault: fault,
        onVerified: () => {},
        onClosed: (conn) => fault(`connection ${conn} was closed`),
      });
    const pids = processTree(target.pid);
    const measured =
      job.kind === 'idle' ? await idle(job, backend, open, pids) : await pending(job, backend, open, pids);
    return { kind: 'memory', startMs, connections: job.connections, ...measured };
  };
  return { place: backend.place, run };
}

type Open = (index: number) => Promise<ClientConnection>;
type Measured = Pick<MemoryResult, 'rssBeforeKiB' | 'rssAfterKiB' | 'sent'>;

async function idle(job: IdleJob, backend: Backend, open: Open, pids: readonly number[]): Promise<Measured> {
  const touch = async (clients: readonly ClientConnection[]): Promise<void> => {
    await joined(backend, clients);
    if (!job.touch) return;
    for (const client of clients) backend.send(client.index, 1);
    await until('every event arrived', () => clients.every((client) => client.next === 1), 10_000);
  };
  await touch(await openAll(job.before, 0, open));
  const rssBeforeKiB = await lowestRss(pids, job.settleMs / 2);
  await touch(await openAll(job.connections, job.before, open));
  const rssAfterKiB = await lowestRss(pids, job.settleMs);
  return { rssBeforeKiB, rssAfterKiB, sent: job.touch ? job.before + job.connections : 0 };
}

async function pending(job: PendingJob, backend: Backend, open: Open, pids: readonly number[]): Promise<Measured> {
  const rssBeforeKiB = rssKiB(pids);
  const clients = await openAll(job.connections, 0, open);
  await joined(backend, clients);
  // A client that has answered a ping and then stops is owed its deliveries until their deadline.
  const answered = (): boolean => clients.every((client) => client.pongs > 0);
  await until('every client answered a ping', answered, 5000).catch(() => {
    // A proxy that pings nobody has nothing pending: its memory is read all the same.
  });
  for (const client of clients) client.answers = false;
  for (const client of clients) {
    backend.send(client.index, job.each);
    if (client.index % 20 === 0) await delay(1);
  }
  await until('every event arrived', () => clients.every((client) => client.next === job.each), 30_000);
  return { rssBeforeKiB, rssAfterKiB: await lowestRss(pids, job.settleMs), sent: job.connections * job.each };
}

/** A proxy may accept the client before it has reached the backend. */
function joined(backend: Backend, clients: readonly ClientConnection[]): Promise<void> {
  const reached = (): boolean => clients.every((client) => backend.connections[client.index] !== undefined);
  return until('every connection reached the backend', reached, 5000);
}

/** The lowest resident memory of those processes within `ms`, KiB. */
export async function lowestRss(pids: readonly number[], ms: number): Promise<number> {
  const deadline = now() + ms;
  let lowest = rssKiB(pids);
  while (now() < deadline) {
    await delay(100);
    lowest = Math.min(lowest, rssKiB(pids));
  }
  return lowest;
}
