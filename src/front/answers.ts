// front: short answers of our own, written straight to a socket that node:http has let go of, then a clean end.
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { patiently } from '../time/patience.ts';
import { formatHead, type RawHeaders } from './headers.ts';

/** Time in which a client must read an answer and close, ms. */
const LINGER_MS = 5_000;

export interface AnswerOptions {
  readonly headers?: RawHeaders;
  /** Time in which the client must read the answer and close, ms. */
  readonly lingerMs?: number;
}

/** Writes a whole text response with `Connection: close`, and ends the socket. */
export function answer(
  socket: Socket,
  status: number,
  text: string,
  { headers = [], lingerMs = LINGER_MS }: AnswerOptions = {},
): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const body = `${text}\n`;
  const head = formatHead(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`, [
    ...['Content-Type', 'text/plain; charset=utf-8', 'Content-Length', String(Buffer.byteLength(body))],
    ...headers,
    ...['Connection', 'close'],
  ]);
  socket.end(head + body);
  linger(socket, lingerMs);
}

/**
 * Reads on until the peer closes too, at most `ms` (default 5 s), then destroys the socket. A close
 * with unread bytes would make the kernel send a reset, which can overtake the answer (RFC 9112
 * §9.6).
 */
export function linger(socket: Socket, ms = LINGER_MS): void {
  if (socket.destroyed) return;
  socket.on('error', () => socket.destroy()); // The way in which the client leaves does not matter any more.
  socket.once('end', () => socket.destroySoon());
  socket.removeAllListeners('data').on('data', () => {}); // A node:http parser that has failed gets no more bytes.
  socket.setTimeout(0);
  const wait = patiently(ms, () => socket.destroy());
  socket.once('close', () => wait.cancel());
  socket.resume();
}
