// admin: GET /openapi.json: the admin API described (OpenAPI 3.1). Written by hand; a test holds it against the routes that exist.
import { CAPABILITIES, PRIORITIES, STATUSES } from '../delivery/words.ts';
import { SCHEMAS } from './openapi-schemas.ts';
import { PAGE_LIMIT } from './page.ts';
import type { AdminDeps } from './ports.ts';
import { json } from './reply.ts';
import type { Route } from './route.ts';

function parameter(name: string, schema: object, description: string): object {
  return { name, in: 'query', required: false, schema, description };
}

/** Several words, separated by commas or given by repeating the parameter. */
function words(name: string, items: object, description: string): object {
  return { ...parameter(name, { type: 'array', items }, description), style: 'form', explode: false };
}

const text = { type: 'string', minLength: 1 };
const paging = [
  parameter('cursor', text, '`next_cursor` of the previous page.'),
  parameter('limit', { type: 'integer', minimum: 1, maximum: PAGE_LIMIT, default: 50 }, 'Most entries on the page.'),
];
const claimed = parameter(
  'claimed_user',
  text,
  'Only of clients that claim this user without proof; a claim grants nothing.',
);
const filters = [
  parameter('user', text, 'Only this user, proven.'),
  parameter('session', text, 'Only this session.'),
  words('type', text, 'Only these event types.'),
  words('status', { enum: STATUSES }, 'Only these statuses.'),
  words('priority', { enum: PRIORITIES }, 'Only these priorities.'),
  parameter('since', text, 'Sent then or later: ISO 8601, ms since the epoch, or a duration back from now (`15m`).'),
  claimed,
];
const id = {
  name: 'id',
  in: 'path',
  required: true,
  schema: text,
  description: 'A delivery id (`d-…`) or an event id.',
};

function answers(schema: string, description: string): object {
  return { description, content: { 'application/json': { schema: { $ref: `#/components/schemas/${schema}` } } } };
}

const refused = { $ref: '#/components/responses/Problem' };

/** One read operation; `errors` are the statuses that answer with a problem. */
function read(summary: string, ok: object, errors: readonly string[], parameters: readonly object[] = []): object {
  const responses = { 200: ok, ...Object.fromEntries(errors.map((status) => [status, refused])) };
  return { get: { summary, parameters, responses } };
}

/** A health operation: no token, 503 in the same shape. */
function probe(summary: string, schema: string, canFail: boolean): object {
  const responses = { 200: answers(schema, 'Yes.'), ...(canFail ? { 503: answers(schema, 'No.') } : {}) };
  return { get: { summary, security: [], responses } };
}

const live = probe('Whether the process answers', 'Live', false);
const ready = probe('Whether traffic is taken, and every reason why not', 'Ready', true);
const scrape = { description: 'One scrape.', content: { 'text/plain': {}, 'application/openmetrics-text': {} } };

const PATHS: Readonly<Record<string, object>> = {
  '/health': probe('Health in one word', 'Health', true),
  '/healthz': live,
  '/healthz/live': live,
  '/healthz/startup': live,
  '/readyz': ready,
  '/healthz/ready': ready,
  '/metrics': read('Metrics for Prometheus, in the format that `Accept` asks for', scrape, ['401']),
  '/api/v1/stats': read('Counts and rates', answers('Stats', 'Since the start.'), ['400', '401']),
  '/api/v1/deliveries': read(
    'Deliveries in flight and recent, newest first',
    answers('DeliveryPage', 'One page. It does not shift while deliveries come and go.'),
    ['400', '401'],
    [...filters, ...paging],
  ),
  '/api/v1/deliveries/{id}': read(
    'One delivery with its timeline',
    answers('DeliveryDetail', 'For an event id: its newest delivery, the others in `same_event`.'),
    ['400', '401', '404'],
    [id],
  ),
  '/api/v1/connections': read(
    'Open client connections, newest first',
    answers('ConnectionPage', 'One page.'),
    ['400', '401', '404'],
    [
      ...filters.slice(0, 2),
      claimed,
      words('capability', { enum: CAPABILITIES }, 'Only these capabilities.'),
      ...paging,
    ],
  ),
  '/api/v1/stream': read(
    'Every step of the wanted deliveries, live',
    { description: 'Events `step` and, for what was missed, `dropped`.', content: { 'text/event-stream': {} } },
    ['400', '401', '404', '503'],
    filters,
  ),
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
        security: [{ token: [] }],
        paths: PATHS,
        components: {
          schemas: SCHEMAS,
          securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
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
