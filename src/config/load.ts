// config: from what the operator wrote to a `Config`: flag > variable > file > default, with every fault at once.
import type { Config } from './config.ts';
import { consistency } from './consistency.ts';
import type { ConfigFault } from './fault.ts';
import { keyPath, showGiven } from './fault.ts';
import type { ConfigFile, FileText, Place } from './file.ts';
import { readConfigFile } from './file.ts';
import type { Row } from './row.ts';
import { envName } from './row.ts';
import type { Resolved } from './schema.ts';
import { TABLE } from './schema.ts';
import { nearest } from './suggest.ts';
import { unknownKeys, unknownVariables } from './unknown.ts';
import type { Defaults } from './values.ts';

/** The operator's input: flags, variables and the file. */
export interface LoadInput {
  /** By flag name without dashes, e.g. `log-level`. */
  readonly flags?: Readonly<Record<string, string | undefined>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly file?: FileText | undefined;
  readonly defaults: Defaults;
}

/** The outcome: `config` is undefined as soon as there is one fault. Warnings prevent nothing. */
export interface Loaded {
  readonly config: Config | undefined;
  readonly faults: readonly ConfigFault[];
  readonly warnings: readonly ConfigFault[];
}

/** One value that was written for a key. */
interface Written {
  readonly value: unknown;
  place(path: readonly PropertyKey[], ofKey?: boolean): Place;
}

const NOWHERE: Place = { at: '', line: undefined, column: undefined };

/**
 * Reads and judges everything. An empty value (`KEY=`, `key:`) counts as not given. Throws only on
 * a fault of Ackspan's own.
 */
export function loadConfig(input: LoadInput): Loaded {
  const file = input.file === undefined ? undefined : readConfigFile(input.file, input.env);
  const faults: ConfigFault[] = [];
  if (file !== undefined) faults.push(...file.faults, ...unknownKeys(file));
  const values = new Map<string, unknown>();
  const places = new Map<string, Written['place']>();
  const faulty = new Set<string>();
  // A file that could not be read as a mapping has no further faults.
  const unreadable = faults.some((fault) => fault.key === '');

  for (const row of TABLE as readonly Row[]) {
    const before = faults.length;
    const written = whatIsWritten(row, input, file);
    // All values are judged, also those that a stronger source hides: they would come to light at
    // the worst moment.
    const read = written.map((each) => readValue(row, each, faults));
    if (written[0] !== undefined) places.set(row.key, written[0].place);
    // A faulty value is judged no further. Its default stands in, so that the rest can be judged.
    values.set(row.to, (read[0] ?? { value: defaultOf(row, input.defaults) }).value);
    const missing = written.length === 0 && !row.optional && row.written === undefined && row.preset === undefined;
    if (missing) faulty.add(row.key);
    if (missing && !unreadable && faults.length === before && !faults.some((fault) => fault.key === row.key)) {
      faults.push({ key: row.key, ...NOWHERE, message: `is missing; ${waysToSet(row)}` });
    }
  }

  const config: Config = nest(values);
  for (const fault of faults) faulty.add(rowOf(fault.key));
  const judged = consistency(
    config,
    (key, path = []) => places.get(key)?.(path) ?? NOWHERE,
    (key) => !faulty.has(key),
  );
  const all = [...faults, ...judged.faults].sort(byPlace);
  return {
    config: all.length === 0 ? config : undefined,
    faults: all,
    warnings: [...judged.warnings, ...unknownVariables(input.env, file?.variables ?? new Set())],
  };
}

