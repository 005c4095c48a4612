// Half-open connections: who is cut off, who is asked first, and who is left alone.
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type Silent, watchSilence } from '../../src/connection/silence.ts';

beforeEach(() => {
  vi.useFakeTimers({
    toFake: [
      'setTimeout',
      'clearTimeout',
      'setInterval',
      'clearInterval',
      'setImmediate',
      'clearImmediate',
      'performance',
    ],
  });
});
afterEach(() => {
  vi.useRealTimers();
});

class Client implements Silent {
  id = 'c1';
  heard = 100;
  taken = -1;
  asked = false;
  attended = true;
  answers = true;
  unread = false;
  probes = 0;
  dropped = false;
  /** Answers each barrier at once. */
  alive = false;
  blind = () => this.unread;
  probe(): void {
    this.probes++;
    if (this.alive) this.heard += 20;
    else this.asked = true;
  }
  drop(): void {
    this.dropped = true;
    this.attended = false;
  }
}

function watch(silenceMs: number, ...clients: Client[]) {
  const cut: Silent[] = [];
  const stop = watchSilence({
    connections: clients,
    silenceMs,
    now: () => performance.now(),
    dropped: (one) => cut.push(one),
  });
  return { cut, stop };
}

it('[D22] a barrier that stays unanswered for `silence`, while nothing comes, ends the connection', () => {
  const client = new Client();
  client.asked = true;
  const { cut, stop } = watch(8000, client);
  vi.advanceTimersByTime(8000);
  expect(client.dropped).toBe(false);
  vi.advanceTimersByTime(2500);
  expect([client.dropped, cut]).toEqual([true, [client]]);
  stop();
});

it('[D22] a client that is merely idle is asked, and one that answers stays', () => {
  const [dead, alive] = [new Client(), new Client()];
  alive.alive = true;
  const { cut, stop } = watch(8000, dead, alive);
  vi.advanceTimersByTime(60_000);
  expect([dead.probes, dead.dropped, alive.dropped]).toEqual([1, true, false]);
  expect(alive.probes).toBeGreaterThan(3);
  expect(cut).toEqual([dead]);
  stop();
});

it('[D22] one that talks, one that never answered, one whose bytes wait unread, and one that is away are left alone', () => {
  const [talks, mute, unread, away] = [new Client(), new Client(), new Client(), new Client()];
  for (const each of [talks, mute, unread, away]) each.asked = true;
  mute.answers = false;
  unread.unread = true;
  away.attended = false;
  const { cut, stop } = watch(8000, talks, mute, unread, away);
  for (let second = 0; second < 60; second++) {
    vi.advanceTimersByTime(1000);
    talks.heard++;
  }
  expect(cut).toEqual([]);
  stop();
});

it('[D22] a client that takes nothing of what waits for it cannot be asked, and is cut off', () => {
  const [stuck, behind] = [new Client(), new Client()];
  stuck.taken = behind.taken = 1000;
  const { cut, stop } = watch(8000, stuck, behind);
  for (let second = 0; second < 60; second++) {
    vi.advanceTimersByTime(1000);
    // A frame of ours waits behind the others.
    stuck.taken -= second === 3 ? 16 : 0;
    behind.taken += 100;
  }
  expect(cut).toEqual([stuck]);
  vi.advanceTimersByTime(6000);
  // It has taken the rest just now, with the barrier at its end.
  behind.taken = -1;
  behind.asked = true;
  vi.advanceTimersByTime(6000);
  expect(behind.dropped).toBe(false);
  vi.advanceTimersByTime(5000);
  expect(behind.dropped).toBe(true);
  stop();
});

it('0 watches nobody', () => {
  const client = new Client();
  client.asked = true;
  watch(0, client);
  expect(vi.getTimerCount()).toBe(0);
});

it('[D22] a client that takes the place of a silent one is not cut off for that silence', () => {
  const client = new Client();
  client.asked = true;
  const { stop } = watch(8000, client);
  vi.advanceTimersByTime(8000);
  // It rejoins the session; its own first barrier is on its way.
  client.id = 'c2';
  vi.advanceTimersByTime(8000);
  expect(client.dropped).toBe(false);
  vi.advanceTimersByTime(3000);
  expect(client.dropped).toBe(true);
  stop();
});
