// When the SDK speaks: in batches, and at once where waiting could be too late; and when it looks for another connection.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type AckspanOptions, AckspanSocket } from '../../src/client/socket.ts';
import { createFakeNetwork } from './fake-network.ts';
import { FakeSidecar } from './fake-sidecar.ts';

/** An open socket with its welcome read, and a handler that returns. */
function open(options: AckspanOptions = {}, silence: number | 'older' = 0) {
  const sidecar = new FakeSidecar();
  sidecar.silence = silence === 'older' ? undefined : silence;
  const network = createFakeNetwork(sidecar);
  const socket = new AckspanSocket('ws://sidecar/', [], { WebSocket: network.WebSocket, ...options });
  socket.onmessage = () => undefined;
  const deliver = () => {
    while (network.connection.stepDown());
  };
  deliver();
  const push = (count: number) => {
    for (let n = 0; n < count; n++) sidecar.session.push('x');
    deliver();
  };
  return { sidecar, network, socket, deliver, push };
}

const confirm = (through: number, s = 1) => `{"ackspan":"confirm","through":${through},"s":${s}}`;

/** Page listeners of the global scope, as the test's page. */
class FakePage extends EventTarget {
  listening = 0;
  override addEventListener(...args: Parameters<EventTarget['addEventListener']>): void {
    this.listening++;
    super.addEventListener(...args);
  }
  override removeEventListener(...args: Parameters<EventTarget['removeEventListener']>): void {
    this.listening--;
    super.removeEventListener(...args);
  }
}
let page: FakePage;
let visibility: { visibilityState: string };

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  page = new FakePage();
  visibility = { visibilityState: 'visible' };
  vi.stubGlobal('addEventListener', page.addEventListener.bind(page));
  vi.stubGlobal('removeEventListener', page.removeEventListener.bind(page));
  vi.stubGlobal('document', visibility);
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe('batches', () => {
  test('every 32 messages, and the rest after 100 ms', () => {
    const { network, push } = open();
    push(70);
    expect(network.connection.up).toEqual([confirm(32), confirm(64, 2)]);
    vi.advanceTimersByTime(99);
    expect(network.connection.up).toHaveLength(2);
    vi.advanceTimersByTime(1);
    expect(network.connection.up).toEqual([confirm(32), confirm(64, 2), confirm(70, 3)]);
    vi.advanceTimersByTime(10_000);
    expect(network.connection.up).toHaveLength(3);
  });

  test('close says the rest first, and nothing when there is nothing to say', () => {
    const { sidecar, socket, push } = open();
    push(3);
    socket.close();
    expect([...sidecar.session.confirmed]).toEqual([1, 2, 3]);
    const idle = open();
    const hear = vi.spyOn(idle.sidecar.session, 'hear');
    idle.socket.close();
    expect(hear).not.toHaveBeenCalled();
  });

  test.each([
    ['returns', () => undefined],
    ['awaits something before it', () => Promise.resolve()],
    ['awaits something after it', async () => void (await Promise.all([Promise.resolve()]))],
  ])('a handler on a page that is going away closes the socket and %s: its message is confirmed', async (how, wait) => {
    const { network, sidecar, socket, push } = open();
    socket.onmessage = (): unknown => {
      if (how.endsWith('before it')) return wait()!.then(() => socket.close());
      socket.close();
      return wait();
    };
    const closed = new Promise((resolve) => socket.addEventListener('close', resolve));
    push(1);
    // No timer fires any more.
    await closed;
    expect([...sidecar.session.confirmed]).toEqual([1]);
    expect(network.connection.socket.readyState).toBe(3);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('close does not wait for a handler that takes longer, nor for a timer', async () => {
    const { sidecar, socket, push } = open();
    socket.onmessage = () => new Promise(() => {});
    push(1);
    const closed = new Promise((resolve) => socket.addEventListener('close', resolve));
    socket.close();
    await closed;
    expect(sidecar.session.open).toEqual([1]);
  });

  test.each(['pagehide', 'visibilitychange'])('%s says it at once', (type) => {
    const { network, push } = open();
    push(3);
    page.dispatchEvent(new Event(type));
    expect(network.connection.up).toEqual([confirm(3)]);
  });

  test('a hidden page does not wait, for its timers are slow', () => {
    const { network, push } = open();
    visibility.visibilityState = 'hidden';
    push(2);
    expect(network.connection.up).toEqual([confirm(1), confirm(2, 2)]);
  });
});

describe('the network goes', () => {
  test('tries that fail wait longer and longer, also after a connection that had lasted', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.5);
    const { network, socket, deliver } = open();
    const waits: number[] = [];
    socket.addEventListener('reconnecting', ({ delayMs }) => waits.push(delayMs));
    for (let n = 0; n < 5; n++) {
      network.connection.cut();
      if (n < 4) await vi.advanceTimersByTimeAsync(waits.at(-1)!);
      if (n > 0) continue;
      deliver();
      await vi.advanceTimersByTimeAsync(60_000);
    }
    expect(waits).toEqual([500, 500, 1000, 2000, 4000]);
  });

  test('what was queued for one connection is not sent again over the next', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.5);
    const { network, socket, deliver } = open();
    const sent: string[] = [];
    network.connection.cut();
    socket.send('once');
    for (let n = 0; n < 2; n++) {
      await vi.advanceTimersByTimeAsync(1000);
      deliver();
      sent.push(...network.connection.up);
      network.connection.cut();
    }
    expect(sent).toEqual(['once']);
  });
});

