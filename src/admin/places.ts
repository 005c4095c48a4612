// admin: limits connections. A newcomer takes the place of the connection that has been quiet longest.
import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Report } from '../delivery/ports.ts';
import { createStallWatch } from '../time/stalls.ts';

/**
 * Counts of connections beyond the limit: quiet ones that gave their place to a newcomer, newcomers
 * turned away because all others were being answered, and answers that were not read.
 */
export type AdminCounters = Record<'evicted' | 'refused' | 'stalled', number>;

export function createAdminCounters(): AdminCounters {
  return { evicted: 0, refused: 0, stalled: 0 };
}

export interface PlacesDeps {
  /** Most connections at once. */
  readonly limit: number;
  /** How long a client may take nothing of an answer, ms. */
  readonly stallMs: number;
  readonly counters: AdminCounters;
  readonly report: Report;
}

export interface Places {
  readonly taken: number;
  /**
   * Notes that an answer begins: its connection cannot lose its place until the answer is out.
   * Returns how many answers are under way on that connection.
   */
  answering(socket: Socket, response: ServerResponse): number;
}

/** Watches the connections of `server`. */
export function createPlaces(server: Server, { limit, stallMs, counters, report }: PlacesDeps): Places {
  /** Connections with the answers under way on each, the one quiet longest first. */
  const open = new Map<Socket, Set<ServerResponse>>();
  const stalls = createStallWatch(stallMs);

  function makeRoom(): boolean {
    for (const [socket, answers] of open) {
      if (answers.size > 0) continue;
      open.delete(socket);
      socket.destroy();
      return true;
    }
    return false;
  }

  function say(text: string): void {
    report({ stage: 'admin', error: new Error(text) });
  }

  server.on('connection', (socket: Socket) => {
    if (open.size >= limit) {
      const made = makeRoom();
      counters[made ? 'evicted' : 'refused']++;
      say(`${limit} admin connections: ${made ? 'the one quiet longest was closed' : 'a new one was refused'}`);
      if (!made) {
        socket.destroy();
        return;
      }
    }
    const answers = new Set<ServerResponse>();
    open.set(socket, answers);
    socket.once('close', () => {
      open.delete(socket);
      endWaiting(answers);
    });
  });
  return {
    get taken() {
      return open.size;
    },
    answering(socket, response) {
      const moving = {
        get waiting() {
          return socket.writableLength > 0;
        },
        get moved() {
          return socket.bytesWritten - socket.writableLength;
        },
        stalled() {
          counters.stalled++;
          say(`an admin client took nothing of its answer for ${stallMs} ms`);
          socket.resetAndDestroy();
        },
      };
      const answers = open.get(socket) ?? new Set();
      answers.add(response);
      stalls.add(moving);
      response.once('close', () => {
        stalls.remove(moving);
        answers.delete(response);
        // The connection moves to the end of the line.
        if (open.delete(socket)) open.set(socket, answers);
      });
      return answers.size;
    },
  };
}

/** Counts the answers under way on each connection of a port that is watched elsewhere. */
export function createAbreast(): { begin(socket: Socket, response: ServerResponse): number } {
  const open = new WeakMap<Socket, number>();
  return {
    begin(socket, response) {
      const answers = (open.get(socket) ?? 0) + 1;
      open.set(socket, answers);
      response.once('close', () => open.set(socket, (open.get(socket) as number) - 1));
      return answers;
    },
  };
}

/**
 * Ends the answers whose turn had not come when their connection ended: node:http tells only the
 * one that was being written.
 */
function endWaiting(answers: Iterable<ServerResponse>): void {
  for (const response of answers) {
    if (response.socket !== null || response.writableFinished) continue;
    response.destroy();
    response.emit('close');
  }
}
