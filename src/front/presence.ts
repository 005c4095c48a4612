// front: whether the client of a handshake is still there, by what lies behind its request in its socket.
import type { Socket } from 'node:net';
import { socketsRead } from '../time/patience.ts';

/**
 * Resolves with false where the client has sent FIN or a reset behind its request: it waits for no
 * answer. An instance that stood still reads such requests late. `error` of the socket must be
 * listened to.
 */
export async function stays(socket: Pick<Socket, 'destroyed' | 'readableEnded'>): Promise<boolean> {
  await socketsRead();
  return !socket.destroyed && !socket.readableEnded;
}
