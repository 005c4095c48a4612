// config: faults of a configuration as messages: where, which key, what was given, what is allowed.

/** One fault or warning about the configuration. */
export interface ConfigFault {
  /** The key's path, e.g. `events.rules[2].timeout`; `''` when the file as a whole is meant. */
  readonly key: string;
  /**
   * The place: `file.yaml:3:7`, `ACKSPAN_LISTEN`, `--listen`, or `''` when the value was written
   * nowhere.
   */
  readonly at: string;
  /** From 1; only for a fault in the file. */
  readonly line: number | undefined;
  readonly column: number | undefined;
  readonly message: string;
}

/** The fault as one line: `ackspan.yaml:3:7: limits.pending: "lots" is not allowed; write …`. */
export function formatFault(fault: ConfigFault): string {
  return [fault.at, fault.key, fault.message].filter((part) => part !== '').join(': ');
}

/**
 * The given value, short and safe to print: long strings are cut; credentials inside URLs, and
 * whole secrets, are hidden.
 */
export function showGiven(given: unknown, secret: boolean): string {
  if (secret) return 'the value (hidden)';
  if (given === null) return 'nothing';
  if (Array.isArray(given)) return 'a list';
  if (typeof given === 'object') return 'a mapping';
  if (typeof given !== 'string') return String(given);
  const text = given.replace(/\/\/[^/@\s]*@/g, '//…@');
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 79)}…` : text);
}

/** `events.rules` and `[2, 'timeout']` → `events.rules[2].timeout`. */
export function keyPath(base: string, path: readonly PropertyKey[]): string {
  let key = base;
  for (const step of path) key += typeof step === 'number' ? `[${step}]` : `${key === '' ? '' : '.'}${String(step)}`;
  return key;
}
