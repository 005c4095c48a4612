// A default stands in one place, the table of keys. Parts that must do without the table (tests, the library) have the same numbers.
import { describe, expect, it } from 'vitest';
import { DEFAULTS } from '../../src/cli/defaults.ts';
import { loadConfig } from '../../src/config/load.ts';
import { CONFIRMATION_FIELDS, RULE_FIELDS } from '../../src/config/rules.ts';
import { DEFAULT_DECODE_OPTIONS, DEFAULT_RULES } from '../../src/decode/defaults.ts';
import { SCHEDULES } from '../../src/delivery/policy.ts';
import { settle } from '../../src/embed/options.ts';
import { DEFAULT_HOOK_LIMITS } from '../../src/hooks/limits.ts';
import { DEFAULT_RELAY_LIMITS } from '../../src/relay/tap.ts';

const { limits, events, hooks, confirmations } = loadConfig({
  env: { ACKSPAN_UPSTREAM: 'http://127.0.0.1:1' },
  defaults: DEFAULTS,
}).config!;

describe('the table of keys, where nothing is configured, says what', () => {
  it('the relay does by itself', () => {
    const { messageBytes, inFlightBytes, confirmationBytes, patienceMs } = limits;
    expect(DEFAULT_RELAY_LIMITS).toMatchObject({ messageBytes, inFlightBytes, confirmationBytes, patienceMs });
    expect(DEFAULT_RELAY_LIMITS.scanBytes).toBe(events.scanBytes);
  });

  it('the decoder does by itself', () => {
    const { maxTypes, scanBytes, unread } = events;
    expect(DEFAULT_DECODE_OPTIONS).toMatchObject({ maxTypes, scanBytes, unread });
    const { id, status, error } = CONFIRMATION_FIELDS;
    expect(confirmations).toMatchObject([{ id: id.preset, status: status.preset, error: error.preset }]);
  });

  it('the hooks do by themselves', () => {
    const { queue, concurrency, timeoutMs, tries } = hooks;
    expect(DEFAULT_HOOK_LIMITS).toMatchObject({ queue, concurrency, timeoutMs, tries });
  });

  it('the library does by itself', () => {
    const { pending, pendingPerUser, history } = limits;
    expect(settle({})).toMatchObject({ pending, pendingPerUser, history });
  });
});

it('a rule that says only what it matches is tried as the rules without a word on it are', () => {
  for (const { priority, timeoutMs, attemptsMs } of DEFAULT_RULES) {
    expect({ timeoutMs, attemptsMs }).toEqual(SCHEDULES[priority]);
  }
  expect([RULE_FIELDS.confirm.preset, RULE_FIELDS.resend.preset]).toEqual([
    ...new Set(DEFAULT_RULES.flatMap(({ confirm, resend = false }) => [confirm, resend])),
  ]);
});
