// config: forms of values: one kind per form, each a zod schema from the written to the resolved value.
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { parse as parseYaml } from 'yaml';
import * as z from 'zod/mini';
import { holdsCertificates } from './pem.ts';
import { formatDuration, formatSize, parseDuration, parseRatio, parseSize } from './units.ts';
import type { Address } from './values.ts';

/**
 * A form of value. `Unit` ends the name of the field that holds it. Every issue of the schema has
 * `allowed` (or that of the part that is wrong) as its message.
 */
export interface Kind<T, Unit extends string = ''> {
  readonly schema: z.ZodMiniType<T>;
  readonly unit: Unit;
  /** Completes "write …". */
  readonly allowed: string;
  /** Names of the fields of a structure. */
  readonly fields?: readonly string[];
  /**
   * Reads the text of a variable or a flag as the file would spell it. Throws when it cannot be
   * read.
   */
  fromText(text: string): unknown;
}

const asIs = (text: string): unknown => text;

/** A kind read by a function that returns undefined for what it does not allow. */
export function scalar<T>(allowed: string, read: (given: unknown) => T | undefined): Kind<T> {
  const schema = z.transform((given: unknown, context): T => {
    const value = read(given);
    if (value !== undefined) return value;
    context.issues.push({ code: 'custom', message: allowed, input: given });
    return z.NEVER;
  });
  return { schema, unit: '', allowed, fromText: asIs };
}

/** A list of `part`s. A string is a comma-separated list, so that one item needs no brackets. */
export function list<T>(part: Kind<T, string>, allowed: string, max: number): Kind<readonly T[]> {
  const split = (given: unknown): unknown =>
    typeof given === 'string' ? given.split(',').map((item) => item.trim()) : given;
  const items = z.array(part.schema, { error: allowed }).check(z.maxLength(max, { error: allowed }));
  return {
    schema: z.pipe(z.transform(split), items),
    unit: '',
    allowed,
    fromText: (text) => (text.trim().startsWith('[') ? parseYaml(text) : text),
  };
}

/** A structure, written in the file as YAML and in a variable as YAML or JSON. */
export function structure<T>(schema: z.ZodMiniType<T>, allowed: string, fields: readonly string[]): Kind<T> {
  return { schema, unit: '', allowed, fields, fromText: (text) => parseYaml(text) };
}

/** One of `values`. */
export function oneOf<const V extends readonly string[]>(values: V, also = ''): Kind<V[number]> {
  const allowed = `one of ${values.map((value) => `\`${value}\``).join(', ')}${also}`;
  return scalar(allowed, (given) => values.find((value) => value === given));
}

/** `true` or `false`. */
export const flag: Kind<boolean> = scalar('`true` or `false`', (given) => {
  if (given === true || given === 'true') return true;
  return given === false || given === 'false' ? false : undefined;
});

/** A whole number within bounds. */
export function whole(min: number, max: number): Kind<number> {
  return scalar(`a whole number from ${min} to ${max}`, (given) => {
    const text = typeof given === 'number' || typeof given === 'string' ? String(given).trim() : '';
    return /^\d+$/.test(text) ? within(Number(text), min, max) : undefined;
  });
}

/** A duration within bounds (ms), resolved to ms. */
export function duration(minMs: number, maxMs: number): Kind<number, 'Ms'> {
  const bounds = `from ${formatDuration(minMs)} to ${formatDuration(maxMs)}`;
  const allowed = `a duration with its unit (ms, s, m, h) ${bounds}`;
  return { ...scalar(allowed, (given) => within(parseDuration(given), minMs, maxMs)), unit: 'Ms' };
}

/** A size within bounds (bytes), resolved to bytes. */
export function size(min: number, max: number): Kind<number> {
  const bounds = `from ${formatSize(min)} to ${formatSize(max)}`;
  return scalar(`a size such as 64KiB or 16MB, ${bounds}`, (given) => within(parseSize(given), min, max));
}

/** A share of a whole. */
export const ratio: Kind<number> = scalar('a ratio from 0 to 1, or 0% to 100%', parseRatio);

/** Any text but the empty one, on one line. */
export function text(what: string): Kind<string> {
  return scalar(what, (given) => (typeof given === 'string' && /^[^\n\r]+$/.test(given) ? given : undefined));
}

/** A credential: long enough not to be guessed, and fit for an HTTP header (RFC 6750 §2.1). */
export const secretText: Kind<string> = scalar(
  'at least 16 characters out of letters, digits and - . _ ~ + / =',
  (given) => (typeof given === 'string' && /^[\w.~+/=-]{16,}$/.test(given) ? given : undefined),
);

/** A JSON pointer (RFC 6901) into an event. */
export const pointer: Kind<string> = scalar('a JSON pointer such as /data/event_id', (given) =>
  typeof given === 'string' && /^(?:\/(?:[^~/]|~[01])*)+$/.test(given) ? given : undefined,
);

/** `host:port`, `[v6]:port`, `:port` or a port alone (every address). */
export const address: Kind<Address> = scalar('host:port, [ipv6]:port or :port', parseAddress);

/**
 * An address, or `off`. Off resolves to undefined inside an object, because undefined means "not
 * allowed" to `scalar`.
 */
export const addressOrOff: Kind<Address | undefined> = (() => {
  const allowed = `${address.allowed}, or \`off\``;
  // YAML 1.1 reads `off` as false.
  const off = scalar(allowed, (given) => (given === 'off' || given === false ? 'off' : parseAddress(given)));
  return {
    ...off,
    schema: z.pipe(
      off.schema,
      z.transform((value: 'off' | Address) => (value === 'off' ? undefined : value)),
    ),
  };
})();

