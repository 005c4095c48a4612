// A path that is dead without a word: asked after half the silence, given up within one and a half, and no page punished for having slept.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Silence } from '../../src/client/silence.ts';
import { AckspanSocket } from '../../src/client/socket.ts';
import { createFakeNetwork } from './fake-network.ts';
import { FakeSidecar } from './fake-sidecar.ts';

const SILENCE = 60_000;
/** How much later it is than the timers know. */
let slept = 0;
let page: EventTarget;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  slept = 0;
  const awake = performance.now.bind(performance);
  vi.spyOn(performance, 'now').mockImplementation(() => awake() + slept);
  page = new EventTarget();
  vi.stubGlobal('addEventListener', page.addEventListener.bind(page));
  vi.stubGlobal('removeEventListener', page.removeEventListener.bind(page));
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

/**
 * A socket with its welcome read. Its network delivers when it is told to; `tries` are the moments
 * of `reconnecting`.
 */
function open(silence: number | 'older' = SILENCE) {
  const sidecar = new FakeSidecar();
  sidecar.silence = silence === 'older' ? undefined : silence;
  const network = createFakeNetwork(sidecar);
  const socket = new AckspanSocket('ws://sidecar/', [], { WebSocket: network.WebSocket, minDelayMs: 0 });
  const got: unknown[] = [];
  socket.onmessage = ({ data }) => got.push(data);
  const tries: number[] = [];
  socket.addEventListener('reconnecting', () => tries.push(performance.now()));
  /** Everything under way arrives, in both directions. */
  const deliver = () => {
    while (network.connection.stepUp() || network.connection.stepDown());
  };
  deliver();
  const stills = () => network.connection.up.filter((text) => text.startsWith('{"ackspan":"still","s":'));
  return { sidecar, network, socket, got, tries, deliver, stills };
}

test.each([Number.POSITIVE_INFINITY, Number.NaN, -5000, 1e12, 'soon'])(
  '[R13] a welcome that allows a silence of %s allows any: nothing is asked, and no timer runs wild',
  (silence) => {
    const { stills, tries } = open(silence as number);
    const timers = vi.getTimerCount();
    vi.advanceTimersByTime(3_600_000);
    expect([stills(), tries, vi.getTimerCount() - timers]).toEqual([[], [], 0]);
  },
);

describe('a silent path', () => {
  test('is asked after half the silence, and given up within one and a half', async () => {
    const { network, tries, stills } = open();
    const last = performance.now();
    await vi.advanceTimersByTimeAsync(SILENCE / 2 - 1);
    expect(network.connection.up).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(stills()).toEqual(['{"ackspan":"still","s":1}']);
    await vi.advanceTimersByTimeAsync(2 * SILENCE);
    expect(tries[0]! - last).toBeGreaterThanOrEqual(SILENCE);
    expect(tries[0]! - last).toBeLessThan(1.5 * SILENCE);
  });

  test('that answers is left alone, for as long as it does', async () => {
    const { sidecar, tries, deliver } = open();
    for (let i = 0; i < 100; i++) {
      await vi.advanceTimersByTimeAsync(SILENCE / 4);
      deliver();
    }
    expect(tries).toEqual([]);
    expect(sidecar.session.heard).toBeGreaterThan(20);
    expect(sidecar.session.faults).toEqual([]);
  });

  test('any frame is a sign of life: nobody asks while messages come', async () => {
    const { sidecar, network, deliver, tries } = open();
    for (let i = 0; i < 100; i++) {
      await vi.advanceTimersByTimeAsync(SILENCE / 3);
      sidecar.session.push('x');
      deliver();
      await vi.advanceTimersByTimeAsync(100);
      expect(network.connection.up).toEqual([`{"ackspan":"confirm","through":${i + 1},"s":${i + 1}}`]);
      deliver();
    }
    expect(tries).toEqual([]);
  });

  test('what was said into it is said again over the next one', async () => {
    const { sidecar, network, socket, deliver } = open();
    socket.onmessage = () => Promise.reject(new Error('no'));
    vi.spyOn(console, 'error').mockImplementation(() => {});
    for (let n = 0; n < 200; n++) sidecar.session.push('x');
    while (network.connection.stepDown());
    const dead = network.connection;
    await vi.advanceTimersByTimeAsync(SILENCE + 1000);
    expect(network.connection).not.toBe(dead);
    deliver();
    expect(sidecar.session.rejected.size).toBe(200);
    expect(sidecar.session.confirmed.size).toBe(0);
  });

  test.each([
    ['an older sidecar, which cannot answer', 'older'],
    ['a sidecar that bears any silence', 0],
  ] as const)("is nobody's business behind %s", async (_, silence) => {
    const { network, tries } = open(silence);
    await vi.advanceTimersByTimeAsync(100 * SILENCE);
    expect(network.connection.up).toEqual([]);
    expect(tries).toEqual([]);
  });

  test('after one that carried nothing is borne four times as long: a long message may be what is under way', async () => {
    const { network, tries, deliver, sidecar } = open();
    await vi.advanceTimersByTimeAsync(SILENCE + 100);
    expect(tries).toHaveLength(1);
    network.connection.stepDown();
    while (network.connection.stepDown());
    const last = performance.now();
    await vi.advanceTimersByTimeAsync(4 * SILENCE + 100);
    expect(tries[1]! - last).toBeGreaterThanOrEqual(4 * SILENCE);
    // Something came: from then on as before.
    await vi.advanceTimersByTimeAsync(100);
    sidecar.session.push('x');
    deliver();
    network.connection.cut();
    await vi.advanceTimersByTimeAsync(100);
    deliver();
    const before = performance.now();
    await vi.advanceTimersByTimeAsync(1.5 * SILENCE);
    expect(tries.at(-1)! - before).toBeLessThan(1.5 * SILENCE);
  });
});

