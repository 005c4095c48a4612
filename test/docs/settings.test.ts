// Docs: what a page says about settings, metrics and spans is so: keys, variables, examples of a file, defaults, names.
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { DEFAULTS } from '../../src/cli/defaults.ts';
import { loadConfig } from '../../src/config/load.ts';
import { envName, type Row } from '../../src/config/row.ts';
import { TABLE } from '../../src/config/schema.ts';
import { parseDuration, parseSize } from '../../src/config/units.ts';
import { settle } from '../../src/embed/options.ts';
import { ATTR, METRICS, SCOPE, SPAN, SPAN_EVENT } from '../../src/telemetry/names/names.ts';
import { sampleName } from '../../src/telemetry/names/prometheus-names.ts';
import { at, type Code, codeOf, readPages } from './pages.ts';

const pages = readPages();
const codes = pages.flatMap(codeOf);
const inLine = codes.filter(({ fence }) => fence === undefined);
const rows = TABLE as readonly Row[];
const keys = new Set(rows.map(({ key }) => key));
const groups = new Set(rows.filter(({ key }) => key.includes('.')).map(({ key }) => key.split('.')[0]!));

describe('a key in a page', () => {
  /** Options of the library are spelled alike and are not keys. */
  const ofLibrary = ({ page }: Code) => page.path === 'docs/library.md';

  it('is in the table of keys', () => {
    const named = inLine.filter((code) => {
      const [group = '', rest] = code.text.split(/\.(.*)/);
      return groups.has(group) && /^[a-z_.*]+$/.test(rest ?? '') && !/\.(ts|md)$/.test(code.text) && !ofLibrary(code);
    });
    expect(named.length).toBeGreaterThan(100);
    const known = (text: string) => keys.has(text) || [...keys].some((key) => key.startsWith(text.replace(/\*?$/, '')));
    expect(named.filter(({ text }) => !known(text)).map((code) => `${at(code)}: ${code.text}`)).toEqual([]);
  });

  it('is allowed where it stands in an example of a file', () => {
    const tops = new Set(rows.map(({ key }) => key.split('.')[0]!));
    const files = codes.filter(({ fence, text }) => {
      if (fence !== 'yaml') return false;
      const root: unknown = parse(text);
      return typeof root === 'object' && root !== null && Object.keys(root).every((key) => tops.has(key));
    });
    expect(files.length).toBeGreaterThan(3);
    const faults = files.flatMap((code) => {
      const file = { name: at(code), text: code.text.replace(/\$\{\w+\}/g, 'a-secret-of-32-characters-and-more') };
      return loadConfig({ env: {}, file, defaults: DEFAULTS }).faults.filter(({ message }) =>
        /is not a key/.test(message),
      );
    });
    expect(faults).toEqual([]);
  });
});

it('a variable `ACKSPAN_…` in a page is one of a key, or read by some program', () => {
  const variables = codes.flatMap((code) =>
    [...code.text.matchAll(/\bACKSPAN_[A-Z0-9_]+\b/g)].map(([name]) => ({ code, name })),
  );
  expect(variables.length).toBeGreaterThan(40);
  const read = ['src', 'test', 'bench', 'deploy'].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.(ts|mjs|sh|yaml)$/.test(name) && !name.startsWith('docs/'))
      .map((name) => readFileSync(`${folder}/${name}`, 'utf8')),
  );
  const known = new Set([
    ...rows.map(({ key }) => envName(key)),
    ...read.flatMap((text) => text.match(/\bACKSPAN_[A-Z0-9_]+\b/g) ?? []),
  ]);
  expect(variables.filter(({ name }) => !known.has(name)).map(({ code, name }) => `${at(code)}: ${name}`)).toEqual([]);
});

