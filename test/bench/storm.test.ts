// The storm's oracle must find every kind of false word in hand-made records, and nothing in a clean one.
import { describe, expect, test } from 'vitest';
import { judge } from '../../bench/storm/oracle.ts';
import { createPlan } from '../../bench/storm/plan.ts';
import {
  type Account,
  type ConnectionRecord,
  createRecord,
  type Row,
  type StormStats,
} from '../../bench/storm/record.ts';

const T = Date.parse('2026-01-01T00:00:00.000Z');

function row(changes: Partial<Row> = {}): Row {
  return {
    event_id: 'c1-1.1',
    type: 'note',
    status: 'confirmed',
    error_type: null,
    unverifiable_reason: null,
    level: 'received',
    required: 'received',
    session: 'c-1',
    ordinal: 1,
    sent_at: new Date(T).toISOString(),
    deadline_at: new Date(T + 4000).toISOString(),
    received_ms: 200,
    settled_ms: 200,
    ...changes,
  };
}

/** One message that came, was answered by a pong, and whose backend closed in good order. */
function record(client = 'confirming'): ConnectionRecord {
  const one = createRecord(1, client, '{}');
  one.sent.push({ id: 'c1-1.1', ordinal: 1, type: 'note', tracked: true, at: T - 5 });
  one.parsed.set(one.optedIn ? 'c1-1.1' : 'c1-1.1#1', T + 100);
  one.evidence.push({ at: T + 190, word: 'pong', through: 1 });
  Object.assign(one, { dials: 1, clients: 1, readToEnd: true, opened: true });
  return one;
}

const LOST = { status: 'failed', error_type: 'disconnected', level: null } as const;

function account(one: ConnectionRecord, rows: readonly Row[], changes: Partial<StormStats> = {}): Account {
  const of = (status: string) => rows.filter((each) => each.status === status).length;
  const stats = {
    tracked: rows.length,
    pending: 0,
    confirmed: of('confirmed'),
    failed: of('failed'),
    timeout: of('timeout'),
    unverifiable: of('unverifiable'),
    shed: 0,
    untracked: {},
    ...changes,
  };
  return { records: new Map([[1, one]]), rows, stats, open: 0, descriptors: { before: 20, after: 20 } };
}

const kinds = (given: Account) => judge(given).map(({ kind }) => kind);

test('a clean record has no violation', () => {
  expect(judge(account(record(), [row()]))).toEqual([]);
});

describe('false_confirm', () => {
  test('the client never parsed it', () => {
    const one = record();
    one.parsed.clear();
    expect(kinds(account(one, [row()]))).toEqual(['false_confirm']);
  });

  test('it was confirmed before the client parsed it', () => {
    expect(kinds(account(record(), [row({ settled_ms: 20 })]))).toEqual(['false_confirm']);
  });

  test('its application never spoke, or rejected it', () => {
    const one = record();
    expect(kinds(account(one, [row({ level: 'processed' })]))).toEqual(['false_confirm']);
    one.said.push({ id: 'c1-1.1', ok: false, at: T + 110, after: 1 });
    expect(kinds(account(one, [row({ level: 'processed' })]))).toEqual(['false_confirm']);
    one.said.push({ id: 'c1-1.1', ok: true, at: T + 120, after: 1 });
    expect(judge(account(one, [row({ level: 'processed' })]))).toEqual([]);
  });

  test('no backend sent it', () => {
    expect(kinds(account(record(), [row(), row({ event_id: 'c7-1.1' })]))).toContain('false_confirm');
  });
});

