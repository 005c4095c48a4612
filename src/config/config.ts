// config: the resolved configuration, computed from the table of keys: what every other part reads.
import type { Resolved } from './schema.ts';

/**
 * Everything the operator can decide. Read-only: made once by `loadConfig`. A key's field has its name in camel case, in the groups
 * of the key; durations are milliseconds and end in `Ms`, sizes are bytes. What a field means is said by its row in schema.ts.
 */
export interface Config extends Resolved {}

/** Event types that start and end an agent's tools and runs, and how long to wait for an end. */
export type AgentConfig = Pick<Config, 'tools' | 'runs'>;
