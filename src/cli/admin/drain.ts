// cli: `ackspan drain`: has a sidecar part from its clients, and waits for it: what a preStop hook runs.
import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { DrainJson } from '../../admin/shapes.ts';
import { jsonLine } from '../../admin-client/printable.ts';
import { counted, deliveries } from '../../admin-client/wording.ts';
import { parseDuration } from '../../config/units.ts';
import { FAILED, OK } from '../exit.ts';
import { type Asked, defineAsking } from './command.ts';
import { whoAsks } from './resend.ts';

/** Gap between two questions how far it is, ms. */
const LOOK_MS = 200;

/** Adds options and action. */
export function define(command: Command): void {
  command
    .option('--why <text>', 'the reason, for the sidecar’s log', 'drained by hand')
    .addOption(
      new Option('--for <time>', 'wait so long for the last client to be parted from; 0s = do not wait')
        .argParser(readFor)
        .default(60_000, '60s'),
    )
    .option('--json', 'one JSON object: how far it is at the end');
  defineAsking(
    command,
    {
      examples: [
        ['ackspan drain', 'part from every client, and return when that is done'],
        ['ackspan drain --for 0s --why "moving to another node"', 'begin, and do not wait'],
      ],
      codes: ['0 every client has been parted from (or --for 0s)', '1 not within --for; it goes on'],
      notes: [
        'The sidecar takes nothing new, tells its clients to come again (Close 1012) and goes on running until it gets SIGTERM.',
        'There is no way back. In Kubernetes a preStop hook runs this, so that the drain begins while the backend is still there.',
      ],
    },
    drain,
  );
}

async function drain({ client, terminal, given }: Asked): Promise<number> {
  const waitMs = given.for as number;
  const until = performance.now() + waitMs;
  let progress: DrainJson = await client.drain({ reason: String(given.why), by: whoAsks() });
  while (progress.state !== 'drained' && performance.now() < until) {
    await sleep(LOOK_MS);
    progress = await client.drainProgress();
  }
  const { state, connections, pending } = progress;
  const left = `${counted(connections, 'connection')}, ${deliveries(pending)} in flight`;
  if (given.json === true) await terminal.print(jsonLine(progress));
  else await terminal.print(state === 'drained' ? 'Drained.' : `Draining: ${left}.`);
  return state === 'drained' || waitMs === 0 ? OK : FAILED;
}

function readFor(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined || ms > 3_600_000) throw new InvalidArgumentError('Write a time up to 1h, such as 30s.');
  return ms;
}