describe('a page that slept', () => {
  test('asks once and waits anew: the answer may be at its door', async () => {
    const { tries, stills, deliver } = open();
    await vi.advanceTimersByTimeAsync(SILENCE / 2);
    expect(stills()).toHaveLength(1);
    slept = 10 * SILENCE;
    await vi.advanceTimersByTimeAsync(SILENCE / 2);
    expect(tries).toEqual([]);
    expect(stills()).toHaveLength(2);
    deliver();
    await vi.advanceTimersByTimeAsync(SILENCE / 2 - 1);
    expect(tries).toEqual([]);
  });

  test('finds a dead path soon after it woke', async () => {
    const { tries } = open();
    await vi.advanceTimersByTimeAsync(SILENCE / 2);
    slept = 10 * SILENCE;
    await vi.advanceTimersByTimeAsync(SILENCE / 2);
    const woke = performance.now();
    await vi.advanceTimersByTimeAsync(2100);
    expect(tries).toHaveLength(1);
    expect(tries[0]! - woke).toBeLessThan(2100);
  });

  test('with timers that are always late finds it all the same', async () => {
    const { tries } = open();
    for (let i = 0; i < 8 && tries.length === 0; i++) {
      slept += SILENCE;
      await vi.advanceTimersByTimeAsync(SILENCE / 2);
    }
    expect(tries).toHaveLength(1);
  });

  test('looks at once when it is shown again', async () => {
    const { tries, stills, deliver, network } = open();
    slept = 10 * SILENCE;
    page.dispatchEvent(new Event('visibilitychange'));
    expect(stills()).toHaveLength(1);
    deliver();
    await vi.advanceTimersByTimeAsync(2000);
    expect(tries).toEqual([]);
    // Nothing to ask about: something has just come.
    page.dispatchEvent(new Event('visibilitychange'));
    expect(network.connection.up).toEqual([]);
    slept += 10 * SILENCE;
    page.dispatchEvent(new Event('visibilitychange'));
    await vi.advanceTimersByTimeAsync(2000);
    expect(tries).toHaveLength(1);
  });
});

