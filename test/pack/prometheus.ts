// Test support: Debian's Prometheus on scrape targets, with rule files, asked over its HTTP API.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { parse, stringify } from 'yaml';
import { ROOT } from '../dashboards/collect.ts';
import { atEnd } from '../support/backends.ts';
import { eventually, startChild } from '../support/child.ts';
import { freePort } from '../support/free-port.ts';

/** One series of a result: `[seconds, value]` points, one for an instant query. */
export interface Result {
  readonly metric: Readonly<Record<string, string>>;
  readonly points: readonly (readonly [number, number])[];
}

export interface ExemplarSeries {
  readonly seriesLabels: Readonly<Record<string, string>>;
  readonly exemplars: readonly { readonly labels: Readonly<Record<string, string>>; readonly value: string }[];
}

export interface RuleState {
  readonly name: string;
  readonly type: 'recording' | 'alerting';
  readonly health: string;
  readonly lastError?: string;
  readonly query: string;
}

export interface Prometheus {
  readonly url: string;
  /** Rejects with Prometheus' own words when the query is wrong. */
  query(expr: string): Promise<readonly Result[]>;
  /** The last `seconds` in steps of one. */
  range(expr: string, seconds: number): Promise<readonly Result[]>;
  exemplars(expr: string, seconds: number): Promise<readonly ExemplarSeries[]>;
  rules(): Promise<readonly RuleState[]>;
  /** What it scrapes: `health` is `up` once a scrape has succeeded. */
  targets(): Promise<readonly { readonly health: string }[]>;
}

export interface PrometheusOptions {
  /** `host:port` of each admin server to scrape; their job is `ackspan`. */
  readonly targets: readonly string[];
  /** Rule files by name, as YAML. */
  readonly rules?: Readonly<Record<string, string>>;
  /** Where alerts go, and where their runbooks are said to be. */
  readonly alerting?: { readonly alertmanager: string; readonly runbooks: string };
  /** Between scrapes, seconds. Default 1. */
  readonly everyS?: number;
  /** Whether it asks for native histograms. */
  readonly native?: boolean;
}

/** The parts of the shipped configuration that tests read. */
export interface ShippedConfig {
  readonly alerting: object;
  readonly scrape_configs: readonly { readonly job_name: string; readonly honor_labels?: boolean }[];
}

/** A folder that is gone at the end of the test. */
export function scratchFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `ackspan-${name}-`));
  atEnd(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The configuration for docker-compose.yml, which is an example for everybody's own. */
export function shipped(): ShippedConfig {
  return parse(readFileSync(join(ROOT, 'dashboards/prometheus/prometheus.yml'), 'utf8'));
}

/**
 * Starts it with an evaluation every second and, unless told otherwise, a scrape as often, and
 * waits until it has scraped them all.
 */
export async function startPrometheus({
  targets,
  rules = {},
  alerting,
  everyS = 1,
  native = false,
}: PrometheusOptions): Promise<Prometheus> {
  const config = {
    global: {
      scrape_interval: `${everyS}s`,
      external_labels: { ...(alerting && { runbook_base: alerting.runbooks }) },
    },
    rule_files: Object.keys(rules),
    scrape_configs: [{ job_name: 'ackspan', static_configs: [{ targets }] }],
    ...(alerting && {
      alerting: { ...shipped().alerting, alertmanagers: [{ static_configs: [{ targets: [alerting.alertmanager] }] }] },
    }),
  };
  return runPrometheus(config, { rules, targets: targets.length, native });
}

/**
 * Runs it with this configuration and a second between scrapes, unless it says otherwise, and
 * between evaluations. Waits until it has scraped so many targets.
 */
export async function runPrometheus(
  config: { readonly global?: object; readonly [key: string]: unknown },
  {
    targets,
    rules = {},
    native = false,
  }: { targets: number; rules?: Readonly<Record<string, string>>; native?: boolean },
): Promise<Prometheus> {
  const folder = scratchFolder('prometheus');
  for (const [name, text] of Object.entries(rules)) writeFileSync(join(folder, name), text);
  const timing = { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' };
  writeFileSync(join(folder, 'prometheus.yml'), stringify({ ...config, global: { ...timing, ...config.global } }));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const child = startChild('prometheus', [
    `--config.file=${join(folder, 'prometheus.yml')}`,
    `--storage.tsdb.path=${join(folder, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
    `--enable-feature=exemplar-storage${native ? ',native-histograms' : ''}`,
  ]);
  const api = createApi(url);
  await eventually(async () => {
    const up = (await api.targets()).filter(({ health }) => health === 'up');
    expect(up.length, child.stderr().slice(-2_000)).toBe(targets);
  });
  return api;
}

function createApi(url: string): Prometheus {
  const ask = async (path: string, parameters: Record<string, string>): Promise<unknown> => {
    const response = await fetch(`${url}/api/v1/${path}?${new URLSearchParams(parameters)}`);
    const body = (await response.json()) as { status: string; error?: string; data: unknown };
    if (body.status !== 'success') throw new Error(body.error);
    return body.data;
  };
  const times = (seconds: number) => {
    const end = Date.now() / 1000;
    return { start: String(end - seconds), end: String(end) };
  };
  return {
    url,
    query: async (query) => results(await ask('query', { query })),
    range: async (query, seconds) => results(await ask('query_range', { query, ...times(seconds), step: '1' })),
    exemplars: async (query, seconds) =>
      (await ask('query_exemplars', { query, ...times(seconds) })) as ExemplarSeries[],
    async rules() {
      const { groups } = (await ask('rules', {})) as { groups: { rules: RuleState[] }[] };
      return groups.flatMap((group) => group.rules);
    },
    targets: async () => ((await ask('targets', {})) as { activeTargets: { health: string }[] }).activeTargets,
  };
}

type Point = [number, string];

function results(data: unknown): Result[] {
  const { resultType, result } = data as { resultType: string; result: unknown };
  if (resultType === 'scalar') return [{ metric: {}, points: [point(result as Point)] }];
  return (result as { metric: Record<string, string>; value?: Point; values?: Point[] }[]).map((each) => ({
    metric: each.metric,
    points: (each.values ?? [each.value!]).map(point),
  }));
}

function point([time, value]: Point): readonly [number, number] {
  return [time, Number(value)];
}
