// demo: the agent backend, an ordinary `ws` server that knows nothing of the sidecar in front of it.
import type { AddressInfo } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';
import { answer } from './agent.ts';
import { createRun } from './agent-events.ts';
import { createDispatcher } from './dispatcher.ts';
import { costAnalyzer, currencyConverter, webSearch } from './tools.ts';

/** Shortest and longest time of a remote tool, ms. */
const TOOL_MS = { least: 30, most: 120 } as const;
const HEARTBEAT_MS = 2_000;

/** The backend, listening. */
export interface Backend {
  readonly port: number;
  /** Takes no more questions. Resolves when every run that was under way has ended. */
  rest(): Promise<void>;
  close(): void;
}

/**
 * Listens on loopback, on a port that the system chooses. The last part of the request path names
 * the user.
 */
export function startBackend(): Promise<Backend> {
  const dispatcher = createDispatcher(
    () => new Promise((done) => setTimeout(done, TOOL_MS.least + Math.random() * (TOOL_MS.most - TOOL_MS.least))),
  );
  for (const tool of [costAnalyzer, currencyConverter, webSearch]) dispatcher.register(tool);
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  const runs = new Set<Promise<void>>();
  let runNumber = 0;
  let resting = false;

  server.on('connection', (socket, request) => {
    const user = (request.url ?? '').split('/').at(-1) ?? '';
    const emit = (event: object): boolean => {
      if (socket.readyState !== WebSocket.OPEN) return false;
      socket.send(JSON.stringify(event));
      return true;
    };
    emit({ type: 'connection_established', data: { user_id: user } });
    const heartbeat = setInterval(() => emit({ type: 'heartbeat', timestamp: Date.now() / 1000 }), HEARTBEAT_MS);
    socket.on('message', (data) => {
      const message = JSON.parse(String(data)) as { type?: unknown; text?: unknown };
      if (resting || message.type !== 'user_message') return;
      emit({ type: 'ack', received_type: 'user_message', timestamp: Date.now() / 1000, user_id: user });
      const run = answer(String(message.text), createRun(++runNumber, user), dispatcher, emit);
      runs.add(run);
      void run.finally(() => runs.delete(run));
    });
    socket.on('close', () => clearInterval(heartbeat));
    // Silence is right: the demo is about peers that vanish, and 'close' follows.
    socket.on('error', () => {});
  });

  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.once('listening', () => {
      resolve({
        port: (server.address() as AddressInfo).port,
        async rest() {
          resting = true;
          await Promise.all(runs);
        },
        close() {
          server.close();
          for (const socket of server.clients) socket.terminate();
        },
      });
    });
  });
}
