// support: ports for programs that cannot be asked which one the system gave them, or that must come back at the same one.
import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * Below what the systems hand out by themselves (Linux from 32,768, RFC 6335 from 49,152): no
 * connection that is opened, and no server that listens on port 0, gets one of these in between.
 */
const FIRST = 20_000;
/** Ports of one worker of the test runner. No two files that run at the same time share them. */
const SHARE = 750;
const SHARES = 16;

const first = FIRST + (Number(process.env.VITEST_POOL_ID ?? 0) % SHARES) * SHARE;
// What an earlier process of the same worker began with may still be about to end.
let next = Math.floor(Math.random() * SHARE);

/** A port of the loopback interface that nothing listens on, and that nobody else is given. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < SHARE; tries++) {
    const port = first + (next++ % SHARE);
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port from ${first} to ${first + SHARE - 1}`);
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
