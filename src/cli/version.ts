// `ackspan version`: what is running, for a bug report.
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { OK } from './exit.ts';

/** The version in package.json. */
export function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

/** Adds what the command does. */
export function define(command: Command): void {
  command.action(() => {
    process.stdout.write(
      `ackspan ${packageVersion()} (node ${process.version}, ${process.platform} ${process.arch})\n`,
    );
    process.exitCode = OK;
  });
}
