// sidecar: whether the upstream takes connections: seen by the handshakes that it answers, else asked by TCP.
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
  /** Whether it answered a handshake or took the last dial; undefined = nothing is known yet. */
  readonly up: boolean | undefined;
  /** Why it is not known to be up; undefined while it is. */
  readonly reason: string | undefined;
  stop(): void;
}

/** Gap between the end of one dial and the next, and the time-out of one dial, ms. */
const EVERY_MS = 5000;
const PATIENCE_MS = 2000;

export interface UpstreamCheckOptions {
  /**
   * Handshakes that the upstream has answered so far. One more since the last look is an answer:
   * nothing is dialled then.
   */
  readonly answered?: () => number;
  /**
   * Whether to dial at once, because readiness waits for it; else the first look is one interval
   * after the start.
   */
  readonly eager: boolean;
  /** Between looks, ms; for tests. Default 5,000. */
  readonly everyMs?: number;
}

/** Looks again and again; each time the answer turns to the worse is reported. */
export function startUpstreamCheck(target: DialTarget, report: Report, options: UpstreamCheckOptions): UpstreamCheck {
  const { answered = () => 0, eager, everyMs = EVERY_MS } = options;
  let up: boolean | undefined;
  let reason: string | undefined = 'upstream: not dialled yet';
  let seen = answered();
  let timer: NodeJS.Timeout | undefined;
  let hangUp = (): void => {};

  function learn(fault: string | undefined): void {
    reason = fault === undefined ? undefined : `upstream ${target.address} takes no connections: ${fault}`;
    if (reason !== undefined && up !== false) report({ stage: 'upstream', error: new Error(reason) });
    up = reason === undefined;
    wait();
  }

  function wait(): void {
    timer = setTimeout(look, everyMs);
    timer.unref();
  }

  function look(): void {
    const before = seen;
    seen = answered();
    if (seen > before) learn(undefined);
    else hangUp = dial(target, learn);
  }

  if (eager) look();
  else wait();
  return {
    get up() {
      return up;
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
