// What no HTTP client sends: bytes as they are, on a connection of their own.
import { once } from 'node:events';
import { connect } from 'node:net';
import { onTestFinished } from 'vitest';

/** Sends the bytes; resolves with all that came back when the server has ended the connection. */
export async function raw(port: number, bytes: string | Buffer): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  let text = '';
  const closed = once(socket, 'close');
  socket
    .on('error', () => {})
    .on('data', (data) => {
      text += data;
    });
  socket.write(bytes);
  await closed;
  return text;
}

/** The status of the first answer. */
export const statusOf = (text: string): number => Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1]);
