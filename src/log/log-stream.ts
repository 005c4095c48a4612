// log: writes lines to a file descriptor at once. Never waits for a reader, and never delays an exit.
import { writeSync } from 'node:fs';
import type { DestinationStream } from 'pino';

/** The destination of log lines. */
export interface LogStream extends DestinationStream {
  /** Called with the number of lost lines as soon as lines get through again. */
  onRecovered: (lost: number) => void;
  /** Writes the waiting lines, as far as a reader takes them within a quarter of a second. */
  flushSync(): void;
}

/** Bytes that may wait for a slow reader. Lines beyond them are lost and counted. */
const WAITING_LIMIT = 1024 * 1024;
/** Gap between two looks whether the reader reads again, ms. */
const AGAIN_MS = 50;
/** Longest time that a process at its end waits for a reader, and the gap between two tries, ms. */
const FLUSH_MS = 250;
const FLUSH_STEP_MS = 10;

/** The system calls that a test can stand in for. */
export interface LogStreamDeps {
  readonly fd: number;
  /** As `writeSync` of node:fs. */
  write(fd: number, bytes: Uint8Array): number;
  /** Writes on another file descriptor, once, that this one has no reader any more. */
  lament(text: string): void;
}

/**
 * A stream on stdout. Touching `process.stdout` makes a pipe non-blocking: a full one answers
 * EAGAIN instead of stopping the process.
 */
export function createLogStream(): LogStream {
  const { fd } = process.stdout;
  const stream = openLogStream({ fd: fd ?? 1, write: writeSync, lament });
  process.on('exit', () => stream.flushSync());
  return stream;
}

function lament(text: string): void {
  try {
    writeSync(2, text);
  } catch {
    // Silence is right: stderr has gone too, and there is no third way out.
  }
}

export function openLogStream({ fd, write, lament: tell }: LogStreamDeps): LogStream {
  /** Waiting lines. The first may be the rest of a line that went out in part. */
  let waiting: Uint8Array[] = [];
  let bytes = 0;
  let lost = 0;
  let gone = false;
  let timer: NodeJS.Timeout | undefined;

  /** Writes until no line waits or the reader stops. Returns whether no line waits. */
  function drain(): boolean {
    while (waiting.length > 0) {
      const first = waiting[0]!;
      const written = attempt(first);
      if (gone) return true;
      if (written === 0) return false;
      bytes -= written;
      if (written < first.length) waiting[0] = first.subarray(written);
      else waiting.shift();
    }
    return true;
  }

  /** Number of bytes that went out. */
  function attempt(line: Uint8Array): number {
    try {
      return write(fd, line);
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      // A full pipe, an interrupted call or a full disk may pass. Any other error will not: the
      // reader or the terminal has gone.
      if (/^(EAGAIN|EWOULDBLOCK|EINTR|ENOSPC|EDQUOT)$/.test(code)) return 0;
      gone = true;
      waiting = [];
      bytes = 0;
      tell(`ackspan: nobody reads stdout any more (${code}): the log is lost from here on\n`);
      return 0;
    }
  }

  function look(): void {
    timer = undefined;
    if (!drain()) again();
    else if (lost > 0 && !gone) {
      const count = lost;
      lost = 0;
      stream.onRecovered(count);
    }
  }

  function again(): void {
    if (timer !== undefined) return;
    timer = setTimeout(look, AGAIN_MS);
    timer.unref();
  }

  const stream: LogStream = {
    onRecovered() {},
    write(text) {
      if (gone) return;
      const line = Buffer.from(text);
      if (bytes + line.length > WAITING_LIMIT) {
        lost++;
        return;
      }
      waiting.push(line);
      bytes += line.length;
      if (timer === undefined && !drain()) again();
    },
    flushSync() {
      const end = performance.now() + FLUSH_MS;
      const pause = new Int32Array(new SharedArrayBuffer(4));
      while (!drain() && performance.now() < end) Atomics.wait(pause, 0, 0, FLUSH_STEP_MS);
    },
  };
  return stream;
}
