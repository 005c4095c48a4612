// cli: the terminal (or pipe, or file) that a command writes to: its width, its colours, its pace, and when its reader has had enough.
import { once } from 'node:events';
import type { WriteStream } from 'node:tty';
import { coloured, type Paint, paintFor } from '../terminal/paint.ts';

/** What a command may know of the far end of its output. */
export interface Terminal {
  /** Whether people look at it. */
  readonly interactive: boolean;
  /** Columns; undefined = as many as a line needs, because a program reads it. */
  readonly width: number | undefined;
  readonly height: number | undefined;
  readonly paint: Paint;
  /** Aborted when the reader has gone, or the user wants to end it (SIGINT, SIGTERM, `stop`). */
  readonly ended: AbortSignal;
  /** Writes lines; resolves when the far end takes more. */
  print(...lines: readonly string[]): Promise<void>;
  /** Writes as it is. */
  write(text: string): Promise<void>;
  /** A line for people on stderr, beside the output. */
  say(line: string): void;
  /** Ends the command as Ctrl-C does. */
  stop(): void;
}

type Output = Pick<WriteStream, 'write' | 'once' | 'on' | 'off'> & {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  readonly writableNeedDrain: boolean;
};

/** The terminal of this process. `goesOn`: Ctrl-C ends the command in good order, and a second one at once; else it ends it at once. */
export function openTerminal(
  goesOn: boolean,
  out: Output = process.stdout,
  err: Pick<WriteStream, 'write'> = process.stderr,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Terminal {
  const interactive = out.isTTY === true;
  const controller = new AbortController();
  const stop = (): void => {
    // From the second signal on, the system’s own way of ending a process.
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
    controller.abort();
  };
  if (goesOn) {
    process.on('SIGINT', stop);
    process.on('SIGTERM', stop);
  }
  // `| head` has seen enough. main.ts says which errors are of that kind.
  out.on('error', stop);
  out.on('close', stop);
  const write = async (text: string): Promise<void> => {
    if (controller.signal.aborted) return;
    out.write(text);
    if (!out.writableNeedDrain) return;
    // A reader that has gone never drains.
    await once(out as never, 'drain', { signal: controller.signal }).catch(() => {});
  };
  return {
    interactive,
    // Read at each use: windows are resized.
    get width() {
      return interactive ? (out.columns ?? 80) : undefined;
    },
    get height() {
      return interactive ? (out.rows ?? 24) : undefined;
    },
    paint: paintFor(coloured(interactive, env)),
    ended: controller.signal,
    write,
    print: (...lines) => (lines.length === 0 ? Promise.resolve() : write(`${lines.join('\n')}\n`)),
    say: (line) => void err.write(`${line}\n`),
    stop,
  };
}
