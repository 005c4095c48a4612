// sidecar: which keys change while it runs, and how. All of a reload holds, or nothing of it.
import type { Config } from '../config/config.ts';
import type { Row } from '../config/row.ts';
import { TABLE } from '../config/schema.ts';
import type { Decoder } from '../decode/decoder.ts';
import type { ObscuredSessions } from '../delivery/obscured.ts';
import type { TrackerLimits } from '../delivery/tracker.ts';
import type { RelayLimits } from '../relay/tap.ts';

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/** The groups that parts read at the time of use, so that a new value holds from then on. */
export interface LiveConfig extends Omit<Config, 'limits' | 'tracing' | 'objective' | 'events'> {
  readonly limits: Mutable<Config['limits']>;
  readonly tracing: Mutable<Config['tracing']>;
  readonly objective: Mutable<Config['objective']>;
  readonly events: Mutable<Config['events']>;
  logLevel: Config['logLevel'];
}

/** What came of a reload: the keys that changed, or why nothing did. */
export type Reloaded = { readonly changed: readonly string[] } | { readonly faults: readonly string[] };

/** What holds values of its own beside the configuration. */
export interface LiveParts {
  readonly config: LiveConfig;
  readonly decoder: Pick<Decoder, 'reload'>;
  readonly tracker: Mutable<TrackerLimits> & { readonly retention: Mutable<NonNullable<TrackerLimits['retention']>> };
  readonly relay: Mutable<RelayLimits>;
  readonly obscured: Pick<ObscuredSessions, 'raised'>;
  /** Monotonic ms. */
  now(): number;
  /** From now on the log has lines of this level and above. */
  setLevel(level: Config['logLevel']): void;
}

/** The configuration as it is now: its file and variables read again. */
export type Reread = () => { readonly config: Config | undefined; readonly faults: readonly string[] };

/** Reads the configuration again and applies it; says in the log what came of it. */
export function reload(parts: LiveParts, reread: Reread, log: ReloadLog): Reloaded {
  const { config, faults } = reread();
  const done = config === undefined ? { faults } : applyReload(parts, config);
  if ('changed' in done) log.info({ changed: done.changed }, 'configuration reloaded');
  else log.warn({ faults: done.faults }, `configuration not reloaded: ${done.faults.join(' ')}`);
  return done;
}

export interface ReloadLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/**
 * The keys that change without a restart; every other one is bound to a socket, a key, a folder or
 * a start.
 */
const LIVE: ReadonlySet<string> = new Set([
  'events.rules',
  'limits.connections',
  'limits.connections_per_user',
  'limits.pending',
  'limits.pending_per_user',
  'limits.retained_bytes',
  'limits.retained_bytes_per_user',
  'limits.in_flight_bytes',
  'limits.message_bytes',
  'tracing.keep_confirmed',
  'tracing.slow',
  'log_level',
]);

function isLive(key: string): boolean {
  return LIVE.has(key) || key.startsWith('objective');
}

/** A copy whose live groups can be changed in place. */
export function liveConfig(config: Config): LiveConfig {
  const { limits, tracing, objective, events } = config;
  return {
    ...config,
    limits: { ...limits },
    tracing: { ...tracing },
    objective: { ...objective },
    events: { ...events },
  };
}

/**
 * Takes over what may change; a key that may not is a fault that names it, and then nothing
 * changes.
 */
function applyReload(parts: LiveParts, fresh: Config): Reloaded {
  const { config } = parts;
  const changed = (TABLE as readonly Row[])
    .filter(({ to }) => JSON.stringify(valueAt(config, to)) !== JSON.stringify(valueAt(fresh, to)))
    .map(({ key }) => key);
  const fixed = changed.filter((key) => !isLive(key));
  if (fixed.length > 0)
    return {
      faults: fixed.map((key) => `${key} cannot change while the sidecar runs: restart it. Nothing was changed.`),
    };
  Object.assign(config.limits, fresh.limits);
  Object.assign(config.tracing, fresh.tracing);
  Object.assign(config.objective, fresh.objective);
  const { pending, pendingPerUser, retainedBytes, retainedBytesPerUser, inFlightBytes, messageBytes } = fresh.limits;
  Object.assign(parts.tracker, { pending, pendingPerUser });
  Object.assign(parts.tracker.retention, { bytes: retainedBytes, bytesPerUser: retainedBytesPerUser });
  if (messageBytes > parts.relay.messageBytes) parts.obscured.raised(parts.now());
  Object.assign(parts.relay, { inFlightBytes, messageBytes });
  if (changed.includes('events.rules')) {
    config.events.rules = fresh.events.rules;
    parts.decoder.reload(fresh.events.rules);
  }
  if (changed.includes('log_level')) {
    config.logLevel = fresh.logLevel;
    parts.setLevel(fresh.logLevel);
  }
  return { changed };
}

function valueAt(root: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((at, step) => (at as Record<string, unknown> | undefined)?.[step], root);
}
