// admin: GET /openapi.json: the admin API described (OpenAPI 3.1), by hand. A test compares it with the routes.
import { CAPABILITIES, PRIORITIES, STATUSES, UNMATCHED_REASONS } from '../delivery/words.ts';
import { CONNECTION_STATES } from './connections.ts';
import { LEVEL_FILTERS, REASON_FILTERS } from './filter.ts';
import { STREAM_EVENTS } from './follower.ts';
import { DIRECTIONS, KINDS, MESSAGE_PAGE } from './messages.ts';
import { DEAD_LETTER_PATHS } from './openapi-dead-letters.ts';
import { answers, change, parameter, probe, read, words } from './openapi-parts.ts';
import { SCHEMAS } from './openapi-schemas.ts';
import { PAGE_LIMIT } from './page.ts';
import type { AdminDeps } from './ports.ts';
import { json } from './reply.ts';
import type { Route } from './route.ts';
import { RATE_LIMIT } from './stream.ts';
import { TOP_BY, TOP_LIMIT, TOP_SORT } from './top.ts';
import { UNMATCHED_LIMIT } from './unmatched.ts';

const text = { type: 'string', minLength: 1 };
const paging = (most: number): object[] => [
  parameter('cursor', text, '`next_cursor` of the previous page.'),
  parameter('limit', { type: 'integer', minimum: 1, maximum: most, default: 50 }, 'Most entries on the page.'),
];
const claimed = parameter(
  'claimed_user',
  text,
  'Only of clients that claim this user without proof; a claim grants nothing.',
);
const when = 'ISO 8601, ms since the epoch, or a duration back from now (`15m`).';
const filters = [
  parameter('user', text, 'Only this user, proven.'),
  parameter('session', text, 'Only this session.'),
  parameter('connection', text, 'Only what was sent over this connection, while that is remembered.'),
  words('type', text, 'Only these event types.'),
  words('status', { enum: STATUSES }, 'Only these statuses.'),
  words('priority', { enum: PRIORITIES }, 'Only these priorities.'),
  words('level', { enum: LEVEL_FILTERS }, 'Only with this evidence so far.'),
  words('reason', { enum: REASON_FILTERS }, 'Only what ended for these reasons.'),
  parameter('since', text, `Sent then or later: ${when}`),
  parameter('until', text, `Sent before then: ${when}`),
  claimed,
  parameter(
    'q',
    { ...text, maxLength: 200 },
    "Part of any id: the delivery's, the event's, the run's, the tool call's, the user's or the session's.",
  ),
];
const sessionFilters = [
  parameter('user', text, 'Only this user.'),
  words('capability', { enum: CAPABILITIES }, 'Only these capabilities.'),
  parameter('client', { enum: ['here', 'away', 'any'], default: 'any' }, 'Where its client is.'),
  ...paging(PAGE_LIMIT),
];
const id = (description: string): object => ({ name: 'id', in: 'path', required: true, schema: text, description });

/** Without a token. */
function open(operations: object): object {
  return Object.fromEntries(
    Object.entries(operations).map(([method, operation]) => [method, { ...operation, security: [] }]),
  );
}

const health = probe;
const live = health('Whether the process answers', 'Live', false);
const ready = health('Whether traffic is taken, and every reason why not', 'Ready', true);
const scrape = {
  description: 'One scrape.',
  content: { 'text/plain': {}, 'application/openmetrics-text': {}, 'application/vnd.google.protobuf': {} },
};
const changed = answers('Change', 'Done. The delivery as it is now.');
const changeErrors = ['401', '404', '409'];

const page = { description: 'A file.', content: { 'text/html': {}, 'text/javascript': {}, 'text/css': {} } };