describe('the wait for a welcome', () => {
  /** The connection is cut, and the handshake of the next one is answered; its welcome is not read. */
  async function answered(silence?: number) {
    const all = open(silence);
    all.sidecar.keepsUpstream = true;
    const opens: number[] = [];
    all.socket.onopen = () => opens.push(performance.now());
    all.network.connection.cut();
    await vi.advanceTimersByTimeAsync(1);
    all.network.connection.stepDown();
    return { ...all, opens };
  }

  test('of a page that slept goes on when it wakes: its backend is the one that it had', async () => {
    const { opens, deliver, socket } = await answered();
    slept = 3_600_000;
    // Timers that are overdue run before the network is read.
    vi.advanceTimersToNextTimer();
    deliver();
    await vi.advanceTimersByTimeAsync(2000);
    expect([opens, socket.readyState]).toEqual([[], 1]);
  });

  test('ends after two seconds: there is no sidecar any more', async () => {
    const { opens, socket } = await answered();
    const at = performance.now();
    await vi.advanceTimersByTimeAsync(2000);
    expect([opens, socket.readyState]).toEqual([[at + 2000], 1]);
  });

  test('ends with its connection: one that was left opens nothing', async () => {
    const { opens, socket, tries } = await answered(1000);
    await vi.advanceTimersByTimeAsync(2500);
    expect(tries).not.toEqual([]);
    expect([opens, socket.readyState]).toEqual([[], 0]);
  });

  test('is each connection’s own: the next one, answered late in the wait of the one that was left, has all of its', async () => {
    const { network, opens, tries } = await answered(1000);
    await vi.advanceTimersByTimeAsync(1600);
    expect(tries).not.toEqual([]);
    network.connection.stepDown();
    await vi.advanceTimersByTimeAsync(1300);
    expect(opens).toEqual([]);
  });
});

describe('[R13] a monotonic clock that is not one', () => {
  const STEPS = [-36_000_000, 36_000_000];

  test.each(STEPS)('steps by %i ms: a dead path is given up as soon as ever', async (step) => {
    const { tries } = open();
    slept = step;
    await vi.advanceTimersByTimeAsync(1.5 * SILENCE);
    expect(tries).toHaveLength(1);
  });

  test.each(STEPS)('steps by %i ms while the answer is waited for: a dead path is given up', async (step) => {
    const { tries, stills } = open();
    await vi.advanceTimersByTimeAsync(SILENCE / 2);
    expect(stills()).toHaveLength(1);
    slept = step;
    await vi.advanceTimersByTimeAsync(SILENCE);
    expect(tries).toHaveLength(1);
  });

  test.each(STEPS)('steps by %i ms, and the page is shown: a dead path is given up', async (step) => {
    const { tries } = open();
    slept = step;
    page.dispatchEvent(new Event('visibilitychange'));
    await vi.advanceTimersByTimeAsync(SILENCE / 2 + 1);
    slept += step;
    page.dispatchEvent(new Event('visibilitychange'));
    await vi.advanceTimersByTimeAsync(SILENCE);
    expect(tries).not.toEqual([]);
  });

  test.each(STEPS)('steps by %i ms again and again: a path that answers is kept', async (step) => {
    const { tries, deliver } = open();
    for (let i = 0; i < 50; i++) {
      slept += i % 3 === 0 ? step : 0;
      await vi.advanceTimersByTimeAsync(SILENCE / 40);
      deliver();
    }
    expect(tries).toEqual([]);
  });

  test('stands still: a dead path is given up all the same', async () => {
    const { tries } = open();
    const now = performance.now();
    vi.spyOn(performance, 'now').mockReturnValue(now);
    await vi.advanceTimersByTimeAsync(1.5 * SILENCE);
    expect(tries).toHaveLength(1);
  });
});

test('[R13] the longest silence is waited for also where a long message may be under way', async () => {
  const longest = 3.49e8;
  const { network, tries } = open(longest);
  await vi.advanceTimersByTimeAsync(1.5 * longest);
  expect(tries).toHaveLength(1);
  network.connection.stepDown();
  const opened = performance.now();
  await vi.advanceTimersByTimeAsync(6 * longest + 1);
  expect(tries.slice(1).map((at) => at - opened)).toEqual([6 * longest]);
});

test('[R13] a silence that no timer could wait for is never a dead path', async () => {
  const { network, tries } = open(4.9e8);
  await vi.advanceTimersByTimeAsync(2 ** 31);
  expect([network.connection.up, tries]).toEqual([[], []]);
});

describe('the network comes back', () => {
  test('a connection that answers is kept', async () => {
    const { network, tries, stills, deliver } = open();
    const { connection } = network;
    page.dispatchEvent(new Event('online'));
    expect(stills()).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1900);
    deliver();
    await vi.advanceTimersByTimeAsync(SILENCE / 4);
    expect(tries).toEqual([]);
    expect(network.connection).toBe(connection);
  });

  test.each([SILENCE, 0])('one that does not answer within two seconds is left (silence %i)', async (silence) => {
    const { tries, sidecar, got, deliver } = open(silence);
    const at = performance.now();
    sidecar.session.push('under way');
    page.dispatchEvent(new Event('online'));
    await vi.advanceTimersByTimeAsync(2000);
    expect(tries).toEqual([at + 2000]);
    await vi.advanceTimersByTimeAsync(100);
    deliver();
    expect(got).toEqual(['under way']);
  });
});

