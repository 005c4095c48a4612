// Test support: a backend that emits numbered agent events to each of its users, one run each, over any connection.

import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';
import { AckspanSocket } from '../../src/client/socket.ts';
import { atEnd } from './backends.ts';
import { freePort } from './free-port.ts';

/** One user's run. */
export interface Run {
  readonly user: string;
  /** Events emitted; they are numbered from 1. */
  sent: number;
  /** Number of events on each connection, in order. */
  readonly bySocket: number[];
  socket: WebSocket | undefined;
  /** Text messages that the user's client has sent. */
  readonly heard: string[];
}

export interface AgentBackend {
  readonly port: number;
  readonly runs: ReadonlyMap<string, Run>;
  /**
   * Emits the next event of every connected run, up to `limit` each. Returns whether all required
   * events are through.
   */
  step(limit: number, hasTo: (run: Run) => boolean): boolean;
  /** Emits one event of one run. */
  emit(run: Run): void;
  /** Ends every connection without a Close frame, and takes none until `back`. */
  crash(): Promise<void>;
  back(): Promise<void>;
}

const TYPES = ['agent_started', 'tool_executing', 'tool_completed', 'agent_thinking', 'agent_completed'];

/** Starts the backend on a free port. `filler`: characters of padding for event number `n`. */
export async function startAgentBackend(filler: (n: number) => number = () => 40): Promise<AgentBackend> {
  const runs = new Map<string, Run>();
  let server: WebSocketServer;
  const listen = async (port: number): Promise<number> => {
    server = new WebSocketServer({ host: '127.0.0.1', port, perMessageDeflate: true });
    await once(server, 'listening');
    server.on('connection', (socket, request) => {
      const user = new URL(request.url!, 'http://here').searchParams.get('user')!;
      const run = runs.get(user) ?? { user, sent: 0, bySocket: [], socket: undefined, heard: [] };
      runs.set(user, run);
      run.socket = socket;
      run.bySocket.push(0);
      socket.on('error', () => {});
      socket.on('message', (data) => run.heard.push(String(data)));
      socket.on('close', () => {
        if (run.socket === socket) run.socket = undefined;
      });
    });
    return (server.address() as AddressInfo).port;
  };
  const stop = async (): Promise<void> => {
    for (const socket of server.clients) socket.terminate();
    await new Promise((resolve) => server.close(resolve));
  };
  const emit = (run: Run): void => {
    if (run.socket?.readyState !== WebSocket.OPEN) return;
    const n = ++run.sent;
    run.bySocket[run.bySocket.length - 1]!++;
    const type = TYPES[n % TYPES.length]!;
    const event = {
      type,
      event_id: `${run.user}-${n}`,
      run_id: run.user,
      user: run.user,
      n,
      text: '.'.repeat(filler(n)),
    };
    run.socket.send(JSON.stringify(event));
  };
  const port = await listen(await freePort());
  atEnd(stop);
  return {
    port,
    runs,
    emit,
    step(limit, hasTo) {
      let all = true;
      for (const run of runs.values()) {
        if (run.sent >= limit) continue;
        if (hasTo(run)) all = false;
        emit(run);
      }
      return all;
    },
    crash: stop,
    back: async () => void (await listen(port)),
  };
}

/** The events of an application: their numbers in the order in which its handler saw them. */
export interface App {
  readonly socket: AckspanSocket;
  readonly numbers: number[];
  readonly closes: number[];
  readonly resumed: { readonly recovered: boolean; readonly rejoined: boolean }[];
}

/**
 * An application on the SDK. The SDK reconnects quickly, and also when its first connection fails.
 */
export function openApp(url: string, handle?: (n: number) => unknown): App {
  const socket = new AckspanSocket(url, [], {
    WebSocket: WebSocket as never,
    minDelayMs: 10,
    maxDelayMs: 80,
    shouldReconnect: ({ code }) => [1001, 1005, 1006, 1011, 1012, 1013, 1014].includes(code),
  });
  const app: App = { socket, numbers: [], closes: [], resumed: [] };
  socket.addEventListener('message', ({ data }) => {
    const { n } = JSON.parse(String(data));
    app.numbers.push(n);
    return handle?.(n);
  });
  socket.addEventListener('resumed', ({ recovered, rejoined }) => void app.resumed.push({ recovered, rejoined }));
  socket.addEventListener('close', ({ code }) => void app.closes.push(code));
  atEnd(() => socket.close());
  return app;
}

/** An application that holds every event until `release`. */
export function hold() {
  let release = (): void => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  return { handle: () => held, release };
}

/** The first number that is not above the one before it; undefined = exactly once and in order. */
export function disorder(numbers: readonly number[]): string | undefined {
  const at = numbers.findIndex((n, i) => i > 0 && n <= numbers[i - 1]!);
  return at < 0 ? undefined : `${numbers[at]} after ${numbers[at - 1]}`;
}
