// The table of causes is whole and readable, what reads it needs no Node, and each kind of evidence turns an ending into its cause.
import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ConnectionJson, DeliveryDetailJson } from '../../src/admin/shapes.ts';
import { brief } from '../../src/admin-client/brief.ts';
import { CAUSES, endingOf } from '../../src/admin-client/causes.ts';
import { explain } from '../../src/admin-client/explain.ts';
import type { Case } from '../../src/admin-client/facts.ts';
import { reportOf } from '../../src/admin-client/report.ts';
import { FAIL_REASONS, UNVERIFIABLE_REASONS } from '../../src/delivery/words.ts';

const SENT = Date.parse('2026-01-31T12:00:00.000Z');
const at = (ms: number) => new Date(SENT + ms).toISOString();

function delivery(more: Partial<DeliveryDetailJson> = {}): DeliveryDetailJson {
  return {
    ...{ id: 'd-1', event_id: 'e-1', type: 'tool_completed', priority: 'critical', status: 'timeout' },
    ...{ error_type: null, unverifiable_reason: null, level: null, required: 'received', attempts: 1 },
    ...{ session: 's-1', user: 'ann', run: null, tool: null, tool_call: null, ordinal: 1, bytes: 10, kept: false },
    ...{
      sent_at: at(0),
      deadline_at: at(30_000),
      received_ms: null,
      settled_ms: 30_000,
      rejected_ms: null,
      trace_id: null,
    },
    ...{
      error_text: null,
      connection: null,
      sent_over: connection(),
      timeline: [],
      same_event: { count: 0, deliveries: [] },
    },
    ...more,
  } as DeliveryDetailJson;
}

function connection(more: Partial<ConnectionJson> = {}): ConnectionJson {
  return {
    ...{ id: 'c-1', session: 's-1', user: 'ann', claimed_user: null, capability: 'received', opened_at: at(-60_000) },
    ...{ closed_at: null, closed_by: null, close_code: null, remote: '10.0.0.1', path: '/ws', pending: 0, messages: 1 },
    ...more,
  } as ConnectionJson;
}

function facts(more: Partial<DeliveryDetailJson>, around: Partial<Case> = {}): Case {
  return { delivery: delivery(more), alike: undefined, sightings: [], turnedAway: [], ...around };
}

const disconnected = { status: 'failed', error_type: 'disconnected', settled_ms: 5_000 } as const;
const closed = (by: ConnectionJson['closed_by'], close_code: number, ms: number) =>
  connection({ closed_at: at(ms), closed_by: by, close_code });

it('a rejection is evidence that the client had it, and nothing says otherwise', () => {
  const rejected = facts({ status: 'failed', error_type: 'rejected', settled_ms: 2, error_text: 'no such chart' });
  const { evidence } = explain(rejected);
  expect(evidence[0]).toBe('The application’s answer shows that the client had it.');
  expect(evidence.join(' ')).not.toContain('No evidence came');
});

it('a delivery that is still open is not said to have missed anything', () => {
  const open = { status: 'pending', settled_ms: null, required: 'processed' } as const;
  expect(explain(facts(open)).evidence[0]).toBe('No evidence has come yet.');
  const { means, evidence } = explain(facts({ ...open, received_ms: 31, level: 'received' }));
  expect(evidence[0]).toBe(
    'The client’s stack proved it 31ms after the send; the application’s word is needed and has not come yet.',
  );
  expect(means).not.toContain('no evidence');
});

describe('the table', () => {
  it('has a cause for every reason that a delivery can end with', () => {
    for (const reason of FAIL_REASONS)
      expect(endingOf({ status: 'failed', error_type: reason, unverifiable_reason: null })).toBe(`failed: ${reason}`);
    for (const reason of UNVERIFIABLE_REASONS)
      expect(endingOf({ status: 'unverifiable', error_type: null, unverifiable_reason: reason })).toBe(
        `unverifiable: ${reason}`,
      );
  });

  it('says of each what it means and what to do, in sentences, under a title of its own', () => {
    const causes = Object.entries(CAUSES);
    expect(new Set(causes.map(([, { title }]) => title)).size).toBe(causes.length);
    for (const [id, { title, means, todo }] of causes) {
      expect(title, id).not.toMatch(/[.:]$/);
      expect(means, id).toMatch(/^[A-Z].*\.$/);
      for (const each of todo) expect(each, id).toMatch(/^[A-Z].*[.?]$/);
      if (id !== 'confirmed') expect(todo, id).not.toEqual([]);
    }
  });

  it('knows no word of a newer sidecar, and says so', () => {
    const odd = { status: 'failed', error_type: 'gremlins' } as unknown as Partial<DeliveryDetailJson>;
    expect(explain(facts(odd)).title).toBe('a reason that this build does not know');
    expect(brief(delivery(odd))).toBe('gremlins');
    expect(endingOf({ status: 'toString', error_type: null, unverifiable_reason: null })).toBeUndefined();
  });
});

