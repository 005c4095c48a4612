// sidecar: whether the upstream takes TCP connections, checked every few seconds where readiness depends on it.
import { connect, type Socket } from 'node:net';
import type { Report } from '../delivery/ports.ts';
import { patiently } from '../time/patience.ts';

/** The address to dial. */
export interface DialTarget {
  /** The address as the operator wrote it, for reasons. */
  readonly address: string;
  readonly host: string;
  readonly port: number;
  /** Path of a unix socket. Host and port are not used then. */
  readonly socketPath: string | undefined;
}

/** The state of the upstream. */
export interface UpstreamCheck {
  /** Whether the last dial came through. False before the first dial has. */
  readonly up: boolean;
  /** Why the upstream is down; undefined while it is up. */
  readonly reason: string | undefined;
  stop(): void;
}

/** Gap between the end of one dial and the next, and the time-out of one dial, ms. */
const EVERY_MS = 5000;
const PATIENCE_MS = 2000;

/**
 * Dials at once and then again and again, so that no probe waits for a dial. Each change to the
 * worse is reported. `everyMs`: for tests.
 */
export function startUpstreamCheck(target: DialTarget, report: Report, everyMs = EVERY_MS): UpstreamCheck {
  let reason: string | undefined = 'upstream: not dialled yet';
  let told = false;
  let timer: NodeJS.Timeout | undefined;
  let hangUp = dialNow();

  function dialNow(): () => void {
    return dial(target, (fault) => {
      reason = fault === undefined ? undefined : `upstream ${target.address} takes no connections: ${fault}`;
      if (reason !== undefined && !told) report({ stage: 'upstream', error: new Error(reason) });
      told = reason !== undefined;
      timer = setTimeout(() => {
        hangUp = dialNow();
      }, everyMs);
      timer.unref();
    });
  }

  return {
    get up() {
      return reason === undefined;
    },
    get reason() {
      return reason;
    },
    stop() {
      clearTimeout(timer);
      hangUp();
    },
  };
}

/**
 * Connects and hangs up. `done` gets the reason of a failure, once. The result ends the dial
 * without a call.
 */
function dial({ host, port, socketPath }: DialTarget, done: (fault: string | undefined) => void): () => void {
  const socket: Socket = socketPath === undefined ? connect({ host, port }) : connect({ path: socketPath });
  let over = false;
  const end = (fault?: string, heard = true): void => {
    if (over) return;
    over = true;
    wait.cancel();
    socket.destroy();
    if (heard) done(fault);
  };
  // A connection that came while the process stood still is seen before the time-out fires (SPEC
  // D14).
  const wait = patiently(PATIENCE_MS, () => end(`no answer within ${PATIENCE_MS} ms`));
  socket.unref();
  socket.once('connect', () => end());
  socket.on('error', (error) => end(said(error)));
  return () => end(undefined, false);
}

/** Happy-eyeballs failures carry their reasons inside. */
function said(error: Error): string {
  const inner: unknown = error instanceof AggregateError ? error.errors[0] : error;
  return inner instanceof Error ? inner.message : String(inner);
}