function parseAddress(given: unknown): Address | undefined {
  if (typeof given !== 'string' && typeof given !== 'number') return undefined;
  const found = /^(?:(?:\[([0-9a-fA-F:.]+)\]|([^\s:/[\]]*)):)?(\d{1,5})$/.exec(String(given).trim());
  if (found === null || Number(found[3]) > 65_535) return undefined;
  return { host: found[1] ?? (found[2] || '0.0.0.0'), port: Number(found[3]) };
}

/**
 * Where the backend listens. Credentials, a query or a fragment are not allowed, because they would
 * have no effect.
 */
export const upstream: Kind<string> = scalar('http://host:port, https://host:port or unix:/path', (given) => {
  if (typeof given !== 'string') return undefined;
  if (given.startsWith('unix:')) return /^unix:\/[^\0]+$/.test(given) ? given : undefined;
  if (!/^https?:\/\/[^\s?#@]+$/.test(given) || !URL.canParse(given)) return undefined;
  return new URL(given).hostname === '' ? undefined : given;
});

/** What to put into a Host header: two words with a meaning, or a host with perhaps a port. */
export const hostHeader: Kind<string> = scalar('`preserve`, `upstream`, or a host such as app.example:8443', (given) =>
  typeof given === 'string' && /^(?:\[[0-9a-fA-F:.]+\]|[\w.-]+)(?::\d{1,5})?$/.test(given) ? given : undefined,
);

/** An IP address or a CIDR range (RFC 4632, RFC 4291). */
export const network: Kind<string> = scalar('an IP address or a CIDR range such as 10.0.0.0/8', (given) => {
  if (typeof given !== 'string') return undefined;
  const [address = '', prefix, ...more] = given.trim().split('/');
  const version = isIP(address);
  if (version === 0 || address.includes('%') || more.length > 0) return undefined;
  const bits = version === 6 ? 128 : 32;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits) ? given.trim() : undefined;
});

/** A path on the public listener. */
export const mountPath: Kind<string> = scalar('a path such as /.ackspan', (given) =>
  typeof given === 'string' && /^(?:\/[\w.~-]+)+$/.test(given) ? given : undefined,
);

/**
 * A link with a place for a trace id. Only a link that a browser opens as a page: no script, no
 * credentials.
 */
export const traceLink: Kind<string> = scalar(
  'an http or https address with `{trace_id}` or `{trace_id_low}` in it',
  (given): string | undefined => {
    if (typeof given !== 'string' || !/^https?:\/\/[^\s@]+$/.test(given)) return undefined;
    const filled = given.replaceAll(/\{trace_id(?:_low)?\}/g, '0');
    return filled !== given && URL.canParse(filled) ? given : undefined;
  },
);

/** A PEM file, and what it held when it was read. */
export interface PemFile {
  readonly path: string;
  readonly pem: string;
}

/** The name of a PEM file; resolved to its name and its text. */
export const pemFile: Kind<PemFile> = scalar('the path of a readable PEM file with certificates', (given) => {
  if (typeof given !== 'string') return undefined;
  try {
    const pem = readFileSync(given, 'utf8');
    return holdsCertificates(pem) ? { path: given, pem } : undefined;
  } catch {
    // Whatever the reason, the fault names the file and says what is needed.
    return undefined;
  }
});

function within(value: number | undefined, min: number, max: number): number | undefined {
  return value !== undefined && value >= min && value <= max ? value : undefined;
}
