// admin: dead letters in the description of the API: their paths and shapes (OpenAPI 3.1). A test checks real answers.
import { ATTEMPT_KINDS, ATTEMPT_RESULTS, CAPABILITIES, LEVELS, PRIORITIES } from '../delivery/words.ts';
import { LOSS_REASONS } from './dead-letters.ts';
import {
  answers,
  change,
  count,
  exactly,
  listOf,
  optionalText,
  parameter,
  read,
  text,
  time,
  words,
} from './openapi-parts.ts';
import { PAGE_LIMIT } from './page.ts';

const some = { ...text, minLength: 1 };
const when = 'ISO 8601, ms since the epoch, or a duration back from now (`15m`).';
const filters = [
  parameter('user', some, 'Only this user, proven.'),
  parameter('claimed_user', some, 'Only of clients that claimed this user without proof.'),
  parameter('session', some, 'Only this session.'),
  parameter('event_id', some, 'Only this event.'),
  words('type', some, 'Only these event types.'),
  words('priority', { enum: PRIORITIES }, 'Only these priorities.'),
  words('reason', { enum: LOSS_REASONS }, 'Only what was lost for these reasons.'),
  parameter('since', some, `Lost then or later: ${when}`),
  parameter('until', some, `Lost before then: ${when}`),
];

export const DEAD_LETTER_PATHS: Readonly<Record<string, object>> = {
  '/api/v1/dead-letters': read(
    'Lost deliveries that the store keeps, newest loss first, also those of earlier processes',
    answers('DeadLetterPage', 'One page. It does not shift while letters come, and its cursor outlives a restart.'),
    ['400', '401', '404', '503'],
    [
      ...filters,
      parameter('cursor', some, '`next_cursor` of the previous page.'),
      parameter(
        'limit',
        { type: 'integer', minimum: 1, maximum: PAGE_LIMIT, default: 50 },
        'Most entries on the page.',
      ),
    ],
  ),
  '/api/v1/dead-letters/export': read(
    'The same as NDJSON, all of it, with messages where `admin.payloads` lets them be seen. An export that breaks off ends with a broken connection, never with a whole answer',
    { description: 'One `DeadLetter` a line.', content: { 'application/x-ndjson': {} } },
    ['400', '401', '404'],
    filters,
  ),
  '/api/v1/dead-letters/purge': change('Remove the dead letters of one user for good, with their messages', {
    body: 'PurgeRequest',
    ok: answers('Purge', 'Done.'),
    errors: ['401', '404', '503'],
  }),
};

const optionalMs = { type: ['number', 'null'], description: 'Milliseconds after the send.' };

export const DEAD_LETTER_SCHEMAS: Readonly<Record<string, object>> = {
  DeadLetter: exactly(
    {
      id: { ...text, description: "The delivery's id." },
      instance: { ...optionalText, description: 'Who lost it; null where the store has one instance only.' },
      event_id: optionalText,
      type: text,
      priority: { enum: PRIORITIES },
      status: { enum: ['failed', 'timeout'] },
      error_type: { enum: LOSS_REASONS },
      error_text: { ...optionalText, description: 'What the application said when it rejected the event.' },
      level: { enum: [...LEVELS, null], description: 'Highest evidence.' },
      required: { enum: LEVELS },
      capability: { enum: CAPABILITIES, description: 'What its client had shown that it can confirm.' },
      session: text,
      user: optionalText,
      claimed_user: optionalText,
      connection: { ...optionalText, description: "The session's last connection." },
      run: optionalText,
      tool: optionalText,
      tool_call: optionalText,
      ordinal: count,
      bytes: count,
      sent_at: time,
      lost_at: time,
      received_ms: optionalMs,
      lost_ms: { type: 'number', description: 'Milliseconds after the send.' },
      trace_id: { type: ['string', 'null'], pattern: '^[0-9a-f]{32}$' },
      attempts: {
        type: 'array',
        items: exactly({
          step: { enum: ATTEMPT_KINDS },
          at: time,
          after_ms: { type: 'number' },
          number: { type: 'integer', minimum: 1 },
          delay_ms: { type: 'number' },
          result: { enum: ATTEMPT_RESULTS },
        }),
        description: 'Everything that was tried after the send.',
      },
      message_bytes: { ...count, description: 'Of the message that was kept (`keep_lost`); 0 = none was.' },
      message: { ...optionalText, description: 'In an export only: redacted, and only with `admin.payloads`.' },
    },
    ['message'],
  ),
  DeadLetterPage: exactly({ dead_letters: listOf('DeadLetter'), next_cursor: optionalText }),
  PurgeRequest: exactly(
    {
      user: { ...some, description: 'The proven user whose letters go.' },
      claimed_user: { ...some, description: 'Or the user that clients claimed without proof.' },
      reason: { ...some, maxLength: 500, description: 'Why, for the audit line in the log.' },
      by: { ...some, maxLength: 100, description: 'Who, as the caller says it.' },
    },
    ['user', 'claimed_user', 'by'],
  ),
  Purge: exactly({ purged: { ...count, description: 'Letters that were removed.' } }),
};
