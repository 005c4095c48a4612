// cli: `ackspan replay`: sends the kept messages of a filter again; a dry run says what it would do.
import type { Command } from 'commander';
import type { ReplayJson } from '../../admin/shapes.ts';
import { jsonLine, printable } from '../../admin-client/printable.ts';
import { count } from '../../admin-client/wording.ts';
import { FAILED, OK } from '../exit.ts';
import { drawColumns } from '../terminal/columns.ts';
import { type Asked, defineAsking, UsageFault } from './command.ts';
import { addFilters, filterOf } from './filters.ts';
import { limitOption } from './limit-option.ts';
import { whoAsks } from './resend.ts';

export function define(command: Command): void {
  addFilters(command, true);
  command
    .addOption(limitOption(100, 1_000))
    .option('--dry-run', 'say what it would do, and do nothing')
    .option('--why <text>', 'the reason, for the sidecar’s log', 'replayed by hand')
    .option('--json', 'one JSON object');
  defineAsking(
    command,
    {
      examples: [
        ['ackspan replay --user 4711 --since 10m --dry-run', 'what would be sent again to user 4711'],
        ['ackspan replay --user 4711 --since 10m --why "support case 812"', 'send it'],
        ['ackspan replay --type tool_completed --priority critical --limit 500', 'at most 500, oldest first'],
      ],
      codes: ['0 done, or a dry run', '1 something that matched was not sent'],
      notes: [
        'Only open deliveries whose message is kept are sent again, oldest first. At least one filter is needed, so that nobody',
        'sends everything by mistake.',
      ],
    },
    replay,
  );
}

async function replay({ client, terminal, given }: Asked): Promise<number> {
  const filter = filterOf(given);
  if (Object.keys(filter).length === 0) throw new UsageFault('name at least one filter, such as --user or --since');
  const result = await client.replay(filter, {
    dryRun: given.dryRun === true,
    limit: given.limit as number,
    reason: String(given.why),
    by: whoAsks(),
  });
  if (given.json === true) await terminal.print(jsonLine(result));
  else {
    await terminal.print(...summary(result));
    const cells = result.deliveries.map(({ id, result: came }) => [
      { text: printable(id) },
      {
        text: WORDS[came] ?? printable(came),
        tone: came === 'sent' || came === 'would_send' ? ('good' as const) : ('warning' as const),
      },
    ]);
    if (cells.length > 0)
      await terminal.print(
        '',
        ...drawColumns([{ heading: 'ID' }, { heading: 'RESULT' }], cells, {
          width: terminal.width,
          paint: terminal.paint,
        }),
      );
  }
  return result.dry_run || result.sent === result.matched ? OK : FAILED;
}

const WORDS: Readonly<Record<string, string>> = {
  would_send: 'would be sent again',
  sent: 'sent again',
  blocked: 'not sent: the client reads too slowly, or too much was sent again lately',
  failed: 'not sent: it broke',
  settled: 'not sent: it has its outcome',
  not_kept: 'not sent: its message is not kept',
  away: 'not sent: its client is not connected; a kept message goes out when it comes back',
};

function summary({ dry_run, matched, sent, blocked, failed, skipped, more }: ReplayJson): string[] {
  const left = Object.values(skipped).reduce((sum, each) => sum + each, blocked + failed);
  const verb = dry_run ? 'would be sent again' : 'were sent again';
  return [
    `${count(matched)} open deliveries match; ${count(sent)} ${verb}, ${count(left)} not.${more ? ' More match than --limit.' : ''}`,
    ...(dry_run ? ['This was a dry run: nothing was sent.'] : []),
  ];
}
