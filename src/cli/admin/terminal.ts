// cli: the far end of a command's output: its width, its colours, its pace, and when its reader has had enough.
import { once } from 'node:events';
import type { WriteStream } from 'node:tty';
import { coloured, type Paint, paintFor } from '../terminal/paint.ts';

/** The far end of a command's output: a terminal, a pipe or a file. */
export interface Terminal {
  /** Whether a person looks at the output. */
  readonly interactive: boolean;
  /** Columns; undefined = as many as a line needs, because a program reads it. */
  readonly width: number | undefined;
  readonly height: number | undefined;
  readonly paint: Paint;
  /** Aborted when the reader has gone, or the user ends the command (SIGINT, SIGTERM, `stop`). */
  readonly ended: AbortSignal;
  /** Writes lines; resolves when the far end takes more. */
  print(...lines: readonly string[]): Promise<void>;
  /** Writes `text` without a line end. */
  write(text: string): Promise<void>;
  /** Writes a line for people to stderr. */
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

/**
 * Opens the terminal of this process. With `goesOn`, the first Ctrl-C ends the command in good
 * order and the second one at once; without, the first one ends it at once.
 */
export function openTerminal(
  goesOn: boolean,
  out: Output = process.stdout,
  err: Pick<WriteStream, 'write'> = process.stderr,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Terminal {
  const interactive = out.isTTY === true;
  const controller = new AbortController();
  const stop = (): void => {
    // Without these handlers the next signal ends the process at once.
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
    controller.abort();
  };
  if (goesOn) {
    process.on('SIGINT', stop);
    process.on('SIGTERM', stop);
  }
  // The reader has seen enough (`| head`). main.ts decides which errors mean that.
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
    // Read at each use, because windows are resized.
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