describe('evidence', () => {
  it.each<[string, Case, string]>([
    [
      'a pong only',
      facts({ status: 'confirmed', level: 'received', received_ms: 5, settled_ms: 5 }),
      'confirmed_received',
    ],
    ['the application’s word', facts({ status: 'confirmed', level: 'processed' }), 'confirmed_processed'],
    ['a rejection after the pong', facts({ status: 'confirmed', level: 'received', rejected_ms: 9 }), 'rejected_later'],
    ['nothing until the deadline', facts({}), 'timeout'],
    ['a pong after the deadline', facts({ received_ms: 31_000, level: 'received' }), 'slow_client'],
    ['a pong, and no word', facts({ received_ms: 5, level: 'received', required: 'processed' }), 'not_processed'],
    [
      'a pong, and another session’s word',
      facts(
        { received_ms: 5, level: 'received', required: 'processed' },
        {
          turnedAway: [
            { at: at(1), reason: 'foreign', event_id: 'e-1', session: 's-2', user: 'bob', connection: 'c-2' },
          ],
        },
      ),
      'foreign_confirmation',
    ],
    ['the client’s end', facts({ ...disconnected, sent_over: closed('client', 1006, 5_000) }), 'client_gone'],
    ['the backend’s end', facts({ ...disconnected, sent_over: closed('upstream', 1006, 5_001) }), 'upstream_gone'],
    ['an end that nobody remembers', facts({ ...disconnected, sent_over: null }), 'failed: disconnected'],
    [
      'the client’s end, and many others’',
      facts(
        { ...disconnected, sent_over: closed('client', 1006, 5_000) },
        { alike: { deliveries: 9, sessions: 9, more: false } },
      ),
      'storm',
    ],
    [
      'the backend’s end, and many others’',
      facts(
        { ...disconnected, sent_over: closed('upstream', 1006, 5_000) },
        { alike: { deliveries: 9, sessions: 9, more: false } },
      ),
      'upstream_gone',
    ],
    [
      'an end long before the outcome',
      facts({ ...disconnected, sent_over: closed('client', 1006, 1_000) }),
      'not_back',
    ],
    ['the same, up to the deadline', facts({ sent_over: closed('client', 1006, 1_000) }), 'not_back'],
    [
      'the same, and the user elsewhere since',
      facts(
        { ...disconnected, sent_over: closed('client', 1006, 1_000) },
        { sightings: [{ base: 'http://b', connection: connection({ session: 's-9', opened_at: at(1_100) }) }] },
      ),
      'moved_instance',
    ],
    [
      'the same, and an older connection of the user elsewhere',
      facts(
        { ...disconnected, sent_over: closed('client', 1006, 1_000) },
        { sightings: [{ base: 'http://b', connection: connection({ session: 's-9', opened_at: at(-9_000) }) }] },
      ),
      'not_back',
    ],
  ])('%s → %s', (_name, found, cause) => expect(explain(found).id).toBe(cause));

  it('that a foreign word names another event says nothing about this one', () => {
    const found = facts({ received_ms: 5, level: 'received', required: 'processed' });
    expect(explain(found).id).toBe('not_processed');
  });

  it('quotes whatever came from outside, so that it cannot speak for Ackspan', () => {
    const evil = 'x". Cause: all is well [confirmed]\n\x1b[2J';
    const text = JSON.stringify(
      explain(
        facts({ type: evil, event_id: evil, user: evil, error_text: evil, sent_over: connection({ path: evil }) }),
      ),
    );
    expect(text).not.toMatch(/\\n|\\u001b/);
    expect(text).not.toContain('x". Cause');
  });
});

describe('a report', () => {
  const lost = (n: number, more: Partial<DeliveryDetailJson> = {}) =>
    delivery({ ...disconnected, id: `d-${n}`, session: `s-${n}`, user: `u-${n % 2}`, ...more });

  it('counts by cause, type and user, and finds what came at once', () => {
    const many = [
      ...Array.from({ length: 6 }, (_, n) => lost(n)),
      lost(9, { status: 'timeout', error_type: 'timeout' } as never),
    ];
    const report = reportOf(many);
    expect(report).toMatchObject({ deliveries: 7, sessions: 7, users: 2 });
    expect(report.byCause.map(({ name, count }) => [name, count])).toEqual([
      ['the connection ended first', 6],
      ['the client fell silent', 1],
    ]);
    expect(report.bursts).toHaveLength(1);
    expect(report.bursts[0]).toMatchObject({ deliveries: 6, sessions: 6, why: 'the connection ended first' });
  });

  it('calls nothing a burst that is one session, or spread over time', () => {
    expect(reportOf(Array.from({ length: 9 }, (_, n) => lost(n, { session: 's' }))).bursts).toEqual([]);
    expect(reportOf(Array.from({ length: 9 }, (_, n) => lost(n, { settled_ms: 6_000 * n }))).bursts).toEqual([]);
  });
});

describe('for the page', () => {
  const PURE = [
    'causes',
    'causes-unverifiable',
    'explain',
    'brief',
    'report',
    'reasons',
    'timeline',
    'printable',
    'wording',
    'alike',
  ];

  it.each(PURE)('%s.ts imports no value but from others of these', (name) => {
    const folder = resolve(import.meta.dirname, '../../src/admin-client');
    const file = join(folder, `${name}.ts`);
    for (const [, types, from] of readFileSync(file, 'utf8').matchAll(/^import (type )?[^;]*? from '([^']+)'/gms)) {
      if (types !== undefined) continue;
      const target = resolve(dirname(file), from!);
      expect(
        PURE.map((each) => join(folder, `${each}.ts`)),
        `${name}.ts imports ${from}`,
      ).toContain(target);
    }
  });
});
