// config: the part of the table of keys that decides what the page and the admin API show, allow and measure against.
import { flag, list, ratio, size, text, traceLink, whole } from './kinds.ts';
import { maybe, row } from './row.ts';

const MiB = 1024 * 1024;

/** Members whose values are worth somebody's account. */
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
    "Messages remembered for the page's list of a connection, over all connections: direction, type, size, time; about 45 bytes each. 0 = none.",
    { written: 100_000 },
  ),
  row(
    'admin.payloads',
    flag,
    'Whether the payloads of these messages are kept, and shown to whoever has the token. Off, no payload reaches the page.',
    { written: false },
  ),
  row(
    'admin.payload_bytes',
    size(0, 1024 * MiB),
    'What is kept of payloads for the page, in all; the oldest go first.',
    { written: '16MiB' },
  ),
  row(
    'admin.redact',
    list(text('a part of a name, such as token'), 'a list of parts of names such as [token, password]', 100),
    'Members of JSON payloads whose values are not shown: those with one of these in their name; case, `_` and `-` do not count.',
    { preset: () => SECRET_NAMES },
  ),
  maybe(
    'admin.trace_url',
    traceLink,
    "Where the page's link to a trace leads: an address with `{trace_id}` in it (docs/page.md has those of Tempo, Jaeger, Cloud Trace and Datadog).",
  ),
  row('objective.all', ratio, 'Share of deliveries that is to be confirmed: what the page measures against.', {
    written: 0.95,
  }),
  row('objective.critical', ratio, 'The same for CRITICAL events.', { written: 0.99 }),
  row('objective.high', ratio, 'The same for HIGH events.', { written: 0.97 }),
  row('objective.normal', ratio, 'The same for NORMAL events.', { written: 0.95 }),
  row('objective.low', ratio, 'The same for LOW events.', { written: 0.9 }),
] as const;
