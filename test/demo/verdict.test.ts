// The words at the end: they follow from the numbers, name who lost what and why, and never hide a disagreement.
import { describe, expect, it } from 'vitest';
import { percent, time, wrap } from '../../src/admin-client/wording.ts';
import { groupLosses, type Loss } from '../../src/demo/losses.ts';
import { type Findings, verdict } from '../../src/demo/verdict.ts';
import { statsOf } from './figures.ts';

const NO_UNMATCHED = { late: 0, duplicate: 0, unknown: 0, foreign: 0 };

function words(findings: Partial<Findings>): string[] {
  const stats = statsOf({});
  return verdict({ stats, losses: [], unmatched: NO_UNMATCHED, checks: [], target: 0.95, ...findings });
}

function loss(path: string, status: string, errorType: string, count: number, retries = 0): Loss {
  return { path, status, errorType, count, retries };
}

describe('verdict', () => {
  it('says when all went well', () => {
    const row = { tracked: 1200, confirmed: 1200, confirmation_rate: 1, p50_ms: 0.61, p99_ms: 612 };
    expect(words({ stats: statsOf(row) })).toEqual([
      'Verdict: the target is met. Of 1,200 deliveries that can be judged, 1,200 were confirmed by the client: 100.0%, target 95.0%.',
      'Half of them took 0.6ms or less, 99 in 100 took 612ms or less.',
      'Nothing was lost.',
      'No delivery needed a second attempt.',
    ]);
  });

  it('says who lost what and why, with what cannot be judged outside the rate', () => {
    const attempts = { send: 130, probe: 31, resend: 0, replay: 0, reemit: 0 };
    const row = { tracked: 130, confirmed: 100, failed: 5, timeout: 15, unverifiable: 10, attempts };
    const lines = words({
      stats: statsOf({ ...row, confirmation_rate: 100 / 120 }),
      losses: [
        loss('/ws/frozen', 'timeout', 'timeout', 15, 30),
        loss('/ws/mute', 'unverifiable', '', 10),
        loss('/ws/dying', 'failed', 'disconnected', 4, 1),
        loss('/ws/fussy', 'failed', 'rejected', 1),
      ],
    });
    expect(lines[0]).toBe(
      'Verdict: the target is MISSED. Of 120 deliveries that can be judged, 100 were confirmed by the client: 83.3%, target 95.0%; below it: critical.',
    );
    expect(lines.slice(2)).toEqual([
      'Lost: 20.',
      '  /ws/frozen: 15 timed out: no evidence before the deadline, on a connection that had answered before (30 probes went unanswered)',
      '  /ws/dying: 4 failed, disconnected: the connection ended before the client had confirmed them (1 probe went unanswered)',
      '  /ws/fussy: 1 failed, rejected: the application said that it could not handle them',
      'Neither proven nor lost: 10, outside the rate.',
      '  /ws/mute: 10 unverifiable: this connection never answered a ping',
      'Attempts after the send: 31 probes.',
    ]);
  });

  it('counts what the history no longer lists', () => {
    const lines = words({
      stats: statsOf({ tracked: 9, failed: 9, confirmation_rate: 0 }),
      losses: [loss('/a', 'failed', 'shutdown', 2)],
    });
    expect(lines).toContain('  and 7 that the bounded history no longer lists');
  });

  it('names a priority below the target although the total is above it', () => {
    const stats = statsOf(
      { tracked: 100, confirmed: 99, timeout: 1, confirmation_rate: 0.99 },
      { critical: { confirmation_rate: 1 }, low: { confirmation_rate: 0.5 } },
    );
    expect(words({ stats })[0]).toMatch(/^Verdict: the target is met\. .* target 95\.0%; below it: low\.$/);
  });

  it('judges nothing where nothing can be judged', () => {
    expect(words({ stats: statsOf({ tracked: 7, unverifiable: 7 }) })[0]).toBe(
      'Verdict: 7 events tracked, none of which can be judged.',
    );
  });

  it('tells what stayed open, what was shed and what changed nothing', () => {
    const stats = statsOf({ tracked: 5, confirmed: 3, pending: 2, shed: 4, confirmation_rate: 1 });
    const lines = words({ stats, unmatched: { ...NO_UNMATCHED, foreign: 12, late: 1 } });
    expect(lines).toContain('Still pending: 2.');
    expect(lines).toContain('Passed untracked because a limit was reached: 4.');
    expect(lines.at(-1)).toBe(
      "Confirmations that changed nothing: 1 late (came after the outcome), 12 foreign (named another session's event).",
    );
  });

  it('says a disagreement aloud', () => {
    const checks = [
      { name: 'tracked = pending + settled', ok: true, detail: 'fine' },
      { name: 'statistics = /metrics', ok: false, detail: 'all failed: 3 in the statistics, 2 in /metrics' },
    ];
    expect(words({ checks }).slice(-2)).toEqual([
      'Checked: tracked = pending + settled (fine).',
      'DISAGREEMENT: statistics = /metrics (all failed: 3 in the statistics, 2 in /metrics).',
    ]);
  });
});

it('losses are grouped by connection and ending, most first', () => {
  const line = (session: string, status: string, error_type: string | null, attempts: number) => ({
    ...{ session, status, error_type, attempts },
  });
  const lines = [
    line('s1', 'failed', 'rejected', 1),
    line('s2', 'timeout', 'timeout', 3),
    line('s2', 'timeout', 'timeout', 2),
    line('s2', 'unverifiable', null, 1),
  ];
  expect(groupLosses(lines, (session) => `/ws/${session}`)).toEqual([
    loss('/ws/s2', 'timeout', 'timeout', 2, 3),
    loss('/ws/s1', 'failed', 'rejected', 1),
    loss('/ws/s2', 'unverifiable', '', 1),
  ]);
});

describe('wording', () => {
  it.each([
    [null, '–'],
    [1, '100.0%'],
    [0.99999, '99.9%'],
    [0.95, '95.0%'],
    [0.029, '2.9%'],
    [0, '0.0%'],
  ])('the share %f is %s: only all is 100 %%', (share, text) => expect(percent(share)).toBe(text));

  it.each([
    [null, '–'],
    [0.61, '0.6ms'],
    [9.97, '10ms'],
    [612.4, '612ms'],
    [999.7, '1.0s'],
    [2_940, '2.9s'],
  ])('%f ms is %s', (ms, text) => expect(time(ms)).toBe(text));

  it('breaks lines between words, and leaves alone what has none', () => {
    expect(wrap('one two three four', 9)).toEqual(['one two', '    three', '    four']);
    expect(wrap('one two', undefined)).toEqual(['one two']);
    expect(wrap('indivisible', 4)).toEqual(['indivisible']);
  });
});
