// kills: the sidecar as a process of its own, which is killed.
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { tied } from '../support/tied.ts';

export interface Life {
  /** Resolves when connections are accepted. */
  readonly listening: Promise<void>;
  /** Faults that its log tells of, and what it wrote to stderr. */
  readonly faults: string[];
  kill(): Promise<void>;
  /** SIGTERM; resolves with its exit code. */
  stop(): Promise<number | null>;
  readonly pid: number;
  signal(name: NodeJS.Signals): void;
}

/** The machine is busy: this process stands still, or Redis does, and clients have to come again. */
const BUSY =
  /"stage":"standstill"|"message":"Redis (answers late:|takes what it is told again)|the session cannot be had yet|more faults in (relay.limit|store) were/;

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/**
 * Starts the built command line with this configuration file, and these variables beside PATH.
 * `heard` gets each line of its stdout.
 */
export function startLife(
  cli: string,
  configFile: string,
  env: Readonly<Record<string, string>> = {},
  heard: (line: string) => void = () => {},
): Life {
  const { PATH = '' } = process.env;
  const child = spawn(...tied(process.execPath, [cli, 'run', '--config', configFile]), {
    env: { PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  const faults: string[] = [];
  const gone = new Promise<number | null>((resolve) =>
    child.once('close', (code) => {
      running.delete(child);
      resolve(code);
    }),
  );
  const listening = new Promise<void>((resolve, reject) => {
    createInterface(child.stdout).on('line', (line) => {
      heard(line);
      if (line.includes('"msg":"listening"')) resolve();
      if (/"level":"(error|fatal)"/.test(line) && !BUSY.test(line)) faults.push(line);
    });
    void gone.then((code) => reject(new Error(`the sidecar ended with ${code}: ${faults.join('\n')}`)));
  });
  // Killed before it listened is no fault.
  listening.catch(() => {});
  child.stderr.setEncoding('utf8').on('data', (text: string) => void faults.push(text));
  return {
    listening,
    faults,
    pid: child.pid!,
    signal: (name) => void child.kill(name),
    async kill() {
      child.kill('SIGKILL');
      await gone;
    },
    stop() {
      child.kill('SIGTERM');
      return gone;
    },
  };
}
