// Test support: a child process that tells its state in JSON lines, and that is gone when the test is.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { expect, vi } from 'vitest';
import { atEnd } from './backends.ts';
import { tied } from './tied.ts';

/** One line of output that is a JSON object. */
export type Line = Readonly<Record<string, unknown>>;

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Child {
  readonly pid: number;
  /** The lines of stdout. Text that is not a JSON object becomes `{ text }`. */
  readonly lines: readonly Line[];
  /** The text of stderr so far. */
  stderr(): string;
  /**
   * The first line, past or future, that fits. Rejects with all output when the process ends first
   * or 20 s (`patienceMs`) pass.
   */
  line(fits: (line: Line) => boolean, patienceMs?: number): Promise<Line>;
  readonly exited: Promise<Exit>;
  /** Writes to its stdin. */
  write(text: string): void;
  /** Ends its stdin. */
  endInput(): void;
  /** Sends a signal to this process only. */
  signal(name: NodeJS.Signals): void;
  /** Kills the process and waits until it is gone. */
  kill(): Promise<void>;
}

/**
 * Longest wait for anything whose bound only keeps a test from hanging, ms: the machine may be
 * busy.
 */
const PATIENCE_MS = 60_000;

const running = new Set<number>();
// A worker that ends without its hooks must not leave processes behind.
process.on('exit', () => {
  for (const pid of running) send(pid, 'SIGKILL');
});

/**
 * Starts a program with these variables beside PATH and HOME, and kills it at the end of the test.
 */
export function startChild(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Child {
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(...tied(command, args), { env: { PATH, HOME, ...env }, stdio: ['pipe', 'pipe', 'pipe'] });
  const pid = child.pid;
  if (pid === undefined) throw new Error(`${command} could not be started`);
  running.add(pid);
  const lines: Line[] = [];
  const waiting = new Set<() => void>();
  let stderr = '';
  let ended: Exit | undefined;
  const wake = () => {
    for (const look of waiting) look();
  };
  createInterface(child.stdout).on('line', (text) => {
    lines.push(parse(text));
    wake();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  // Silence is right: a program that is killed stops reading.
  child.stdin.on('error', () => {});
  const exited = new Promise<Exit>((resolve) => {
    child.once('close', (code, signal) => {
      running.delete(pid);
      ended = { code, signal };
      resolve(ended);
      wake();
    });
  });
  const output = () => `${lines.map((line) => JSON.stringify(line)).join('\n')}\n${stderr}`;
  const kill = async () => {
    if (ended === undefined) send(pid, 'SIGKILL');
    await exited;
  };
  atEnd(kill);
  return {
    pid,
    lines,
    stderr: () => stderr,
    exited,
    kill,
    write: (text) => void child.stdin.write(text),
    endInput: () => void child.stdin.end(),
    signal: (name) => send(pid, name),
    line: (fits, patienceMs = PATIENCE_MS) =>
      new Promise((resolve, reject) => {
        const end = (act: () => void) => {
          clearTimeout(timer);
          waiting.delete(look);
          act();
        };
        const look = () => {
          const found = lines.find(fits);
          if (found !== undefined) end(() => resolve(found));
          else if (ended !== undefined)
            end(() => reject(new Error(`${command} ended (${JSON.stringify(ended)}):\n${output()}`)));
        };
        const timer = setTimeout(
          () => end(() => reject(new Error(`${command} did not say it within ${patienceMs} ms:\n${output()}`))),
          patienceMs,
        );
        waiting.add(look);
        look();
      }),
  };
}

/**
 * Looks again and again until the expectations inside hold; fails with the last of their errors
 * after 20 s.
 */
export function eventually<T>(look: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(look, { timeout: PATIENCE_MS, interval: 25 });
}

/** The end of a process, which must come by itself; fails after 20 s. */
export async function exitOf(child: Pick<Child, 'exited'>): Promise<Exit> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), PATIENCE_MS);
  });
  const exit = await Promise.race([child.exited, late]);
  clearTimeout(timer);
  expect(exit, 'the process ended by itself').toBeDefined();
  return exit!;
}

function parse(text: string): Line {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as Line;
  } catch {
    // Not JSON: kept as it is, for the message of a test that fails.
  }
  return { text };
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // The process is gone already, which is what a signal at the end of a test is for.
  }
}
