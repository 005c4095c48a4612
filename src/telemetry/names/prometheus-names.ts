// telemetry: OpenTelemetry names in Prometheus spelling, as the Collector and Prometheus's OTLP receiver spell them.
import type { MetricKind } from './names.ts';

/**
 * UCUM units and the words that Prometheus has for them (OpenTelemetry–Prometheus compatibility
 * specification).
 */
const UNIT_WORDS: Readonly<Record<string, string>> = {
  d: 'days',
  h: 'hours',
  min: 'minutes',
  s: 'seconds',
  ms: 'milliseconds',
  us: 'microseconds',
  ns: 'nanoseconds',
  By: 'bytes',
  KiBy: 'kibibytes',
  MiBy: 'mebibytes',
  GiBy: 'gibibytes',
  TiBy: 'tibibytes',
  KBy: 'kilobytes',
  MBy: 'megabytes',
  GBy: 'gigabytes',
  TBy: 'terabytes',
  m: 'meters',
  V: 'volts',
  A: 'amperes',
  J: 'joules',
  W: 'watts',
  g: 'grams',
  Cel: 'celsius',
  Hz: 'hertz',
  '1': '',
  '%': 'percent',
};

const PER_UNIT_WORDS: Readonly<Record<string, string>> = {
  s: 'second',
  m: 'minute',
  h: 'hour',
  d: 'day',
  w: 'week',
  mo: 'month',
  y: 'year',
};

/**
 * The metric's name with its unit, without `_total`: what OpenMetrics calls the family. `''` when
 * no letter is left. A word that the name holds already is not added again; annotations such as
 * `{event}` add nothing.
 */
export function familyName(name: string, unit: string, kind: MetricKind): string {
  let words = tokens(name);
  const slash = unit.indexOf('/');
  const mainWord = unitWord(slash < 0 ? unit : unit.slice(0, slash), UNIT_WORDS);
  if (mainWord !== '' && !words.includes(mainWord)) words.push(mainWord);
  const perWord = slash < 0 ? '' : unitWord(unit.slice(slash + 1), PER_UNIT_WORDS);
  if (perWord !== '' && !words.includes(`per_${perWord}`)) words.push(`per_${perWord}`);
  if (kind === 'counter') words = words.filter((word) => word !== 'total');
  if (unit === '1' && kind === 'gauge') words = [...words.filter((word) => word !== 'ratio'), 'ratio'];
  const joined = words.join('_');
  return /^[0-9]/.test(joined) ? `_${joined}` : joined;
}

/**
 * The name of a family's samples: a counter ends in `_total`. Histograms add `_bucket`, `_sum` and
 * `_count` to it.
 */
export function sampleName(name: string, unit: string, kind: MetricKind): string {
  const family = familyName(name, unit, kind);
  return kind === 'counter' ? `${family}_total` : family;
}

/**
 * The base unit at the end of a family's name (`seconds`, `bytes`, `ratio` …), for `# UNIT`; `''`
 * when there is none.
 */
export function unitOf(family: string, unit: string): string {
  const word = unit === '1' ? 'ratio' : unit.includes('/') ? '' : unitWord(unit, UNIT_WORDS);
  return word !== '' && family.endsWith(`_${word}`) ? word : '';
}

/** An attribute key as a label name: characters that Prometheus does not allow become one `_`. */
export function labelName(key: string): string {
  const name = key.replace(/[^a-zA-Z0-9]+/g, '_');
  return /^[0-9]/.test(name) ? `key_${name}` : name;
}

function tokens(text: string): string[] {
  return text.split(/[^a-zA-Z0-9:]+/).filter((word) => word !== '');
}

function unitWord(unit: string, words: Readonly<Record<string, string>>): string {
  const bare = unit.trim();
  if (bare.includes('{') || bare.includes('}')) return '';
  return tokens(words[bare] ?? bare).join('_');
}
