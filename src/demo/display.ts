// demo: the display while the demo runs: a table that is redrawn, a line a second, or nothing.
import { createScreen, type Terminal } from './screen.ts';
import { drawLine, drawTable, type Shown } from './table.ts';

/** Standard output, as far as the display needs it. */
export interface Output extends Terminal {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** Shows figures while the demo runs. */
export interface Display {
  /** Starts showing the figures of `read`, 4 times a second (table) or once (lines). */
  start(read: () => Shown): void;
  /** Shows the last state once more and leaves it standing. */
  finish(): void;
}

const TABLE_EVERY_MS = 250;
const LINE_EVERY_MS = 1_000;

/** A table on a terminal, lines elsewhere. `colour` says whether the terminal gets any. */
export function createDisplay(out: Output, colour: boolean): Display {
  let show: (() => void) | undefined;
  let leave = (): void => {};
  let timer: NodeJS.Timeout | undefined;
  return {
    start(read) {
      if (out.isTTY === true) {
        const screen = createScreen(out);
        leave = screen.leave;
        show = () => screen.draw(drawTable(read(), { width: out.columns ?? 80, colour }));
        show();
      } else {
        show = () => out.write(`${drawLine(read())}\n`);
      }
      timer = setInterval(show, out.isTTY === true ? TABLE_EVERY_MS : LINE_EVERY_MS);
    },
    finish() {
      clearInterval(timer);
      show?.();
      show = undefined;
      leave();
      leave = () => {};
    },
  };
}

/** Shows nothing: with `--json` the output is one object. */
export const NO_DISPLAY: Display = { start() {}, finish() {} };
