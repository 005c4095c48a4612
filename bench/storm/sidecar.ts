// Storm: the sidecar as a process of its own, watched through its admin API and /proc only.
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { adopt, stop } from '../children.ts';
import { delay } from '../load/timing.ts';
import { built } from './built.ts';
import type { Row, StormStats } from './record.ts';

/** Stages whose errors the storm causes on purpose. */
const PLANNED = ['frames', 'standstill', 'decode', 'relay.handshake', 'relay.limit', 'limit'];
const HISTORY = 200_000;

/** Short deadlines, so that losses show within a round. */
export const CONFIG = {
  listen: '127.0.0.1:0',
  admin: { listen: '127.0.0.1:0' },
  events: {
    unread: 'count',
    rules: [
      { match: 'heartbeat', track: false },
      { match: 'strict_*', confirm: 'processed', timeout: '5s', attempts: ['1s'] },
      { match: 'quick_*', timeout: '3s', attempts: ['500ms', '1s'] },
      { match: '*', timeout: '4s', attempts: ['1s'] },
    ],
  },
  sessions: { ttl: '2s', reload: '1s' },
  limits: { history: HISTORY, silence: '6s', pending_per_user: 100_000 },
  shutdown: { grace: '3s' },
  tracing: { keep_confirmed: 1 },
};

/** What the rules above give an event of that type, ms. */
export function timeoutOf(type: string): number {
  return type.startsWith('strict_') ? 5000 : type.startsWith('quick_') ? 3000 : 4000;
}

export interface StormSidecar {
  readonly pid: number;
  readonly port: number;
  /** What it logged at level error and fatal, less what the storm does to it on purpose. */
  readonly troubles: readonly string[];
  /** Undefined while it runs. */
  exited(): number | string | undefined;
  stats(): Promise<StormStats>;
  rows(): Promise<Row[]>;
  open(): Promise<number>;
  descriptors(): number;
  signal(name: NodeJS.Signals): void;
  /** Resolves with its exit code, or its signal. */
  readonly gone: Promise<number | string>;
  stop(): Promise<void>;
}

export async function startSidecar(
  upstream: number,
  env: Readonly<Record<string, string>> = {},
): Promise<StormSidecar> {
  const dir = mkdtempSync(path.join(tmpdir(), 'ackspan-storm-'));
  const file = path.join(dir, 'ackspan.yaml');
  // JSON is YAML.
  writeFileSync(file, JSON.stringify({ ...CONFIG, upstream: `http://127.0.0.1:${upstream}` }));
  const child = adopt(
    spawn(process.execPath, [process.env.BENCH_ACKSPAN_MAIN ?? built('cli/main.js'), 'run', '--config', file], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  );
  let ended: number | string | undefined;
  const gone = new Promise<number | string>((resolve) => {
    child.once('exit', (code, signal) => {
      ended = code ?? signal ?? 'gone';
      rmSync(dir, { recursive: true, force: true });
      resolve(ended);
    });
  });
  const troubles: string[] = [];
  let said = '';
  const listening = new Promise<{ listen: string; admin: string }>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the sidecar ended with ${code}: ${said}`)));
    createInterface(child.stdout).on('line', (text) => {
      said = `${said}${text}\n`.slice(-4000);
      const line = parse(text);
      if (line.msg === 'listening') resolve(line as unknown as { listen: string; admin: string });
      const trouble = line.level === 'fatal' || (line.level === 'error' && !PLANNED.includes(String(line.stage)));
      if (trouble) troubles.push(text);
    });
    child.stderr.on('data', (chunk: Buffer) => {
      troubles.push(String(chunk));
      said = `${said}${chunk}`.slice(-4000);
    });
  });
  const { listen, admin } = await listening;
  const get = async <T>(at: string): Promise<T> => {
    const response = await fetch(admin + at);
    if (!response.ok) throw new Error(`${at} answers ${response.status}`);
    return (await response.json()) as T;
  };
  return {
    pid: child.pid!,
    port: Number(new URL(listen).port),
    troubles,
    exited: () => ended,
    gone,
    stats: () => get('/api/v1/stats'),
    rows: () => allRows(get),
    open: async () => (await get<{ connections: unknown[] }>('/api/v1/connections')).connections.length,
    descriptors: () => readdirSync(`/proc/${child.pid}/fd`).length,
    signal: (name) => void child.kill(name),
    stop: () => stop(child),
  };
}

function parse(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return {};
  }
}

async function allRows(get: <T>(at: string) => Promise<T>): Promise<Row[]> {
  const rows: Row[] = [];
  let cursor = '';
  do {
    const page = await get<{ deliveries: Row[]; next_cursor: string | null }>(`/api/v1/deliveries?limit=500${cursor}`);
    rows.push(...page.deliveries);
    cursor = page.next_cursor === null ? '' : `&cursor=${page.next_cursor}`;
    // Others share the sidecar's core.
    await delay(0);
  } while (cursor !== '');
  return rows;
}
