// AckspanSocket over real WebSockets: what a program written for WebSocket sees, and what the sidecar hears.
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { WebSocket as WS } from 'ws';
import type {
  AckspanCloseEvent,
  AckspanMessageEvent,
  AckspanOptions,
  ReconnectingEvent,
  ResumedEvent,
} from '../../src/client/socket.ts';
import { AckspanSocket } from '../../src/client/socket.ts';
import { once, type Served, serve } from './serve.ts';

const WebSocketClass = WS as unknown as NonNullable<AckspanOptions['WebSocket']>;
const FAST: AckspanOptions = { WebSocket: WebSocketClass, minDelayMs: 1, maxDelayMs: 5 };

/** An object that is taken for a promise. */
function thenable(then: (done: () => void, failed: (error: unknown) => void) => void): object {
  return { then };
}

let served: Served;
let socket: AckspanSocket;
const plainServers: Served[] = [];

function connect(options: AckspanOptions = {}, url = served.url, protocols?: string[]): AckspanSocket {
  socket = new AckspanSocket(url, protocols, { ...FAST, ...options });
  return socket;
}

async function opened(options?: AckspanOptions): Promise<AckspanSocket> {
  await once(connect(options), 'open');
  return socket;
}

beforeEach(async () => {
  served = await serve();
  vi.spyOn(console, 'error').mockImplementation(() => {});
});
afterEach(async () => {
  socket?.close();
  for (const one of [served, ...plainServers.splice(0)]) await one.stop();
  vi.restoreAllMocks();
});

