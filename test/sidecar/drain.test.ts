// The waits of a sidecar that stops: standstills put them off, all of them, and what has come by then is read first.
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { drain, until } from '../../src/sidecar/drain.ts';
import { now } from '../../src/time/clock.ts';
import { keepPulse } from '../../src/time/pulse.ts';

let release: () => void;
let began = 0;

beforeEach(() => {
  const timers = ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'setImmediate', 'clearImmediate'];
  vi.useFakeTimers({ toFake: [...timers, 'performance'] as never });
  // The clock of each test begins anew, and the standstill of the one before is remembered.
  began += 60_000;
  vi.advanceTimersByTime(began);
  release = keepPulse();
});
afterEach(() => {
  release();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** The process does not run for `ms`: the clock goes on, and no timer fires before that is over. */
function standStill(ms: number): void {
  const read = performance.now.bind(performance);
  vi.spyOn(performance, 'now').mockImplementation(() => read() + ms);
}

it('[D14] a standstill puts the end of a wait off, also one that ends when the wait would have', async () => {
  let over: boolean | undefined;
  const from = now();
  void until(() => false, from + 1000).then(({ done }) => {
    over = done;
  });
  // The next look of the wait falls in the same turn as a beat, as everything does that is due
  // after a real standstill.
  await vi.advanceTimersByTimeAsync(545);
  standStill(3000);
  expect(over).toBeUndefined();
  await vi.advanceTimersByTimeAsync(700);
  expect(over).toBe(false);
});

/** A client with a delivery that nothing confirms; `steps`: what the drain does with it. */
function oneUnconfirmed() {
  const steps: string[] = [];
  const connection = {
    session: { pending: 1 },
    probe() {},
    close: () => void steps.push('close'),
    destroy: () => void steps.push('destroy'),
  };
  const deps = {
    connections: new Set([connection]),
    resumption: { close() {} },
    tracker: { shutdown: () => steps.push('settle') },
    pending: () => 1,
    unconfirmed() {},
  };
  return { deps, steps };
}

it('[D14] a standstill while confirmations are awaited takes nothing from the time for the answers to Close', async () => {
  const { deps, steps } = oneUnconfirmed();
  const from = now();
  void drain(deps as never, from + 1000, from + 3000);
  await vi.advanceTimersByTimeAsync(545);
  standStill(5000);
  await vi.advanceTimersByTimeAsync(1000);
  expect(steps).toEqual(['close']);
  await vi.advanceTimersByTimeAsync(3000);
  expect(steps).toEqual(['close', 'destroy', 'settle']);
});

it('[D14] what has no outcome by the end ends when that was decided, not when its socket had closed at last', async () => {
  const steps: [string, number][] = [];
  const from = now();
  const connection = {
    session: { pending: 1 },
    probe() {},
    close() {},
    // Its socket never closes.
    destroy: (at: number) => steps.push(['cut off', at - from]),
  };
  const deps = {
    connections: new Set([connection]),
    resumption: {
      close: (_code: number, _reason: string, decidedAt: number) => steps.push(['wait', decidedAt - from]),
    },
    tracker: { shutdown: (at: number) => steps.push(['settle', at - from]) },
    pending: () => 1,
    unconfirmed() {},
  };
  void drain(deps as never, from + 100, from + 200);
  await vi.advanceTimersByTimeAsync(2000);
  const waits = steps.filter(([what]) => what === 'wait');
  expect(waits.length).toBeGreaterThan(1);
  expect(waits.slice(0, -1).every(([, at]) => at === 0)).toBe(true);
  const [[, cutOff], [, settled]] = [steps.find(([what]) => what === 'cut off')!, steps.at(-1)!];
  expect(cutOff).toBeGreaterThanOrEqual(200);
  expect([settled, waits.at(-1)![1]]).toEqual([cutOff, cutOff]);
});

it('[D10] sockets that are slow to close are waited for, so that nothing is read behind the last outcome', async () => {
  const { deps, steps } = oneUnconfirmed();
  const [connection] = deps.connections;
  connection!.destroy = () => {
    steps.push('destroy');
    setTimeout(() => {
      steps.push('closed');
      deps.connections.clear();
    }, 700);
  };
  void drain(deps as never, now() + 100, now() + 200);
  await vi.advanceTimersByTimeAsync(1500);
  expect(steps).toEqual(['close', 'destroy', 'closed', 'settle']);
});

it('[D24] what was left to the next process is asked for once more before what nobody takes is called lost', async () => {
  const steps: string[] = [];
  const deps = {
    connections: new Set(),
    resumption: {
      close: (_code: number, _reason: string, _at: number, all = false) => steps.push(all ? 'all' : 'waiting'),
    },
    tracker: { shutdown: () => steps.push('settle') },
    pending: () => 0,
    unconfirmed() {},
  };
  void drain(deps as never, now() + 100, now() + 200);
  await vi.advanceTimersByTimeAsync(1000);
  expect(steps).toEqual(['waiting', 'all', 'settle']);
});

it('[D14] a standstill between the decision to stop and the first word to a client puts all waits off', async () => {
  const { deps, steps } = oneUnconfirmed();
  const from = now();
  await vi.advanceTimersByTimeAsync(45);
  standStill(5000);
  await vi.advanceTimersByTimeAsync(60);
  void drain(deps as never, from + 1000, from + 3000, from);
  await vi.advanceTimersByTimeAsync(500);
  expect(steps).toEqual([]);
  await vi.advanceTimersByTimeAsync(500);
  expect(steps).toEqual(['close']);
  await vi.advanceTimersByTimeAsync(3000);
  expect(steps).toEqual(['close', 'destroy', 'settle']);
});

it('[D10] a handshake that becomes a connection while the sidecar stops is told to go like all others', async () => {
  const steps: string[] = [];
  const named = (name: string) => ({
    session: { pending: 0 },
    probe() {},
    close: (code: number, _: string, why: string) => steps.push(`${name} ${code} ${why}`),
    destroy() {},
  });
  const connections = new Set([named('early')]);
  const deps = {
    connections,
    resumption: { close() {} },
    tracker: { shutdown() {} },
    pending: () => 0,
    unconfirmed() {},
  };
  const from = now();
  void drain(deps as never, from + 100, from + 3000);
  await vi.advanceTimersByTimeAsync(50);
  connections.add(named('late'));
  await vi.advanceTimersByTimeAsync(50);
  expect(steps).toEqual(['early 1012 shutdown', 'late 1012 shutdown']);
});

it('[D14] a wait that ends with its time says when the sockets were read for the last time, however long that took', async () => {
  let ended: { done: boolean; at: number } | undefined;
  const from = now();
  // The turn in which the time is up takes 80 ms to read the sockets.
  setTimeout(() => setImmediate(() => standStill(80)), 1000);
  void until(() => false, from + 1000).then((how) => {
    ended = how;
  });
  await vi.advanceTimersByTimeAsync(1200);
  expect(ended).toEqual({ done: false, at: from + 1000 });
});

/**
 * A connection of a client with so many deliveries in flight, and the time at which it is told to
 * come again.
 */
function clientOf(pending: number, told: Map<object, number>, from: number) {
  const client = {
    session: { pending },
    probe() {},
    close: () => void told.set(client, Math.round(now() - from)),
    destroy() {},
  };
  return client;
}

it('[D10] 1,000 clients are told one after the other, those with nothing in flight first, the rest when it has come', async () => {
  const from = now();
  const told = new Map<object, number>();
  const idle = Array.from({ length: 990 }, () => clientOf(0, told, from));
  const busy = Array.from({ length: 10 }, () => clientOf(1, told, from));
  const deps = {
    connections: new Set([...busy, ...idle]),
    resumption: { close() {} },
    tracker: { shutdown() {} },
    pending: () => 10,
    unconfirmed: () => expect.fail('nothing was waited for in vain'),
  };
  void drain(deps as never, from + 4000, from + 6500);
  await vi.advanceTimersByTimeAsync(20);
  expect(told.size).toBeGreaterThan(0);
  expect(told.size).toBeLessThan(130);
  await vi.advanceTimersByTimeAsync(2500);
  expect(told.size).toBe(990);
  expect(busy.some((each) => told.has(each))).toBe(false);
  // No tenth of a second has more than its share.
  const slots = new Map<number, number>();
  for (const at of told.values())
    if (at >= 100) slots.set(Math.floor(at / 100), (slots.get(Math.floor(at / 100)) ?? 0) + 1);
  expect(Math.max(...slots.values())).toBeLessThan(70);
  for (const each of busy) each.session.pending = 0;
  await vi.advanceTimersByTimeAsync(50);
  expect(told.size).toBe(1000);
});

it('[D10] a handshake under way is waited for, and the connection that it becomes is told too', async () => {
  const from = now();
  const told = new Map<object, number>();
  const connections = new Set<object>();
  let handshaking = 1;
  let over = false;
  const deps = {
    ...{ connections, handshaking: () => handshaking, resumption: { close() {} }, tracker: { shutdown() {} } },
    ...{ pending: () => 0, unconfirmed() {} },
  };
  void drain(deps as never, from + 4000, from + 6500).then(() => {
    over = true;
  });
  await vi.advanceTimersByTimeAsync(1000);
  expect(over).toBe(false);
  const late = clientOf(0, told, from);
  connections.add(late);
  handshaking = 0;
  await vi.advanceTimersByTimeAsync(50);
  expect([told.has(late), over]).toEqual([true, false]);
  connections.delete(late);
  await vi.advanceTimersByTimeAsync(50);
  expect(over).toBe(true);
});

it('[D10] an upstream connection whose client is away is waited for: it may still bring messages', async () => {
  const from = now();
  const parked = { count: 1 };
  let over = false;
  const deps = {
    ...{ connections: new Set(), parked, resumption: { close() {} }, tracker: { shutdown() {} } },
    ...{ pending: () => 0, unconfirmed() {} },
  };
  void drain(deps as never, from + 4000, from + 6500).then(() => {
    over = true;
  });
  await vi.advanceTimersByTimeAsync(1000);
  expect(over).toBe(false);
  parked.count = 0;
  await vi.advanceTimersByTimeAsync(50);
  expect(over).toBe(true);
});

it('[D10] more clients than the pace would do in time are told faster, evenly until confirmations are no longer awaited', async () => {
  const from = now();
  const told = new Map<object, number>();
  const deps = {
    connections: new Set(Array.from({ length: 20_000 }, () => clientOf(0, told, from))),
    resumption: { close() {} },
    tracker: { shutdown() {} },
    pending: () => 0,
    unconfirmed() {},
  };
  void drain(deps as never, from + 4000, from + 6500);
  await vi.advanceTimersByTimeAsync(2000);
  expect(told.size).toBeGreaterThan(9_500);
  expect(told.size).toBeLessThan(10_800);
  await vi.advanceTimersByTimeAsync(2100);
  expect(told.size).toBe(20_000);
});

it('[D10] many clients with something in flight all the time wait for half of that, and are then told evenly', async () => {
  const from = now();
  const told = new Map<object, number>();
  const unconfirmed = vi.fn();
  const deps = {
    connections: new Set(Array.from({ length: 2000 }, () => clientOf(1, told, from))),
    resumption: { close() {} },
    tracker: { shutdown() {} },
    pending: () => 2000,
    unconfirmed,
  };
  void drain(deps as never, from + 4000, from + 6500);
  await vi.advanceTimersByTimeAsync(1950);
  expect(told.size).toBe(0);
  await vi.advanceTimersByTimeAsync(1050);
  expect(told.size).toBeGreaterThan(900);
  expect(told.size).toBeLessThan(1100);
  await vi.advanceTimersByTimeAsync(950);
  expect(told.size).toBeLessThan(2000);
  await vi.advanceTimersByTimeAsync(100);
  expect(told.size).toBe(2000);
  expect(unconfirmed).toHaveBeenCalledOnce();
});

it('[D10] a client whose session the next process goes on with is not kept for its confirmations', async () => {
  const from = now();
  const told = new Map<object, number>();
  const client = clientOf(5, told, from);
  const deps = {
    connections: new Set([client]),
    resumption: { close() {} },
    tracker: { shutdown() {} },
    pending: () => 5,
    goesOn: () => true,
    unconfirmed: () => expect.fail('its confirmations come to the next process'),
  };
  void drain(deps as never, from + 4000, from + 6500);
  await vi.advanceTimersByTimeAsync(20);
  expect(told.get(client)).toBeLessThan(50);
});
