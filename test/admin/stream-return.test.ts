// The live stream after a break: what a follower that comes back is told, and what it is told that it missed.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ada, bob, NOON, serve, track } from './fixture.ts';
import { createWatched, type Following, flush, follow, left, stepsIn } from './following.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] }));
afterEach(() => void vi.useRealTimers());

describe('a follower that comes back', () => {
  const LAST = /id: (\S+)\nevent: step/g;

  async function staged() {
    const source = createWatched();
    const clock = { now: NOON };
    const served = await serve({ watch: source.watch, now: () => clock.now });
    const tell = (...seqs: number[]): void => {
      for (const seq of seqs) {
        const delivery = track(served.store, { seq, session: seq % 2 === 0 ? bob : ada });
        source.each((observer) => observer.tracked?.(delivery));
      }
      flush();
    };
    /** Follows, sees delivery 1, and leaves. Returns the id of that step. */
    const seenOne = async (path: string): Promise<string> => {
      const first = await follow(served.address.port, path);
      tell(1);
      const text = await first.until('"d-1"');
      first.leave();
      await left(served.admin, 0);
      return [...text.matchAll(LAST)].at(-1)![1] as string;
    };
    const back = (path: string, id: string): Promise<Following> =>
      follow(served.address.port, `${path}${path.includes('?') ? '&' : '?'}last_event_id=${id}`);
    return { ...served, clock, tell, seenOne, back };
  }

  it('reads on behind the last step that it saw, and misses none', async () => {
    const { tell, seenOne, back } = await staged();
    const id = await seenOne('/api/v1/stream');
    tell(2, 3);
    const again = await back('/api/v1/stream', id);
    tell(4);
    const text = await again.until('"d-4"');
    expect(stepsIn(text).map(({ delivery }) => delivery.id)).toEqual(['d-2', 'd-3', 'd-4']);
    expect(text).not.toContain('event: dropped');
    again.leave();
  });

  it('after more than 15 s is told that it missed steps, though none was collected meanwhile', async () => {
    const { clock, seenOne, back } = await staged();
    const id = await seenOne('/api/v1/stream');
    clock.now += 15_001;
    flush();
    const again = await back('/api/v1/stream', id);
    await again.until('event: dropped\ndata: {"count":null}');
    again.leave();
  });

  it('is not given the steps of another question for its own', async () => {
    const { address, clock, tell, seenOne, back } = await staged();
    const id = await seenOne('/api/v1/stream?user=ada');
    clock.now += 15_001;
    const other = await follow(address.port, '/api/v1/stream?user=bob');
    flush();
    tell(2, 3);
    await other.until('"d-2"');
    const again = await back('/api/v1/stream?user=ada', id);
    await again.until('event: dropped\ndata: {"count":null}');
    again.leave();
    other.leave();
  });

  it('is told of steps that were too many while it was away', async () => {
    const { tell, seenOne, back } = await staged();
    const id = await seenOne('/api/v1/stream?rate=10');
    tell(2, 3);
    const again = await back('/api/v1/stream?rate=10', id);
    await again.until('event: dropped\ndata: {"count":null}');
    again.leave();
  });

  it('[D7] is sent no more at once than a slow reader may leave unread, and learns how much that was not', async () => {
    const { tell, seenOne, back } = await staged();
    const id = await seenOne('/api/v1/stream');
    const missed = Array.from({ length: 1500 }, (_, i) => i + 2);
    for (let from = 0; from < missed.length; from += 250) tell(...missed.slice(from, from + 250));
    const again = await back('/api/v1/stream', id);
    await again.until('"d-2"');
    flush();
    const text = await again.until('event: dropped');
    const dropped = Number(/"count":(\d+)}/.exec(text)?.[1]);
    expect(dropped).toBeGreaterThan(0);
    expect(stepsIn(text).length + dropped).toBe(1500);
    again.leave();
  });

  it('reads on by a line of statistics where it has seen no step yet', async () => {
    const { address, admin, tell, back } = await staged();
    admin.begin();
    const first = await follow(address.port);
    vi.advanceTimersByTime(1000);
    const text = await first.until('event: stats');
    const id = /id: (\S+)\nevent: stats/.exec(text)![1] as string;
    first.leave();
    await left(admin, 0);
    tell(1);
    const again = await back('/api/v1/stream', id);
    const more = await again.until('"d-1"');
    expect(more).not.toContain('event: dropped');
    again.leave();
  });

  it('[D7] of those that come and go sixteen at most are awaited: what each wants is not asked of every step for ever', async () => {
    const { address, admin, tell } = await staged();
    for (let n = 0; n < 40; n++) {
      const each = await follow(address.port, `/api/v1/stream?q=caller-${n}`);
      each.leave();
      await left(admin, 0);
    }
    const asked: string[] = [];
    const includes = String.prototype.includes;
    const spy = vi.spyOn(String.prototype, 'includes').mockImplementation(function (this: string, text: string) {
      if (text.startsWith('caller-')) asked.push(text);
      return includes.call(this, text);
    });
    tell(1);
    spy.mockRestore();
    expect(new Set(asked).size).toBe(16);
  });
});
