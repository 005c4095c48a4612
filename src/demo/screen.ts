// demo: redraws a block of lines in place on a terminal, with plain ANSI sequences.

/** What the screen needs of `process.stdout`. */
export interface Terminal {
  write(text: string): unknown;
  readonly rows?: number;
}

/** A block of lines that is redrawn in place. */
export interface Screen {
  draw(lines: readonly string[]): void;
  /** Shows the cursor again. Further output stands below the block. */
  leave(): void;
}

/**
 * Hides the cursor until `leave`. Lines must not be wider than the terminal, or the count of rows
 * is off.
 */
export function createScreen(terminal: Terminal): Screen {
  let drawn = 0;
  terminal.write('\x1b[?25l');
  return {
    draw(lines) {
      // Rows that scrolled off cannot be reached again, so no more are drawn than fit.
      const fitting = lines.slice(0, Math.max(1, (terminal.rows ?? 24) - 1));
      const up = drawn === 0 ? '' : `\x1b[${drawn}A`;
      // Clears to the end of each line, then below the block: a resize may have left longer lines.
      terminal.write(`${up}\r${fitting.map((line) => `${line}\x1b[K\n`).join('')}\x1b[J`);
      drawn = fitting.length;
    },
    leave() {
      terminal.write('\x1b[?25h');
    },
  };
}