describe('false_loss', () => {
  test('a pong lay in the socket before the connection was called lost', () => {
    expect(kinds(account(record(), [row({ ...LOST, settled_ms: 241 })]))).toEqual(['false_loss']);
  });

  test('a pong lay in the socket before the deadline', () => {
    const late = row({ status: 'timeout', error_type: 'timeout', level: null, settled_ms: 4010 });
    expect(kinds(account(record(), [late]))).toEqual(['false_loss']);
  });

  test('a word lay in the socket of a delivery that had to be processed', () => {
    const one = record();
    const strict = row({ ...LOST, required: 'processed', settled_ms: 900 });
    expect(judge(account(one, [strict]))).toEqual([]);
    one.evidence.push({ at: T + 300, word: 'rejected', id: 'c1-1.1', after: 1 });
    expect(judge(account(one, [strict]))).toEqual([]);
    one.evidence.push({ at: T + 300, word: 'confirmed', id: 'c1-1.1', after: 1 });
    expect(kinds(account(one, [strict]))).toEqual(['false_loss']);
  });

  test('the SDK had said that it was handled', () => {
    const one = record('sdk');
    const lost = row({ ...LOST, required: 'processed', settled_ms: 900 });
    one.evidence.push({ at: T + 300, word: 'handled', through: 0, also: [1] });
    expect(kinds(account(one, [lost]))).toEqual(['false_loss']);
    one.clients = 2;
    expect(judge(account(one, [lost]))).toEqual([]);
  });

  test('evidence within 50 ms of the end is not certain, and none proves a message sent after its ping', () => {
    expect(judge(account(record(), [row({ ...LOST, settled_ms: 230 })]))).toEqual([]);
    const one = record();
    one.evidence.splice(0, 1, { at: T + 110, word: 'pong', through: 0 });
    expect(judge(account(one, [row({ ...LOST, settled_ms: 900 })]))).toEqual([]);
  });
});

describe('uncounted', () => {
  test('a message read up to the FIN is no delivery', () => {
    const [found, ...others] = judge(account(record(), []));
    expect(others).toEqual([]);
    expect(found).toMatchObject({ kind: 'uncounted' });
    expect(found!.what).toContain('message 1 (c1-1.1, note)');
  });

  test('a message before one that is a delivery is none itself', () => {
    const one = Object.assign(record(), { readToEnd: false });
    one.sent.push({ id: 'c1-1.2', ordinal: 2, type: 'note', tracked: true, at: T });
    one.parsed.set('c1-1.2#2', T + 101);
    expect(kinds(account(one, [row({ event_id: 'c1-1.2', ordinal: 2 })]))).toEqual(['uncounted']);
  });

  test('what may have died with its socket is not certain', () => {
    for (const change of [{ readToEnd: false }, { opened: false }, { dials: 2 }]) {
      expect(judge(account(Object.assign(record(), change), []))).toEqual([]);
    }
  });

  test('an untracked message is missing from the sum, or there is one too many', () => {
    const one = record();
    one.sent.push({ id: 'c1-1.2', ordinal: 2, type: 'heartbeat', tracked: false, at: T });
    expect(kinds(account(one, [row()]))).toEqual(['uncounted']);
    expect(judge(account(one, [row()], { untracked: { not_tracked: 1 } }))).toEqual([]);
    expect(kinds(account(one, [row()], { untracked: { not_tracked: 2 } }))).toContain('uncounted');
  });
});

describe('two_outcomes', () => {
  test('one message has two rows', () => {
    const one = record();
    expect(kinds(account(one, [row(), row({ ...LOST, settled_ms: 10 })]))).toContain('two_outcomes');
  });

  test('twins have a row each', () => {
    const one = record();
    one.sent.push({ id: 'c1-1.1', ordinal: 2, type: 'note', tracked: true, at: T });
    one.parsed.set('c1-1.1#2', T + 101);
    expect(judge(account(one, [row(), row({ ordinal: 2 })]))).toEqual([]);
  });

  test('the sums are off, or something is pending for ever', () => {
    expect(kinds(account(record(), [row()], { confirmed: 2 }))).toEqual(['two_outcomes']);
    expect(kinds(account(record(), [row()], { pending: 1, confirmed: 0 }))).toEqual(['two_outcomes']);
  });
});

test('leak: connections or descriptors are left', () => {
  const clean = account(record(), [row()]);
  expect(kinds({ ...clean, open: 1 })).toEqual(['leak']);
  expect(kinds({ ...clean, descriptors: { before: 20, after: 40 } })).toEqual(['leak']);
});

test('false_confirm: a newer twin is called processed on a word from before it came', () => {
  const one = record();
  one.sent.push({ id: 'c1-1.1', ordinal: 2, type: 'note', tracked: true, at: T });
  one.parsed.set('c1-1.1#2', T + 150);
  one.said.push({ id: 'c1-1.1', ok: true, at: T + 120, after: 1 });
  const twin = row({ ordinal: 2, level: 'processed' });
  expect(kinds(account(one, [row(), twin]))).toEqual(['false_confirm']);
});

test('a plan follows from its seed and number alone', () => {
  expect(createPlan(5, 17)).toEqual(createPlan(5, 17));
  expect(createPlan(5, 17)).not.toEqual(createPlan(6, 17));
  expect(createPlan(5, 17)).not.toEqual(createPlan(5, 18));
});
