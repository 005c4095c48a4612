// config: the one table of keys. Validation, variables, `ackspan run --help` and docs/configuration.md follow from it.
import {
  address,
  addressOrOff,
  duration,
  flag,
  hostHeader,
  list,
  mountPath,
  network,
  oneOf,
  pemFile,
  pointer,
  ratio,
  secretText,
  size,
  text,
  upstream,
  whole,
} from './kinds.ts';
import type { Row } from './row.ts';
import { maybe, row } from './row.ts';
import { confirmations, rules } from './rules.ts';
import { agentRows, identityRows } from './schema-agents.ts';
import { hookRows } from './schema-hooks.ts';
import { limitRows } from './schema-limits.ts';
import { pageRows } from './schema-page.ts';
import { storeRows } from './schema-store.ts';

const pointers = list(pointer, 'a list of JSON pointers such as [/event_id, /data/event_id]', 100);
const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
const KiB = 1024;
const MiB = 1024 * KiB;

/**
 * Every key, in the order of the documentation. A new key is a row here; the rest of the code finds
 * it in `Config`.
 */
export const TABLE = [
  row('upstream', upstream, 'The backend to put Ackspan in front of.', { flag: 'upstream' }),
  row('listen', address, 'The address where clients connect. Port 0: the system chooses.', {
    written: '0.0.0.0:8080',
    flag: 'listen',
  }),
  row(
    'upstream_host',
    hostHeader,
    "The Host header that the upstream gets: the client's own (`preserve`), that of the `upstream` address (`upstream`), or the given host. `X-Forwarded-Host` keeps the client's host.",
    { written: 'preserve' },
  ),
  row('upstream_tls.insecure', flag, 'Accept any certificate of an https upstream.', {
    written: false,
  }),
  maybe(
    'upstream_tls.ca',
    pemFile,
    "Authorities to trust for an https upstream, instead of Node's. Read again when the file changes.",
  ),

  row(
    'trusted_proxies',
    list(network, 'a list of IP addresses and CIDR ranges such as [10.0.0.0/8, "::1"]', 100),
    'Proxies in front of Ackspan whose `X-Forwarded-For`, `-Proto`, `-Host` and `Forwarded` go on to the backend. Ackspan replaces these headers of any other peer by what it sees itself, or drops them. Behind such a proxy the admin server counts requests and wrong tokens by the last address of `X-Forwarded-For` that is no such proxy; without it all callers behind the proxy count as one.',
    { preset: () => [] },
  ),

  row(
    'admin.listen',
    addressOrOff,
    'The address of the admin server: health, metrics and the admin API. Anywhere but on loopback it needs `admin.token`.',
    {
      written: '127.0.0.1:9464',
      flag: 'admin',
    },
  ),
  maybe('admin.token', secretText, 'The bearer token that the admin API asks for. Health endpoints need none.', {
    secret: true,
  }),
  maybe(
    'check.path',
    mountPath,
    'Opens the far end of `ackspan check --through` (docs/deploy.md) below this path of `listen`: the sidecar answers WebSockets there itself, for callers that know `admin.token`.',
  ),
  maybe(
    'admin.mount',
    mountPath,
    'Serves the admin API under this path of `listen` too, for platforms with one port. Needs `admin.token`.',
  ),
  ...pageRows,
  row(
    'readiness.upstream',
    flag,
    'Whether `/readyz` (and `/health`) say 503 while the upstream takes no TCP connections. It is dialled every 5 s in which it answered no handshake.',
    { written: false },
  ),

  row(
    'events.type',
    pointers,
    'Where the type of an event is. The first pointer that finds a value wins, here and below.',
    {
      preset: (defaults) => defaults.events.type,
    },
  ),
  row('events.id', pointers, 'Where the id of an event is. An event without an id is tracked by its position.', {
    preset: (defaults) => defaults.events.id,
  }),
  row('events.run', pointers, 'Where the id of the run or conversation is.', {
    preset: (defaults) => defaults.events.run,
  }),
  row('events.user', pointers, 'Where the id of the user is.', {
    preset: (defaults) => defaults.events.user,
  }),
  row('events.tool', pointers, 'Where the name of the tool is.', {
    preset: (defaults) => defaults.events.tool,
  }),
  row('events.tool_call', pointers, 'Where the id of the tool call is.', {
    preset: (defaults) => defaults.events.toolCall,
  }),
  row(
    'events.traceparent',
    pointers,
    "Where the W3C `traceparent` of an event is. The delivery's span becomes a child of the span that it names.",
    {
      preset: (defaults) => defaults.events.traceparent,
    },
  ),
  row(
    'events.rules',
    rules,
    'Which events are tracked and how. The first rule that matches wins. An event that matches none is not tracked.',
    {
      preset: (defaults) => defaults.events.rules,
    },
  ),
  row(
    'events.unread',
    oneOf(['track', 'count']),
    'Messages that hold no event (plain text, JSON without a type, an array, binary that is no JSON). `track`: their receipt is proven like that of an event, with LOW priority, under the type `binary`, `text`, `json` or `array`. A rule may name these types. `count`: such messages are counted only.',
    { written: 'track' },
  ),
  row('events.max_types', whole(1, 1000), 'Event types beyond this number share the metric label `other`.', {
    written: 200,
  }),
  row('events.scan_bytes', size(256, 16 * MiB), 'How far into a message Ackspan looks for its fields.', {
    written: '64KiB',
  }),
  row(
    'confirmations',
    confirmations,
    'Messages of the client that confirm an event. Ackspan consumes them and never forwards them, unless something else is in the same message.',
    {
      preset: (defaults) => defaults.confirmations,
    },
  ),

  ...identityRows,
  ...agentRows,

  row(
    'tracing.keep_confirmed',
    ratio,
    'The share of confirmed deliveries whose span is kept. Spans of all other deliveries are always kept, and metrics count everything.',
    {
      written: 1,
      flag: 'keep-confirmed',
    },
  ),
  row('tracing.slow', duration(0, 3_600_000), 'A confirmed delivery slower than this keeps its span.', {
    written: '1s',
  }),
  row(
    'tracing.events',
    oneOf(['span', 'log', 'both']),
    'Whether the steps of a delivery are span events, log events or both.',
    {
      written: 'span',
    },
  ),
  row(
    'tracing.propagate',
    oneOf(['existing', 'always', 'never']),
    "The trace of an upgrade request. `existing`: its `traceparent` goes on as it came, and Ackspan's spans join that trace; a request without one gets none. `always`: a request without a `traceparent` gets one, which names the span of the connection. `never`: as `existing`, but Ackspan's spans do not join the trace.",
    { written: 'existing' },
  ),
  row(
    'tracing.pending_after',
    duration(0, 3_600_000),
    'How long a delivery or a connection is open before a short span shows it, as a child of its own span, which is exported only at its end. At most one delivery in a hundred has such a span. 0s: never.',
    { written: '5s' },
  ),
  row(
    'tracing.peer_address',
    flag,
    "Whether the span of a connection has the client's address (`network.peer.address`).",
    { written: false },
  ),
  maybe(
    'tracing.user_hash_key',
    secretText,
    'The key of the HMAC-SHA-256 in the span attribute `user.hash`. Without a key there is no such attribute.',
    {
      secret: true,
    },
  ),

  ...storeRows,

  ...limitRows,

  row(
    'sessions.ttl',
    duration(1000, 3_600_000),
    'How long the session of an opted-in client outlives its connection. Meanwhile Ackspan goes on keeping events for it.',
    { written: '60s' },
  ),
  row(
    'sessions.reload',
    duration(0, 3_600_000),
    'How long the session outlives a connection that the page closed with code 1001. Such a page reloads and is back in a moment, or its tab was closed. 0s ends the session at once.',
    { written: '5s' },
  ),
  row('sessions.retained_bytes', size(0, 1024 * MiB), 'Bytes of messages kept for replays, for one session.', {
    written: '1MiB',
  }),
  row(
    'sessions.keys',
    list(secretText, 'a list of keys of at least 16 characters', 10),
    'Keys that sign resume tokens. The first key signs and all keys are accepted, so a new key goes in front. Without keys a random one is used, and only the process that opened a session can resume it.',
    { preset: () => [], secret: true },
  ),

  ...hookRows,

  row('shutdown.grace', duration(0, 3_600_000), 'How long a stop waits for confirmations that are under way.', {
    written: '8s',
  }),
  row(
    'shutdown.delay',
    duration(0, 600_000),
    'How long new connections are still taken after `/readyz` has begun to say 503. A load balancer learns of the stop in that time. The delay is a part of the grace, at most half of it.',
    { written: '0s' },
  ),
  row('log_level', oneOf(LOG_LEVELS), 'The least serious log lines to write.', {
    written: 'info',
    flag: 'log-level',
  }),
  row('service_name', text('a name'), 'The `service.name` of all telemetry, and of `/health`.', {
    written: 'ackspan',
    alsoEnv: 'OTEL_SERVICE_NAME',
  }),
] as const;

type Nest<To extends string, T> = To extends `${infer Head}.${infer Rest}`
  ? { readonly [K in Head]: Nest<Rest, T> }
  : { readonly [K in To]: T };
type Meet<U> = (U extends unknown ? (each: U) => void : never) extends (all: infer I) => void ? I : never;
type Nested<R> = R extends Row<infer To, infer T> ? Nest<To, T> : never;

/** The resolved table: a field for each row, in the groups of the keys. */
export type Resolved = Meet<Nested<(typeof TABLE)[number]>>;
