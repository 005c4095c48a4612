// The list of deliveries and one delivery: filters, pages under churn, timeline, and what may never be shown.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deliveriesRoute } from '../../src/admin/deliveries.ts';
import type { Answer, Route } from '../../src/admin/route.ts';
import { createWalk } from '../../src/admin/walk.ts';
import type { Delivery } from '../../src/delivery/record.ts';
import { Owner, Session } from '../../src/delivery/session.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { propertyOptions } from '../support/seed.ts';
import { ASK, ada, adminDeps, bob, eventType, type Got, NOON, serve, settle, track } from './fixture.ts';

const idsOf = (got: Pick<Got, 'body'>): string[] => got.body.deliveries.map(({ id }) => id);
const parametersOf = (got: Got): string[] => got.body.errors.map(({ parameter }) => parameter);

describe('list', () => {
  async function filled() {
    const served = await serve();
    const { store } = served;
    const one = track(store, { seq: 1, at: NOON - 7_200_000 });
    track(store, { seq: 2, session: bob, type: eventType('agent_started', 'high') });
    const three = track(store, { seq: 3, session: bob, id: 'e3', at: NOON - 600_000 });
    const four = track(store, { seq: 4, id: 'e4', type: eventType('agent_error', 'critical') });
    settle(store, four, 'timeout');
    settle(store, one, 'confirmed');
    three.status = 'retrying';
    return served;
  }

  it('is newest first whatever the order of settling, with totals', async () => {
    const { get } = await filled();
    const got = await get('/api/v1/deliveries');
    expect(idsOf(got)).toEqual(['d-4', 'd-3', 'd-2', 'd-1']);
    expect(got.body).toMatchObject({ next_cursor: null, pending: 2, recent: 2 });
  });

  it.each([
    ['user=ada', ['d-4', 'd-1']],
    ['user=nobody', []],
    ['session=session-bob', ['d-3', 'd-2']],
    ['type=agent_started', ['d-2']],
    ['type=agent_started,agent_error', ['d-4', 'd-2']],
    ['type=agent_started&type=agent_error', ['d-4', 'd-2']],
    ['status=timeout', ['d-4']],
    ['status=pending,retrying', ['d-3', 'd-2']],
    ['priority=critical,high', ['d-4', 'd-2']],
    ['since=15m', ['d-4', 'd-3', 'd-2']],
    ['since=5m', ['d-4', 'd-2']],
    ['since=1d', ['d-4', 'd-3', 'd-2', 'd-1']],
    ['since=2026-03-01T11:50:00Z', ['d-4', 'd-3', 'd-2']],
    ['since=2026-03-01T13:55:00%2B02:00', ['d-4', 'd-2']],
    [`since=${NOON}`, ['d-4', 'd-2']],
    ['user=ada&status=timeout&priority=critical&since=1h&limit=5', ['d-4']],
  ])('?%s selects %j', async (search, ids) => {
    const { get } = await filled();
    expect(idsOf(await get(`/api/v1/deliveries?${search}`))).toEqual(ids);
  });

  it('[D19] shows and finds a claimed user as that, never as the user', async () => {
    const { get, store } = await serve();
    const claiming = new Session('session-claiming', new Owner(undefined));
    claiming.claimedUser = 'ada';
    track(store, { seq: 1 });
    track(store, { seq: 2, session: claiming });
    expect(idsOf(await get('/api/v1/deliveries?user=ada'))).toEqual(['d-1']);
    const got = await get('/api/v1/deliveries?claimed_user=ada');
    expect(got.body.deliveries).toMatchObject([{ id: 'd-2', user: null, claimed_user: 'ada' }]);
  });

  it('names every bad parameter at once, with what is allowed, and repeats nothing it was sent', async () => {
    const { get } = await filled();
    const search =
      'status=gone-away&priority=urgent,high&since=yesterday-ish&limit=501&cursor=!&user=&token=hush&session=a&session=b';
    const got = await get(`/api/v1/deliveries?${search}`);
    expect([got.status, got.headers['content-type']]).toEqual([400, 'application/problem+json']);
    expect(parametersOf(got)).toEqual(['user', 'session', 'status', 'priority', 'since', 'limit', 'cursor', 'token']);
    expect(got.body.errors[2]).toMatchObject({
      allowed: ['pending', 'retrying', 'confirmed', 'failed', 'timeout', 'unverifiable'],
    });
    expect(got.body.errors[3]).toMatchObject({ allowed: ['critical', 'high', 'normal', 'low'] });
    expect(got.body.errors[5]).toMatchObject({ allowed: ['1 to 500'] });
    expect(got.text).not.toMatch(/gone-away|urgent|yesterday-ish|hush/);
  });

  it.each([
    'limit=-1',
    'limit=0',
    'limit=1.5',
    'limit=1e2',
    'limit=',
    'limit=99999999999999999999',
    'since=2026-02-30T99:00:00Z',
    'since=-5m',
    'since=5y',
    'status=',
    'type=a,,b',
    'cursor=..',
    '__proto__=1',
  ])('?%s is one fault', async (search) => {
    const { get } = await filled();
    const got = await get(`/api/v1/deliveries?${search}`);
    expect([got.status, parametersOf(got)]).toEqual([400, [search.split('=')[0]]]);
  });

  it('a cursor from before a restart is refused, not misread', async () => {
    const store = createMemoryStore({ history: 10 });
    for (let seq = 1; seq <= 3; seq++) track(store, { seq });
    const first = await serve({ store });
    const cursor = (await first.get('/api/v1/deliveries?limit=1')).body.next_cursor;
    const later = await serve({ store, info: { service: 'ackspan', version: '1.2.3', startedAt: NOON } });
    expect((await first.get(`/api/v1/deliveries?cursor=${cursor}`)).status).toBe(200);
    const refused = await later.get(`/api/v1/deliveries?cursor=${cursor}`);
    expect([refused.status, parametersOf(refused)]).toEqual([400, ['cursor']]);
  });
});

