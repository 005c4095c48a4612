// config: the resolved configuration, computed from the table of keys: what every other part reads.
import type { Resolved } from './schema.ts';

/**
 * Everything that the operator can decide. Read-only: made once by `loadConfig`. The field of a key
 * has the key's name in camel case, in the groups of the key. Durations are milliseconds and end in
 * `Ms`, sizes are bytes. The row of the key in schema.ts says what the field means.
 */
export interface Config extends Resolved {}

/** Event types that start and end an agent's tools and runs, and how long to wait for an end. */
export type AgentConfig = Pick<Config, 'tools' | 'runs'>;
