// cli: `ackspan resend ID`: sends one kept message again; the sidecar's log names the user and the reason.
import { userInfo } from 'node:os';
import type { Command } from 'commander';
import type { AdminClient } from '../../admin-client/client.ts';
import { jsonLine, printable, quoted } from '../../admin-client/printable.ts';
import { FAILED, OK } from '../exit.ts';
import { type Asked, defineAsking, UsageFault } from './command.ts';

/** Name of the system's user who runs the command. A token alone names no person. */
export function whoAsks(): string {
  try {
    return `${userInfo().username} (ackspan cli)`;
  } catch {
    // A container may run as a user without a name.
    return 'ackspan cli';
  }
}

export function define(command: Command): void {
  command
    .argument('<id>', 'id of the delivery (d-…), or of its event where only one delivery of it is open')
    .option('--why <text>', 'the reason, for the sidecar’s log', 'sent again by hand')
    .option('--json', 'one JSON object');
  defineAsking(
    command,
    {
      examples: [
        ['ackspan resend d-k3f9a-1a2b --why "support case 812"', 'send its message again, now'],
        ['ackspan deliveries --user 4711 --status pending,retrying', 'what could be sent again'],
      ],
      codes: ['0 it was sent again', '1 it was not, and the reason is printed'],
      notes: [
        'Only open deliveries whose message is kept can be sent again: those of clients that have opted in (the SDK),',
        'or whose rule says resend: true. Outcomes are final.',
      ],
    },
    resend,
  );
}

async function resend({ client, terminal, given }: Asked, id = ''): Promise<number> {
  const found = await openDelivery(client, id);
  const { result, delivery } = await client.change('resend', found, { reason: String(given.why), by: whoAsks() });
  if (given.json === true) await terminal.print(jsonLine({ result, delivery }));
  else if (result === 'sent')
    await terminal.print(
      `Sent ${quoted(delivery.id)} again (attempt ${delivery.attempts}). Watch it: ackspan delivery ${printable(delivery.id)}`,
    );
  else
    await terminal.print(`Not sent: ${result}. Either the client reads too slowly, or too much was sent again lately.`);
  return result === 'sent' ? OK : FAILED;
}

/**
 * The id of the open delivery that `id` means. Refuses an event id that means several, because a
 * change must not guess.
 */
async function openDelivery(client: AdminClient, id: string): Promise<string> {
  const found = await client.delivery(id);
  if (found.id === id) return id;
  const open = [found, ...found.same_event.deliveries].filter(({ settled_ms }) => settled_ms === null);
  if (open.length === 1) return open[0]!.id;
  if (open.length === 0) return found.id;
  throw new UsageFault(
    `event "${id}" has ${open.length} open deliveries; name one: ${open.map((each) => each.id).join(', ')}`,
  );
}
