// The wall clock is set while deliveries and connections are on record: what the API says of them before and after.
import { describe, expect, it } from 'vitest';
import { createConnectionBook } from '../../src/admin/connection-book.ts';
import type { ConnectionView } from '../../src/admin/ports.ts';
import { now, wallOf } from '../../src/time/clock.ts';
import { type Clocks, fakeClocks, HOUR, STEPS } from '../support/clocks.ts';
import { connection, type Got, type Served, serve, settle, track } from './fixture.ts';

interface Row {
  readonly id: string;
  readonly sent_at: string;
  readonly deadline_at: string;
  readonly settled_ms: number | null;
}

const rowsOf = ({ body }: Got) => body.deliveries as Row[];
const idsOf = (got: Got) => rowsOf(got).map(({ id }) => id);
const off = (text: unknown, wall: number) => Math.abs(Date.parse(String(text)) - wall);

async function serving(): Promise<Served & { clocks: Clocks }> {
  const book = createConnectionBook((view: ConnectionView) => view);
  const served = await serve({ now, wallOf, book });
  const clocks = fakeClocks();
  const opened = connection(1, { openedAt: now() });
  book.opened(opened.id, opened, opened.openedAt);
  return { ...served, clocks };
}

describe.each(STEPS)('[D18] a wall clock set %s', (_, step) => {
  it('shows every time by itself, also of what happened before, and no duration changes', async () => {
    const { get, store, clocks } = await serving();
    const one = track(store, { seq: 1, at: now() });
    clocks.pass(12.5);
    settle(store, one, 'confirmed', now());
    clocks.pass(60_000);
    clocks.step(step);
    track(store, { seq: 2, at: now() });
    clocks.pass(1000);

    const [after, before] = rowsOf(await get('/api/v1/deliveries'));
    expect(off(after!.sent_at, clocks.wall - 1000)).toBeLessThan(5);
    expect(off(before!.sent_at, clocks.wall - 61_012.5)).toBeLessThan(5);
    expect(before!.settled_ms).toBeCloseTo(12.5, 3);
    expect(Date.parse(before!.deadline_at) - Date.parse(before!.sent_at)).toBe(30_000);

    const timeline = (await get('/api/v1/deliveries/d-1')).body.timeline;
    expect(timeline.map(({ after_ms: ms }) => ms)).toEqual([0, 12.5, 12.5]);
    for (const entry of timeline) expect(off(entry.at, Date.parse(before!.sent_at) + entry.after_ms)).toBeLessThan(2);

    expect(Math.abs(Number((await get('/health')).body.timestamp) * 1000 - clocks.wall)).toBeLessThan(5);
    const connections = (await get('/api/v1/connections')).body.connections;
    expect(off(connections[0]!.opened_at, clocks.wall - 61_012.5)).toBeLessThan(5);
  });

  it('is the one that `since` means, as a time and as a duration', async () => {
    const { get, store, clocks } = await serving();
    track(store, { seq: 1, at: now() });
    clocks.pass(2 * HOUR);
    track(store, { seq: 2, at: now() });
    clocks.step(step);
    clocks.pass(60_000);
    track(store, { seq: 3, at: now() });
    const iso = (ms: number) => new Date(clocks.wall - ms).toISOString();
    expect(idsOf(await get('/api/v1/deliveries?since=30s'))).toEqual(['d-3']);
    expect(idsOf(await get('/api/v1/deliveries?since=1h'))).toEqual(['d-3', 'd-2']);
    expect(idsOf(await get('/api/v1/deliveries?since=3h'))).toEqual(['d-3', 'd-2', 'd-1']);
    expect(idsOf(await get(`/api/v1/deliveries?since=${iso(30_000)}`))).toEqual(['d-3']);
    expect(idsOf(await get(`/api/v1/deliveries?since=${iso(HOUR)}`))).toEqual(['d-3', 'd-2']);
    expect(idsOf(await get(`/api/v1/deliveries?since=${Math.round(clocks.wall - 3 * HOUR)}`))).toHaveLength(3);
    expect(idsOf(await get(`/api/v1/deliveries?since=${iso(-60_000)}`))).toEqual([]);
  });

  it('leaves cursors good: they name the run of the process, not a time', async () => {
    const { get, store, clocks } = await serving();
    for (let seq = 1; seq <= 3; seq++) track(store, { seq, at: now() });
    const first = await get('/api/v1/deliveries?limit=2');
    clocks.step(step);
    const next = await get(`/api/v1/deliveries?limit=2&cursor=${first.body.next_cursor}`);
    expect([...idsOf(first), ...idsOf(next)]).toEqual(['d-3', 'd-2', 'd-1']);
  });
});
