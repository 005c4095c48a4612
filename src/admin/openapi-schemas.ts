// admin: the shapes of the JSON API as JSON Schema (OpenAPI 3.1). Written by hand; a test checks real answers against them.
import { CAPABILITIES, ERROR_TYPES, LEVELS, PRIORITIES, STATUSES, UNVERIFIABLE_REASONS } from '../delivery/words.ts';
import { TIMELINE_STEPS } from './delivery-view.ts';

const text = { type: 'string' };
const count = { type: 'integer', minimum: 0 };
const time = { type: 'string', format: 'date-time' };
const optionalText = { type: ['string', 'null'] };
const optionalTime = { type: ['string', 'null'], format: 'date-time' };
const optionalMs = { type: ['number', 'null'], description: 'Milliseconds after the send.' };

/** An object of exactly these members; those in `optional` may be missing. */
function exactly(properties: Readonly<Record<string, object>>, optional: readonly string[] = []): object {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: 'object', properties, required, additionalProperties: false };
}

function listOf(name: string): object {
  return { type: 'array', items: { $ref: `#/components/schemas/${name}` } };
}

const summary = {
  id: { type: 'string', pattern: '^d-[0-9a-z]+$', description: 'Unique until the process restarts.' },
  event_id: { ...optionalText, description: 'The id in the payload, if it has one.' },
  type: text,
  priority: { enum: PRIORITIES },
  status: { enum: STATUSES },
  error_type: { enum: [...ERROR_TYPES.filter((type) => type !== ''), null] },
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

/** By name, as `#/components/schemas/…` refers to them. */
export const SCHEMAS: Readonly<Record<string, object>> = {
  Delivery: exactly(summary),
  DeliveryDetail: exactly({
    ...summary,
    error_text: { ...optionalText, description: 'What the application said when it rejected the event.' },
    connection: { ...optionalText, description: 'The connection that carries the session now.' },
    timeline: listOf('Step'),
    same_event: exactly({ count, deliveries: listOf('Delivery') }),
  }),
  Step: exactly(
    {
      step: { enum: TIMELINE_STEPS },
      at: time,
      after_ms: { type: 'number', description: 'Milliseconds after the send.' },
      number: { type: 'integer', minimum: 1 },
      delay_ms: { type: 'number', description: 'Milliseconds after the previous attempt.' },
      result: { enum: ['sent', 'blocked', 'failed'] },
      level: { enum: LEVELS },
      error_type: { enum: ERROR_TYPES.filter((type) => type !== '') },
    },
    ['number', 'delay_ms', 'result', 'level', 'error_type'],
  ),
  DeliveryPage: exactly({ deliveries: listOf('Delivery'), next_cursor: optionalText, pending: count, recent: count }),
  Connection: exactly({
    id: text,
    session: text,
    user: optionalText,
    claimed_user: optionalText,
    capability: { enum: CAPABILITIES },
    opened_at: optionalTime,
    remote: text,
    path: text,
    pending: count,
    messages: count,
  }),
  ConnectionPage: exactly({ connections: listOf('Connection'), next_cursor: optionalText }),
  Stats: { type: 'object', description: 'Counts and rates since the start.' },
  Health: exactly({
    status: { enum: ['healthy', 'unhealthy'] },
    service: text,
    version: text,
    timestamp: { type: 'number' },
  }),
  Live: exactly({ status: { const: 'ok' } }),
  Ready: exactly({ ready: { type: 'boolean' }, reasons: { type: 'array', items: text } }),
  Problem: exactly(
    {
      type: text,
      title: text,
      status: { type: 'integer' },
      detail: text,
      errors: {
        type: 'array',
        items: exactly({ parameter: text, fault: text, allowed: { type: 'array', items: text } }),
      },
    },
    ['errors'],
  ),
};
