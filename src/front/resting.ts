// front: connections that may rest before their next request, though node:http takes them for new ones that must speak.
import type { Socket } from 'node:net';
import { patiently, type Wait } from '../time/patience.ts';

export interface Resting {
  /** Notes that a connection, given back to node:http, has had its answer. */
  begin(socket: Socket): void;
  /** Whether nothing has come since then. */
  has(socket: Socket): boolean;
  /** Ends those of which nothing has come. */
  close(): void;
}

interface Rest {
  /** Bytes that had come when it began. */
  readonly read: number;
  readonly wait: Wait;
}

/** `keepAliveMs` is the longest rest: what clients were told. */
export function createResting(keepAliveMs: number): Resting {
  const rests = new Map<Socket, Rest>();
  const known = new WeakSet<Socket>();
  const has = (socket: Socket): boolean => rests.get(socket)?.read === socket.bytesRead;
  const end = (socket: Socket): void => {
    rests.get(socket)?.wait.cancel();
    rests.delete(socket);
  };
  return {
    begin(socket) {
      end(socket);
      if (socket.destroyed) return;
      const wait = patiently(keepAliveMs, () => {
        if (has(socket)) socket.destroy();
        rests.delete(socket);
      });
      rests.set(socket, { read: socket.bytesRead, wait });
      if (known.has(socket)) return;
      known.add(socket);
      socket.once('close', () => end(socket));
    },
    has,
    close() {
      for (const socket of [...rests.keys()]) if (has(socket)) socket.destroy();
    },
  };
}
