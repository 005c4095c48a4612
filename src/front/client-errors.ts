// front: the answer to bytes that are no request, are too many, or do not come: one per connection, counted.
import type { Socket } from 'node:net';
import { now } from '../time/clock.ts';
import { patiently } from '../time/patience.ts';
import { stillSince } from '../time/pulse.ts';
import { answer } from './answers.ts';
import type { FrontCounters } from './counters.ts';

export interface ClientErrorDeps {
  readonly counters: FrontCounters;
  /**
   * Longest time from the first byte (or the connection) to the end of a head, and the time between
   * two checks, ms.
   */
  readonly headersTimeoutMs: number;
  readonly checkMs: number;
  /** Runs `next` behind the responses that are under way on that connection. */
  after(socket: Socket, next: () => void): void;
  /** Whether the connection need not speak: it may rest, or is being answered. */
  rests(socket: Socket): boolean;
  /** Number of heads on that connection that have been read to their end. */
  heads(socket: Socket): number;
}

export interface ClientErrors {
  /** Answers an error of node:http's parser, unless the connection has had its answer. */
  answer(error: NodeJS.ErrnoException, socket: Socket): void;
  /**
   * Notes that the connection has had its answer. Errors of the parser change nothing from then on.
   */
  answered(socket: Socket): void;
}

export function createClientErrors(deps: ClientErrorDeps): ClientErrors {
  const had = new WeakSet<Socket>();
  const late = new WeakSet<Socket>();

  function conclude(error: NodeJS.ErrnoException, socket: Socket): void {
    if (had.has(socket)) return;
    had.add(socket);
    const status = statusOf(error, deps.counters);
    if (status === 0) socket.destroy();
    else deps.after(socket, () => answer(socket, status, 'the request could not be read'));
  }

  /**
   * Judges a head that is late. node:http looks at its clock before it reads, and counts time in
   * which the process stood still. Bytes that have arrived meanwhile are therefore read first, and
   * a standstill is given back (SPEC D14).
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
      // The connection fails again while it lingers: at each check of its time, and at its end.
      if (had.has(socket)) return;
      if (error.code !== 'ERR_HTTP_REQUEST_TIMEOUT') conclude(error, socket);
      else if (!deps.rests(socket)) judgeLate(error, socket);
    },
    answered(socket) {
      had.add(socket);
    },
  };
}

/** The status that node:http itself would answer, counted; 0 = nobody is left to read it. */
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
