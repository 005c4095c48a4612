// demo: the configuration of its sidecar, written as an operator would write it, with deadlines short enough to watch.

import type { Loaded } from '../config/load.ts';
import { loadConfig } from '../config/load.ts';
import type { Defaults } from '../config/values.ts';

/** Time from the send to the time-out, ms. The default outside the demo is 30 s. */
export const TIMEOUT_MS = 3_000;
/** Gaps between attempts, ms. The default outside the demo is 1 s, 2 s, 4 s. */
export const ATTEMPTS_MS: readonly number[] = [400, 800];
/** Share of deliveries that should be confirmed, in [0, 1]. */
export const TARGET = 0.95;

const SCHEDULE = `timeout: ${TIMEOUT_MS}ms, attempts: [${ATTEMPTS_MS.map((gap) => `${gap}ms`).join(', ')}]`;

/** The operator's choices for the demo's sidecar. */
export interface AdminChoice {
  /** `host:port`; undefined = loopback, on a port that the system chooses. */
  readonly admin: string | undefined;
  /** Bearer token; undefined = none. */
  readonly adminToken: string | undefined;
}

/**
 * Reads the demo's file over `defaults`. Only the operator's choices can be at fault. The rest of
 * the environment is left out, so that the demo is the same everywhere.
 */
export function demoConfig(upstreamPort: number, { admin, adminToken }: AdminChoice, defaults: Defaults): Loaded {
  const text = `
listen: 127.0.0.1:0
upstream: http://127.0.0.1:${upstreamPort}
admin: { listen: 127.0.0.1:0 }
events:
  rules:
    - { match: [tool_executing, tool_completed], priority: critical, ${SCHEDULE} }
    - { match: [agent_started, agent_completed, agent_error], priority: high, ${SCHEDULE} }
    - { match: agent_thinking, priority: normal, ${SCHEDULE} }
    - { match: [heartbeat, ack, connection_established], track: false }
    - { match: "*", priority: low, ${SCHEDULE} }
limits: { history: 100000 }
shutdown: { grace: 4s }
log_level: error
service_name: ackspan-demo
`;
  const env = { ACKSPAN_ADMIN_TOKEN: adminToken };
  return loadConfig({ flags: { admin }, env, file: { name: 'demo.yaml', text }, defaults });
}