describe('as a WebSocket', () => {
  test('its type fits where a WebSocket is asked for', async () => {
    const plain: WebSocket = await opened();
    expect(plain).toBeInstanceOf(EventTarget);
    // Code that annotates its handlers with the DOM's types compiles too; the compiler is the
    // judge.
    socket.onmessage = (event: MessageEvent<string>) => event.data;
    socket.onclose = (event: CloseEvent) => event.code;
    socket.addEventListener('message', (event: MessageEvent) => event.data);
    expect([plain.CONNECTING, plain.OPEN, plain.CLOSING, plain.CLOSED]).toEqual([0, 1, 2, 3]);
    expect([AckspanSocket.CONNECTING, AckspanSocket.OPEN, AckspanSocket.CLOSING, AckspanSocket.CLOSED]).toEqual([
      0, 1, 2, 3,
    ]);
  });

  test('url shows what the application gave, subprotocols are negotiated, the opt-in is in the query', async () => {
    connect({}, `${served.url}?a=%20b&c`, ['v2', 'v1']);
    expect(socket.readyState).toBe(AckspanSocket.CONNECTING);
    await once(socket, 'open');
    expect(socket.url).toBe(`${served.url}?a=%20b&c`);
    expect(socket.protocol).toBe('v2');
    expect([...served.sidecar.queries[0]!.entries()]).toEqual([
      ['a', ' b'],
      ['c', ''],
      ['ackspan', '1'],
    ]);
  });

  test('a bad URL throws a SyntaxError', () => {
    expect(() => connect({}, 'not a url')).toThrow(SyntaxError);
  });

  test('without a WebSocket class it says which option to pass', () => {
    vi.stubGlobal('WebSocket', undefined);
    expect(() => new AckspanSocket(served.url)).toThrow('pass the option WebSocket');
    vi.unstubAllGlobals();
  });

  test('messages are MessageEvents on this socket, text and binary, in order', async () => {
    await opened();
    socket.binaryType = 'arraybuffer';
    const events: AckspanMessageEvent[] = [];
    socket.addEventListener('message', (event) => events.push(event));
    served.sidecar.session.push('one');
    served.sidecar.session.push(Uint8Array.of(1, 2, 3));
    await vi.waitFor(() => expect(events).toHaveLength(2));
    expect(events[0]).toBeInstanceOf(MessageEvent);
    expect(events[0]!.target).toBe(socket);
    expect(events[0]!.data).toBe('one');
    expect(new Uint8Array(events[1]!.data)).toEqual(Uint8Array.of(1, 2, 3));
  });

  test('listeners: this, once, handleEvent, removal, twice the same, and on… beside them', async () => {
    await opened();
    const calls: string[] = [];
    const same = function (this: unknown) {
      calls.push(this === socket ? 'same' : 'wrong this');
    };
    const removed = () => calls.push('removed');
    socket.addEventListener('message', same);
    socket.addEventListener('message', same);
    socket.onmessage = same;
    expect(socket.onmessage).toBe(same);
    socket.addEventListener('message', removed);
    socket.removeEventListener('message', removed);
    socket.addEventListener('message', () => calls.push('once'), { once: true });
    socket.addEventListener('message', { handleEvent: () => calls.push('object') });
    served.sidecar.session.push('1');
    served.sidecar.session.push('2');
    await vi.waitFor(() => expect(calls.filter((call) => call === 'object')).toHaveLength(2));
    expect(calls).toEqual(['same', 'same', 'once', 'object', 'same', 'same', 'object']);
    socket.onmessage = null;
    expect(socket.onmessage).toBeNull();
  });

  test('send throws before the first open, and sends text and binary after it', async () => {
    connect();
    expect(() => socket.send('early')).toThrow(expect.objectContaining({ name: 'InvalidStateError' }));
    await once(socket, 'open');
    socket.send('text');
    socket.send(Uint8Array.of(255));
    await vi.waitFor(() => expect(served.heard).toEqual(['text', 'binary ff']));
  });

  test('close passes code and reason, fires close once, and sends are dropped after it', async () => {
    await opened();
    const heard = new Promise((resolve) =>
      served.sockets[0]!.on('close', (code, reason) => resolve([code, reason.toString()])),
    );
    const closed = once<AckspanCloseEvent>(socket, 'close');
    socket.close(4000, 'bye');
    expect(socket.readyState).toBe(AckspanSocket.CLOSING);
    expect(await closed).toMatchObject({ code: 4000, reason: 'bye', wasClean: true });
    expect(await heard).toEqual([4000, 'bye']);
    expect(socket.readyState).toBe(AckspanSocket.CLOSED);
    socket.send('late');
    socket.close();
  });

  test('what arrives after close is dropped and not confirmed', async () => {
    await opened();
    await vi.waitFor(() => expect(socket.resumption).not.toBeNull());
    socket.onmessage = () => expect.fail('handed');
    socket.close();
    // On its way before the server can have seen the close.
    served.sidecar.session.push('late');
    await once(socket, 'close');
    expect(served.raw).toEqual([]);
  });

  test('a first connection that fails: error, then close 1006, and no reconnect', async () => {
    served.accept = false;
    connect();
    const order: string[] = [];
    for (const type of ['open', 'error', 'reconnecting', 'close'])
      socket.addEventListener(type, () => order.push(type));
    expect(await once<AckspanCloseEvent>(socket, 'close')).toMatchObject({ code: 1006, wasClean: false });
    expect(order).toEqual(['error', 'close']);
  });
});

