// `npm run bench:large`: 1,000 clients with a message of 10 MiB under way each, under a bound of 512 MiB: is the sidecar alive, and is every byte there?
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { adopt, stop } from './children.ts';
import { createGroup, type Group } from './control-group.ts';
import { LargeClient } from './load/large-client.ts';
import { delay, until } from './load/timing.ts';
import { ACKSPAN } from './peers/ackspan.ts';

const MiB = 1024 * 1024;
/** What is written to each connection in turn. */
const PIECE = 65_536;
/** How much of each message is on its way when memory is read. */
const UNDER_WAY = 0.95;
const WAIT_MS = 300_000;

interface Sidecar {
  readonly child: ChildProcess;
  readonly port: number;
  readonly admin: string;
}

/** The upstream ends of all connections: they accept every upgrade. */
async function startBackend(): Promise<{ port: number; peers: net.Socket[]; server: net.Server }> {
  const peers: net.Socket[] = [];
  const server = net.createServer((socket) => {
    let head = '';
    const read = (data: Buffer): void => {
      head += data.toString('latin1');
      const key = /sec-websocket-key: *(\S+)\r\n/i.exec(head)?.[1];
      if (!head.includes('\r\n\r\n') || key === undefined) return;
      socket.off('data', read).resume();
      const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
      );
      peers.push(socket);
    };
    // An end that comes too early shows in what its client has.
    socket.on('data', read).on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as net.AddressInfo).port, peers, server };
}

async function startSidecar(upstream: number, folder: string, group: Group | undefined): Promise<Sidecar> {
  const config = path.join(folder, 'ackspan.yaml');
  fs.writeFileSync(
    config,
    `listen: 127.0.0.1:0\nupstream: http://127.0.0.1:${upstream}\nadmin: { listen: 127.0.0.1:0 }\nevents: { rules: [ { match: "*", timeout: 1h } ] }\n`,
  );
  const command = [process.execPath, ACKSPAN, 'run', '--config', config];
  // The shell joins the group, then becomes the sidecar.
  const joined = group === undefined ? command : ['sh', '-c', 'echo $$ > "$0" && exec "$@"', group.procs, ...command];
  const child = adopt(spawn(joined[0]!, joined.slice(1), { stdio: ['ignore', 'pipe', 'inherit'] }));
  for await (const line of createInterface({ input: child.stdout! })) {
    const { msg, listen, admin } = JSON.parse(line);
    if (msg !== 'listening') continue;
    child.stdout!.on('data', (data) => process.stderr.write(data)).resume();
    return { child, port: Number(new URL(listen).port), admin };
  }
  throw new Error('the sidecar has ended');
}

/**
 * Writes `[from, to)` of the message to every connection, a piece each in turn, no faster than it
 * is taken.
 */
async function send(peers: readonly net.Socket[], bytes: Buffer, from: number, to: number): Promise<void> {
  for (let at = from; at < to; at += PIECE) {
    for (const peer of peers) peer.write(bytes.subarray(at, Math.min(to, at + PIECE)));
    while (peers.some((peer) => peer.writableLength > 2 * PIECE)) await delay(1);
  }
}

/** From /proc: `VmRSS` now, `VmHWM` at its highest. */
function memoryOf(pid: number, field: 'VmRSS' | 'VmHWM'): number {
  const found = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(fs.readFileSync(`/proc/${pid}/status`, 'latin1'));
  return Number(found?.[1] ?? 0) * 1024;
}

/** A server's text frame with a JSON message of that size. */
function messageOf(size: number): Buffer {
  const head = Buffer.from([0x81, 127, 0, 0, 0, 0, 0, 0, 0, 0]);
  head.writeBigUInt64BE(BigInt(size), 2);
  const start = '{"type":"audio","event_id":"large","data":"';
  const data = Buffer.alloc(size - start.length - 2);
  for (let i = 0; i < data.length; i++) data[i] = 0x61 + ((i * 7 + (i >> 8)) % 26);
  return Buffer.concat([head, Buffer.from(start), data, Buffer.from('"}')]);
}

async function main(): Promise<void> {
  const string = { type: 'string' } as const;
  const { values } = parseArgs({ options: { connections: string, mib: string, bound: string } });
  const count = Number(values.connections ?? 1000);
  const size = Number(values.mib ?? 10) * MiB;
  const bound = Number(values.bound ?? 512) * MiB;
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'ackspan-bench-large-'));
  const group = createGroup(bound);
  const backend = await startBackend();
  const sidecar = await startSidecar(backend.port, folder, group);
  const pid = sidecar.child.pid!;
  const alive = (): boolean => sidecar.child.exitCode === null && sidecar.child.signalCode === null;
  const frame = messageOf(size);
  const clients = Array.from({ length: count }, () => new LargeClient(sidecar.port, frame));
  try {
    await until('every connection is open', () => backend.peers.length === count, WAIT_MS);
    const idle = memoryOf(pid, 'VmRSS');
    const half = Math.floor(frame.length * UNDER_WAY);
    await send(backend.peers, frame, 0, half);
    await until('what is under way has come', () => !alive() || clients.every(({ got }) => got >= half), WAIT_MS);
    const underWay = memoryOf(pid, 'VmRSS');
    await send(backend.peers, frame, half, frame.length);
    await until('every message has come', () => !alive() || clients.every(({ got }) => got === frame.length), WAIT_MS);
    const whole = clients.filter(({ got, same }) => same && got === frame.length).length;
    await delay(1000);
    const ask = async (page: string): Promise<string> => (await fetch(`${sidecar.admin}${page}`)).text();
    const { tracked, confirmed, shed, untracked } = JSON.parse(await ask('/api/v1/stats'));
    const own = Number(/^ackspan_memory_limit_bytes\S* (\S+)/m.exec(await ask('/metrics'))?.[1]);
    const say = (bytes: number): string => `${Math.round(bytes / MiB)} MiB`;
    console.log(
      group === undefined
        ? `no control group could be made here: nothing enforced ${say(bound)}, memory is only measured`
        : `control group ${group.version} with a limit of ${say(bound)}: at most ${say(group.peak())} used in it, sockets included as far as the kernel counts them`,
    );
    console.log(
      `resident: ${say(idle)} with ${count} connections, ${say(underWay)} with ${count} messages of ${say(size)} under way, ${say(memoryOf(pid, 'VmHWM'))} at its highest`,
    );
    console.log(
      `messages relayed byte for byte: ${whole} of ${count}; ${JSON.stringify({ tracked, confirmed, shed, untracked })}`,
    );
    console.log(`limits.memory lets the sidecar have ${say(own)}`);
    const met = alive() && whole === count && memoryOf(pid, 'VmHWM') < bound;
    console.log(met ? 'met' : 'missed');
    process.exitCode = met ? 0 : 1;
  } finally {
    for (const client of clients) client.close();
    await stop(sidecar.child);
    backend.server.close();
    for (const peer of backend.peers) peer.destroy();
    group?.remove();
    fs.rmSync(folder, { recursive: true });
  }
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
