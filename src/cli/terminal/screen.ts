// cli: a picture that redraws itself, and single keys; the terminal is given back as it was, however the command ends.
import type { ReadStream } from 'node:tty';

const ENTER = '\x1b[?1049h\x1b[?25l';
const LEAVE = '\x1b[?25h\x1b[?1049l';

/** A picture on the terminal’s second screen. */
export interface Screen {
  /** Draws the lines from the top. Lines that do not fit are left out. */
  draw(lines: readonly string[]): void;
  /** Gives the terminal back. Safe to call twice. */
  close(): void;
}

export interface ScreenDeps {
  readonly input: Pick<ReadStream, 'isTTY' | 'setRawMode' | 'on' | 'off' | 'resume' | 'pause' | 'setEncoding'>;
  readonly write: (text: string) => void;
  readonly height: () => number;
  /** Is called with each key; Ctrl-C is `\x03`. */
  readonly onKey: (key: string) => void;
}

/** Takes the terminal. */
export function openScreen({ input, write, height, onKey }: ScreenDeps): Screen {
  let open = true;
  const keys = (text: string): void => {
    for (const key of text) onKey(key);
  };
  const close = (): void => {
    if (!open) return;
    open = false;
    process.off('exit', close);
    input.off('data', keys);
    if (input.isTTY) input.setRawMode(false);
    input.pause();
    write(LEAVE);
  };
  process.on('exit', close);
  write(ENTER);
  if (input.isTTY) {
    input.setRawMode(true);
    input.setEncoding('utf8');
    input.on('data', keys);
    input.resume();
  }
  return {
    draw(lines) {
      if (!open) return;
      const shown = lines.slice(0, height() - 1);
      write(`\x1b[H${shown.map((line) => `${line}\x1b[K\r\n`).join('')}\x1b[J`);
    },
    close,
  };
}
