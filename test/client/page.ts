// Test support: the page that runs the SDK in a browser; bundled with it by esbuild. Also runs as a worker.
import { AckspanSocket } from '../../src/client/socket.ts';

interface Scope {
  readonly location: { readonly href: string; reload(): void };
  readonly sessionStorage?: { getItem(key: string): string | null; setItem(key: string, value: string): void };
  addEventListener(type: string, listener: (event: { readonly persisted: boolean }) => void): void;
  postMessage(data: unknown): void;
  document?: unknown;
  test?: unknown;
}
const scope = globalThis as unknown as Scope;

const url = new URL('/chat', scope.location.href.replace(/^http/, 'ws'));
const kept = scope.sessionStorage?.getItem('chat');
const socket = new AckspanSocket(url, [], { minDelayMs: 20, maxDelayMs: 50, resume: kept ? JSON.parse(kept) : null });
socket.binaryType = 'arraybuffer';
scope.addEventListener('pagehide', () => scope.sessionStorage?.setItem('chat', JSON.stringify(socket.resumption)));
scope.addEventListener('pageshow', ({ persisted }) => persisted && scope.location.reload());

const log: string[] = [];
for (const type of ['open', 'error', 'close', 'reconnecting'] as const)
  socket.addEventListener(type, () => log.push(type));
socket.addEventListener('resumed', ({ recovered }) => log.push(`resumed ${recovered}`));
socket.onmessage = (event) => {
  const data = typeof event.data === 'string' ? event.data : `bytes ${new Uint8Array(event.data).join()}`;
  if (data === 'broken') throw new Error('broken');
  log.push(data);
  if (scope.document === undefined) scope.postMessage(data);
  return data === 'hang' ? new Promise(() => {}) : undefined;
};
scope.test = { socket, log };
