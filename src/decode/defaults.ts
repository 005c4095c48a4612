// decode: the default pointers, rules and matchers: the shapes in which agent back ends send their events.
import { SCHEDULES } from '../delivery/policy.ts';
import type { ConfirmationMatcher } from './confirmation.ts';
import type { DecodeOptions } from './options.ts';
import type { Rule } from './rules.ts';

/** Where the event type is. */
const DEFAULT_TYPE_POINTERS: readonly string[] = ['/event', '/type'];

/**
 * Where the event id is, for the sidecar and the library alike. Outer places come first, and an
 * event's id before a message's. Tool events often carry their id inside their parameters or
 * result.
 */
export const DEFAULT_ID_POINTERS: readonly string[] = [
  '/event_id',
  '/message_id',
  '/data/event_id',
  '/payload/event_id',
  '/payload/parameters/event_id',
  '/payload/result/event_id',
  '/data/parameters/event_id',
  '/data/result/event_id',
  '/results/event_id',
  '/parameters/event_id',
  '/result/event_id',
  '/payload/message_id',
];

/** Where the agent run's id is. */
const DEFAULT_RUN_POINTERS: readonly string[] = ['/run_id', '/data/run_id', '/payload/run_id'];

/** Where the user's id is. */
const DEFAULT_USER_POINTERS: readonly string[] = ['/user_id', '/data/user_id', '/payload/user_id'];

/** Where the tool's name is. */
const DEFAULT_TOOL_POINTERS: readonly string[] = ['/tool_name', '/payload/tool_name', '/data/tool_name'];

/** Where the id of one call of a tool is. */
const DEFAULT_TOOL_CALL_POINTERS: readonly string[] = ['/tool_call_id', '/payload/tool_call_id', '/data/tool_call_id'];

/** Where the trace context of the event is (W3C Trace Context `traceparent`). */
const DEFAULT_TRACEPARENT_POINTERS: readonly string[] = [
  '/trace/traceparent',
  '/traceparent',
  '/metadata/traceparent',
  '/data/traceparent',
  '/payload/traceparent',
];

/** What all default rules share; deadline and attempts follow from the priority. */
const RULE = { confirm: 'auto', resend: false } as const;

/**
 * Types that protocols send for their own sake. Their receipt is nearly certain, so counting them
 * would flatter the confirmation rate.
 */
const CHATTER = [
  ...['ping', 'pong', 'heartbeat', 'heartbeat_*', 'keepalive', 'keep_alive', 'ka', 'ack', '*_ack'],
  ...['connection_established', 'handshake_*', 'authentication_*'],
] as const;

/** Agent events by importance, chatter untracked, everything else low. */
export const DEFAULT_RULES: readonly Rule[] = [
  { match: ['tool_executing', 'tool_completed'], track: true, priority: 'critical', ...RULE, ...SCHEDULES.critical },
  {
    match: ['agent_started', 'agent_completed', 'agent_error'],
    track: true,
    priority: 'high',
    ...RULE,
    ...SCHEDULES.high,
  },
  { match: ['agent_thinking'], track: true, priority: 'normal', ...RULE, ...SCHEDULES.normal },
  {
    match: [...CHATTER],
    track: false,
    priority: 'low',
    ...RULE,
    ...SCHEDULES.low,
  },
  { match: ['*'], track: true, priority: 'low', ...RULE, ...SCHEDULES.low },
];

/** The default confirmation message. */
const DEFAULT_CONFIRMATIONS: readonly ConfirmationMatcher[] = [
  { type: 'event_confirmation', id: '/event_id', status: '/status', error: '/error' },
];

/** All defaults together: `createDecoder(DEFAULT_DECODE_OPTIONS)`. */
export const DEFAULT_DECODE_OPTIONS: DecodeOptions = {
  type: DEFAULT_TYPE_POINTERS,
  id: DEFAULT_ID_POINTERS,
  run: DEFAULT_RUN_POINTERS,
  user: DEFAULT_USER_POINTERS,
  tool: DEFAULT_TOOL_POINTERS,
  toolCall: DEFAULT_TOOL_CALL_POINTERS,
  traceparent: DEFAULT_TRACEPARENT_POINTERS,
  rules: DEFAULT_RULES,
  unread: 'track',
  confirmations: DEFAULT_CONFIRMATIONS,
  maxTypes: 200,
  scanBytes: 65_536,
};
