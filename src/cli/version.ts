// `ackspan version`: what is running, for a bug report.
import type { Command } from 'commander';
import { VERSION } from '../version.ts';
import { OK } from './exit.ts';

/** Adds what the command does. */
export function define(command: Command): void {
  command.action(() => {
    process.stdout.write(`ackspan ${VERSION} (node ${process.version}, ${process.platform} ${process.arch})\n`);
    process.exitCode = OK;
  });
}
