// Test support: a whole sidecar inside the test's process, configured as by a file, with its faults recorded.

import { DEFAULTS } from '../../src/cli/defaults.ts';
import { loadConfig } from '../../src/config/load.ts';
import { createSidecar, type Sidecar } from '../../src/sidecar/sidecar.ts';
import type { Stats } from '../../src/telemetry/metrics/stats.ts';
import { atEnd } from './backends.ts';
import { eventually } from './child.ts';
import { type ParsedFamily, parseExposition, sumIn } from './exposition.ts';

export interface SidecarHere {
  readonly port: number;
  /** `ws://127.0.0.1:port`. */
  readonly ws: string;
  readonly sidecar: Sidecar;
  /** Reported faults: `stage: message`. */
  readonly faults: string[];
  get<T>(path: string): Promise<T>;
  /** From the admin API. */
  stats(): Promise<Stats>;
  sum(name: string, labels?: Readonly<Record<string, string>>): Promise<number>;
  scrape(): Promise<ReadonlyMap<string, ParsedFamily>>;
  /** Resolves with the statistics as soon as they contain this. */
  reach(wanted: Partial<Stats>): Promise<Stats>;
}

/** Starts a sidecar on free ports in front of `upstream`. It is stopped at the end of the test. */
export async function sidecarHere(upstream: string, settings: object = {}): Promise<SidecarHere> {
  const text = JSON.stringify({
    upstream,
    listen: '127.0.0.1:0',
    admin: { listen: '127.0.0.1:0' },
    shutdown: { grace: '0ms' },
    ...settings,
  });
  const { config, faults: wrong } = loadConfig({ env: {}, file: { name: 'test.yaml', text }, defaults: DEFAULTS });
  if (config === undefined) throw new Error(JSON.stringify(wrong));
  const faults: string[] = [];
  const sidecar = createSidecar({
    config,
    report: ({ stage, error }) => faults.push(`${stage}: ${error instanceof Error ? error.message : error}`),
    log: { debug() {}, info() {}, warn() {} },
  });
  const { listen, admin } = await sidecar.start();
  atEnd(() => sidecar.stop('the test is over'));
  const base = `http://127.0.0.1:${admin!.port}`;
  const get = async <T>(path: string): Promise<T> => (await (await fetch(base + path)).json()) as T;
  const stats = () => get<Stats>('/api/v1/stats');
  const scrape = async () => parseExposition(await (await fetch(`${base}/metrics`)).text(), 'text');
  return {
    port: listen.port,
    ws: `ws://127.0.0.1:${listen.port}`,
    sidecar,
    faults,
    get,
    stats,
    scrape,
    sum: async (name, labels) => sumIn(await scrape(), name, labels),
    reach: (wanted) =>
      eventually(async () => {
        const found = await stats();
        for (const [key, value] of Object.entries(wanted)) {
          if (found[key as keyof Stats] !== value)
            throw new Error(`${key} is ${found[key as keyof Stats]}, not ${value}`);
        }
        return found;
      }),
  };
}

/** Faults that are bugs of ours, whatever the peers did. */
export function bugs({ faults }: SidecarHere): string[] {
  return faults.filter((fault) => /^(tap|track|resume|relay\.upgraded|watch)/.test(fault));
}
