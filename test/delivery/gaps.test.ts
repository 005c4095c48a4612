// Times in which no process had a session: over all moves, for what had been sent before each of them.
import { describe, expect, it } from 'vitest';
import { type Gap, gapsOf, unheard } from '../../src/delivery/gaps.ts';
import type { Delivery } from '../../src/delivery/record.ts';
import { facts, setUp } from './harness.ts';

const unheardOf = (sentAt: number, gaps: readonly Gap[]) =>
  unheard({ sentAt, session: { gaps } } as unknown as Delivery);

describe('[D14] times in which no process had a session', () => {
  it('add up, for what was sent before', () => {
    const first = gapsOf([], 0, 3_600_000, 3_700_000);
    const both = gapsOf(first, 0, 5, 3_800_000);
    expect(unheardOf(1000, both)).toBe(3_600_005);
    expect(unheardOf(3_750_000, both)).toBe(5);
    expect(unheardOf(3_900_000, both)).toBe(0);
  });

  it('are forgotten with what they concern, and a session that was never without a process has none', () => {
    const gaps = gapsOf([], 0, 1000, 2000);
    expect(gapsOf(gaps, 2001, 0, 3000)).toEqual([]);
    expect(gapsOf(gaps, 2000, 0, 3000)).toEqual(gaps);
    expect(gapsOf([], 0, 0, 3000)).toEqual([]);
    expect(gapsOf(gaps, Number.POSITIVE_INFINITY, 0, 3000)).toEqual([]);
  });

  it('are few, and what they add up to is never less for that', () => {
    let gaps: readonly Gap[] = [];
    for (let i = 1; i <= 100; i++) gaps = gapsOf(gaps, 0, 10, i * 1000);
    expect(gaps.length).toBeLessThanOrEqual(8);
    for (let sentAt = 0; sentAt <= 100_000; sentAt += 500) {
      const later = 100 - Math.max(0, Math.ceil(sentAt / 1000) - 1);
      expect(unheardOf(sentAt, gaps)).toBeGreaterThanOrEqual(10 * later);
    }
  });

  it('put the deadline off of what was sent before, and of nothing else', () => {
    const { tracker, connect, start, run } = setUp();
    const session = connect();
    const before = tracker.track(session, facts(), 1, start)!;
    session.gaps = gapsOf([], start, 5000, start + 10_000);
    const behind = tracker.track(session, facts(), 2, start + 12_000)!;
    run(start, start + 34_975);
    expect(before.status).toBe('retrying');
    run(start + 35_000, start + 35_100);
    expect([before.status, behind.status]).toEqual(['timeout', 'retrying']);
    run(start + 35_125, start + 42_100);
    expect(behind.status).toBe('timeout');
  });
});
