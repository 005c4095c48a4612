#!/usr/bin/env node
// cli: the command line: finds the command, loads it, and turns how it went into an exit code.
import { Command, CommanderError } from 'commander';
import { COMMANDS } from './commands.ts';
import { OK, USAGE } from './exit.ts';
import { versionLine } from './version.ts';

// A reader that has seen enough (`| head`), or a terminal that has been closed, is no fault of the
// command.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (!/^(EPIPE|EIO|ENXIO|ENOTCONN|ECONNRESET)$/.test(error.code ?? '')) throw error;
  });
}

const program = new Command('ackspan')
  .description('A sidecar that proves, event by event, that what a backend pushed over a WebSocket reached its client.')
  .version(versionLine(), '-V, --version', 'print the version')
  // Commander throws instead of exiting: its own exit code is 1 for bad usage and for failure
  // alike.
  .exitOverride()
  .showSuggestionAfterError()
  .showHelpAfterError('(ackspan --help says more)');

const [first, second] = process.argv.slice(2).filter((word) => !word.startsWith('-'));
const wanted = first === 'help' ? second : first;
for (const { name, summary, load } of COMMANDS) {
  const command = program.command(name).description(summary);
  if (name === wanted) (await load())(command);
}

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  // Commander has printed what is wrong, or the help that was asked for.
  process.exitCode = error.exitCode === 0 ? OK : USAGE;
}
