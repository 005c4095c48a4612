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

test('no timer of it keeps a program alive', () => {
  vi.useRealTimers();
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  const before = timers();
  const silence = new Silence(vi.fn(), vi.fn());
  silence.arrived(true);
  silence.start(1_000_000);
  silence.doubt();
  expect(timers()).toBe(before);
  silence.start(0);
});
