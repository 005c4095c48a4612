// Test support: a sidecar in every trouble that a dashboard shows, again and again until the end of the test: backend, clients, limits.
import { createServer } from 'node:http';
import { WebSocket, WebSocketServer } from 'ws';
import { atEnd, listenOn } from '../support/backends.ts';
import { asking } from '../support/opted-in.ts';
import { type SidecarProcess, startSidecar } from '../support/sidecar-process.ts';

/** Between two rounds of each trouble. */
const ROUND_MS = 250;
const MB = 1 << 20;

/** What the backend does in round `n` on a connection, by the path of the connection. */
const BACKEND: Readonly<Record<string, (socket: WebSocket, n: number) => void>> = {
  /** Tools without an end, an end without a tool, news after the end of the run. */
  '/agent': (socket, n) => {
    const say = (type: string, more: object = {}) => tell(socket, { type, run_id: `run-${n}`, ...more });
    say('agent_started');
    say('tool_executing', { tool_name: 'search', tool_call_id: `search-${n}` });
    say('tool_completed', { tool_name: 'fetch', tool_call_id: `fetch-${n}` });
    say('agent_completed');
    say('agent_thinking');
  },
  /** Messages in which no event can be read. */
  '/unread': (socket) => {
    for (const message of ['no JSON', '{"no":"type"}', '[1]', Buffer.from([0, 1, 2])]) socket.send(message);
  },
  /** A message whose end comes a round later. */
  '/parts': (socket, n) => {
    if (n > 0) socket.send('"}', { fin: true });
    socket.send(`{"type":"long","text":"${'.'.repeat(MB / 8)}`, { fin: false });
  },
  /** More than the sockets on the way hold while the client does not read. */
  '/slow': (socket) => {
    for (let i = 0; i < 16 && socket.bufferedAmount < MB; i++) tell(socket, { type: 'picture', text: '.'.repeat(MB) });
  },
  /** More events than `limits.pending_per_user` allows to be open. */
  '/silent': (socket, n) => {
    for (let i = 0; i < 10; i++) tell(socket, { type: 'answer', event_id: `answer-${n}-${i}` });
  },
  '/apps': (socket, n) => tell(socket, { type: 'answer', event_id: `kept-${n}`, text: '.'.repeat(1_000) }),
  '/broken': () => {},
};

/** How a client misbehaves, by its path: called once; what it repeats it repeats each round. */
const CLIENTS: Readonly<Record<string, (url: string) => void>> = {
  '/agent': (url) => void open(url),
  '/unread': (url) => void open(url),
  '/parts': (url) => void open(url),
  /** Reads in every second round only. */
  '/slow': (url) => {
    const socket = open(url);
    rounds((n) => socket.readyState === WebSocket.OPEN && (n % 2 === 0 ? socket.pause() : socket.resume()));
  },
  /** Answers no ping, as a user that is known. */
  '/silent': (url) => void open(url, { autoPong: false, headers: { 'x-user': 'ann' } }),
  /** Loses its connection each round and comes back to its session, and confirms nothing. */
  '/apps': (url) => {
    let query = 'ackspan=1';
    let socket = open(`${url}?${query}`);
    rounds(() => {
      if (socket.readyState === WebSocket.CONNECTING) return;
      socket.terminate();
      socket = open(`${url}?${query}`);
      socket.once('message', (welcome) => {
        query = asking(JSON.parse(String(welcome)), 0);
      });
    });
  },
  /** Breaks RFC 6455: a frame without a mask. */
  '/broken': (url) =>
    rounds(() => {
      const socket = open(url);
      socket.once('open', () => socket.send('unmasked', { mask: false }));
    }),
  /** The backend refuses it. */
  '/refused': (url) => rounds(() => void open(url)),
};

/** Starts it; spans and log events go to the collector at `otlp`. */
export async function startTrouble(otlp: string): Promise<SidecarProcess> {
  const sidecar = await startSidecar({
    upstream: await startBackend(),
    config: {
      events: { rules: [{ match: '*', timeout: '1s', attempts: ['300ms'] }] },
      tools: { orphan_after: '300ms' },
      identity: { user: ['header:x-user'], trust: 'upstream' },
      limits: { pending_per_user: 20, in_flight_bytes: '1MiB' },
      hooks: { url: '/notices', secrets: [`whsec_${Buffer.alloc(32, 1).toString('base64')}`] },
      tracing: { events: 'both' },
    },
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: otlp, OTEL_BSP_SCHEDULE_DELAY: '500', OTEL_BLRP_SCHEDULE_DELAY: '500' },
  });
  for (const [path, misbehave] of Object.entries(CLIENTS)) misbehave(sidecar.ws + path);
  return sidecar;
}

/** Refuses every upgrade of a path that it does not know, and takes notices. */
async function startBackend(): Promise<string> {
  const http = createServer((request, response) => {
    request.resume();
    response.writeHead(204).end();
  });
  const sockets = new WebSocketServer({ noServer: true });
  http.on('upgrade', (request, socket, head) => {
    const act = BACKEND[new URL(request.url!, 'http://here').pathname];
    if (act === undefined) return void socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n');
    sockets.handleUpgrade(request, socket, head, (peer) => {
      peer.on('error', () => {});
      const stop = rounds((n) => act(peer, n));
      peer.once('close', stop);
    });
  });
  const port = await listenOn(http);
  atEnd(async () => {
    for (const peer of sockets.clients) peer.terminate();
    sockets.close();
  });
  return `http://127.0.0.1:${port}`;
}

/** A client whose end and errors nobody minds. */
function open(url: string, options: object = {}): WebSocket {
  const socket = new WebSocket(url, options);
  socket.on('error', () => {});
  atEnd(() => socket.terminate());
  return socket;
}

/** Acts now and each round until it is stopped, at the end of the test at the latest. */
function rounds(act: (n: number) => unknown): () => void {
  let n = 0;
  const timer = setInterval(() => act(n++), ROUND_MS);
  const stop = () => clearInterval(timer);
  atEnd(stop);
  return stop;
}

function tell(socket: WebSocket, message: object): void {
  socket.send(JSON.stringify(message));
}
