// front: a socket to the backend that is still read when it takes no more: an answer may have come before that.
import type { Socket } from 'node:net';

type Written = (error?: Error | null) => void;
type Write = (this: Socket, ...args: [...unknown[], Written]) => void;
type Writing = { _write: Write; _writev?: Write | null };

/** What a peer that has closed or reset its connection makes of a write. */
const GONE = ['EPIPE', 'ECONNRESET'];

/**
 * Has a socket say nothing of a write that its peer, which is gone, did not take. A stream would be
 * destroyed by that, with the bytes that had come and were not read. The end of those bytes tells
 * that the peer has gone.
 */
export function lasting<S extends Socket>(socket: S): S {
  const writing = socket as unknown as Writing;
  writing._write = patientWrite(writing._write);
  if (typeof writing._writev === 'function') writing._writev = patientWrite(writing._writev);
  return socket;
}

function patientWrite(write: Write): Write {
  return function (...args) {
    const written = args.pop() as Written;
    write.call(this, ...args, (error?: Error | null) => written(GONE.includes(codeOf(error)) ? null : error));
  };
}

function codeOf(error: Error | null | undefined): string {
  return String((error as { code?: unknown } | null | undefined)?.code ?? '');
}
