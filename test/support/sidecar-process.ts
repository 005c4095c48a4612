// Test support: the sidecar as its users run it: a process from the built files, watched through log and admin API.

import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import type { Unreadable } from '../../src/sidecar/observe.ts';
import type { Stats } from '../../src/telemetry/metrics/stats.ts';
import { atEnd } from './backends.ts';
import { builtCli } from './build.ts';
import { type Child, eventually, startChild } from './child.ts';
import { type ParsedFamily, parseExposition, sumIn } from './exposition.ts';
import { freePort } from './free-port.ts';

export interface SidecarOptions {
  readonly upstream: string;
  /** `host:port` of the admin server; default: loopback, a free port. */
  readonly admin?: string;
  /** The configuration file's contents. */
  readonly config?: object;
  readonly env?: Readonly<Record<string, string>>;
  /** The port for clients, also after a restart. Default: a free one. */
  readonly port?: number;
  /** Makes `memory()` available. */
  readonly measured?: boolean;
}

/** Memory after a full collection, bytes. */
export interface Memory {
  readonly heapUsed: number;
  readonly rss: number;
}

export interface SidecarProcess extends Child {
  readonly port: number;
  /** `ws://127.0.0.1:port`. */
  readonly ws: string;
  /** `http://127.0.0.1:port`, the public side. */
  readonly http: string;
  /** `http://127.0.0.1:port` of the admin server. */
  readonly admin: string;
  stats(): Promise<Stats & Unreadable>;
  /** The text of `/metrics`, read strictly. */
  scrape(): Promise<ReadonlyMap<string, ParsedFamily>>;
  /** The sum over the series of a metric that have these labels. */
  sum(name: string, labels?: Readonly<Record<string, string>>): Promise<number>;
  /** Resolves with the statistics as soon as they contain this. */
  reach(wanted: Partial<Stats>): Promise<Stats>;
  /** Resolves when no connection is open and nothing is pending, by metrics and admin API. */
  idle(): Promise<void>;
  /** Every delivery that the admin API knows, newest first. */
  deliveries(): Promise<readonly DeliveryRow[]>;
  memory(): Promise<Memory>;
  /** Open file descriptors. */
  descriptors(): number;
}

/** The fields of `/api/v1/deliveries` that the tests read. */
export interface DeliveryRow {
  readonly id: string;
  readonly event_id: string | null;
  readonly type: string;
  readonly status: string;
  readonly error_type: string | null;
  readonly unverifiable_reason: string | null;
  readonly level: string | null;
  readonly attempts: number;
  readonly settled_ms: number | null;
  readonly trace_id: string | null;
}

const PROBE = fileURLToPath(new URL('./memory-probe.mjs', import.meta.url));

/**
 * Starts `ackspan run` on free ports and waits until it listens. It is killed at the end of the
 * test. `file` is its configuration file.
 */
export async function startSidecar(options: SidecarOptions): Promise<SidecarProcess & { readonly file: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'ackspan-e2e-'));
  atEnd(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'ackspan.yaml');
  // JSON is YAML.
  writeFileSync(file, JSON.stringify(options.config ?? {}));
  const node = options.measured === true ? ['--expose-gc', '--import', PROBE] : [];
  const addresses = [
    '--upstream',
    options.upstream,
    '--listen',
    `127.0.0.1:${options.port ?? (await freePort())}`,
    '--admin',
    options.admin ?? `127.0.0.1:${await freePort()}`,
  ];
  const args = [...node, builtCli(), 'run', '--config', file, ...addresses];
  return { ...(await watchSidecar(startChild(process.execPath, args, options.env))), file };
}

/** Watches a process that runs `ackspan run`, as soon as it listens. */
export async function watchSidecar(child: Child): Promise<SidecarProcess> {
  const { listen, admin } = await child.line((line) => line.msg === 'listening');
  return watched(child, String(listen), String(admin));
}

function watched(child: Child, http: string, admin: string): SidecarProcess {
  const json = async <T>(path: string): Promise<T> => {
    const response = await fetch(admin + path);
    expect(response.status, path).toBe(200);
    return (await response.json()) as T;
  };
  const stats = () => json<Stats & Unreadable>('/api/v1/stats');
  const scrape = async () => parseExposition(await (await fetch(`${admin}/metrics`)).text(), 'text');
  const sum: SidecarProcess['sum'] = async (name, labels) => sumIn(await scrape(), name, labels);
  let measurements = 0;
  return {
    ...child,
    port: Number(new URL(http).port),
    http,
    ws: http.replace('http', 'ws'),
    admin,
    stats,
    scrape,
    sum,
    async reach(wanted) {
      return eventually(async () => {
        const found = await stats();
        expect(found).toMatchObject(wanted);
        return found;
      });
    },
    async idle() {
      await eventually(async () => {
        const families = await scrape();
        const left = ['ackspan_connection_active', 'ackspan_delivery_pending'].map((name) => sumIn(families, name));
        expect(left, 'connections and deliveries left').toEqual([0, 0]);
        expect(await json('/api/v1/connections')).toMatchObject({ connections: [] });
      });
    },
    deliveries: async () => (await json<{ deliveries: DeliveryRow[] }>('/api/v1/deliveries?limit=500')).deliveries,
    async memory() {
      const number = ++measurements;
      child.signal('SIGUSR2');
      return (await child.line(({ measurement }) => measurement === number)) as unknown as Memory;
    },
    descriptors: () => readdirSync(`/proc/${child.pid}/fd`).length,
  };
}

/** Checks that the log holds no crash and no fault of the sidecar's own. */
export function expectHealthyLog(sidecar: Child): void {
  expect(sidecar.lines.filter(({ level }) => level === 'fatal')).toEqual([]);
  expect(
    sidecar.lines.filter(({ stage }) => stage === 'track' || stage === 'tap' || stage === 'relay.upgraded'),
  ).toEqual([]);
  expect(sidecar.stderr()).toBe('');
}