describe('pages under churn', () => {
  interface Turn {
    readonly limit: number;
    /** Between two pages: how many arrive, and which of those in flight settle. */
    readonly arrive: number;
    readonly settle: readonly number[];
  }

  async function churn(history: number, start: number, turns: readonly Turn[]): Promise<void> {
    const store = createMemoryStore({ history });
    const { answer } = deliveriesRoute(adminDeps({ store }), createWalk({ store })) as Required<Route>;
    let seq = 0;
    const inFlight: Delivery[] = [];
    const arrive = (count: number): void => {
      for (let i = 0; i < count; i++) inFlight.push(track(store, { seq: ++seq }));
    };
    arrive(start);
    const before = inFlight.map((delivery) => delivery.seq);
    const shown: number[] = [];
    let cursor: string | null = '';
    for (let turn = 0; cursor !== null; turn++) {
      const { limit, arrive: more, settle: picks } = turns[turn % turns.length] as Turn;
      const search = `limit=${limit}${cursor === '' ? '' : `&cursor=${cursor}`}`;
      const page = JSON.parse(((await answer({ ...ASK, search })) as Answer).body as string);
      const seqs = page.deliveries.map(({ ordinal }: { ordinal: number }) => ordinal);
      expect(seqs.length).toBeLessThanOrEqual(limit);
      if (page.next_cursor !== null) expect(seqs.length).toBe(limit);
      shown.push(...seqs);
      cursor = page.next_cursor;
      arrive(more);
      for (const pick of picks) {
        const [delivery] = inFlight.splice(pick % inFlight.length, 1);
        if (delivery !== undefined) settle(store, delivery, 'confirmed');
      }
    }
    // Newest first, nothing twice, nothing that came after the first page.
    expect(shown).toEqual([...new Set(shown)].sort((a, b) => b - a));
    expect(Math.max(0, ...shown)).toBe(start);
    // Nothing that was there from first to last is skipped.
    const kept = new Set<number>();
    store.each((delivery) => kept.add(delivery.seq) !== undefined);
    expect(before.filter((one) => kept.has(one) && !shown.includes(one))).toEqual([]);
  }

  it('shows nothing twice and skips nothing that stayed, while deliveries arrive, settle and leave', async () => {
    const turn = fc.record({
      limit: fc.integer({ min: 1, max: 7 }),
      arrive: fc.nat({ max: 5 }),
      settle: fc.array(fc.nat(), { maxLength: 6 }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: 12 }),
        fc.integer({ min: 1, max: 40 }),
        fc.array(turn, { minLength: 1, maxLength: 10 }),
        churn,
      ),
      propertyOptions(200),
    );
  });

  it('picks the newest from thousands that settled in the opposite order', async () => {
    const { get, store } = await serve();
    const all = Array.from({ length: 1000 }, (_, i) => track(store, { seq: i + 1 }));
    for (const delivery of all.reverse()) settle(store, delivery, 'confirmed');
    const got = await get('/api/v1/deliveries?limit=3');
    expect(idsOf(got)).toEqual(['d-rs', 'd-rr', 'd-rq']);
    expect((await get('/api/v1/deliveries?limit=500')).body.deliveries).toHaveLength(500);
  });
});

