// A reader of the log that goes away, or never reads, keeps no sidecar from serving, nor from ending on SIGTERM.

import { execFileSync, spawn } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Stream } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { atEnd, closeAll } from '../support/backends.ts';
import { builtCli } from '../support/build.ts';
import { type Exit, eventually, exitOf } from '../support/child.ts';
import { freePort } from '../support/free-port.ts';
import { openClient, startWsBackend, tell } from '../support/ws-peers.ts';

afterEach(closeAll);

interface Started {
  readonly http: string;
  readonly ws: string;
  readonly admin: string;
  readonly exited: Promise<Exit>;
  readonly stdout: Stream | null;
  readonly stderr: Stream | null;
  terminate(): void;
}

/** `run` with this stdout; its log may be unreadable, so its ports are chosen here. */
async function start(upstream: string, stdout: 'pipe' | number, env: Record<string, string>): Promise<Started> {
  const [listen, admin] = [await freePort(), await freePort()];
  const addresses = ['--upstream', upstream, '--listen', `127.0.0.1:${listen}`, '--admin', `127.0.0.1:${admin}`];
  const child = spawn(process.execPath, [builtCli(), 'run', ...addresses], {
    env: { PATH: process.env.PATH ?? '', ACKSPAN_SHUTDOWN_GRACE: '2s', ...env },
    stdio: ['ignore', stdout, 'pipe'],
  });
  const exited = new Promise<Exit>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  atEnd(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  const started: Started = {
    http: `http://127.0.0.1:${listen}`,
    ws: `ws://127.0.0.1:${listen}`,
    admin: `http://127.0.0.1:${admin}`,
    exited,
    stdout: child.stdout,
    stderr: child.stderr,
    terminate: () => child.kill('SIGTERM'),
  };
  await eventually(async () => expect((await fetch(`${started.admin}/readyz`)).status).toBe(200));
  return started;
}

/** A pipe that is full and that nobody reads; the result is for a child's stdout. */
function fullPipe(): number {
  const folder = mkdtempSync(join(tmpdir(), 'ackspan-pipe-'));
  atEnd(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'pipe');
  execFileSync('mkfifo', [path]);
  const filler = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  atEnd(() => closeSync(filler));
  const fd = openSync(path, constants.O_RDWR);
  atEnd(() => closeSync(fd));
  for (const size of [4096, 1]) {
    try {
      for (;;) writeSync(filler, Buffer.alloc(size, 'x'));
    } catch (error) {
      expect((error as NodeJS.ErrnoException).code).toBe('EAGAIN');
    }
  }
  return fd;
}

/** Events that end badly write a line each at level debug, info and warn. */
async function causeLines(upstream: Awaited<ReturnType<typeof startWsBackend>>, sidecar: Started): Promise<void> {
  const client = await openClient(sidecar.ws);
  const peer = await upstream.peer(0);
  for (let n = 0; n < 50; n++) tell(peer, { type: 'tool_completed', event_id: `e-${n}` });
  await eventually(() => expect(client.texts).toHaveLength(50));
  client.socket.terminate();
  await client.closed;
}

const LEVELS = ['debug', 'info', 'warn'];
const PLATFORMS: readonly [string, Record<string, string>][] = [
  ['plain', {}],
  ['Cloud Run', { K_SERVICE: 'chat', PORT: '8080' }],
];

describe.each(PLATFORMS)('lines as JSON, %s', (_, platform) => {
  it.each(LEVELS)('log level %s: a reader that has gone', async (level) => {
    const backend = await startWsBackend();
    const sidecar = await start(backend.address, 'pipe', { ...platform, ACKSPAN_LOG_LEVEL: level });
    (sidecar.stdout as { destroy(): void } & Stream).destroy();
    await causeLines(backend, sidecar);
    sidecar.terminate();
    expect(await exitOf(sidecar)).toEqual({ code: 0, signal: null });
  });

  it.each(LEVELS)('log level %s: a full pipe that nobody reads', async (level) => {
    const backend = await startWsBackend();
    const sidecar = await start(backend.address, fullPipe(), { ...platform, ACKSPAN_LOG_LEVEL: level });
    await causeLines(backend, sidecar);
    sidecar.terminate();
    expect(await exitOf(sidecar)).toEqual({ code: 0, signal: null });
  });
});

it('stdout and stderr both gone, with a library that warns on stderr', async () => {
  const backend = await startWsBackend();
  const sidecar = await start(backend.address, 'pipe', {
    ACKSPAN_LOG_LEVEL: 'debug',
    NODE_TLS_REJECT_UNAUTHORIZED: '0',
  });
  for (const stream of [sidecar.stdout, sidecar.stderr]) (stream as { destroy(): void } & Stream).destroy();
  await causeLines(backend, sidecar);
  expect((await fetch(`${sidecar.admin}/healthz`)).status).toBe(200);
  sidecar.terminate();
  expect(await exitOf(sidecar)).toEqual({ code: 0, signal: null });
});

it('that nobody reads stdout any more is said on stderr, once', async () => {
  const backend = await startWsBackend();
  const sidecar = await start(backend.address, 'pipe', { ACKSPAN_LOG_LEVEL: 'debug' });
  let said = '';
  sidecar.stderr?.on('data', (bytes) => (said += bytes));
  (sidecar.stdout as { destroy(): void } & Stream).destroy();
  await causeLines(backend, sidecar);
  sidecar.terminate();
  await exitOf(sidecar);
  expect(said).toBe('ackspan: nobody reads stdout any more (EPIPE): the log is lost from here on\n');
});
