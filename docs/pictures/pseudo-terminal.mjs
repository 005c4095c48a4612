// docs: a command at a terminal of a given size, whose screen can be read at any moment, with its colours.
import { spawn } from 'node:child_process';
import xterm from '@xterm/headless';

/** Lines that are remembered above the screen. */
const SCROLLBACK = 2_000;

/**
 * Runs `words` at a pseudo-terminal of `columns` × `rows` (util-linux `script` makes it). `shown()` gives every line that is on the screen
 * or was scrolled off, as runs of `{ text, tone }`; `exited` resolves with the exit code; `type` presses keys; `stop` sends
 * Ctrl-C. stderr goes to the file `log` where one is given.
 */
export function runAtTerminal(words, { columns, rows, env = {}, log = '' }) {
  const terminal = new xterm.Terminal({ cols: columns, rows, scrollback: SCROLLBACK, allowProposedApi: true });
  const quoted = words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
  const command = log === '' ? quoted : `${quoted} 2>${log}`;
  const child = spawn('script', ['-qec', `stty cols ${columns} rows ${rows}; exec ${command}`, '/dev/null'], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, TERM: 'xterm-256color', ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let written = Promise.resolve();
  child.stdout.on('data', (bytes) => {
    written = new Promise((resolve) => terminal.write(bytes, resolve));
  });
  // A terminal that has gone takes no keys.
  child.stdin.on('error', () => {});
  const exited = new Promise((resolve) => child.once('close', (code) => resolve(code)));
  return {
    exited,
    type: (keys) => child.stdin.write(keys),
    stop: () => child.stdin.write('\x03'),
    kill: () => child.kill('SIGKILL'),
    async shown() {
      await written;
      const buffer = terminal.buffer.active;
      const lines = Array.from({ length: buffer.length }, (_, i) => runsOf(buffer.getLine(i), terminal.cols));
      while (lines.length > 0 && lines.at(-1).every(({ text }) => text.trim() === '')) lines.pop();
      return lines;
    },
  };
}

/** The tones of the palette that `src/cli/terminal/paint.ts` and the demo use. */
const TONES = { 1: 'bad', 2: 'good', 3: 'warning', 5: 'doubt', 6: 'link' };

function runsOf(line, columns) {
  const runs = [];
  for (let x = 0; x < columns; x++) {
    const cell = line?.getCell(x);
    // The second half of a wide character.
    if (cell === undefined || cell.getWidth() === 0) continue;
    const tone = toneOf(cell);
    const text = cell.getChars() || ' ';
    const last = runs.at(-1);
    if (last !== undefined && last.tone === tone) last.text += text;
    else runs.push({ text, tone });
  }
  return runs;
}

function toneOf(cell) {
  if (cell.isFgPalette()) return TONES[cell.getFgColor()] ?? '';
  if (cell.isDim()) return 'faint';
  return cell.isBold() ? 'strong' : '';
}

/** The text of such a line. */
export function textOf(runs) {
  return runs
    .map(({ text }) => text)
    .join('')
    .trimEnd();
}
