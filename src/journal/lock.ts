// journal: one process per directory, by a Unix socket that only a living process answers: a kill leaves no lock.
import { linkSync, lstatSync, renameSync, unlinkSync } from 'node:fs';
import { createConnection, createServer, type Server } from 'node:net';
import { join } from 'node:path';

/** Another process uses the directory. */
export class Locked extends Error {}

export interface Lock {
  /**
   * Takes the directory again if the lock was removed; `fd` as for `takeLock`. Throws, `Locked`
   * where another process has it by now.
   */
  mend(fd: number): void;
  /** Gives the directory back. */
  release(): void;
}

const NAME = 'lock';
/** Longest wait for an answer of the holder, ms. A holder that is only busy counts as alive. */
const ANSWER_MS = 2_000;
/** Tries to take the lock. A socket that was left behind is removed between two tries. */
const ATTEMPTS = 5;

/**
 * Takes the directory. Rejects with `Locked` when a process of this machine has it, even one in
 * another container that shares the directory. `fd` is an open descriptor of the directory: the
 * path of a socket may have about 100 characters only, and the path of a directory more.
 */
export async function takeLock(directory: string, fd: number): Promise<Lock> {
  const path = socketPath(directory, fd);
  for (let attempt = 1; ; attempt++) {
    const server = await listen(path);
    if (server !== undefined) return hold(server, directory);
    const holder = await ask(path);
    if (holder !== undefined) throw new Locked(`${directory} is used by another process${holder}`);
    if (attempt === ATTEMPTS) throw new Locked(`${join(directory, NAME)} cannot be taken and nobody answers there`);
    await removeStale(directory, fd);
  }
}

function socketPath(directory: string, fd: number, name = NAME): string {
  const path = join(directory, name);
  // Linux has a short name for an open directory.
  return path.length > 90 && process.platform === 'linux' ? `/proc/self/fd/${fd}/${name}` : path;
}

function hold(first: Server, directory: string): Lock {
  const path = join(directory, NAME);
  let server = first;
  let own = identityOf(path);
  return {
    mend(fd) {
      const found = identityOf(path);
      if (found !== undefined && found === own) return;
      if (found !== undefined) throw new Locked(`${directory} is used by another process`);
      // An end of a server removes what is at its path, and there is nothing now.
      server.close();
      server = createLock();
      server.on('error', () => {});
      server.listen(socketPath(directory, fd));
      own = identityOf(path);
      if (!server.listening || own === undefined) throw new Error(`${path} cannot be made`);
    },
    release() {
      // The socket of another process must not be removed.
      if (identityOf(path) === own) server.close();
    },
  };
}

/** Tells a file from every other one that is there; undefined = there is none. */
function identityOf(path: string): string | undefined {
  const found = lstatSync(path, { throwIfNoEntry: false });
  return found && `${found.dev} ${found.ino}`;
}

/** The holder tells other processes its id. */
function createLock(): Server {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.end(` (process ${process.pid})`);
  });
  return server.unref();
}

/** Listens at `path`; undefined = there is such a file already. */
function listen(path: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createLock();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    server.listen(path, () => resolve(server));
  });
}

/** The words of the holder about itself; undefined = there is no holder. */
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
    // An error before `connect` means that no holder is there, which `close` reports.
    socket.once('error', () => {});
    socket.once('close', () => resolve(connected ? said : undefined));
  });
}

/**
 * Removes the socket of a process that is gone. Another process may do the same now, and may have
 * put its own socket there. The file is therefore moved aside first, which only one process can do.
 * Then it is asked again, and put back if it answers.
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
    // Another process has just removed the file.
    return;
  }
  if ((await ask(socketPath(directory, fd, aside))) !== undefined) {
    try {
      linkSync(to, from);
    } catch {
      // A third process has put its own socket there, and the next try asks that one.
    }
  }
  unlinkSync(to);
}
