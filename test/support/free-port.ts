// support: ports for programs that cannot be asked which one the system gave them, or that must come back at the same one.
import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * Below what the systems hand out by themselves (Linux from 32,768, RFC 6335 from 49,152): no
 * connection that is opened, and no server that listens on port 0, gets one of these in between.
 */
const FIRST = 20_000;
/** Ports of one process. A process has the share whose first port it listens on until it ends. */
const SHARE = 400;
const SHARES = 30;

let share: Promise<number> | undefined;
// What an earlier process with the same share began with may still be about to end.
let next = Math.floor(Math.random() * SHARE);

/**
 * A port of the loopback interface that nothing listens on. Nobody else is given it, in this run of
 * the tests or in another one on the same machine.
 */
export async function freePort(): Promise<number> {
  share ??= takeShare();
  const first = await share;
  for (let tries = 0; tries < SHARE; tries++) {
    const port = first + 1 + (next++ % (SHARE - 1));
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port from ${first} to ${first + SHARE - 1}`);
}

/** The first port of a share that no other process has. This process listens on it from now on. */
async function takeShare(): Promise<number> {
  const begin = Math.floor(Math.random() * SHARES);
  for (let i = 0; i < SHARES; i++) {
    const first = FIRST + ((begin + i) % SHARES) * SHARE;
    const server = createServer().unref().listen(first, '127.0.0.1');
    try {
      await once(server, 'listening');
      return first;
    } catch {
      // Another process has this share.
    }
  }
  throw new Error(`${SHARES} processes hold all the ports from ${FIRST} to ${FIRST + SHARES * SHARE - 1}`);
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}