describe('confirming', () => {
  const confirmed = () => [...served.sidecar.session.confirmed];

  test('after the handler has run, and no sooner than its promise is resolved', async () => {
    await opened();
    let finish = () => {};
    socket.onmessage = ({ data }) => (data === 'slow' ? new Promise<void>((resolve) => (finish = resolve)) : undefined);
    served.sidecar.session.push('slow');
    served.sidecar.session.push('quick');
    await vi.waitFor(() => expect(confirmed()).toEqual([2]));
    finish();
    await vi.waitFor(() => expect(confirmed()).toEqual([2, 1]));
    expect(served.sidecar.session.faults).toEqual([]);
  });

  test('a handler that throws or rejects: the reason is told, the error shown, the next message handled', async () => {
    await opened();
    socket.onmessage = ({ data }) => {
      if (data === 'throw') throw new Error('broken');
      return data === 'reject' ? Promise.reject(new Error('later')) : undefined;
    };
    for (const text of ['throw', 'reject', 'fine']) served.sidecar.session.push(text);
    await vi.waitFor(() => expect(confirmed()).toEqual([3]));
    expect([...served.sidecar.session.rejected]).toEqual([
      [1, 'Error: broken'],
      [2, 'Error: later'],
    ]);
    expect(console.error).toHaveBeenCalledTimes(2);
  });

  test('what is thrown may be anything', async () => {
    await opened();
    socket.onmessage = () => {
      throw Object.create(null);
    };
    served.sidecar.session.push('1');
    await vi.waitFor(() => expect(served.sidecar.session.rejected.get(1)).toBe('unprintable'));
  });

  test.each(['throws', 'rejects'])('a handler that %s with what no console can show has failed', async (how) => {
    await opened();
    // As the console of Node does: it throws where a property of an error throws.
    vi.mocked(console.error).mockImplementation((shown) => void inspect(shown));
    const odd = Object.defineProperty(new Error('odd'), 'name', {
      get() {
        throw new Error('no name');
      },
    });
    expect(() => inspect(odd)).toThrow('no name');
    socket.onmessage = ({ data }) => {
      if (data !== 'odd') return undefined;
      if (how === 'rejects') return Promise.reject(odd);
      throw odd;
    };
    for (const text of ['odd', 'fine']) served.sidecar.session.push(text);
    await vi.waitFor(() => expect(confirmed()).toEqual([2]));
    expect([...served.sidecar.session.rejected]).toEqual([[1, 'unprintable']]);
  });

  test('every listener must succeed', async () => {
    await opened();
    socket.onmessage = () => undefined;
    socket.addEventListener('message', () => Promise.reject(new Error('second')));
    served.sidecar.session.push('1');
    await vi.waitFor(() => expect(served.sidecar.session.rejected.get(1)).toBe('Error: second'));
  });

  test('what a listener returns is asked once, and may call back as often as it likes', async () => {
    await opened();
    const returned: Record<string, unknown> = {
      twice: thenable((done) => {
        done();
        done();
      }),
      throws: thenable(() => {
        throw new Error('from then');
      }),
      unreadable: Object.defineProperty({}, 'then', {
        get() {
          throw new Error('from the getter');
        },
      }),
      both: thenable((done, failed) => {
        done();
        failed('too late');
      }),
    };
    socket.onmessage = ({ data }) => returned[data as string];
    socket.addEventListener('message', ({ data }) => (data === 'twice' ? new Promise(() => {}) : undefined));
    for (const text of Object.keys(returned)) served.sidecar.session.push(text);
    await vi.waitFor(() => expect(confirmed()).toEqual([4]));
    expect(Object.fromEntries(served.sidecar.session.rejected)).toEqual({
      2: 'Error: from then',
      3: 'Error: from the getter',
    });
  });

  test('a promise of the platform that was tampered with is asked once, and costs no later message', async () => {
    await opened();
    const returned: Record<string, unknown> = {
      twice: Object.assign(Promise.resolve(), {
        // biome-ignore lint/suspicious/noThenProperty: a promise with a `then` of its own is the case
        then(done: () => void) {
          done();
          done();
        },
      }),
      'no maker': Object.defineProperty(Promise.resolve(), 'constructor', {
        get() {
          throw new Error('from the getter');
        },
      }),
    };
    socket.onmessage = ({ data }) => returned[data as string];
    socket.addEventListener('message', ({ data }) => (data === 'twice' ? new Promise(() => {}) : undefined));
    for (const text of [...Object.keys(returned), 'last']) served.sidecar.session.push(text);
    await vi.waitFor(() => expect(confirmed()).toEqual([3]));
    expect([...served.sidecar.session.rejected]).toEqual([[2, 'Error: from the getter']]);
    expect(served.sidecar.session.open).toEqual([1]);
  });

  test('a message that comes while another is handed over costs no result of either', async () => {
    // Brings the next frame inside `send`, as a fake network or a bridge to a worker may.
    class Prompt extends WS {
      override send(data: never): void {
        super.send(data);
        if (data === 'more, please') this.emit('message', Buffer.from('inner'), false);
      }
    }
    await opened({ WebSocket: Prompt as unknown as typeof WebSocketClass });
    const { session } = served.sidecar;
    socket.onmessage = ({ data }) => data === 'outer' && socket.send('more, please');
    socket.addEventListener('message', ({ data }) => {
      if (data === 'outer') throw new Error('second listener');
    });
    session.push('outer');
    session.messages.push('inner');
    await vi.waitFor(() => expect(confirmed()).toEqual([2]));
    expect([...session.rejected]).toEqual([[1, 'Error: second listener']]);
  });

  test('nobody listens: the message is rejected, not confirmed', async () => {
    await opened();
    served.sidecar.session.push('1');
    await vi.waitFor(() => expect(served.sidecar.session.rejected.get(1)).toBe('no message handler'));
  });

  test('manual: only event.confirm() and event.reject() count', async () => {
    await opened({ manual: true });
    const events: AckspanMessageEvent[] = [];
    socket.onmessage = (event) => {
      events.push(event);
    };
    for (const text of ['1', '2', '3']) served.sidecar.session.push(text);
    await vi.waitFor(() => expect(events).toHaveLength(3));
    events[1]!.confirm();
    events[2]!.reject(new Error('no room'));
    events[2]!.confirm();
    await vi.waitFor(() => expect(served.sidecar.session.rejected.get(3)).toBe('Error: no room'));
    expect(confirmed()).toEqual([2]);
    events[0]!.confirm();
    await vi.waitFor(() => expect(confirmed()).toEqual([2, 1]));
  });

  test.each([
    ['returns', () => socket.close(4000)],
    [
      'awaits something',
      async () => {
        await Promise.resolve();
        socket.close(4000);
      },
    ],
  ])('a handler that closes the socket and %s: its message is confirmed before the close', async (_, handle) => {
    await opened();
    await vi.waitFor(() => expect(socket.resumption).not.toBeNull());
    socket.onmessage = handle;
    const closed = once<AckspanCloseEvent>(socket, 'close');
    served.sidecar.session.push('last');
    expect((await closed).code).toBe(4000);
    expect(confirmed()).toEqual([1]);
    expect(socket.readyState).toBe(AckspanSocket.CLOSED);
  });

  test('a handler that closes the socket and throws: its message is rejected', async () => {
    await opened();
    socket.onmessage = () => {
      socket.close();
      expect(socket.readyState).toBe(AckspanSocket.CLOSING);
      throw new Error('broken');
    };
    const closed = once(socket, 'close');
    served.sidecar.session.push('last');
    await closed;
    expect([...served.sidecar.session.rejected]).toEqual([[1, 'Error: broken']]);
  });

  test('a handler that closes the socket with a bad code: the error is shown, and the socket is closed', async () => {
    await opened();
    socket.onmessage = () => socket.close(7);
    const closed = once(socket, 'close');
    served.sidecar.session.push('last');
    await closed;
    expect(confirmed()).toEqual([1]);
    expect(console.error).toHaveBeenCalledTimes(1);
  });

  test('a message that comes again is not handed again, but confirmed again', async () => {
    await opened();
    const got: unknown[] = [];
    socket.onmessage = ({ data }) => got.push(data);
    served.sidecar.session.push('1');
    await vi.waitFor(() => expect(served.raw).toHaveLength(1));
    served.sidecar.session.resend(1);
    await vi.waitFor(() => expect(served.raw).toHaveLength(2));
    expect(got).toEqual(['1']);
  });
});

