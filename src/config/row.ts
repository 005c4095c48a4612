// config: one row of the table of keys: everything that is known about a key.

import type { Kind } from './kinds.ts';
import type { Defaults } from './values.ts';

type Camel<Key extends string> = Key extends `${infer Head}_${infer Rest}` ? `${Head}${Capitalize<Camel<Rest>>}` : Key;

/**
 * One key. `To` is its place in `Config`: `limits.handshake` is a duration, so it is at
 * `limits.handshakeMs`.
 */
export interface Row<To extends string = string, T = unknown> {
  /** The key's path in the file, e.g. `limits.pending_per_user`. */
  readonly key: string;
  readonly to: To;
  readonly kind: Kind<T, string>;
  /** The default, as the file would spell it; undefined = none, or `preset`. */
  readonly written?: string | number | boolean;
  /** The default, where another part of Ackspan decides it. */
  readonly preset?: (defaults: Defaults) => T;
  /** Whether the key may stay without a value. */
  readonly optional: boolean;
  /** The key's command-line flag, without the dashes. */
  readonly flag?: string;
  /**
   * The group of the key, where the file may name that group alone to set the key: `store: memory`
   * for `store.at`.
   */
  readonly short?: string;
  /** Another variable that sets the key when its own is not set. */
  readonly alsoEnv?: string;
  /** Whether the value is a secret, which is never printed. */
  readonly secret: boolean;
  readonly doc: string;
}

type Extra<T> = Partial<Pick<Row<string, T>, 'written' | 'preset' | 'flag' | 'short' | 'alsoEnv' | 'secret'>>;

/** A key that always has a value. */
export function row<Key extends string, T, Unit extends string>(
  key: Key,
  kind: Kind<T, Unit>,
  doc: string,
  extra: Extra<T>,
): Row<`${Camel<Key>}${Unit}`, T> {
  const camel = key.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase()) as Camel<Key>;
  return { key, to: `${camel}${kind.unit}`, kind, doc, secret: false, optional: false, ...extra };
}

/** A key that may stay undefined. */
export function maybe<Key extends string, T, Unit extends string>(
  key: Key,
  kind: Kind<T, Unit>,
  doc: string,
  extra: Extra<T> = {},
): Row<`${Camel<Key>}${Unit}`, T | undefined> {
  return { ...row(key, kind, doc, extra), optional: true } as Row<`${Camel<Key>}${Unit}`, T | undefined>;
}

/** The variable of a key: `limits.pending_per_user` → `ACKSPAN_LIMITS_PENDING_PER_USER`. */
export function envName(key: string): string {
  return `ACKSPAN_${key.toUpperCase().replaceAll('.', '_')}`;
}