describe('a default in a page', () => {
  /** 30s, 64 KiB, 100,000, 0.9. */
  const amountOf = (text: string): number | undefined => {
    const bare = text.replaceAll(/[, ]/g, '').replace(/events|bytes/, '');
    return parseDuration(bare) ?? parseSize(bare) ?? (bare === '' ? undefined : Number(bare));
  };

  it('is the one of the table: `limits.pending` (100,000 by default)', () => {
    const said = pages.flatMap((page) =>
      page.text
        .split('\n')
        .flatMap((text, index) =>
          [
            ...text.matchAll(
              /`([a-z_]+(?:\.[a-z_]+)*)`(?:,| \(|: | is )\s?(?:by default |default )?([\d.,]+ ?(?:[kKMG]i?B|ms|s|m|h)?)\)?,? by default/g,
            ),
          ].map(([, key, value]) => ({ place: `${page.path}:${index + 1}`, key: key!, value: value! })),
        ),
    );
    expect(said.length).toBeGreaterThan(0);
    const written = (key: string) => rows.find((row) => row.key === key)?.written;
    expect(said.filter(({ key, value }) => amountOf(String(written(key))) !== amountOf(value))).toEqual([]);
  });

  it('is the one of the library in docs/library.md', () => {
    const page = pages.find(({ path }) => path === 'docs/library.md')!.text.replaceAll(/\s+/g, ' ');
    const said = [...page.matchAll(/`limits\.(\w+)` \(([\d,]+)[^)]*\)/g)].map(([, name, value]) => [
      name,
      amountOf(value!),
    ]);
    const { pending, pendingPerUser, history, timeoutMs, retries, firstRetryMs } = settle({});
    expect(Object.fromEntries(said)).toEqual({ pending, pendingPerUser, history });
    const gaps = Array.from({ length: retries }, (_, i) => (firstRetryMs * (2 ** (i + 1) - 1)) / 1000);
    expect(page).toContain(
      `${gaps
        .slice(0, -1)
        .map((gap) => `${gap} s`)
        .join(', ')} and ${gaps.at(-1)} s after \`track\``,
    );
    expect(page).toContain(`the deadline (${timeoutMs / 1000} s) decides`);
  });
});

describe('a name of telemetry in a page', () => {
  const metrics = Object.values(METRICS);
  const samples = metrics.flatMap(({ name, unit, kind }) => {
    const sample = sampleName(name, unit, kind);
    return kind === 'histogram' ? [sample, ...['_bucket', '_sum', '_count'].map((end) => sample + end)] : [sample];
  });

  it('is a metric, as Prometheus spells it', () => {
    const named = codes.flatMap((code) =>
      [...code.text.matchAll(/\backspan_[a-z0-9_]+/g)].map(([name]) => ({ code, name })),
    );
    expect(named.length).toBeGreaterThan(60);
    const inQueries = ['ackspan_session', 'ackspan_token', 'ackspan_last'];
    const madeByCollector = ['ackspan_delivery_duration_count_total'];
    const known = new Set([...samples, ...inQueries, ...madeByCollector]);
    expect(named.filter(({ name }) => !known.has(name)).map(({ code, name }) => `${at(code)}: ${name}`)).toEqual([]);
  });

  it('is a metric, a span, an event or an attribute, as OpenTelemetry spells it', () => {
    const named = inLine.filter(
      ({ text }) => new RegExp(`^${SCOPE}\\.[a-z_.*]+$`).test(text) && !/\.(yaml|ts)$/.test(text),
    );
    expect(named.length).toBeGreaterThan(60);
    const known = [
      ...metrics.map(({ name }) => name),
      ...Object.values(SPAN),
      ...Object.values(SPAN_EVENT),
      ...Object.values(ATTR),
    ];
    const fits = (text: string) =>
      text.endsWith('*')
        ? known.some((name) => name.startsWith(text.slice(0, -1)))
        : known.includes(text as (typeof known)[number]);
    expect(named.filter(({ text }) => !fits(text)).map((code) => `${at(code)}: ${code.text}`)).toEqual([]);
  });
});