describe('one delivery', () => {
  it('is found by its own id and by its event id, newest first, with its siblings', async () => {
    const { get, store } = await serve();
    for (const [seq, session] of [
      [1, ada],
      [2, bob],
      [3, ada],
    ] as const)
      track(store, { seq, session, id: 'a/b ü?' });
    const byEvent = await get(`/api/v1/deliveries/${encodeURIComponent('a/b ü?')}`);
    expect([byEvent.status, byEvent.body.id]).toEqual([200, 'd-3']);
    expect(byEvent.body.same_event).toMatchObject({ count: 2, deliveries: [{ id: 'd-2' }, { id: 'd-1' }] });
    expect((await get('/api/v1/deliveries/d-1')).body).toMatchObject({ id: 'd-1', same_event: { count: 2 } });
  });

  it('an event id that looks like a delivery id is found when no delivery has it', async () => {
    const { get, store } = await serve();
    track(store, { seq: 1, id: 'd-77' });
    expect((await get('/api/v1/deliveries/d-77')).body.id).toBe('d-1');
  });

  it('a fan-out to many lists at most 100 siblings and says how many there are', async () => {
    const { get, store } = await serve();
    for (let seq = 1; seq <= 151; seq++) track(store, { seq, session: seq % 2 === 0 ? ada : bob, id: 'e' });
    const sameEvent = (await get('/api/v1/deliveries/e')).body.same_event;
    expect([sameEvent.count, sameEvent.deliveries.length]).toEqual([150, 100]);
  });

  it('unknown ids are 404, parameters 400', async () => {
    const { get, store } = await serve();
    track(store, { seq: 1 });
    for (const id of ['d-2', 'd-01', 'undefined', '__proto__', '%00'])
      expect([id, (await get(`/api/v1/deliveries/${id}`)).status]).toEqual([id, 404]);
    expect((await get('/api/v1/deliveries/d-1?verbose=1')).status).toBe(400);
  });

  it('shows all facts of a delivery that was probed, timed out and was answered too late', async () => {
    const { get, store } = await serve({ traceId: (delivery) => (delivery.seq === 1 ? 'a'.repeat(32) : undefined) });
    const delivery = track(store, { seq: 1, id: 'e1', type: eventType('agent_error', 'critical') });
    ada.link = { id: 'c-9', probe: () => 'sent', resend: () => 'sent' };
    delivery.attemptLog = [
      { kind: 'probe', number: 2, at: NOON + 1000, delay: 1000, result: 'sent' },
      { kind: 'probe', number: 3, at: NOON + 3000.5, delay: 2000.5, result: 'blocked' },
    ];
    delivery.attempts = 3;
    settle(store, delivery, 'timeout', NOON + 30_000);
    delivery.receivedAt = NOON + 31_000;
    const { body } = await get('/api/v1/deliveries/d-1');
    expect(body).toEqual({
      id: 'd-1',
      event_id: 'e1',
      type: 'agent_error',
      priority: 'critical',
      status: 'timeout',
      error_type: 'timeout',
      unverifiable_reason: null,
      level: null,
      required: 'received',
      attempts: 3,
      session: 'session-ada',
      user: 'ada',
      claimed_user: null,
      run: 'run-1',
      tool: 'search',
      tool_call: 'call-1',
      ordinal: 1,
      bytes: 120,
      kept: false,
      sent_at: '2026-03-01T12:00:00.000Z',
      deadline_at: '2026-03-01T12:00:30.000Z',
      received_ms: 31_000,
      settled_ms: 30_000,
      rejected_ms: null,
      trace_id: 'a'.repeat(32),
      error_text: null,
      connection: 'c-9',
      sent_over: null,
      timeline: [
        { step: 'send', at: '2026-03-01T12:00:00.000Z', after_ms: 0, number: 1, result: 'sent' },
        { step: 'probe', at: '2026-03-01T12:00:01.000Z', after_ms: 1000, number: 2, delay_ms: 1000, result: 'sent' },
        {
          step: 'probe',
          at: '2026-03-01T12:00:03.000Z',
          after_ms: 3000.5,
          number: 3,
          delay_ms: 2000.5,
          result: 'blocked',
        },
        { step: 'timeout', at: '2026-03-01T12:00:30.000Z', after_ms: 30_000, error_type: 'timeout' },
        { step: 'late', at: '2026-03-01T12:00:31.000Z', after_ms: 31_000 },
      ],
      same_event: { count: 0, deliveries: [] },
    });
  });

  it('shows a confirmation and the upgrade after it as steps of their own', async () => {
    const { get, store } = await serve();
    const delivery = track(store, { seq: 1 });
    settle(store, delivery, 'confirmed', NOON + 5);
    delivery.level = 'processed';
    delivery.upgradedAt = NOON + 80;
    const { body } = await get('/api/v1/deliveries/d-1');
    expect(body.timeline.slice(1)).toEqual([
      { step: 'received', at: '2026-03-01T12:00:00.005Z', after_ms: 5 },
      { step: 'confirmed', at: '2026-03-01T12:00:00.005Z', after_ms: 5, level: 'received' },
      { step: 'upgrade', at: '2026-03-01T12:00:00.080Z', after_ms: 80, level: 'processed' },
    ]);
    expect(body).toMatchObject({ event_id: null, level: 'processed', trace_id: null });
  });
});