/** Every resource, by path. */
export const PATHS: Readonly<Record<string, object>> = {
  '/health': health('Health in one word', 'Health', true),
  '/healthz': live,
  '/healthz/live': live,
  '/healthz/startup': live,
  '/readyz': ready,
  '/healthz/ready': ready,
  '/drain': change(
    'Part from every client while the process goes on: readiness drops, nothing new is taken, clients are told to come again (Close 1012). The answer comes at once; there is no way back',
    { body: 'ChangeRequest', ok: answers('Drain', 'It has begun, or had before.'), errors: ['401', '404'] },
  ),
  '/api/v1/drain': read('How far a drain is', answers('Drain', '`serving` = none was asked for.'), [
    '400',
    '401',
    '404',
  ]),
  '/metrics': read('Metrics for Prometheus, in the format that `Accept` asks for', scrape, ['401']),
  '/api/v1/about': read('Who answers, and what may be done here', answers('About', 'About.'), ['400', '401']),
  '/api/v1/login': open(
    change('Log in to the page: sets a cookie', {
      body: 'Login',
      ok: answers('LoggedIn', 'The cookie is set.'),
      errors: ['401', '404'],
    }),
  ),
  '/api/v1/logout': open(
    change('Log out of the page', { body: 'Logout', ok: answers('LoggedIn', 'The cookie is gone.'), errors: ['404'] }),
  ),
  '/api/v1/stats': read('Counts and rates', answers('Stats', 'Since the start.'), ['400', '401']),
  '/api/v1/summary': read(
    'How things stand against the objective: five minutes, one hour, since the start',
    answers('Summary', 'As of now.'),
    ['400', '401'],
  ),
  '/api/v1/lines': read(
    'Statistics line by line, oldest first',
    answers('Lines', 'Of 1 s for `5m`, of about 10 s for `1h`.'),
    ['400', '401'],
    [parameter('window', { enum: ['5m', '1h'], default: '5m' }, 'How far back.')],
  ),
  '/api/v1/top': read(
    'Who loses most, who waits longest',
    answers('Top', 'By what is in flight and in the history.'),
    ['400', '401'],
    [
      parameter('by', { enum: TOP_BY, default: 'user' }, 'What a row is.'),
      parameter('sort', { enum: TOP_SORT, default: 'lost' }, 'Highest first.'),
      parameter('limit', { type: 'integer', minimum: 1, maximum: TOP_LIMIT, default: 10 }, 'Most rows.'),
      ...filters,
    ],
  ),
  '/api/v1/deliveries': read(
    'Deliveries in flight and recent, newest first',
    answers('DeliveryPage', 'One page. It does not shift while deliveries come and go.'),
    ['400', '401'],
    [...filters, ...paging(PAGE_LIMIT)],
  ),
  '/api/v1/deliveries/{id}': read(
    'One delivery with its timeline',
    answers('DeliveryDetail', 'For an event id: its newest delivery, the others in `same_event`.'),
    ['400', '401', '404'],
    [id('A delivery id (`d-…`) or an event id.')],
  ),
  '/api/v1/instances/deliveries': read(
    'Deliveries of all instances that share a store; `limit` is for each of them',
    answers('InstanceDeliveryPage', 'One page of each instance, newest first.'),
    ['400', '401'],
    [...filters, ...paging(PAGE_LIMIT)],
  ),
  '/api/v1/instances/deliveries/{id}': read(
    'One delivery with its timeline, at whichever instance has it',
    answers('InstanceDeliveryDetail', 'For an event id: the newest delivery of all instances.'),
    ['400', '401', '404'],
    [id('A delivery id (`d-…`) or an event id.')],
  ),
  '/api/v1/instances/sessions': read(
    'Sessions of all instances that share a store; `limit` is for each of them',
    answers('InstanceSessionPage', 'One page of each instance.'),
    ['400', '401', '404'],
    sessionFilters,
  ),
  '/api/v1/deliveries/{id}/resend': change(
    'Send a kept message again: an attempt. 409 `settled`, `not_kept` or `away` where that cannot be',
    { body: 'ChangeRequest', ok: changed, errors: changeErrors, parameters: [id('A delivery id (`d-…`).')] },
  ),
  '/api/v1/deliveries/{id}/confirm': change(
    'Close an open delivery by hand. No evidence: it ends `unverifiable: operator`. 409 `settled`',
    { body: 'ChangeRequest', ok: changed, errors: changeErrors, parameters: [id('A delivery id (`d-…`).')] },
  ),
  '/api/v1/deliveries/{id}/fail': change('Give an open delivery up: it ends `failed: operator`. 409 `settled`', {
    body: 'ChangeRequest',
    ok: changed,
    errors: changeErrors,
    parameters: [id('A delivery id (`d-…`).')],
  }),
  '/api/v1/replay': change('Send the kept messages of a filter again, oldest first', {
    body: 'ReplayRequest',
    ok: answers('Replay', 'What was done, or would be.'),
    errors: ['401', '404'],
  }),
  '/reload': change(
    'Read the configuration again: rules, limits, sampling, objectives and log level hold from now on. 409 names what may not change; nothing is changed then',
    { body: 'ReloadRequest', ok: answers('Reloaded', 'What holds now.'), errors: ['401', '404', '409'] },
  ),
  ...DEAD_LETTER_PATHS,
  '/api/v1/connections': read(
    'Client connections, newest first',
    answers('ConnectionPage', 'One page.'),
    ['400', '401', '404'],
    [
      parameter('user', text, 'Only this user.'),
      parameter('session', text, 'Only this session.'),
      claimed,
      words('capability', { enum: CAPABILITIES }, 'Only these capabilities.'),
      parameter('state', { enum: CONNECTION_STATES, default: 'open' }, 'Open ones, those lately closed, or both.'),
      ...paging(PAGE_LIMIT),
    ],
  ),
  '/api/v1/connections/{id}': read(
    'One connection with its life',
    answers('ConnectionDetail', 'Open, or lately closed.'),
    ['400', '401', '404'],
    [id('A connection id.')],
  ),
  '/api/v1/connections/{id}/messages': read(
    'What was relayed over one connection, newest first',
    answers('MessagePage', 'One page. `forgotten`: messages that had to make room.'),
    ['400', '401', '404'],
    [
      id('A connection id.'),
      words('direction', { enum: DIRECTIONS }, 'Only these directions.'),
      words('kind', { enum: KINDS }, 'Only these kinds.'),
      words('type', text, 'Only these event types.'),
      ...paging(MESSAGE_PAGE),
    ],
  ),
  '/api/v1/sessions': read(
    'Sessions that are not over, newest first, also those whose client is away',
    answers('SessionPage', 'One page.'),
    ['400', '401', '404'],
    sessionFilters,
  ),
  '/api/v1/unmatched': read(
    'Confirmations that changed nothing, newest first: the latest thousand',
    answers('UnmatchedPage', '`forgotten`: those since the start that had to make room.'),
    ['400', '401', '404'],
    [
      words('reason', { enum: UNMATCHED_REASONS }, 'Only for these reasons.'),
      parameter('event_id', text, 'Only about this event.'),
      parameter('session', text, 'Only said by this session.'),
      parameter('user', text, 'Only said by this user.'),
      parameter('limit', { type: 'integer', minimum: 1, maximum: UNMATCHED_LIMIT, default: 50 }, 'Most entries.'),
    ],
  ),
  '/api/v1/stream': read(
    'What happens, live, as server-sent events',
    {
      description:
        'Events: `step` (a step of a delivery), `connection` (opened, capability, closed), `stats` (one line a second) and `dropped` ' +
        '(how many a follower missed: it read too slowly, or was away too long, then null). Reads on after `Last-Event-ID`.',
      content: { 'text/event-stream': {} },
    },
    ['400', '401', '404', '503'],
    [
      words('events', { enum: STREAM_EVENTS }, 'Only these events.'),
      parameter(
        'rate',
        { type: 'integer', minimum: 1, maximum: RATE_LIMIT, default: RATE_LIMIT },
        'Most steps a second.',
      ),
      parameter('last_event_id', text, 'As the header `Last-Event-ID`, for those who cannot set it.'),
      ...filters,
    ],
  ),
  '/': open(read('The live page', page, ['404'])),
  '/page/{file}': open(read('A file of the page', page, ['404'], [{ ...id('Its name.'), name: 'file' }])),
  '/openapi.json': read('This description', { description: 'OpenAPI 3.1.', content: { 'application/json': {} } }, [
    '401',
  ]),
};

/** The description, with the path it is mounted under as its server. */
export function openapiRoute(deps: AdminDeps): Route {
  return {
    path: '/openapi.json',
    open: false,
    answer: ({ mount }) =>
      json(200, {
        openapi: '3.1.0',
        info: { title: 'Ackspan admin API', version: deps.info.version },
        servers: [{ url: mount === '' ? '/' : mount }],
        security: [{ token: [] }, { page: [] }],
        paths: PATHS,
        components: {
          schemas: SCHEMAS,
          securitySchemes: {
            token: { type: 'http', scheme: 'bearer' },
            page: {
              type: 'apiKey',
              in: 'cookie',
              name: 'ackspan_…',
              description: 'Set by /api/v1/login. Changes also need the header `X-Ackspan-Request: 1`.',
            },
          },
          responses: {
            Problem: {
              description: 'A problem as RFC 9457 describes it.',
              content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
            },
          },
        },
      }),
  };
}
