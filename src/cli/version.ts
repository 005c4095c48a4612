// cli: `ackspan version`: version, Node and platform, for a bug report.
import type { Command } from 'commander';
import { VERSION } from '../version.ts';
import { OK } from './exit.ts';

/** Version, Node and platform, in one line. */
export function versionLine(): string {
  return `ackspan ${VERSION} (node ${process.version}, ${process.platform} ${process.arch})`;
}

/** Adds the action. */
export function define(command: Command): void {
  command.action(() => {
    process.stdout.write(`${versionLine()}\n`);
    process.exitCode = OK;
  });
}