describe('a handshake that nobody answers', () => {
  /** The connection is cut, and the next one is asked for over a path that is dead. */
  async function reconnecting(silence: number | 'older' = SILENCE) {
    const all = open(silence);
    all.network.connection.cut();
    await vi.advanceTimersByTimeAsync(1);
    expect(all.network.connection.socket.readyState).toBe(0);
    // `minDelayMs` is 0: it is asked for in the moment of the event.
    const [asked] = all.tries.splice(0);
    return { ...all, asked: asked! };
  }

  test.each([SILENCE, 2000])('is given up within one and a half times the silence (%i)', async (silence) => {
    const { network, tries, deliver, socket, sidecar, got, asked } = await reconnecting(silence);
    const { connection } = network;
    await vi.advanceTimersByTimeAsync(1.5 * silence);
    expect(tries.map((at) => at - asked)).toEqual([1.5 * silence]);
    await vi.advanceTimersByTimeAsync(1);
    expect(network.connection).not.toBe(connection);
    sidecar.session.push('kept');
    deliver();
    expect(socket.readyState).toBe(1);
    expect(got).toEqual(['kept']);
    await vi.advanceTimersByTimeAsync(silence / 2 - 1);
    expect(tries).toHaveLength(1);
  });

  test('is given up after the default behind an older sidecar, which names no silence', async () => {
    const { tries } = await reconnecting('older');
    await vi.advanceTimersByTimeAsync(1.5 * SILENCE);
    expect(tries).toHaveLength(1);
  });

  test('is waited for as long as the platform does, where any silence is borne', async () => {
    const { tries } = await reconnecting(0);
    await vi.advanceTimersByTimeAsync(100 * SILENCE);
    expect(tries).toEqual([]);
  });

  test('is left at once when the network comes back', async () => {
    const { network, tries } = await reconnecting();
    const { connection } = network;
    page.dispatchEvent(new Event('online'));
    await vi.advanceTimersByTimeAsync(1);
    expect(tries).toHaveLength(1);
    expect(network.connection).not.toBe(connection);
  });

  test('of a page that slept is asked for no sooner than the page has looked', async () => {
    const { network, tries } = await reconnecting();
    slept = 10 * SILENCE;
    page.dispatchEvent(new Event('visibilitychange'));
    expect(tries).toEqual([]);
    network.connection.stepDown();
    await vi.advanceTimersByTimeAsync(SILENCE);
    expect(tries).toEqual([]);
  });

  test('ends a socket that was never open, as the end of any first connection does', async () => {
    const network = createFakeNetwork(new FakeSidecar());
    const socket = new AckspanSocket('ws://sidecar/', [], { WebSocket: network.WebSocket });
    const closed = vi.fn();
    socket.onclose = closed;
    page.dispatchEvent(new Event('online'));
    await vi.advanceTimersByTimeAsync(1.5 * SILENCE - 1);
    expect(closed).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(closed.mock.calls).toEqual([[expect.objectContaining({ code: 1006, wasClean: false })]]);
    expect(socket.readyState).toBe(3);
  });
});

