// config: keys that decide what the page and the admin API show, allow and measure against.
import { flag, list, ratio, size, text, traceLink, whole } from './kinds.ts';
import { maybe, row } from './row.ts';

const MiB = 1024 * 1024;

/** Parts of the names of members whose values give access to an account. */
const SECRET_NAMES = [
  ...['password', 'passwd', 'secret', 'token', 'apikey', 'authorization', 'cookie', 'credential', 'privatekey', 'jwt'],
  ...['ssn', 'cardnumber'],
];

export const pageRows = [
  row('admin.read_only', flag, 'Whether the admin API refuses every change (403).', {
    written: false,
  }),
  row(
    'admin.messages',
    whole(0, 10_000_000),
    "Messages remembered for the page's list of a connection, over all connections. Each has direction, type, size and time, in about 45 bytes. 0 = none.",
    { written: 100_000 },
  ),
  row(
    'admin.payloads',
    flag,
    'Whether the payloads of these messages are kept, and shown to callers that have the token. If not, no payload reaches the page.',
    { written: false },
  ),
  row('admin.payload_bytes', size(0, 1024 * MiB), 'Bytes of payloads kept for the page, in all. The oldest go first.', {
    written: '16MiB',
  }),
  row(
    'admin.redact',
    list(text('a part of a name, such as token'), 'a list of parts of names such as [token, password]', 100),
    'Parts of names. Members of JSON payloads with one of these in their name are shown without their value. Case, `_` and `-` do not count.',
    { preset: () => SECRET_NAMES },
  ),
  maybe(
    'admin.trace_url',
    traceLink,
    "The address of the page's link to a trace, with `{trace_id}` in it, or `{trace_id_low}`, its low 64 bits in decimal (docs/page.md has the addresses of Tempo, Jaeger, Cloud Trace and Datadog).",
  ),
  row(
    'objective.all',
    ratio,
    'The share of all deliveries that is to be confirmed. The page compares the confirmation rate with it.',
    {
      written: 0.95,
    },
  ),
  row('objective.critical', ratio, 'The share of CRITICAL deliveries that is to be confirmed.', { written: 0.99 }),
  row('objective.high', ratio, 'The share of HIGH deliveries that is to be confirmed.', { written: 0.97 }),
  row('objective.normal', ratio, 'The share of NORMAL deliveries that is to be confirmed.', { written: 0.95 }),
  row('objective.low', ratio, 'The share of LOW deliveries that is to be confirmed.', { written: 0.9 }),
] as const;
