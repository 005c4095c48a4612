// `npm run bench:resume`: how long a client that comes back waits for what it missed: 100 messages, from the upgrade to the last replay.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { WebSocket, WebSocketServer } from 'ws';
import { adopt, stop } from './children.ts';
import { summarise } from './figures.ts';
import { ACKSPAN } from './peers/ackspan.ts';

/** The budget is for this many. */
const RETAINED = 100;
/** About what an agent's event weighs, bytes. */
const EVENT_BYTES = 300;
const BUDGET_MS = 50;

interface Welcome {
  readonly session: string;
  readonly token: string;
}

/** One resume, ms: from the request, and from the answer to it, to the last replay. */
interface Resume {
  readonly welcome: Welcome;
  readonly fromRequest: number;
  readonly fromUpgrade: number;
}

async function startBackend(): Promise<{ server: WebSocketServer; port: number }> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port };
}

/** Deliveries that wait for ever, so that every resume finds the same. */
async function startSidecar(upstream: number, folder: string): Promise<{ child: ChildProcess; port: number }> {
  const config = path.join(folder, 'ackspan.yaml');
  fs.writeFileSync(
    config,
    `listen: 127.0.0.1:0
upstream: http://127.0.0.1:${upstream}
admin: { listen: off }
events: { rules: [ { match: "*", timeout: 1h, attempts: [] } ] }
`,
  );
  const child = adopt(
    spawn(process.execPath, [ACKSPAN, 'run', '--config', config], { stdio: ['ignore', 'pipe', 'inherit'] }),
  );
  for await (const line of createInterface({ input: child.stdout! })) {
    const { msg, listen } = JSON.parse(line);
    if (msg === 'listening') return { child, port: Number(new URL(listen).port) };
  }
  throw new Error('the sidecar has ended');
}

/**
 * Connects and counts frames: the welcome, then a notice and a message for each replay. Throws when
 * one is out of place.
 */
async function resume(url: string, replays: number): Promise<Resume & { socket: WebSocket }> {
  const requested = performance.now();
  let upgraded = 0;
  let frames = 0;
  let welcome: Welcome | undefined;
  const socket = new WebSocket(url);
  socket.once('upgrade', () => {
    upgraded = performance.now();
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.on('message', (data) => {
      const text = String(data);
      const n = (frames + 1) >> 1;
      if (frames === 0) welcome = JSON.parse(text);
      else if (frames % 2 === 1 && text !== `{"ackspan":"replay","n":${n}}`)
        reject(new Error(`frame ${frames}: ${text}`));
      else if (frames % 2 === 0 && JSON.parse(text).event_id !== `e${n}`) reject(new Error(`frame ${frames}: ${text}`));
      if (frames++ === replays * 2) resolve();
    });
  });
  const done = performance.now();
  return { socket, welcome: welcome!, fromRequest: done - requested, fromUpgrade: done - upgraded };
}

/**
 * `restart`: the backend closes its connection before each resume; else the sidecar has kept it.
 */
async function measure(rounds: number, restart: boolean, folder: string): Promise<readonly Resume[]> {
  const { server, port } = await startBackend();
  const sidecar = await startSidecar(port, folder);
  const url = `ws://127.0.0.1:${sidecar.port}/chat?ackspan=1`;
  const accepted = once(server, 'connection') as Promise<[WebSocket]>;
  let { socket, welcome } = await resume(url, 0);
  let [upstream] = await accepted;
  let arrived = 0;
  const first = socket;
  const all = new Promise<void>((resolve) => first.on('message', () => void (++arrived === RETAINED && resolve())));
  for (let n = 1; n <= RETAINED; n++) {
    const head = `{"type":"agent_thinking","event_id":"e${n}","text":"`;
    upstream.send(`${head.padEnd(EVENT_BYTES - 2, '.')}"}`);
  }
  await all;
  const results: Resume[] = [];
  for (let round = 0; round < rounds; round++) {
    const gone = restart ? once(socket, 'close') : undefined;
    const next = restart ? (once(server, 'connection') as Promise<[WebSocket]>) : undefined;
    if (restart) upstream.terminate();
    else socket.terminate();
    await gone;
    const { session, token } = welcome;
    const result = await resume(`${url}&ackspan_session=${session}&ackspan_token=${token}&ackspan_last=0`, RETAINED);
    ({ socket, welcome } = result);
    if (next !== undefined) [upstream] = await next;
    results.push(result);
  }
  socket.terminate();
  server.close();
  for (const client of server.clients) client.terminate();
  await stop(sidecar.child);
  return results;
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { rounds: { type: 'string', default: '40' }, json: { type: 'boolean' } } });
  const rounds = Math.max(20, Number(values.rounds));
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'ackspan-bench-resume-'));
  try {
    const rows: Record<string, { fromUpgrade: object; fromRequest: object }> = {};
    for (const [name, restart] of [
      ['upstream connection kept', false],
      ['upstream connection new', true],
    ] as const) {
      const results = await measure(rounds, restart, folder);
      const upgrade = summarise(results.map(({ fromUpgrade }) => fromUpgrade));
      const request = summarise(results.map(({ fromRequest }) => fromRequest));
      rows[name] = { fromUpgrade: upgrade, fromRequest: request };
      if (values.json === true) continue;
      const show = ({ median, min, max }: typeof upgrade) =>
        `${median.toFixed(1)} ms (${min.toFixed(1)}–${max.toFixed(1)})`;
      console.log(
        `${name}: ${RETAINED} messages of ${EVENT_BYTES} bytes, ${rounds} resumes: ${show(upgrade)} from the upgrade's answer to the last replay (budget ${BUDGET_MS} ms), ${show(request)} from the request`,
      );
    }
    if (values.json === true)
      console.log(JSON.stringify({ retained: RETAINED, budgetMs: BUDGET_MS, rounds, rows }, null, 1));
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

main().catch((error: unknown) => {
  console.error(`bench failed: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
});
