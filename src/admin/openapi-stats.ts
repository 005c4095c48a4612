// admin: the shapes of statistics as JSON Schema (OpenAPI 3.1). A test checks real answers against them.
import { CAPABILITIES, ERROR_TYPES, LEVELS, PRIORITIES, UNVERIFIABLE_REASONS } from '../delivery/words.ts';
import { count, counts, exactly, listOf, optionalNumber, optionalText, ref, text, time } from './openapi-parts.ts';
import { TOP_BY, TOP_SORT } from './top.ts';

const sums = { tracked: count, confirmed: count, failed: count, timeout: count, unverifiable: count, shed: count };
const times = { p50_ms: optionalNumber, p95_ms: optionalNumber, p99_ms: optionalNumber };
const rate = {
  ...optionalNumber,
  description: 'confirmed / (confirmed + failed + timeout); null while that is 0 / 0.',
};
const budget = {
  ...optionalNumber,
  description: "Share of the objective's budget of losses that is left; below 0 = overdrawn.",
};
const seconds = { type: 'number', minimum: 0 };
const share = { type: 'number', minimum: 0, maximum: 1 };

export const STATS_SCHEMAS: Readonly<Record<string, object>> = {
  About: exactly({
    service: text,
    version: text,
    started_at: time,
    now: time,
    read_only: { type: 'boolean' },
    token_required: { type: 'boolean' },
    via: { enum: ['open', 'bearer', 'session'] },
    payloads: { type: 'boolean' },
    trace_url: optionalText,
    objective: exactly(Object.fromEntries(['all', ...PRIORITIES].map((each) => [each, share]))),
  }),
  Line: exactly({ at: time, seconds, ...sums, pending: count, connections: count, ...times }),
  Lines: exactly({ seconds, lines: listOf('Line') }),
  Window: exactly({
    seconds,
    ...sums,
    rate,
    budget_left: budget,
    ...times,
    losses: counts(
      ERROR_TYPES.filter((type) => type !== ''),
      'Losses by reason.',
    ),
    unverifiable_reasons: counts(UNVERIFIABLE_REASONS, 'Deliveries of which nobody can say, by reason.'),
    levels: counts(LEVELS, 'Confirmed, by the evidence.'),
    by_priority: exactly(
      Object.fromEntries(PRIORITIES.map((priority) => [priority, exactly({ ...sums, rate, budget_left: budget })])),
    ),
  }),
  Summary: exactly({
    at: time,
    pending: count,
    windows: exactly({ '5m': ref('Window'), '1h': ref('Window'), start: ref('Window') }),
    connections: exactly({ open: count, by_capability: counts(CAPABILITIES, 'Open connections.') }),
  }),
  TopRow: exactly({
    key: { ...optionalText, description: 'null: deliveries without one.' },
    tracked: count,
    pending: count,
    confirmed: count,
    failed: count,
    timeout: count,
    unverifiable: count,
    lost: { ...count, description: 'failed + timeout' },
    rate,
    p50_ms: optionalNumber,
    p95_ms: optionalNumber,
    max_ms: optionalNumber,
  }),
  Top: exactly({
    by: { enum: TOP_BY },
    sort: { enum: TOP_SORT },
    looked_at: { ...count, description: 'Deliveries that match, in flight or in the history.' },
    left_out: { ...count, description: 'Deliveries whose key is beyond the bound.' },
    rows: listOf('TopRow'),
  }),
};
