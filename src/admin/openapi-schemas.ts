// admin: the shapes of the JSON API as JSON Schema (OpenAPI 3.1), written by hand. A test checks real answers.
import {
  CAPABILITIES,
  ERROR_TYPES,
  LEVELS,
  PRIORITIES,
  STATUSES,
  UNMATCHED_REASONS,
  UNVERIFIABLE_REASONS,
} from '../delivery/words.ts';
import { TIMELINE_STEPS } from './delivery-view.ts';
import { DIRECTIONS, KINDS } from './messages.ts';
import { CHANGE_SCHEMAS } from './openapi-changes.ts';
import { DEAD_LETTER_SCHEMAS } from './openapi-dead-letters.ts';
import { count, counts, exactly, listOf, optionalText, optionalTime, text, time } from './openapi-parts.ts';
import { STATS_SCHEMAS } from './openapi-stats.ts';

const CLOSERS = ['client', 'upstream', 'sidecar'];
const LOSSES = ERROR_TYPES.filter((type) => type !== '');
const optionalMs = { type: ['number', 'null'], description: 'Milliseconds after the send.' };

const connection = {
  id: text,
  session: text,
  user: optionalText,
  claimed_user: optionalText,
  capability: { enum: CAPABILITIES },
  opened_at: time,
  closed_at: optionalTime,
  closed_by: { enum: [...CLOSERS, null] },
  close_code: { type: ['integer', 'null'], description: 'Of the first Close frame; 1006 = there was none.' },
  remote: text,
  path: text,
  pending: count,
  messages: { ...count, description: "Relayed to the client, those of the session's earlier connections included." },
};

const summary = {
  id: { type: 'string', pattern: '^d-([0-9a-z]+-)?[0-9a-z]+$', description: 'Unique over restarts and instances.' },
  event_id: { ...optionalText, description: 'The id in the payload, if it has one.' },
  type: text,
  priority: { enum: PRIORITIES },
  status: { enum: STATUSES },
  error_type: { enum: [...LOSSES, null] },
  unverifiable_reason: { enum: [...UNVERIFIABLE_REASONS, null], description: 'Why nobody can say how it ended.' },
  level: { enum: [...LEVELS, null], description: 'Highest evidence so far.' },
  required: { enum: LEVELS, description: 'Evidence that confirms.' },
  attempts: { type: 'integer', minimum: 1, description: '1 = only the send.' },
  session: text,
  user: { ...optionalText, description: 'Proven.' },
  claimed_user: {
    ...optionalText,
    description: 'Who the client says it is. Nobody has verified it, and it grants nothing.',
  },
  run: optionalText,
  tool: optionalText,
  tool_call: optionalText,
  ordinal: count,
  bytes: count,
  kept: { type: 'boolean', description: 'Whether the message is kept, so that it can be sent again.' },
  sent_at: time,
  deadline_at: time,
  received_ms: optionalMs,
  settled_ms: optionalMs,
  rejected_ms: {
    ...optionalMs,
    description: 'When its application rejected it after it was confirmed as received, ms after the send.',
  },
  trace_id: { type: ['string', 'null'], pattern: '^[0-9a-f]{32}$' },
};

const detail = {
  ...summary,
  error_text: { ...optionalText, description: 'What the application said when it rejected the event.' },
  connection: { ...optionalText, description: 'The connection that carries the session now.' },
  sent_over: {
    oneOf: [{ $ref: '#/components/schemas/Connection' }, { type: 'null' }],
    description: 'The connection that it was sent over, while that is remembered.',
  },
  timeline: listOf('Step'),
  same_event: exactly({ count, deliveries: listOf('Delivery') }),
};

const session = {
  id: text,
  user: optionalText,
  opted_in: { type: 'boolean' },
  resumable: { type: 'boolean' },
  capability: { enum: CAPABILITIES },
  connection: { ...optionalText, description: 'null while its client is away.' },
  pending: count,
  messages: count,
  received_through: count,
  retained_bytes: count,
};

const instance = { ...text, description: 'The instance that answered.' };
const ofInstances = {
  next_cursor: optionalText,
  instances: { type: 'array', items: text, description: 'Who answered.' },
  missing: { ...count, description: 'How many did not answer in time.' },
};