describe('the network comes back', () => {
  test('while waiting for the next try: it is tried afresh, not after half a minute', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.5);
    const { network, socket, deliver } = open();
    const tries: [number, number][] = [];
    socket.addEventListener('reconnecting', ({ attempt, delayMs }) => tries.push([attempt, delayMs]));
    for (let n = 0; n < 7; n++) {
      network.connection.cut();
      if (n < 6) await vi.advanceTimersToNextTimerAsync();
    }
    expect(tries.at(-1)).toEqual([7, 15_000]);
    page.dispatchEvent(new Event('online'));
    expect(tries.at(-1)).toEqual([1, 500]);
    await vi.advanceTimersByTimeAsync(500);
    deliver();
    expect(socket.readyState).toBe(AckspanSocket.OPEN);
    await vi.advanceTimersByTimeAsync(2000);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('while waiting for a try that the application wants: it is not asked again', async () => {
    const asked: number[] = [];
    const shouldReconnect: AckspanOptions['shouldReconnect'] = ({ code }) => asked.push(code) > 0 && code === 4000;
    const { network, socket, deliver } = open({ shouldReconnect });
    const tries: [number, number][] = [];
    socket.addEventListener('reconnecting', ({ code, attempt }) => tries.push([code, attempt]));
    network.connection.cut(4000);
    for (const type of ['visibilitychange', 'online']) page.dispatchEvent(new Event(type));
    await vi.advanceTimersByTimeAsync(1000);
    deliver();
    expect(socket.readyState).toBe(AckspanSocket.OPEN);
    expect(asked).toEqual([4000]);
    expect(tries).toEqual([
      [4000, 1],
      [4000, 1],
      [4000, 1],
    ]);
    await vi.advanceTimersByTimeAsync(2000);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('while connected to an older sidecar, which cannot be asked: the connection is left, and nothing is lost by that', async () => {
    const { network, sidecar, socket, deliver, push } = open({}, 'older');
    const got: unknown[] = [];
    socket.onmessage = ({ data }) => got.push(data);
    const old = network.connection;
    push(1);
    sidecar.session.push('under way');
    page.dispatchEvent(new Event('online'));
    expect(socket.readyState).toBe(AckspanSocket.CONNECTING);
    old.stepDown();
    await vi.advanceTimersByTimeAsync(1000);
    expect(network.connection).not.toBe(old);
    deliver();
    expect(got).toEqual(['x', 'under way']);
  });

  test.each(['another one is open', 'the socket is closed'])(
    'a connection that was left is closed when %s, for it may be slow rather than dead',
    async (when) => {
      const { network, sidecar, socket, deliver } = open({}, 'older');
      const old = network.connection;
      page.dispatchEvent(new Event('online'));
      await vi.advanceTimersByTimeAsync(1000);
      expect(network.connection).not.toBe(old);
      expect(old.socket.readyState).toBe(1);
      // The sidecar closes nothing, as one that has not noticed.
      sidecar.session.link = undefined;
      if (when === 'the socket is closed') socket.close();
      else deliver();
      await vi.advanceTimersByTimeAsync(0);
      expect(old.socket.readyState).toBe(3);
    },
  );

  test('a closed socket has left the page alone', async () => {
    const { socket } = open();
    expect(page.listening).toBe(3);
    socket.close();
    await vi.advanceTimersByTimeAsync(0);
    expect(socket.readyState).toBe(AckspanSocket.CLOSED);
    expect(page.listening).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('a connection that lasted five seconds starts the back-off anew', async () => {
    const { network, socket, deliver } = open();
    const tries: number[] = [];
    socket.addEventListener('reconnecting', ({ attempt }) => tries.push(attempt));
    for (const lasted of [1000, 1000, 6000]) {
      await vi.advanceTimersByTimeAsync(lasted);
      network.connection.cut();
      await vi.advanceTimersByTimeAsync(10_000);
      deliver();
    }
    expect(tries).toEqual([1, 2, 1]);
  });
});

describe('open after a reconnect', () => {
  /** Loses the connection and brings up the next, without a frame over it yet. */
  async function reconnected() {
    const opened = open({ minDelayMs: 0 });
    const log: string[] = [];
    opened.socket.onopen = () => log.push('open');
    opened.socket.addEventListener('resumed', ({ recovered, rejoined }) =>
      log.push(`resumed ${recovered} ${rejoined}`),
    );
    opened.network.connection.cut();
    opened.socket.send('queued');
    await vi.advanceTimersByTimeAsync(1);
    return { ...opened, log };
  }

  test('a new backend connection: open again, then what was queued, then resumed', async () => {
    const { network, socket, deliver, log } = await reconnected();
    network.connection.stepDown();
    expect(socket.readyState).toBe(AckspanSocket.CONNECTING);
    deliver();
    expect(log).toEqual(['open', 'resumed true false']);
    expect(network.connection.up).toEqual(['queued']);
  });

  test('the backend connection was kept: no open, for nothing must be sent a second time', async () => {
    const { network, sidecar, socket, deliver, log } = await reconnected();
    sidecar.keepsUpstream = true;
    deliver();
    expect(log).toEqual(['resumed true true']);
    expect(socket.readyState).toBe(AckspanSocket.OPEN);
    expect(network.connection.up).toEqual(['queued']);
  });

  test('a new socket that resumes fires open once all the same', async () => {
    const { sidecar, socket } = await reconnected();
    sidecar.keepsUpstream = true;
    const network = createFakeNetwork(sidecar);
    const next = new AckspanSocket('ws://sidecar/', [], { WebSocket: network.WebSocket, resume: socket.resumption });
    const onopen = vi.fn();
    next.onopen = onopen;
    while (network.connection.stepDown());
    expect(onopen).toHaveBeenCalledTimes(1);
  });

  test('no sidecar any more and a backend that says nothing: open after two seconds', async () => {
    const { network, socket, log } = await reconnected();
    network.connection.stepDown();
    network.connection.down.length = 0;
    await vi.advanceTimersByTimeAsync(1999);
    expect(socket.readyState).toBe(AckspanSocket.CONNECTING);
    await vi.advanceTimersByTimeAsync(1);
    expect(log).toEqual(['open']);
    expect(network.connection.up).toEqual(['queued']);
  });

  test('those two seconds do not open a connection that is lost meanwhile', async () => {
    const { network, socket } = await reconnected();
    network.connection.stepDown();
    network.connection.cut();
    await vi.advanceTimersByTimeAsync(3000);
    expect(socket.readyState).toBe(AckspanSocket.CONNECTING);
  });
});
