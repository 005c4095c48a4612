// journal: one process per directory: a Unix socket there that only a living process answers, so that nothing is left behind by one that was killed.
import { linkSync, lstatSync, renameSync, unlinkSync } from 'node:fs';
import { createConnection, createServer, type Server } from 'node:net';
import { join } from 'node:path';

/** The directory is another process's. */
export class Locked extends Error {}

export interface Lock {
  /** Gives the directory back. */
  release(): void;
}

const NAME = 'lock';
/** How long a holder may take to answer, ms: one that is busy is alive all the same. */
const ANSWER_MS = 2_000;
/** Attempts: a socket that was left behind is taken away between two of them. */
const ATTEMPTS = 5;

/**
 * Takes the directory. Rejects with `Locked` when a process of this machine has it, also one in another container that shares the
 * directory. `fd` is an open descriptor of the directory: the path of a socket may have about 100 characters only, that of a directory
 * has no such bound.
 */
export async function takeLock(directory: string, fd: number): Promise<Lock> {
  const path = socketPath(directory, fd);
  for (let attempt = 1; ; attempt++) {
    const server = await listen(path);
    if (server !== undefined) return { release: () => void server.close() };
    const holder = await ask(path);
    if (holder !== undefined) throw new Locked(`${directory} is used by another process${holder}`);
    if (attempt === ATTEMPTS) throw new Locked(`${join(directory, NAME)} cannot be taken and nobody answers there`);
    await removeStale(directory, fd);
  }
}

function socketPath(directory: string, fd: number, name = NAME): string {
  const path = join(directory, name);
  // Linux: the same directory under a short name.
  return path.length > 90 && process.platform === 'linux' ? `/proc/self/fd/${fd}/${name}` : path;
}

/** Undefined: there is such a file already. */
function listen(path: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    // Whoever asks is told who is there.
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.end(` (process ${process.pid})`);
    });
    server.unref();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    server.listen(path, () => resolve(server));
  });
}

/** What the holder says of itself; undefined = nobody holds it. */
function ask(path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    let said = '';
    const socket = createConnection(path);
    socket.setTimeout(ANSWER_MS, () => {
      socket.destroy();
      resolve('');
    });
    socket.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(0, 100);
    });
    let connected = false;
    socket.once('connect', () => {
      connected = true;
    });
    // Refused, or gone meanwhile: nobody is there.
    socket.once('error', () => {});
    socket.once('close', () => resolve(connected ? said : undefined));
  });
}

/**
 * Takes away the socket of a process that is gone. Another process may do the same at this moment and have put its own there: the file is
 * moved aside first, which only one can do, asked again, and put back if it is alive.
 */
async function removeStale(directory: string, fd: number): Promise<void> {
  const aside = `${NAME}.${process.pid}.${Date.now().toString(36)}`;
  const from = join(directory, NAME);
  const to = join(directory, aside);
  try {
    if (!lstatSync(from).isSocket()) throw new Locked(`${from} is no lock of Ackspan's`);
    renameSync(from, to);
  } catch (error) {
    if (error instanceof Locked) throw error;
    // It has just gone.
    return;
  }
  if ((await ask(socketPath(directory, fd, aside))) !== undefined) {
    try {
      linkSync(to, from);
    } catch {
      // A third process has put its own there: it asks nobody any more, and this one asks it next.
    }
  }
  unlinkSync(to);
}