/** By name, as `#/components/schemas/…` refers to them. */
export const SCHEMAS: Readonly<Record<string, object>> = {
  Delivery: exactly(summary),
  DeliveryDetail: exactly(detail),
  Step: exactly(
    {
      step: { enum: TIMELINE_STEPS },
      at: time,
      after_ms: { type: 'number', description: 'Milliseconds after the send.' },
      number: { type: 'integer', minimum: 1 },
      delay_ms: { type: 'number', description: 'Milliseconds after the previous attempt.' },
      result: { enum: ['sent', 'blocked', 'failed'] },
      level: { enum: LEVELS },
      error_type: { enum: LOSSES },
      reason: { enum: UNVERIFIABLE_REASONS },
    },
    ['number', 'delay_ms', 'result', 'level', 'error_type', 'reason'],
  ),
  DeliveryPage: exactly({ deliveries: listOf('Delivery'), next_cursor: optionalText, pending: count, recent: count }),
  Connection: exactly(connection),
  ConnectionPage: exactly({ connections: listOf('Connection'), next_cursor: optionalText }),
  ConnectionStep: exactly(
    {
      step: { enum: ['opened', 'capability', 'closed'] },
      at: time,
      capability: { enum: CAPABILITIES },
      by: { enum: CLOSERS },
      code: count,
    },
    ['capability', 'by', 'code'],
  ),
  ConnectionDetail: exactly({
    ...connection,
    life: listOf('ConnectionStep'),
    deliveries: counts(STATUSES, 'Deliveries sent over it that are in flight or in the history, by status.'),
    remembered: { ...count, description: 'Messages of it that are remembered.' },
  }),
  Message: exactly({
    seq: { ...count, description: 'Order of relaying, over all connections and both directions.' },
    direction: { enum: DIRECTIONS },
    kind: { enum: KINDS },
    type: { ...optionalText, description: 'Event type or shape; null where it was not read.' },
    bytes: { type: ['integer', 'null'], minimum: 0 },
    at: time,
    ordinal: { type: ['integer', 'null'], description: "Place among the upstream's messages of the session." },
    consumed: { type: 'boolean', description: 'A confirmation, which the sidecar kept to itself.' },
    delivery: { ...optionalText, description: 'Its (first) delivery.' },
    status: { enum: [...STATUSES, null] },
    reason: optionalText,
    payload: { ...optionalText, description: 'Only with `admin.payloads`; text redacted, other bytes in base64.' },
    cut: { type: 'boolean', description: 'Whether `payload` is only the beginning.' },
  }),
  MessagePage: exactly({ messages: listOf('Message'), next_cursor: optionalText, forgotten: count }),
  Session: exactly(session),
  Unmatched: exactly({
    at: time,
    reason: { enum: UNMATCHED_REASONS },
    event_id: { ...text, description: 'What the confirmation named, cut to 256 characters.' },
    session: { ...text, description: 'Who said it.' },
    user: optionalText,
    connection: optionalText,
  }),
  UnmatchedPage: exactly({ unmatched: listOf('Unmatched'), forgotten: count }),
  SessionPage: exactly({ sessions: listOf('Session'), next_cursor: optionalText }),
  InstanceDelivery: exactly({ ...summary, instance }),
  InstanceDeliveryDetail: exactly({ ...detail, instance }),
  InstanceSession: exactly({ ...session, instance }),
  InstanceDeliveryPage: exactly({ deliveries: listOf('InstanceDelivery'), ...ofInstances }),
  InstanceSessionPage: exactly({ sessions: listOf('InstanceSession'), ...ofInstances }),
  ...CHANGE_SCHEMAS,
  ...DEAD_LETTER_SCHEMAS,
  ...STATS_SCHEMAS,
  Stats: { type: 'object', description: 'Counts and rates since the start; and `drain`, as of `GET /api/v1/drain`.' },
  Health: exactly({
    status: { enum: ['healthy', 'unhealthy'] },
    service: text,
    version: text,
    timestamp: { type: 'number' },
  }),
  Live: exactly({ status: { const: 'ok' } }),
  Ready: exactly(
    {
      ready: { type: 'boolean' },
      status: { const: 'degraded', description: 'Traffic is taken, and something does not work.' },
      reasons: { type: 'array', items: text },
      upstream: { ...text, description: '`up`, `unknown`, or why it is taken for down; for those who show the token.' },
    },
    ['status', 'upstream'],
  ),
  Problem: exactly(
    {
      type: text,
      title: text,
      status: { type: 'integer' },
      detail: text,
      code: { ...text, description: 'A word for programs, where there is more than the status to tell.' },
      errors: {
        type: 'array',
        items: exactly({ parameter: text, fault: text, allowed: { type: 'array', items: text } }),
      },
    },
    ['errors', 'code'],
  ),
};
