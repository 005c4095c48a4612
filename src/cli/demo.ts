// cli: `ackspan demo`: Ackspan at work on this machine, with nothing to set up.
import { type Command, InvalidArgumentError, Option } from 'commander';
import { parseDuration } from '../config/units.ts';
import { type DemoEnd, runDemo } from '../demo/demo.ts';
import { DEFAULTS } from './defaults.ts';
import { FAILED, OK, USAGE } from './exit.ts';

interface Options {
  readonly duration: number;
  readonly json?: boolean;
  readonly keep?: boolean;
  readonly admin?: string;
}

const CODES: Readonly<Record<DemoEnd, number>> = { ok: OK, failed: FAILED, usage: USAGE };
const SHORTEST_MS = 1_000;
const LONGEST_MS = 24 * 3_600_000;

/**
 * Adds options and action. Exit codes: 0 the numbers agree, 1 the numbers disagree or something
 * broke, 2 bad usage.
 */
export function define(command: Command): void {
  command
    .addOption(
      new Option('-d, --duration <time>', 'how long the clients and the backend run, such as 10s or 5m')
        .argParser(readDuration)
        .default(30_000, '30s'),
    )
    .option('--json', 'print one JSON object on stdout, and nothing else')
    .option('--keep', 'keep the admin server up after the verdict, until Ctrl-C')
    .option(
      '--admin <host:port>',
      'address of the admin server; default: a free port on 127.0.0.1 (anywhere but on loopback it needs ACKSPAN_ADMIN_TOKEN)',
    )
    .action(async ({ duration, json, keep, admin }: Options) => {
      process.once('exit', () => {
        // The table hides the cursor, so every way to end shows it again.
        if (process.stdout.isTTY) process.stdout.write('\x1b[?25h');
      });
      const end = await runDemo(
        {
          durationMs: duration,
          json: json === true,
          keep: keep === true,
          admin,
          adminToken: process.env.ACKSPAN_ADMIN_TOKEN,
        },
        {
          out: process.stdout,
          err: process.stderr,
          colour: !process.env.NO_COLOR,
          interrupted: interrupted(),
          defaults: DEFAULTS,
        },
      );
      // A handle that a library left open must not keep a finished demo alive. The output must get
      // out first.
      process.stdout.write('', () => process.exit(CODES[end]));
    });
}

function readDuration(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined || ms < SHORTEST_MS || ms > LONGEST_MS)
    throw new InvalidArgumentError('Write a time from 1s to 24h, such as 10s.');
  return ms;
}

/**
 * Resolves at the first SIGINT or SIGTERM; the second exits at once (the children follow when their
 * channel closes).
 */
function interrupted(): Promise<void> {
  return new Promise((resolve) => {
    let signals = 0;
    const onSignal = (): void => {
      if (++signals === 1) {
        resolve();
        return;
      }
      process.exit(FAILED);
    };
    process.on('SIGINT', onSignal);
    process.on('SIGTERM', onSignal);
  });
}