/** Every value given for the key, the strongest source first. */
function whatIsWritten(row: Row, { flags, env }: LoadInput, file: ConfigFile | undefined): Written[] {
  const written: Written[] = [];
  const add = (text: string | undefined, at: string): void => {
    if (text === undefined || text === '') return;
    written.push({ value: new Text(text), place: () => ({ ...NOWHERE, at }) });
  };
  if (row.flag !== undefined) add(flags?.[row.flag], `--${row.flag}`);
  add(env[envName(row.key)], envName(row.key));
  // A blank variable of OpenTelemetry's names nothing. `run` and `check` report it among its other
  // faults.
  if (row.alsoEnv !== undefined) add(env[row.alsoEnv]?.trim(), row.alsoEnv);
  let path = row.key.split('.');
  let value = valueAt(file?.root, path);
  const short = row.short === undefined ? undefined : valueAt(file?.root, [row.short]);
  if (short !== undefined && typeof short !== 'object') {
    path = [row.short!];
    value = short;
  }
  if (file !== undefined && value !== undefined && value !== null && value !== '') {
    written.push({ value, place: (rest, ofKey) => file.place([...path, ...rest], ofKey) });
  }
  return written;
}

/** The value in a variable or a flag, which is text whatever the kind. */
class Text {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

function readValue(row: Row, { value, place }: Written, faults: ConfigFault[]): { value: unknown } | undefined {
  let given = value;
  if (value instanceof Text) {
    try {
      given = row.kind.fromText(value.text);
    } catch {
      // The parser's own message would quote the value, which may be a secret. The allowed values
      // say enough.
      given = value.text;
    }
  }
  const result = row.kind.schema.safeParse(given);
  if (result.success) return { value: result.data };
  for (const issue of result.error.issues) {
    if (issue.code === 'unrecognized_keys') {
      for (const name of issue.keys) {
        const path = [...issue.path, name];
        faults.push({
          key: keyPath(row.key, path),
          ...place(path, true),
          message: `is not a key${nearField(row, name)}`,
        });
      }
      continue;
    }
    const wrong = givenAt(given, issue.path);
    const message =
      wrong === undefined || wrong === null
        ? `is missing; write ${issue.message}`
        : `${showGiven(wrong, row.secret)} is not allowed; write ${issue.message}`;
    faults.push({ key: keyPath(row.key, issue.path), ...place(issue.path), message });
  }
  return undefined;
}

function nearField(row: Row, name: string): string {
  const fields = row.kind.fields ?? [];
  const near = nearest(name, fields);
  return near === undefined ? `; allowed here: ${fields.join(', ')}` : `; did you mean ${near}?`;
}

/** The resolved default of a key. */
function defaultOf(row: Row, defaults: Defaults): unknown {
  if (row.preset !== undefined) return row.preset(defaults);
  return row.written === undefined ? undefined : row.kind.schema.parse(row.written);
}

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  let value = root;
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[step];
  }
  return value;
}

/** `valueAt`, where a path into a list that was written as one text ends at the text. */
function givenAt(root: unknown, path: readonly PropertyKey[]): unknown {
  for (let depth = 0; depth < path.length; depth++) {
    const value = valueAt(root, path.slice(0, depth));
    if (typeof value === 'string') return value;
  }
  return valueAt(root, path);
}

function waysToSet(row: Row): string {
  const ways = [row.flag === undefined ? '' : `--${row.flag}`, envName(row.key), `or \`${row.key}:\` in the file`];
  return `give it as ${ways.filter((way) => way !== '').join(', ')} (${row.kind.allowed})`;
}

/** `events.rules[2].timeout` → `events.rules`. */
function rowOf(key: string): string {
  return (
    (TABLE as readonly Row[]).find(
      (row) => key === row.key || (/^[.[]/.test(key.slice(row.key.length)) && key.startsWith(row.key)),
    )?.key ?? key
  );
}

function nest(values: ReadonlyMap<string, unknown>): Resolved {
  const root: Record<string, unknown> = {};
  for (const [to, value] of values) {
    const path = to.split('.');
    const last = path.pop()!;
    let at = root;
    for (const step of path) {
      at[step] ??= {};
      at = at[step] as Record<string, unknown>;
    }
    at[last] = value;
  }
  // The object is built from the table's own paths and kinds, from which `Resolved` is computed.
  return root as Resolved;
}

function byPlace(a: ConfigFault, b: ConfigFault): number {
  if (a.line === undefined || b.line === undefined)
    return (a.line === undefined ? 1 : 0) - (b.line === undefined ? 1 : 0);
  return a.line - b.line || a.column! - b.column!;
}
