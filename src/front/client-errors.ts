// front: what a client gets whose bytes are no request, are too many, or do not come: one answer per connection, counted.
import type { Socket } from 'node:net';
import { now } from '../time/clock.ts';
import { patiently } from '../time/patience.ts';
import { stillSince } from '../time/pulse.ts';
import { answer } from './answers.ts';
import type { FrontCounters } from './counters.ts';

export interface ClientErrorDeps {
  readonly counters: FrontCounters;
  /** From the first byte (or the connection) to the end of a head, ms, and how often node:http looks. */
  readonly headersTimeoutMs: number;
  readonly checkMs: number;
  /** The head of a response is out on that connection: an answer would be read as part of it. */
  responding(socket: Socket): boolean;
  /** How many heads of that connection have been read to their end. */
  heads(socket: Socket): number;
}

export interface ClientErrors {
  /** Answers an error of node:http's parser, unless the connection has had its answer. */
  answer(error: NodeJS.ErrnoException, socket: Socket): void;
  /** The connection has had its answer: whatever the parser still finds changes nothing. */
  answered(socket: Socket): void;
}

export function createClientErrors(deps: ClientErrorDeps): ClientErrors {
  const had = new WeakSet<Socket>();
  const late = new WeakSet<Socket>();

  function conclude(error: NodeJS.ErrnoException, socket: Socket): void {
    if (had.has(socket)) return;
    had.add(socket);
    const status = statusOf(error, deps.counters);
    if (status === 0 || deps.responding(socket)) socket.destroy();
    else answer(socket, status, 'the request could not be read');
  }

  /**
   * node:http looks at its clock before it reads, and counts time in which the process stood still. So what has arrived meanwhile
   * is read first, and a standstill is given back (SPEC D14).
   */
  function judgeLate(error: NodeJS.ErrnoException, socket: Socket): void {
    if (late.has(socket)) return;
    late.add(socket);
    const before = deps.heads(socket);
    const judge = (): void => {
      late.delete(socket);
      if (!socket.destroyed && deps.heads(socket) === before) conclude(error, socket);
    };
    patiently(1, () => {
      const still = stillSince(now() - deps.headersTimeoutMs - deps.checkMs);
      if (still === 0) judge();
      else patiently(Math.min(still, deps.headersTimeoutMs), judge);
    });
  }

  return {
    answer(error, socket) {
      // The same connection fails again while it lingers: at every check of its time and at its end.
      if (had.has(socket)) return;
      if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') judgeLate(error, socket);
      else conclude(error, socket);
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
