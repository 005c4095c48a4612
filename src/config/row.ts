// config: one row of the table of keys: everything that is known about a key.
import type { Defaults } from './config.ts';
import type { Kind } from './kinds.ts';

/** One key. `To` is where `Config` keeps it. */
export interface Row<To extends string = string, T = unknown> {
  /** Its path in the file, e.g. `limits.pending_per_user`. */
  readonly key: string;
  readonly to: To;
  readonly kind: Kind<T>;
  /** What holds when nobody says otherwise, as the file would say it; undefined = nothing, or `preset`. */
  readonly written?: string | number | boolean;
  /** What holds when nobody says otherwise, where another part of Ackspan decides it. */
  readonly preset?: (defaults: Defaults) => T;
  /** Whether the key may stay without a value. */
  readonly optional: boolean;
  /** Its command-line flag, without the dashes. */
  readonly flag?: string;
  /** Another variable that sets it when its own is not set. */
  readonly alsoEnv?: string;
  /** Never printed. */
  readonly secret: boolean;
  readonly doc: string;
}

type Extra<T> = Partial<Pick<Row<string, T>, 'written' | 'preset' | 'flag' | 'alsoEnv' | 'secret'>>;

/** A key that always has a value. */
export function row<To extends string, T>(
  key: string,
  to: To,
  kind: Kind<T>,
  doc: string,
  extra: Extra<T>,
): Row<To, T> {
  return { key, to, kind, doc, secret: false, optional: false, ...extra };
}

/** A key that may stay undefined. */
export function maybe<To extends string, T>(
  key: string,
  to: To,
  kind: Kind<T>,
  doc: string,
  extra: Extra<T> = {},
): Row<To, T | undefined> {
  return { ...row(key, to, kind, doc, extra), optional: true } as Row<To, T | undefined>;
}

/** The variable of a key: `limits.pending_per_user` → `ACKSPAN_LIMITS_PENDING_PER_USER`. */
export function envName(key: string): string {
  return `ACKSPAN_${key.toUpperCase().replaceAll('.', '_')}`;
}
