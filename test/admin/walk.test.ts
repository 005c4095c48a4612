// A search through very many deliveries holds up nothing else in the process.
import { describe, expect, it } from 'vitest';
import { createWalk } from '../../src/admin/walk.ts';
import type { Delivery } from '../../src/delivery/record.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { ada, eventType, NOON, serve, settle, track } from './fixture.ts';

/** A store with `count` deliveries in flight. */
function filled(count: number) {
  const store = createMemoryStore({ history: 10 });
  for (let seq = 1; seq <= count; seq++) track(store, { seq, id: `e-${seq}` });
  return store;
}

/** Counts the turns of the event loop until it is ended, and the most visits in one of them. */
function turnsOf() {
  let [turns, visits, most, on] = [0, 0, 0, true];
  const tick = (): void => {
    turns++;
    most = Math.max(most, visits);
    visits = 0;
    if (on) setImmediate(tick);
  };
  setImmediate(tick);
  return {
    visited: () => visits++,
    end: () => {
      on = false;
      return { turns, most: Math.max(most, visits) };
    },
  };
}

describe('a search through 100,000 pending deliveries', () => {
  it('[D8] takes 3 ms of a turn and then lets the relay go on, however many search at once', async () => {
    const store = filled(100_000);
    let clock = 0;
    const walk = createWalk({ store, now: () => clock });
    const turns = turnsOf();
    const seen = [0, 0, 0];
    await Promise.all(
      seen.map((_, i) =>
        walk.each(() => {
          // Each visit costs 10 µs.
          clock += 0.01;
          turns.visited();
          seen[i]!++;
          return true;
        }),
      ),
    );
    expect(seen).toEqual([100_000, 100_000, 100_000]);
    const { most, turns: all } = turns.end();
    // 3 ms are 300 visits, and the clock is looked at every 32.
    expect(most).toBeLessThanOrEqual(332);
    expect(all).toBeGreaterThan(900);
  });

  it('finds by a part of an id what it has found before, over as many turns as it takes', async () => {
    const { get } = await serve({ store: filled(20_000) });
    const { body } = await get('/api/v1/deliveries?q=E-1999&limit=500');
    const ids = (body.deliveries as unknown as { event_id: string }[]).map(({ event_id }) => event_id);
    expect(ids).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1, 0].map((n) => `e-1999${n}`).concat('e-1999'));
  });
});

it('a record that is used again meanwhile is not shown as the delivery that it was', async () => {
  const store = createMemoryStore({ history: 1 });
  const first = track(store, { seq: 1, id: 'old' });
  track(store, { seq: 2, id: 'stays' });
  const walk = createWalk({ store });
  const seen: number[] = [];
  await walk.each((delivery, seq) => {
    seen.push(seq);
    if (seq !== 2) return true;
    // The first one leaves the history, and its record becomes another delivery's.
    settle(store, first, 'confirmed');
    const facts = { type: eventType('x'), id: 'new', run: undefined, user: undefined };
    first.reuse(
      3,
      ada,
      3,
      { ...facts, tool: undefined, toolCall: undefined, traceparent: undefined, bytes: 1 },
      'received',
      NOON,
    );
    expect(delivery.seq).toBe(2);
    return true;
  });
  expect(seen).toEqual([2]);
});

it('a search that fails is the failure of its own caller only', async () => {
  const walk = createWalk({ store: filled(3) });
  const seen: Delivery[] = [];
  const broken = walk.each(() => {
    throw new Error('no such filter');
  });
  const whole = walk.each((delivery) => seen.push(delivery) > 0);
  await expect(broken).rejects.toThrow('no such filter');
  await whole;
  expect(seen).toHaveLength(3);
});

it('more searches than can wait are refused, and served again later', async () => {
  const walk = createWalk({ store: filled(1) });
  const asked = await Promise.all(Array.from({ length: 40 }, () => walk.each(() => true)));
  const refused = asked.filter((each) => each !== undefined);
  expect(refused.map(({ status }) => status)).toEqual(Array(7).fill(503));
  expect(await walk.each(() => true)).toBeUndefined();
});
