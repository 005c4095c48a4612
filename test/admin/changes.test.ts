// What an operator may change by hand, what it means for the outcome, and that every change says who and why.
import { describe, expect, it, onTestFinished } from 'vitest';
import type { AuditLine } from '../../src/admin/audit.ts';
import type { AdminDeps } from '../../src/admin/ports.ts';
import type { Delivery } from '../../src/delivery/record.ts';
import { Owner, Session } from '../../src/delivery/session.ts';
import { Tracker } from '../../src/delivery/tracker.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { createDeliveryMetrics } from '../../src/telemetry/metrics/metrics.ts';
import { eventType, NOON, SETTINGS, serve } from './fixture.ts';

/** A tracker with one opted-in client, and the admin server over it. */
async function tracking(change: Partial<AdminDeps> = {}) {
  const store = createMemoryStore({ history: 100 });
  const metrics = createDeliveryMetrics();
  const bytes = 1_000_000;
  const tracker = new Tracker({
    store,
    observer: metrics,
    limits: {
      pending: 1000,
      pendingPerUser: 1000,
      retention: { bytes, bytesPerSession: bytes, bytesPerUser: bytes },
    },
    now: NOON,
    random: () => 0.5,
  });
  const session = new Session('s-1', new Owner('ada'));
  session.optedIn = true;
  session.capability = 'received';
  const sent: string[] = [];
  session.link = { id: 'c-1', probe: () => 'sent', resend: ({ id }) => (sent.push(id) > 0 ? 'sent' : 'failed') };
  const lines: AuditLine[] = [];
  const served = await serve({ store, operator: tracker.operator, audit: (line) => lines.push(line), ...change });
  const track = (ordinal: number, keep = true): Delivery => {
    const facts = { type: eventType('agent_completed'), id: `e-${ordinal}`, run: 'r', user: undefined };
    const rest = { tool: undefined, toolCall: undefined, traceparent: undefined, bytes: 10 };
    const delivery = tracker.track(session, { ...facts, ...rest }, ordinal, NOON) as Delivery;
    if (keep) tracker.retention.keep(delivery, 10, () => new Uint8Array(10));
    return delivery;
  };
  onTestFinished(() => served.admin.close());
  return { ...served, tracker, session, metrics, sent, lines, track };
}

const WHY = { reason: 'the user has seen it', by: 'Ada' };

describe('[D23] by hand', () => {
  it('confirm is no evidence: it ends unverifiable, out of the rate, at no level', async () => {
    const { post, track, metrics, get } = await tracking();
    const delivery = track(1);
    const { status, body } = await post(`/api/v1/deliveries/${delivery.id}/confirm`, WHY);
    expect([status, body.delivery]).toEqual([
      200,
      expect.objectContaining({
        status: 'unverifiable',
        unverifiable_reason: 'operator',
        level: null,
        error_type: null,
      }),
    ]);
    expect(metrics.stats()).toMatchObject({ confirmed: 0, unverifiable: 1, confirmation_rate: null });
    const { timeline } = (await get(`/api/v1/deliveries/${delivery.id}`)).body;
    expect(timeline.at(-1)).toMatchObject({ step: 'unverifiable', reason: 'operator' });
  });

  it('fail ends an open delivery failed: operator, which the rate counts', async () => {
    const { post, track, metrics } = await tracking();
    const delivery = track(1);
    const { body } = await post(`/api/v1/deliveries/${delivery.id}/fail`, WHY);
    expect(body.delivery).toMatchObject({ status: 'failed', error_type: 'operator' });
    expect(metrics.stats()).toMatchObject({ failed: 1, confirmation_rate: 0 });
  });

  it('[D2] what has its outcome is left as it is: 409, and the attempt is audited', async () => {
    const { post, track, tracker, session, lines } = await tracking();
    const delivery = track(1);
    tracker.processed(session, 'e-1', false, '', NOON + 5);
    for (const action of ['confirm', 'fail', 'resend']) {
      const { status, body } = await post(`/api/v1/deliveries/${delivery.id}/${action}`, WHY);
      expect([status, body.code]).toEqual([409, 'settled']);
    }
    expect(delivery.status).toBe('confirmed');
    expect(lines.map(({ action, result }) => [action, result])).toEqual([
      ['confirm', 'settled'],
      ['fail', 'settled'],
      ['resend', 'settled'],
    ]);
  });

  it('[D2] evidence that comes after a confirm by hand is late and changes nothing', async () => {
    const { post, track, tracker, session } = await tracking();
    const delivery = track(1);
    await post(`/api/v1/deliveries/${delivery.id}/confirm`, WHY);
    expect(tracker.processed(session, 'e-1', false, '', NOON + 5)).toBe('late');
    expect([delivery.status, delivery.unverified]).toEqual(['unverifiable', 'operator']);
  });

  it('resend is an attempt of the kept message', async () => {
    const { post, track, sent } = await tracking();
    const delivery = track(1);
    const { status, body } = await post(`/api/v1/deliveries/${delivery.id}/resend`, WHY);
    expect([status, body.result, body.delivery]).toEqual([
      200,
      'sent',
      expect.objectContaining({ status: 'retrying', attempts: 2 }),
    ]);
    expect(sent).toEqual([delivery.id]);
    expect(delivery.attemptLog).toMatchObject([{ kind: 'resend', number: 2, result: 'sent' }]);
  });

  it('resend of what is not kept is 409 not_kept, of a client that is away 409 away', async () => {
    const { post, track, session, sent } = await tracking();
    const [bare, kept] = [track(1, false), track(2)];
    expect((await post(`/api/v1/deliveries/${bare.id}/resend`, WHY)).body).toMatchObject({ code: 'not_kept' });
    session.link = undefined;
    expect((await post(`/api/v1/deliveries/${kept.id}/resend`, WHY)).body).toMatchObject({ code: 'away' });
    expect([sent, bare.attempts, kept.attempts]).toEqual([[], 1, 1]);
  });

  it('an event id is not enough to change a delivery: it may mean several', async () => {
    const { post, track } = await tracking();
    track(1);
    expect((await post('/api/v1/deliveries/e-1/fail', WHY)).status).toBe(404);
  });
});

