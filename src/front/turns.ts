// front: the responses under way on a client's connection: what follows waits for them, and none outlives its client.
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Clients may pipeline: several requests of one connection may wait for their answers. */
export interface Turns {
  /** Notes a response that has begun. */
  begin(socket: Socket, response: ServerResponse): void;
  /** Whether the head of a response is out that has not been written to its end. */
  responding(socket: Socket): boolean;
  /** Runs `next` after the responses, on a connection that node:http has let go of. */
  after(socket: Socket, next: () => void): void;
}

export function createTurns(): Turns {
  const known = new WeakMap<Socket, Set<ServerResponse>>();

  function of(socket: Socket): Set<ServerResponse> {
    let responses = known.get(socket);
    if (responses === undefined) {
      responses = new Set();
      known.set(socket, responses);
      socket.once('close', () => endWaiting(responses!));
    }
    return responses;
  }

  return {
    begin(socket, response) {
      const responses = of(socket).add(response);
      response.once('close', () => responses.delete(response));
    },
    responding(socket) {
      return [...(known.get(socket) ?? [])].some((response) => response.headersSent);
    },
    after(socket, next) {
      const responses = [...(known.get(socket) ?? [])];
      const last = responses.at(-1);
      if (last === undefined) {
        next();
        return;
      }
      const ends = responses.map((response) => drainInto(socket, response));
      socket.on('error', ignore);
      last.once('close', () => {
        for (const end of ends) end();
        socket.off('error', ignore);
        if (socket.writable && last.writableFinished) next();
        else socket.destroy();
      });
    },
  };
}

/**
 * Tells a response when its socket takes bytes again. node:http does so only until it lets go of
 * the socket. The answer ends it.
 */
export function drainInto(socket: Socket, response: ServerResponse): () => void {
  const onDrain = (): void => {
    if (response.socket === socket) response.emit('drain');
  };
  socket.on('drain', onDrain);
  return () => socket.off('drain', onDrain);
}

/**
 * Ends the responses whose turn had not come when their connection ended. node:http tells only the
 * one that was being written, and the others would hold their upstream for ever.
 */
function endWaiting(responses: Iterable<ServerResponse>): void {
  for (const response of responses) {
    if (response.socket !== null || response.writableFinished) continue;
    response.destroy();
    response.emit('close');
  }
}

/** Takes the error of a client that leaves. `close` follows, and tells the rest. */
function ignore(): void {}
