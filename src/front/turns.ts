// front: the requests of one client connection, one at a time and in order; nothing overtakes those under way.
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Clients may pipeline: several requests of one connection may wait for their turn. */
export interface Turns {
  /** Calls `take` when all earlier responses of the connection are out: at once, as a rule. */
  begin(socket: Socket, response: ServerResponse, take: () => void): void;
  /** Whether a response is under way on the connection. */
  busy(socket: Socket): boolean;
  /** Runs `next` after the responses, on a connection that node:http reads no further. */
  after(socket: Socket, next: () => void): void;
}

/**
 * Requests that may wait on a connection before it is read no further. A connection that is not
 * read does not show that its client has gone.
 */
const WAITING = 100;

interface Turn {
  readonly response: ServerResponse;
  readonly take: () => void;
}

/** The requests of one connection. The first one has its turn. */
interface Line {
  readonly turns: Turn[];
  held: boolean;
}

export function createTurns(): Turns {
  const lines = new WeakMap<Socket, Line>();

  function over(socket: Socket, line: Line): void {
    line.turns.shift();
    if (socket.destroyed) line.turns.length = 0;
    else if (line.held && line.turns.length <= WAITING) {
      line.held = false;
      socket.resume();
    }
    line.turns[0]?.take();
  }

  return {
    begin(socket, response, take) {
      const line = lines.get(socket) ?? { turns: [], held: false };
      lines.set(socket, line);
      line.turns.push({ response, take });
      response.once('close', () => over(socket, line));
      if (line.turns.length === 1) take();
      else if (line.turns.length > WAITING && !line.held) {
        line.held = true;
        socket.pause();
      }
    },
    busy: (socket) => (lines.get(socket)?.turns.length ?? 0) > 0,
    after(socket, next) {
      const line = lines.get(socket);
      const last = line?.turns.at(-1)?.response;
      if (line === undefined || last === undefined) {
        next();
        return;
      }
      // `next` reads the connection from here on.
      line.held = false;
      const end = drainInto(socket, () => line.turns[0]?.response);
      socket.on('error', ignore);
      last.once('close', () => {
        end();
        socket.off('error', ignore);
        if (socket.writable && last.writableFinished) next();
        else socket.destroy();
      });
    },
  };
}

/**
 * Tells the response that is being written when its socket takes bytes again. node:http does so
 * only until it lets go of the socket. The answer ends it.
 */
export function drainInto(socket: Socket, written: () => ServerResponse | undefined): () => void {
  const onDrain = (): void => {
    const response = written();
    if (response?.socket === socket) response.emit('drain');
  };
  socket.on('drain', onDrain);
  return () => socket.off('drain', onDrain);
}

/** Takes the error of a client that leaves. `close` follows, and tells the rest. */
function ignore(): void {}
