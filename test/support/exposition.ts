// A strict reader of Prometheus text 0.0.4 and OpenMetrics 1.0 for tests: throws on anything that the format forbids.
import { expect } from 'vitest';

/** One sample line. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  readonly exemplar?: {
    readonly labels: Readonly<Record<string, string>>;
    readonly value: number;
    readonly time: number;
  };
}

/** One family in order of appearance. */
export interface ParsedFamily {
  readonly name: string;
  type: string;
  help: string;
  unit: string;
  readonly samples: Sample[];
}

const SUFFIXES: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  text: { counter: [''], gauge: [''], histogram: ['_bucket', '_sum', '_count'] },
  openmetrics: { counter: ['_total'], gauge: [''], histogram: ['_bucket', '_sum', '_count'], info: ['_info'] },
};

const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)/;
const LINE =
  /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[^"}]|"(?:[^"\\]|\\.)*")*)\})? (\S+)(?: # \{((?:[^"}]|"(?:[^"\\]|\\.)*")*)\} (\S+) (\S+))?$/;

/** Reads a whole exposition; families never interleave, series never repeat, histograms add up. */
export function parseExposition(body: string, format: 'text' | 'openmetrics'): ReadonlyMap<string, ParsedFamily> {
  const lines = body.split('\n');
  expect(lines.pop(), 'ends in a line feed').toBe('');
  if (format === 'openmetrics') expect(lines.pop(), 'ends in # EOF').toBe('# EOF');
  const families = new Map<string, ParsedFamily>();
  let family: ParsedFamily | undefined;
  for (const line of lines) {
    const head = /^# (TYPE|HELP|UNIT) (\S+) ?(.*)$/.exec(line);
    if (head !== null) {
      const [, word, name = '', rest = ''] = head;
      if (family?.name !== name) {
        if (families.has(name)) throw new Error(`family ${name} appears twice`);
        family = { name, type: '', help: '', unit: '', samples: [] };
        families.set(name, family);
      }
      if (family.samples.length > 0) throw new Error(`metadata after samples: ${line}`);
      if (word === 'TYPE') family.type = rest;
      else if (word === 'HELP') family.help = rest;
      else family.unit = rest;
      continue;
    }
    if (line.startsWith('#') || line === '') throw new Error(`not allowed here: '${line}'`);
    if (family === undefined) throw new Error(`sample without metadata: ${line}`);
    family.samples.push(parseSample(line, family, format));
  }
  for (const each of families.values()) checkFamily(each, format);
  return families;
}

function parseSample(line: string, family: ParsedFamily, format: 'text' | 'openmetrics'): Sample {
  const match = LINE.exec(line);
  if (match === null) throw new Error(`not a sample: ${line}`);
  const [, name = '', labels = '', value = '', exemplarLabels, exemplarValue, exemplarTime] = match;
  const suffixes = SUFFIXES[format]![family.type];
  if (suffixes === undefined) throw new Error(`unknown type '${family.type}' of ${family.name}`);
  if (!suffixes.some((suffix) => name === family.name + suffix)) throw new Error(`${name} is not of ${family.name}`);
  const sample = { name, labels: parseLabels(labels), value: number(value) };
  if (exemplarLabels === undefined) return sample;
  if (format === 'text') throw new Error(`exemplar in text format: ${line}`);
  if (!/_(bucket|total)$/.test(name)) throw new Error(`exemplar on ${name}`);
  const exemplar = { labels: parseLabels(exemplarLabels), value: number(exemplarValue!), time: number(exemplarTime!) };
  const size = Object.entries(exemplar.labels).reduce((sum, [key, text]) => sum + key.length + text.length, 0);
  if (size > 128) throw new Error(`exemplar labels of ${size} characters`);
  return { ...sample, exemplar };
}

function parseLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  let rest = text;
  while (rest !== '') {
    const match = LABEL.exec(rest);
    if (match === null) throw new Error(`not a label: ${rest}`);
    const [all, name = '', value = ''] = match;
    if (name in labels) throw new Error(`label ${name} twice`);
    labels[name] = value.replace(/\\(.)/g, (_, c: string) => (c === 'n' ? '\n' : c));
    rest = rest.slice(all.length);
  }
  return labels;
}

function number(text: string): number {
  if (text === '+Inf') return Number.POSITIVE_INFINITY;
  if (text === '-Inf') return Number.NEGATIVE_INFINITY;
  if (text !== 'NaN' && !/^-?[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?$/.test(text)) throw new Error(`not a number: ${text}`);
  return Number(text);
}

function checkFamily(family: ParsedFamily, format: 'text' | 'openmetrics'): void {
  const seen = new Set<string>();
  for (const { name, labels } of family.samples) {
    const key = name + JSON.stringify(Object.entries(labels).sort());
    if (seen.has(key)) throw new Error(`series twice: ${key}`);
    seen.add(key);
  }
  if (family.type === 'counter' && format === 'text' && !family.name.endsWith('_total')) throw new Error(family.name);
  if (family.type === 'counter' && format === 'openmetrics' && family.name.endsWith('_total'))
    throw new Error(family.name);
  if (family.unit !== '' && !family.name.endsWith(`_${family.unit}`)) throw new Error(`unit of ${family.name}`);
  if (family.unit !== '' && format === 'text') throw new Error('# UNIT in text format');
  if (family.type === 'histogram') checkHistogram(family, format);
}

function checkHistogram(family: ParsedFamily, format: 'text' | 'openmetrics'): void {
  const open = new Map<string, { le: number; cumulative: number }>();
  for (const { name, labels, value, exemplar } of family.samples) {
    const { le, ...rest } = labels;
    const key = JSON.stringify(rest);
    const last = open.get(key) ?? { le: Number.NEGATIVE_INFINITY, cumulative: 0 };
    if (name.endsWith('_count')) {
      expect(last, `+Inf bucket and count of ${key}`).toEqual({ le: Number.POSITIVE_INFINITY, cumulative: value });
    }
    if (!name.endsWith('_bucket')) continue;
    const bound = number(le!);
    if (format === 'openmetrics' && !/^(\+Inf|\d+\.\d+)$/.test(le!)) throw new Error(`le=${le} is not canonical`);
    if (!(bound > last.le) || value < last.cumulative) throw new Error(`buckets out of order: ${key} ${le}`);
    if (exemplar !== undefined && !(exemplar.value <= bound && exemplar.value > last.le)) {
      throw new Error(`exemplar ${exemplar.value} outside (${last.le}, ${bound}]`);
    }
    open.set(key, { le: bound, cumulative: value });
  }
}

/** The value of one series; undefined when it is not there. */
export function valueIn(
  families: ReadonlyMap<string, ParsedFamily>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  for (const family of families.values()) {
    for (const sample of family.samples) {
      if (sample.name !== name) continue;
      const same = Object.keys(sample.labels).length === Object.keys(labels).length;
      if (same && Object.entries(labels).every(([key, text]) => sample.labels[key] === text)) return sample.value;
    }
  }
  return undefined;
}

/** The sum over all series of that name that have these labels (`''` = label absent). */
export function sumIn(
  families: ReadonlyMap<string, ParsedFamily>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  let sum = 0;
  for (const family of families.values()) {
    for (const sample of family.samples) {
      if (sample.name !== name) continue;
      if (Object.entries(labels).every(([key, text]) => (sample.labels[key] ?? '') === text)) sum += sample.value;
    }
  }
  return sum;
}
