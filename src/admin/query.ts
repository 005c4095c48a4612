// admin: reads a query string strictly: every fault is collected with the allowed values, and nothing is ignored.
import type { ParameterFault } from './reply.ts';

const DURATION_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * Reads parameters by name. `faults()` comes last and also lists names that no reader asked for.
 */
export interface Query {
  /** The one value of a parameter. */
  text(name: string): string | undefined;
  /** Values separated by commas or given by repeating the parameter. */
  list(name: string): ReadonlySet<string> | undefined;
  /** Values out of a closed set, separated by commas or given by repeating the parameter. */
  words(name: string, allowed: readonly string[]): ReadonlySet<string> | undefined;
  /** One value out of a closed set. */
  one<const W extends string>(name: string, allowed: readonly W[], otherwise: W): W;
  /** A whole number within the bounds, both included. */
  whole(name: string, least: number, most: number, otherwise: number): number;
  /** A time in ms since the epoch: ISO 8601, ms since the epoch, or a duration back from `now`. */
  time(name: string, now: number): number | undefined;
  /** Notes a fault that only the resource can see. */
  refuse(name: string, fault: string, allowed: readonly string[]): void;
  faults(): readonly ParameterFault[];
}

function readTime(text: string, now: number): number {
  const back = /^(\d+(?:\.\d+)?)([smhd])$/.exec(text);
  if (back !== null) return now - Number(back[1]) * (DURATION_MS[back[2] as string] as number);
  if (/^\d{1,16}(\.\d+)?$/.test(text)) return Number(text);
  return /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/.test(text) ? Date.parse(text) : Number.NaN;
}

/** Parameters, values included, that one query may have at most. A longer query is not read. */
const PARAMETER_LIMIT = 64;

/** Opens a query string (without `?`). */
export function createQuery(search: string): Query {
  const count = search === '' ? 0 : search.split('&', PARAMETER_LIMIT + 1).length;
  const given = new URLSearchParams(count > PARAMETER_LIMIT ? '' : search);
  const asked = new Set<string>();
  const faults: ParameterFault[] = [];
  const refuse = (parameter: string, fault: string, allowed: readonly string[]): void => {
    faults.push({ parameter, fault, allowed });
  };
  const text = (name: string): string | undefined => {
    asked.add(name);
    const values = given.getAll(name);
    if (values.length > 1) refuse(name, 'given more than once', ['one value']);
    else if (values[0] === '') refuse(name, 'empty', ['a value, or leave the parameter out']);
    else return values[0];
    return undefined;
  };
  const list = (name: string): ReadonlySet<string> | undefined => {
    asked.add(name);
    const values = given.getAll(name);
    if (values.length === 0) return undefined;
    const found = values.flatMap((value) => value.split(','));
    if (found.includes('')) refuse(name, 'has an empty value', ['values separated by commas']);
    return new Set(found);
  };
  return {
    text,
    list,
    words(name, allowed) {
      const found = list(name);
      if (found === undefined) return undefined;
      if ([...found].some((value) => value !== '' && !allowed.includes(value)))
        refuse(name, 'has an unknown value', allowed);
      return found;
    },
    one(name, allowed, otherwise) {
      const value = text(name);
      if (value === undefined) return otherwise;
      const word = allowed.find((each) => each === value);
      if (word === undefined) refuse(name, 'has an unknown value', allowed);
      return word ?? otherwise;
    },
    whole(name, least, most, otherwise) {
      const value = text(name);
      if (value === undefined) return otherwise;
      const number = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
      if (number >= least && number <= most) return number;
      refuse(name, 'not a whole number within the bounds', [`${least} to ${most}`]);
      return otherwise;
    },
    time(name, now) {
      const value = text(name);
      if (value === undefined) return undefined;
      const at = readTime(value, now);
      if (!Number.isNaN(at)) return at;
      refuse(name, 'not a time', [
        'a time such as 2026-01-31T12:00:00Z',
        'milliseconds since the epoch',
        'a duration back from now such as 90s, 15m, 2h or 1d',
      ]);
      return undefined;
    },
    refuse,
    faults() {
      if (count > PARAMETER_LIMIT) refuse('query', 'too many parameters', [`at most ${PARAMETER_LIMIT}`]);
      for (const name of new Set(given.keys()))
        if (!asked.has(name)) refuse(name, 'unknown parameter', [...asked].sort());
      return faults;
    },
  };
}