describe('audit', () => {
  it('says who, from where, what and why', async () => {
    const { post, track, lines } = await tracking();
    const delivery = track(1);
    await post(`/api/v1/deliveries/${delivery.id}/fail`, WHY);
    expect(lines).toEqual([
      {
        action: 'fail',
        reason: 'the user has seen it',
        by: 'Ada',
        via: 'open',
        remote: '127.0.0.1',
        delivery: delivery.id,
        event_id: 'e-1',
        type: 'agent_completed',
        result: 'done',
      },
    ]);
  });

  it.each([
    ['no reason', {}, 'reason'],
    ['an empty reason', { reason: ' ' }, 'reason'],
    ['a reason with a line break', { reason: 'a\nb' }, 'reason'],
    ['a reason with an escape sequence', { reason: '\u001b[31mred' }, 'reason'],
    ['a reason that is too long', { reason: 'x'.repeat(501) }, 'reason'],
    ['a name that is none', { reason: 'x', by: 7 }, 'by'],
    ['a member that nobody knows', { reason: 'x', force: true }, 'force'],
    ['a list', [], 'body'],
  ])('%s is 400, changes nothing and is not logged', async (_, body, parameter) => {
    const { post, track, lines } = await tracking();
    const delivery = track(1);
    const got = await post(`/api/v1/deliveries/${delivery.id}/fail`, body);
    expect(got.status).toBe(400);
    expect(got.body.errors.map((error) => error.parameter)).toContain(parameter);
    expect([delivery.status, lines]).toEqual(['pending', []]);
  });
});

describe('replay', () => {
  it('a dry run says what it would do, and does nothing', async () => {
    const { post, track, sent, lines } = await tracking();
    track(1);
    track(2, false);
    const { body } = await post('/api/v1/replay', { ...WHY, filter: { user: 'ada' }, dry_run: true });
    expect(body).toEqual({
      dry_run: true,
      matched: 2,
      sent: 1,
      blocked: 0,
      failed: 0,
      skipped: { settled: 0, not_kept: 1, away: 0 },
      more: false,
      deliveries: [
        { id: 'd-1', result: 'would_send' },
        { id: 'd-2', result: 'not_kept' },
      ],
    });
    expect([sent, lines.length]).toEqual([[], 1]);
  });

  it('sends oldest first, at most `limit`, and says that more match', async () => {
    const { post, track, sent } = await tracking();
    for (let ordinal = 1; ordinal <= 5; ordinal++) track(ordinal);
    const { body } = await post('/api/v1/replay', { ...WHY, filter: { type: ['agent_completed'] }, limit: 3 });
    expect([sent, body.sent, body.more]).toEqual([['d-1', 'd-2', 'd-3'], 3, true]);
  });

  it('touches only what the filter means, and nothing that has its outcome', async () => {
    const { post, track, tracker, session, sent } = await tracking();
    track(1);
    track(2);
    tracker.processed(session, 'e-1', false, '', NOON + 5);
    const { body } = await post('/api/v1/replay', { ...WHY, filter: { q: 'e-' } });
    expect([sent, body.matched]).toEqual([['d-2'], 1]);
  });

  it.each([
    ['no filter', {}, 'filter'],
    ['an empty filter', { filter: {} }, 'filter'],
    ['a filter that is a list', { filter: ['user'] }, 'filter'],
    ['a parameter that nobody knows', { filter: { colour: 'red' } }, 'filter.colour'],
    ['a status that is none', { filter: { status: 'lost' } }, 'filter.status'],
    ['a limit beyond the bound', { filter: { user: 'ada' }, limit: 1001 }, 'limit'],
    ['a dry run that is a text', { filter: { user: 'ada' }, dry_run: 'yes' }, 'dry_run'],
  ])('%s is 400 and sends nothing', async (_, body, parameter) => {
    const { post, track, sent } = await tracking();
    track(1);
    const got = await post('/api/v1/replay', { ...WHY, ...body });
    expect([got.status, sent]).toEqual([400, []]);
    expect(got.body.errors.map((error) => error.parameter)).toContain(parameter);
  });
});

describe('read-only', () => {
  it('refuses every change with 403 and goes on answering', async () => {
    const { post, get, track, sent, lines } = await tracking({ settings: { ...SETTINGS, readOnly: true } });
    const delivery = track(1);
    for (const path of ['resend', 'confirm', 'fail'].map((each) => `/api/v1/deliveries/${delivery.id}/${each}`))
      expect((await post(path, WHY)).body).toMatchObject({ status: 403, code: 'read_only' });
    expect((await post('/api/v1/replay', { ...WHY, filter: { user: 'ada' } })).status).toBe(403);
    expect([delivery.status, sent, lines]).toEqual(['pending', [], []]);
    expect((await get('/api/v1/about')).body).toMatchObject({ read_only: true });
  });
});