describe('[R13] a handshake that is answered, and nothing after it', () => {
  /** The connection is cut, and the next one opens; nothing else comes over it. */
  async function answered(silence: number = SILENCE) {
    const all = open(silence);
    all.network.connection.cut();
    await vi.advanceTimersByTimeAsync(1);
    all.network.connection.stepDown();
    expect(all.network.connection.socket.readyState).toBe(1);
    all.tries.length = 0;
    return { ...all, opened: performance.now() };
  }

  test.each([SILENCE, 2000])('is a dead path after one and a half times the silence (%i)', async (silence) => {
    const { network, tries, opened, sidecar, got, deliver } = await answered(silence);
    const { connection } = network;
    await vi.advanceTimersByTimeAsync(1.5 * silence);
    expect(tries.map((at) => at - opened)).toEqual([1.5 * silence]);
    await vi.advanceTimersByTimeAsync(1);
    expect(network.connection).not.toBe(connection);
    sidecar.session.push('kept');
    deliver();
    expect(got).toEqual(['kept']);
    await vi.advanceTimersByTimeAsync(silence / 2 - 1);
    expect(tries).toHaveLength(1);
  });

  test('is borne longer where that has just happened: a backend without a sidecar may be silent', async () => {
    const { network, tries } = await answered();
    await vi.advanceTimersByTimeAsync(1.5 * SILENCE + 1);
    network.connection.stepDown();
    const last = performance.now();
    await vi.advanceTimersByTimeAsync(6 * SILENCE + 1);
    expect(tries.slice(1).map((at) => at - last)).toEqual([6 * SILENCE]);
  });

  test('is no dead path once a backend has said something over it: no sidecar is there any more', async () => {
    const { network, tries, got } = await answered();
    network.connection.down.splice(0, 1, 'from the backend');
    network.connection.stepDown();
    await vi.advanceTimersByTimeAsync(100 * SILENCE);
    expect([got, tries]).toEqual([['from the backend'], []]);
  });

  test('of a first connection says nothing: a backend may be silent', async () => {
    const network = createFakeNetwork(new FakeSidecar());
    const socket = new AckspanSocket('ws://sidecar/', [], { WebSocket: network.WebSocket });
    const closed = vi.fn();
    socket.onclose = closed;
    network.connection.stepDown();
    await vi.advanceTimersByTimeAsync(100 * SILENCE);
    expect([socket.readyState, closed.mock.calls]).toEqual([1, []]);
  });
});

describe('close', () => {
  function closing(silence: number = SILENCE) {
    const all = open(silence);
    const closes: object[] = [];
    all.socket.onclose = ({ code, wasClean }) => closes.push({ code, wasClean, at: performance.now() });
    return { ...all, closes };
  }

  test.each([SILENCE, 2000])('on a dead path ends within one and a half times the silence (%i)', async (silence) => {
    const { network, socket, closes, tries } = closing(silence);
    network.connection.dead = true;
    const at = performance.now();
    socket.close(4000, 'bye');
    await vi.advanceTimersByTimeAsync(10 * silence);
    expect(closes).toEqual([{ code: 1006, wasClean: false, at: at + 1.5 * silence }]);
    expect(tries).toEqual([]);
  });

  test('that is answered late is a clean one', async () => {
    const { network, socket, closes } = closing();
    network.connection.dead = true;
    socket.close(4000);
    await vi.advanceTimersByTimeAsync(1.4 * SILENCE);
    network.connection.cut(4000);
    await vi.advanceTimersByTimeAsync(10 * SILENCE);
    expect(closes).toEqual([expect.objectContaining({ code: 4000, wasClean: true })]);
  });

  test('waits for the platform alone, where any silence is borne', async () => {
    const { network, socket, closes } = closing(0);
    network.connection.dead = true;
    socket.close();
    await vi.advanceTimersByTimeAsync(100 * SILENCE);
    expect(closes).toEqual([]);
  });

  test('between two connections fires once, also when the page changes at that moment', async () => {
    const { network, socket, closes } = closing();
    network.connection.cut();
    socket.close();
    page.dispatchEvent(new Event('online'));
    await vi.advanceTimersByTimeAsync(10 * SILENCE);
    expect(closes).toHaveLength(1);
  });
});

describe('a long message of the application', () => {
  test('behind which the question waits is no dead path while the network takes some of it', async () => {
    const { network, socket, tries } = open();
    const { connection } = network;
    const inner = connection.socket as typeof connection.socket & { send(data: string): void };
    const send = inner.send.bind(inner);
    inner.send = (data) => {
      send(data);
      inner.bufferedAmount += data.length;
    };
    socket.send('x'.repeat(1_000_000));
    connection.dead = true;
    // A slow path: 100 kB in each half of the silence, and the application goes on.
    for (let i = 0; i < 12; i++) {
      inner.bufferedAmount -= 100_000;
      socket.send('y'.repeat(100_000));
      await vi.advanceTimersByTimeAsync(SILENCE / 2);
    }
    expect(tries).toEqual([]);
    // Now nothing is taken any more, whatever the application adds.
    for (let i = 0; i < 3; i++) {
      socket.send('z'.repeat(1000));
      await vi.advanceTimersByTimeAsync(SILENCE / 2);
    }
    expect(tries).toHaveLength(1);
  });
});

test('no timer of it keeps a program alive', () => {
  vi.useRealTimers();
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  const before = timers();
  const silence = new Silence(vi.fn(), vi.fn(), () => 0);
  silence.arrived(true);
  silence.start(1_000_000);
  silence.doubt();
  expect(timers()).toBe(before);
  silence.start(0);
});
