// cli: what every command that asks a sidecar has: the address, the time limit, examples, failures in words.
import { type Command, InvalidArgumentError, Option } from 'commander';
import { type AdminClient, createAdminClient, DEFAULT_TIMEOUT_MS } from '../../admin-client/client.ts';
import { AdminFailure } from '../../admin-client/failure.ts';
import { DEFAULT_ADMIN, PlaceFault, readPlace } from '../../admin-client/place.ts';
import { printable } from '../../admin-client/printable.ts';
import { hints } from '../../admin-client/reach.ts';
import { isUnreadable, unreadable } from '../../admin-client/unreadable.ts';
import { parseDuration } from '../../config/units.ts';
import { FAILED, UNREACHABLE, USAGE } from '../exit.ts';
import { openTerminal, type Terminal } from './terminal.ts';

/** The options as commander parsed them, by flag name in camel case. */
export interface Given {
  readonly admin?: readonly string[];
  readonly token?: string;
  readonly tokenFile?: string;
  readonly wait: number;
  readonly json?: boolean;
  readonly [flag: string]: unknown;
}

/** The arguments of a command's action. */
export interface Asked {
  readonly client: AdminClient;
  /** The other admin servers that the user named, after the first. */
  readonly others: readonly AdminClient[];
  readonly terminal: Terminal;
  readonly given: Given;
}

/** A wrong use of a command that only the action could notice. */
export class UsageFault extends Error {}

export interface Shown {
  /** Commands with what they do. Each runs as it stands. */
  readonly examples: readonly (readonly [command: string, does: string])[];
  /** Exit codes beside 2 (bad usage) and 3 (not reachable, or not let in). */
  readonly codes: readonly string[];
  /** Whether the command goes on until its user ends it. */
  readonly goesOn?: boolean;
  /** Lines below the options. */
  readonly notes?: readonly string[];
}

/** Most instances that one command asks. */
const PLACES = 20;

/** Adds the common options, the help's examples and the action, whose result is the exit code. */
export function defineAsking(
  command: Command,
  { examples, codes, goesOn = false, notes = [] }: Shown,
  action: (asked: Asked, ...words: readonly string[]) => Promise<number>,
): void {
  command
    .addOption(
      new Option(
        '--admin <url>',
        `admin server of the sidecar; more than once for several instances (ACKSPAN_ADMIN, default ${DEFAULT_ADMIN})`,
      ).argParser((value: string, before: readonly string[] | undefined) => [...(before ?? []), value]),
    )
    .option(
      '--token <token>',
      'its admin.token (ACKSPAN_ADMIN_TOKEN); other users of this machine see it, so prefer the next one',
    )
    .option('--token-file <file>', 'file whose first line is the token (ACKSPAN_ADMIN_TOKEN_FILE)')
    .addOption(
      new Option('--wait <time>', 'how long an answer may take').argParser(readWait).default(DEFAULT_TIMEOUT_MS, '10s'),
    );
  command.addHelpText('after', () => helpTail(examples, codes, notes));
  command.action(async (...all: unknown[]) => {
    // Commander passes the arguments, the options and the command.
    const given = all.at(-2) as Given;
    const words = all
      .slice(0, -2)
      .flat()
      .filter((word) => word !== undefined) as string[];
    process.exitCode = await run(given, words, openTerminal(goesOn), action);
  });
}

async function run(
  given: Given,
  words: readonly string[],
  terminal: Terminal,
  action: (asked: Asked, ...words: readonly string[]) => Promise<number>,
): Promise<number> {
  let client: AdminClient | undefined;
  try {
    const clients = clientsFor(given);
    client = clients[0]!;
    return await action({ client, others: clients.slice(1), terminal, given }, ...words);
  } catch (error) {
    if (terminal.ended.aborted && error instanceof Error && error.name === 'AbortError') return 0;
    if (error instanceof PlaceFault || error instanceof UsageFault) {
      terminal.say(`ackspan: ${printable(error.message)}`);
      return USAGE;
    }
    if (client !== undefined && isUnreadable(error)) {
      terminal.say(`ackspan: ${unreadable(client, error)}`);
      return FAILED;
    }
    if (!(error instanceof AdminFailure)) throw error;
    terminal.say(`ackspan: ${printable(error.message)}`);
    if (client !== undefined) for (const line of hints(error, client.place)) terminal.say(line);
    return error.kind === 'missing' || error.kind === 'refused' || error.kind === 'broken' ? FAILED : UNREACHABLE;
  }
}

function clientsFor({ admin, token, tokenFile, wait }: Given): AdminClient[] {
  const addresses = admin ?? [undefined];
  if (addresses.length > PLACES) throw new UsageFault(`--admin: at most ${PLACES} instances`);
  return addresses.map((each) => createAdminClient(readPlace({ admin: each, token, tokenFile }, process.env), wait));
}

function helpTail(examples: Shown['examples'], codes: readonly string[], notes: readonly string[]): string {
  const width = Math.max(...examples.map(([line]) => line.length));
  return [
    ...(notes.length === 0 ? [] : ['', ...notes]),
    '',
    'Examples:',
    ...examples.map(([line, does]) => `  ${line.padEnd(width)}   ${does}`),
    '',
    `Exit codes: ${[...codes, '2 bad usage', '3 the admin server cannot be reached or does not let one in'].join('; ')}.`,
  ].join('\n');
}

function readWait(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined || ms < 100 || ms > 600_000)
    throw new InvalidArgumentError('Write a time from 100ms to 10m, such as 10s.');
  return ms;
}
