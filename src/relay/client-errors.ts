// relay: what a client gets whose bytes are no request, are too many, or do not come: one answer per connection, counted.
import type { Socket } from 'node:net';
import { answer } from './answers.ts';
import type { FrontCounters } from './front-counters.ts';

export interface ClientErrors {
  /** Answers an error of node:http's parser, unless the connection has had its answer. */
  answer(error: NodeJS.ErrnoException, socket: Socket): void;
  /** The connection has had its answer: whatever the parser still finds changes nothing. */
  answered(socket: Socket): void;
}

/** `responding` = the head of a response is out on that connection: an answer would be read as part of it. */
export function createClientErrors(counters: FrontCounters, responding: (socket: Socket) => boolean): ClientErrors {
  const had = new WeakSet<Socket>();
  return {
    answer(error, socket) {
      // The same connection fails again while it lingers: at every check of its time and at its end.
      if (had.has(socket)) return;
      had.add(socket);
      const status = statusOf(error, counters);
      if (status === 0 || responding(socket)) socket.destroy();
      else answer(socket, status, 'the request could not be read');
    },
    answered(socket) {
      had.add(socket);
    },
  };
}

/** What node:http itself would answer, counted; 0 when nobody is left to hear it. */
function statusOf(error: NodeJS.ErrnoException, counters: FrontCounters): number {
  switch (error.code) {
    case 'HPE_HEADER_OVERFLOW':
      counters.headersTooLarge++;
      return 431;
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      counters.requestTimeouts++;
      return 408;
    case 'HPE_INVALID_EOF_STATE':
    case 'ECONNRESET':
    case 'EPIPE':
      return 0;
    default:
      counters.badRequests++;
      return 400;
  }
}
