// cli: the commands, each loaded only when it is asked for: the command line answers fast, and none drags in the others' libraries.
import type { Command } from 'commander';

/** One command of `ackspan`. */
export interface CommandRow {
  readonly name: string;
  /** One line for `ackspan --help`. */
  readonly summary: string;
  /** Gives the function that adds options and action; the action sets `process.exitCode` (exit.ts). */
  load(): Promise<(command: Command) => void>;
}

/** In the order in which help lists them. */
export const COMMANDS: readonly CommandRow[] = [
  {
    name: 'run',
    summary: 'serve: relay to the upstream and track what it pushes',
    async load() {
      const [{ defineRun }, { createSidecar }] = await Promise.all([
        import('./run.ts'),
        import('../sidecar/sidecar.ts'),
      ]);
      return defineRun(createSidecar);
    },
  },
  {
    name: 'demo',
    summary: 'watch it work: an agent backend, the sidecar and clients good and bad, on this machine',
    load: async () => (await import('./demo.ts')).define,
  },
  {
    name: 'check',
    summary: 'judge the configuration, dial the upstream and the collector, name platform traps',
    load: async () => (await import('./check.ts')).define,
  },
  {
    name: 'version',
    summary: 'print the version',
    load: async () => (await import('./version.ts')).define,
  },
];
