// front: plain requests whose client has stopped: its body does not go on, or it does not take its answer.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Report } from '../delivery/ports.ts';
import { createStallWatch, type Moving } from '../time/stalls.ts';
import type { FrontCounters } from './counters.ts';
import { awaitsContinue } from './response.ts';

export interface ExchangeDeps {
  readonly counters: FrontCounters;
  /**
   * Longest time for which a client may do nothing while the request or the answer waits for it,
   * ms; 0 = for ever.
   */
  readonly stallMs: number;
  /** Gives up the request to the upstream that belongs to this request. */
  abort(request: IncomingMessage): void;
  readonly report: Report;
}

export interface Exchanges {
  /** Watches a request until its answer is out. */
  begin(request: IncomingMessage, response: ServerResponse): void;
  /**
   * Watches a client until the answer is called. `wanted` says whether bytes of the client are
   * expected, and `stalled` ends a client that has stopped.
   */
  watch(client: Socket, wanted: () => boolean, stalled: () => void): () => void;
}

export function createExchanges({ counters, stallMs, abort, report }: ExchangeDeps): Exchanges {
  const watch = createStallWatch(stallMs);

  function say(what: string): void {
    report({ stage: 'relay.stall', error: new Error(`${what} for ${stallMs} ms (limits.stall)`) });
  }

  function answerStalled(client: Socket): void {
    counters.answersStalled++;
    say('a client has taken nothing of its answer');
    client.resetAndDestroy();
  }

  return {
    begin(request, response) {
      const client = request.socket;
      const moving: Moving = {
        get waiting() {
          return isUnread(client) || expectsBody(request, response);
        },
        get moved() {
          return progress(client);
        },
        stalled() {
          if (isUnread(client)) {
            answerStalled(client);
            return;
          }
          counters.bodiesStalled++;
          say('a client has sent nothing of its body');
          if (response.headersSent) response.destroy();
          else {
            response.shouldKeepAlive = false;
            response.writeHead(408, { 'Content-Type': 'text/plain; charset=utf-8' }).end('the body did not come\n');
          }
          abort(request);
        },
      };
      watch.add(moving);
      response.once('close', () => watch.remove(moving));
    },
    watch(client, wanted, stalled) {
      const moving: Moving = {
        get waiting() {
          return isUnread(client) || wanted();
        },
        get moved() {
          return progress(client);
        },
        stalled() {
          if (isUnread(client)) answerStalled(client);
          else {
            counters.bodiesStalled++;
            say('a client has sent nothing of its body');
          }
          stalled();
        },
      };
      watch.add(moving);
      return () => watch.remove(moving);
    },
  };
}

/**
 * Whether the client should send its body now: the upstream takes bytes, and no 100 has to come
 * first.
 */
function expectsBody(request: IncomingMessage, response: ServerResponse): boolean {
  return !request.complete && !request.isPaused() && !awaitsContinue(request, response);
}

/** Whether there are bytes for the client that the kernel has not taken. */
function isUnread(client: Socket): boolean {
  return client.writableLength > 0;
}

/**
 * A number that changes with every byte that the client sends, and with every byte that the kernel
 * takes for it.
 */
function progress(client: Socket): number {
  // Bytes left of the write under way. Without them a large write would show only at its end.
  const { _handle: handle } = client as { _handle?: { writeQueueSize?: number } | null };
  return client.bytesRead + client.bytesWritten - client.writableLength - (handle?.writeQueueSize ?? 0);
}
