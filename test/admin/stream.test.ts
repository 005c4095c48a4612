// The live stream: what followers see, what the slow ones miss, and that nothing watches while nobody follows.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { bob, eventType, NOON, type Served, serve, settle, track } from './fixture.ts';
import { createWatched, type Following, flush, follow, left, stepsIn } from './following.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] }));
afterEach(() => void vi.useRealTimers());

describe('stream', () => {
  async function watched(): Promise<Served & { watched: ReturnType<typeof createWatched>; clock: { now: number } }> {
    const source = createWatched();
    const clock = { now: NOON };
    return { ...(await serve({ watch: source.watch, now: () => clock.now })), watched: source, clock };
  }

  it('tells every step of a delivery in order, after the head has gone out at once', async () => {
    const { address, store, watched: source } = await watched();
    const following = await follow(address.port);
    expect(following.response.headers['content-type']).toBe('text/event-stream');
    await following.until('retry: 2000\n\n');
    const delivery = track(store, { seq: 1, id: 'e1' });
    source.each((observer) => observer.tracked?.(delivery));
    const probe = { kind: 'probe', number: 2, at: NOON + 1000, delay: 1000, result: 'sent' } as const;
    source.each((observer) => observer.attempted?.(delivery, probe));
    source.each((observer) => observer.received?.(delivery, NOON + 1500));
    settle(store, delivery, 'confirmed', NOON + 1500);
    source.each((observer) => observer.settled?.(delivery));
    source.each((observer) => observer.upgraded?.(delivery, NOON + 2000));
    flush();
    const steps = stepsIn(await following.until('"upgrade"'));
    expect(steps.map(({ step }) => step)).toEqual(['send', 'probe', 'received', 'confirmed', 'upgrade']);
    expect(steps[1]).toMatchObject({ at: '2026-03-01T12:00:01.000Z', delivery: { id: 'd-1', event_id: 'e1' } });
    following.leave();
  });

  it('[D18] shows its times by the wall clock as it stands when they are sent', async () => {
    const source = createWatched();
    let offset = 0;
    const { address, store } = await serve({ watch: source.watch, wallOf: (at) => at + offset });
    const following = await follow(address.port, '/api/v1/stream?since=1h');
    await following.until('retry: 2000\n\n');
    const delivery = track(store, { seq: 1, id: 'e1' });
    source.each((observer) => observer.tracked?.(delivery));
    offset = -36_000_000;
    flush();
    const [step] = stepsIn(await following.until('"send"'));
    expect(step).toMatchObject({ at: '2026-03-01T02:00:00.000Z', delivery: { sent_at: '2026-03-01T02:00:00.000Z' } });
    following.leave();
  });

  it('what waits to be shown is kept from being used again for another delivery', async () => {
    const { address, store, watched: source } = await watched();
    const following = await follow(address.port);
    await following.until('retry: 2000\n\n');
    const delivery = track(store, { seq: 1, id: 'e1' });
    expect(delivery.kept).toBe(false);
    source.each((observer) => observer.tracked?.(delivery));
    expect(delivery.kept).toBe(true);
    following.leave();
  });

  it('each follower sees only what it asked for', async () => {
    const { address, store, watched: source } = await watched();
    const critical = await follow(address.port, '/api/v1/stream?priority=critical');
    const bobs = await follow(address.port, '/api/v1/stream?user=bob');
    const [one, two, three] = [
      track(store, { seq: 1, type: eventType('agent_error', 'critical') }),
      track(store, { seq: 2, session: bob }),
      track(store, { seq: 3, session: bob, type: eventType('agent_error', 'critical') }),
    ];
    for (const delivery of [one, two, three]) source.each((observer) => observer.tracked?.(delivery));
    flush();
    const seen = async (following: Following) =>
      stepsIn(await following.until('"d-3"')).map(({ delivery }) => delivery.id);
    expect([await seen(critical), await seen(bobs)]).toEqual([
      ['d-1', 'd-3'],
      ['d-2', 'd-3'],
    ]);
    critical.leave();
    bobs.leave();
  });

  it('watches only while somebody follows, and 15 s longer, for a follower that comes back', async () => {
    const { admin, address, watched: source, clock } = await watched();
    expect(source.observers.size).toBe(0);
    const [first, second] = [await follow(address.port), await follow(address.port)];
    expect(source.observers.size).toBe(1);
    first.leave();
    second.leave();
    await left(admin, 0);
    flush();
    expect(source.observers.size).toBe(1);
    clock.now += 15_001;
    flush();
    expect([source.observers.size, vi.getTimerCount()]).toEqual([0, 0]);
    const again = await follow(address.port);
    expect(source.observers.size).toBe(1);
    again.leave();
  });

  it('[D7] a burst beyond the limit is cut, and the followers are told by how much', async () => {
    const { address, store, watched: source } = await watched();
    const following = await follow(address.port);
    const delivery = track(store, { seq: 1 });
    for (let i = 0; i < 1000; i++) source.each((observer) => observer.tracked?.(delivery));
    flush();
    const text = await following.until('event: dropped');
    expect(stepsIn(text)).toHaveLength(250);
    expect(text).toContain('event: dropped\ndata: {"count":750}\n\n');
    following.leave();
  });

  it('[D7] a follower that does not read is left behind without holding memory, and learns what it missed', async () => {
    const { address, store, watched: source } = await watched();
    const slow = await follow(address.port);
    const quick = await follow(address.port);
    slow.response.pause();
    const delivery = track(store, { seq: 1 });
    const sent = 400;
    for (let round = 0; round < sent; round++) {
      for (let i = 0; i < 250; i++) source.each((observer) => observer.tracked?.(delivery));
      flush();
      quick.response.resume();
    }
    slow.response.resume();
    let [seen, dropped] = [0, 0];
    // Every step is either seen or told as missed, once a flush finds the backlog gone.
    while (seen + dropped < sent * 250) {
      flush();
      await new Promise((resolve) => setImmediate(resolve));
      const text = await slow.until('');
      seen = text.split('event: step').length - 1;
      dropped = [...text.matchAll(/"count":(\d+)}/g)].reduce((sum, [, count]) => sum + Number(count), 0);
    }
    expect(seen + dropped).toBe(sent * 250);
    expect(dropped).toBeGreaterThan(0);
    slow.leave();
    quick.leave();
  });

  it('a quiet stream is kept open by a comment every 15 s', async () => {
    const { address } = await watched();
    const following = await follow(address.port);
    vi.advanceTimersByTime(15_000);
    expect(await following.until('\n\n:\n\n')).toBe('retry: 2000\n\n:\n\n');
    following.leave();
  });

  it('takes 16 followers, then answers 503 until one leaves', async () => {
    const { admin, address, get } = await watched();
    const all = await Promise.all(Array.from({ length: 16 }, () => follow(address.port)));
    expect((await get('/api/v1/stream')).status).toBe(503);
    all[0]?.leave();
    await left(admin, 15);
    const next = await follow(address.port);
    expect(next.response.statusCode).toBe(200);
    for (const following of [next, ...all]) following.leave();
  });

  it('HEAD tells the type and ends; bad filters are 400; without a source it is 404', async () => {
    const { get, watched: source } = await watched();
    const head = await get('/api/v1/stream', { method: 'HEAD' });
    expect([head.status, head.headers['content-type'], source.observers.size]).toEqual([200, 'text/event-stream', 0]);
    expect((await get('/api/v1/stream?status=lost')).status).toBe(400);
    expect((await get('/api/v1/stream?cursor=1')).status).toBe(400);
    expect((await (await serve()).get('/api/v1/stream')).status).toBe(404);
  });

  it('[D10] what a shutdown ended last is told before the server is closed', async () => {
    const { admin, address, store, watched: source } = await watched();
    const following = await follow(address.port);
    const delivery = track(store, { seq: 1, at: NOON });
    settle(store, delivery, 'failed');
    // No flush comes in between: the clock stands.
    source.each((observer) => observer.settled?.(delivery));
    await admin.close();
    expect(await following.until('event: step')).toContain('"step":"failed"');
  });

  it('closing the server ends every stream and stops watching', async () => {
    const { admin, address, watched: source } = await watched();
    const following = await follow(address.port);
    const ended = new Promise<void>((resolve) => {
      following.response.on('close', resolve);
    });
    const unwatched = source.unwatched();
    await admin.close();
    await Promise.all([ended, unwatched]);
    expect(source.observers.size).toBe(0);
  });
});
