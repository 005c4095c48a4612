// Test support: a backend that pushes events to everybody at a steady pace, and clients in a process that can be frozen.
import { fileURLToPath } from 'node:url';
import { WebSocketServer } from 'ws';
import { atEnd } from '../support/backends.ts';
import { type Child, startChild } from '../support/child.ts';

export interface Pushing {
  /** Address of the backend, for the sidecar's `upstream`. */
  readonly url: string;
  /**
   * Starts that many clients of each address in one process; its lines say how many events have come
   * in.
   */
  startClients(addresses: readonly string[], count: number): Child;
}

const CLIENTS = fileURLToPath(new URL('./clients.mjs', import.meta.url));

/** Pushes one event every so often to each connection until the end of the test. */
export async function startPushing({ everyMs }: { everyMs: number }): Promise<Pushing> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await new Promise((resolve) => server.once('listening', resolve));
  let sequence = 0;
  const timer = setInterval(() => {
    for (const socket of server.clients) {
      socket.send(
        JSON.stringify({ type: 'agent_thinking', event_id: `event-${++sequence}`, data: { step: sequence } }),
      );
    }
  }, everyMs);
  atEnd(() => {
    clearInterval(timer);
    for (const socket of server.clients) socket.terminate();
    server.close();
  });
  const { port } = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}`,
    startClients: (addresses, count) => startChild(process.execPath, [CLIENTS, String(count), ...addresses]),
  };
}
