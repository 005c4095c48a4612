// cli: the commands. Each is loaded only when it runs, so none pays for the libraries of another.
import type { Command } from 'commander';

/** One command of `ackspan`. */
export interface CommandRow {
  readonly name: string;
  /** One line for `ackspan --help`. */
  readonly summary: string;
  /**
   * Returns the function that adds options and action. The action sets `process.exitCode`
   * (exit.ts).
   */
  load(): Promise<(command: Command) => void>;
}

/** A module with a command. */
type Load = () => Promise<{ define(command: Command): void }>;

function row(name: string, summary: string, load: Load): CommandRow {
  return { name, summary, load: async () => (await load()).define };
}

/** All commands, in the order of `--help`. */
export const COMMANDS: readonly CommandRow[] = [
  {
    name: 'run',
    summary: 'run the sidecar: relay to the upstream and track its events',
    // The sidecar itself is loaded when it is started: help and completion do without.
    load: async () =>
      (await import('./run.ts')).defineRun(async () => (await import('../sidecar/sidecar.ts')).createSidecar),
  },
  row(
    'demo',
    'show Ackspan at work on this machine: an agent backend, the sidecar, good and bad clients',
    () => import('./demo.ts'),
  ),
  row(
    'check',
    'check the configuration, dial the upstream and the collector, warn of platform traps',
    () => import('./check.ts'),
  ),
  row('tail', 'follow deliveries live: attempts, losses, confirmations', () => import('./admin/tail.ts')),
  row('top', 'who loses most and who is slowest, as a live table', () => import('./admin/top.ts')),
  row('deliveries', 'list deliveries, in flight and recent', () => import('./admin/deliveries.ts')),
  row('delivery', 'explain one delivery: its time line, the cause, what to do', () => import('./admin/delivery.ts')),
  row('connections', 'list connections', () => import('./admin/connections.ts')),
  row('connection', 'show one connection: its life and its messages', () => import('./admin/connection.ts')),
  row('stats', 'how things stand: objective, losses by reason, limits', () => import('./admin/stats.ts')),
  row('resend', 'send the message of an open delivery again', () => import('./admin/resend.ts')),
  row('replay', 'send the messages of many open deliveries again', () => import('./admin/replay.ts')),
  row(
    'dead-letters',
    'what was lost, as the store keeps it: list, export, purge by user',
    () => import('./admin/dead-letters.ts'),
  ),
  row('drain', 'part from every client, and wait for it: for preStop hooks', () => import('./admin/drain.ts')),
  row('open', 'open the page of a sidecar', () => import('./admin/open.ts')),
  row(
    'mcp',
    'answer an assistant’s questions about a sidecar (Model Context Protocol, stdio)',
    () => import('./mcp.ts'),
  ),
  row('completion', 'print a completion script for bash, zsh or fish', () => import('./completion.ts')),
  row('version', 'print the version', () => import('./version.ts')),
];