describe('without a sidecar in front', () => {
  test('it is a plain socket: every message arrives, nothing is added', async () => {
    const plain = await serve(true);
    plainServers.push(plain);
    connect({}, plain.url);
    const got: unknown[] = [];
    socket.onmessage = (event) => {
      got.push(event.data);
      event.confirm();
    };
    await once(socket, 'open');
    plain.sockets[0]!.send('first');
    plain.sockets[0]!.send('{"ackspan":"replay","n":1}');
    await vi.waitFor(() => expect(got).toEqual(['first', '{"ackspan":"replay","n":1}']));
    expect(socket.resumption).toBeNull();
    socket.close();
    await once(socket, 'close');
    expect(plain.raw).toEqual([]);
  });

  test('it reconnects all the same, and says that nothing was recovered', async () => {
    const plain = await serve(true);
    plainServers.push(plain);
    connect({}, plain.url);
    await once(socket, 'open');
    plain.sockets[0]!.terminate();
    await once(socket, 'open');
    const resumed = once<ResumedEvent>(socket, 'resumed');
    plain.sockets[1]!.send('hello');
    expect((await resumed).recovered).toBe(false);
  });
});

describe('reconnecting', () => {
  test.each([1001, 1005, 1006, 1011, 1012, 1013])(
    'after %i it comes back and resumes, missing nothing',
    async (code) => {
      await opened();
      const got: unknown[] = [];
      socket.onmessage = ({ data }) => got.push(data);
      served.sidecar.session.push('1');
      await vi.waitFor(() => expect(got).toEqual(['1']));
      const reconnecting = once<ReconnectingEvent>(socket, 'reconnecting');
      const ws = served.sockets[0]!;
      served.sidecar.session.link = undefined;
      if (code === 1006) ws.terminate();
      else if (code === 1005) ws.close();
      else ws.close(code);
      served.sidecar.session.push('2');
      expect(await reconnecting).toMatchObject({ code, attempt: 1 });
      expect(socket.readyState).toBe(AckspanSocket.CONNECTING);
      expect((await once<ResumedEvent>(socket, 'resumed')).recovered).toBe(true);
      served.sidecar.session.push('3');
      await vi.waitFor(() => expect(got).toEqual(['1', '2', '3']));
      await vi.waitFor(() => expect(served.sidecar.session.open).toEqual([]));
      expect(served.sidecar.queries[1]!.get('ackspan_last')).toBe('1');
    },
  );

  test.each([1000, 1002, 1003, 1007, 1008, 1009, 3000, 4401])('after %i it stays closed', async (code) => {
    await opened();
    const closed = once<AckspanCloseEvent>(socket, 'close');
    socket.addEventListener('reconnecting', () => expect.fail('reconnecting'));
    served.sockets[0]!.close(code, 'because');
    expect(await closed).toMatchObject({ code, reason: 'because' });
    expect(socket.readyState).toBe(AckspanSocket.CLOSED);
  });

  test('shouldReconnect has the last word', async () => {
    const asked: unknown[] = [];
    await opened({
      shouldReconnect: (close, attempts) => {
        asked.push([close.code, attempts]);
        return attempts.attempt < 3;
      },
    });
    served.accept = false;
    served.sockets[0]!.close(4000);
    expect(await once<AckspanCloseEvent>(socket, 'close')).toMatchObject({ code: 1006 });
    expect(asked).toEqual([
      [4000, { opened: true, attempt: 1 }],
      [1006, { opened: true, attempt: 2 }],
      [1006, { opened: true, attempt: 3 }],
    ]);
  });

  test('shouldReconnect that throws: the error is shown, and the default decides', async () => {
    await opened({
      shouldReconnect: () => {
        throw new Error('broken policy');
      },
    });
    served.sockets[0]!.terminate();
    await once(socket, 'open');
    expect(console.error).toHaveBeenCalledTimes(1);
    served.sockets[1]!.close(4000);
    expect(await once<AckspanCloseEvent>(socket, 'close')).toMatchObject({ code: 4000 });
  });

  test('shouldReconnect that closes the socket: it is closed, whatever the answer', async () => {
    await opened({
      shouldReconnect: () => {
        socket.close();
        return true;
      },
    });
    socket.addEventListener('reconnecting', () => expect.fail('reconnecting'));
    served.sockets[0]!.terminate();
    expect(await once<AckspanCloseEvent>(socket, 'close')).toMatchObject({ code: 1006 });
    expect(socket.readyState).toBe(AckspanSocket.CLOSED);
  });

  test('a class that throws at a later try: the error is shown, and the next try follows', async () => {
    let made = 0;
    class Moody extends WS {
      constructor(...args: ConstructorParameters<typeof WS>) {
        if (++made === 2) throw new Error('no ticket');
        super(...args);
      }
    }
    await opened({ WebSocket: Moody as unknown as typeof WebSocketClass });
    const attempts: number[] = [];
    socket.addEventListener('reconnecting', ({ attempt }) => attempts.push(attempt));
    served.sockets[0]!.terminate();
    await once(socket, 'open');
    expect(attempts).toEqual([1, 2]);
    expect(console.error).toHaveBeenCalledTimes(1);
  });

  test('a try that failed leaves no error behind', async () => {
    await opened();
    const error = vi.fn();
    socket.onerror = error;
    served.accept = false;
    served.sockets[0]!.terminate();
    await once(socket, 'reconnecting');
    await once(socket, 'reconnecting');
    served.accept = true;
    await once(socket, 'open');
    served.sockets[1]!.close(4000);
    await once(socket, 'close');
    expect(error).not.toHaveBeenCalled();
  });

  test('a first connection that needed a second try has nothing to resume', async () => {
    served.accept = false;
    connect({ shouldReconnect: () => true });
    socket.addEventListener('resumed', () => expect.fail('resumed'));
    const got: unknown[] = [];
    socket.onmessage = ({ data }) => got.push(data);
    await once(socket, 'reconnecting');
    served.accept = true;
    await once(socket, 'open');
    served.sidecar.session.push('1');
    await vi.waitFor(() => expect(got).toEqual(['1']));
  });

  test('a session taken over by a newer connection is not fought for', async () => {
    const older = await opened();
    const closed = once<AckspanCloseEvent>(older, 'close');
    await vi.waitFor(() => expect(older.resumption).not.toBeNull());
    const newer = await opened({ resume: older.resumption });
    expect((await closed).code).toBe(4409);
    expect(newer.readyState).toBe(AckspanSocket.OPEN);
  });

  test('[R10] a takeover that a try without an answer may have caused is no reason to stay away: once', async () => {
    await opened();
    await vi.waitFor(() => expect(socket.resumption).not.toBeNull());
    const { session } = socket.resumption!;
    served.accept = false;
    served.sockets[0]!.terminate();
    await once(socket, 'reconnecting');
    await once(socket, 'reconnecting');
    served.accept = true;
    await once(socket, 'resumed');
    served.sockets.at(-1)!.close(4409);
    const next = await Promise.race([once<ResumedEvent>(socket, 'resumed'), once<AckspanCloseEvent>(socket, 'close')]);
    expect(next).toMatchObject({ type: 'resumed', recovered: true });
    expect(socket.resumption!.session).toBe(session);
    served.sockets.at(-1)!.close(4409);
    expect((await once<AckspanCloseEvent>(socket, 'close')).code).toBe(4409);
  });

  test('send queues while reconnecting, up to its bound; what the open handler sends goes first', async () => {
    await opened({ maxQueuedBytes: 8 });
    served.sockets[0]!.terminate();
    await once(socket, 'reconnecting');
    const bytes = Uint8Array.of(7);
    socket.send('queued');
    socket.send(bytes);
    bytes[0] = 9;
    expect(socket.bufferedAmount).toBe(7);
    expect(() => socket.send('too much')).toThrow(expect.objectContaining({ name: 'QuotaExceededError' }));
    socket.onopen = () => socket.send('login');
    await vi.waitFor(() => expect(served.heard).toEqual(['login', 'queued', 'binary 07']));
    expect(socket.bufferedAmount).toBe(0);
  });

  test('what is queued is what would have been sent, and no more than that is kept', async () => {
    const sent: unknown[] = [];
    class Noting extends WS {
      override send(data: never): void {
        sent.push(data);
        super.send(data);
      }
    }
    await opened({ WebSocket: Noting as unknown as typeof WebSocketClass });
    served.sockets[0]!.terminate();
    await once(socket, 'reconnecting');
    const memory = new Uint8Array(1024 * 1024);
    const odd = [
      memory.subarray(5, 7),
      memory.buffer.slice(0, 1),
      new Blob(['blob']),
      new URL('http://here/'),
      5,
      null,
    ];
    for (const data of [...odd, { toString: () => 'text' }, 'last']) socket.send(data as never);
    await vi.waitFor(() => expect(served.heard.at(-1)).toBe('last'));
    expect(served.heard).toEqual([
      'binary 0000',
      'binary 00',
      'binary 626c6f62',
      'http://here/',
      '5',
      'null',
      'text',
      'last',
    ]);
    expect((sent[0] as ArrayBuffer).byteLength).toBe(2);
  });

  test('binaryType stays', async () => {
    await opened();
    socket.binaryType = 'arraybuffer';
    socket.binaryType = 'no such type' as 'blob';
    served.sockets[0]!.terminate();
    await once(socket, 'open');
    expect(socket.binaryType).toBe('arraybuffer');
  });

  test('a handshake that is never answered is left when the network comes back, without an uncaught error', async () => {
    const page = new EventTarget();
    vi.stubGlobal('addEventListener', page.addEventListener.bind(page));
    vi.stubGlobal('removeEventListener', page.removeEventListener.bind(page));
    try {
      let asked = 0;
      class Asking extends WebSocketClass {
        constructor(...args: ConstructorParameters<typeof WebSocketClass>) {
          super(...args);
          asked++;
        }
      }
      await opened({ WebSocket: Asking });
      served.accept = 'never';
      served.sockets[0]!.terminate();
      await vi.waitFor(() => expect(asked).toBe(2));
      served.accept = true;
      const resumed = once<ResumedEvent>(socket, 'resumed');
      page.dispatchEvent(new Event('online'));
      expect((await resumed).recovered).toBe(true);
      expect(asked).toBe(3);
    } finally {
      vi.unstubAllGlobals();
    }
  });

  test('close while waiting for the next try ends it', async () => {
    await opened({ minDelayMs: 1e6, maxDelayMs: 1e6 });
    served.sockets[0]!.terminate();
    await once(socket, 'reconnecting');
    const closed = once<AckspanCloseEvent>(socket, 'close');
    socket.close();
    expect(socket.readyState).toBe(AckspanSocket.CLOSING);
    expect(await closed).toMatchObject({ code: 1006, wasClean: false });
    expect(socket.readyState).toBe(AckspanSocket.CLOSED);
  });

  test('waits are random below a bound that doubles up to the cap', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.5);
    await opened({ minDelayMs: 2, maxDelayMs: 12 });
    const delays: number[] = [];
    socket.addEventListener('reconnecting', ({ delayMs }) => delays.push(delayMs));
    served.accept = false;
    served.sockets[0]!.terminate();
    await vi.waitFor(() => expect(delays.length).toBeGreaterThanOrEqual(5));
    expect(delays.slice(0, 5)).toEqual([1, 2, 4, 6, 6]);
  });

  test('a session that the sidecar has forgotten: a new one, said so, and old handlers confirm nothing in it', async () => {
    await opened();
    let finish = () => {};
    socket.onmessage = ({ data }) => (data === 'old' ? new Promise<void>((resolve) => (finish = resolve)) : undefined);
    const old = served.sidecar.session;
    old.push('old');
    await vi.waitFor(() => expect(socket.resumption?.last).toBe(0));
    old.tokens = [];
    served.sockets[0]!.terminate();
    expect((await once<ResumedEvent>(socket, 'resumed')).recovered).toBe(false);
    const session = served.sidecar.session;
    expect(session).not.toBe(old);
    session.push('new');
    finish();
    await vi.waitFor(() => expect([...session.confirmed]).toEqual([1]));
    expect(session.faults).toEqual([]);
    expect(old.confirmed.size).toBe(0);
  });

  test('resumption carries a session over to another socket; unfinished messages come again', async () => {
    await opened();
    let got: unknown[] = [];
    socket.onmessage = ({ data }) => {
      got.push(data);
      return data === '2' ? new Promise(() => {}) : undefined;
    };
    for (const text of ['1', '2']) served.sidecar.session.push(text);
    await vi.waitFor(() => expect(got).toEqual(['1', '2']));
    const resume = JSON.parse(JSON.stringify(socket.resumption));
    socket.close();
    await once(socket, 'close');
    got = [];
    served.sidecar.session.link = undefined;
    connect({ resume });
    socket.onmessage = ({ data }) => got.push(data);
    expect((await once<ResumedEvent>(socket, 'resumed')).recovered).toBe(true);
    await vi.waitFor(() => expect(got).toEqual(['2']));
  });
});
