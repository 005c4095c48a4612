// cli: `ackspan deliveries`: what is in flight and what ended lately, newest first.
import type { Command } from 'commander';
import type { DeliveryJson } from '../../admin/shapes.ts';
import { jsonLine } from '../../admin-client/printable.ts';
import { whyNobody } from '../../admin-client/whose.ts';
import { OK } from '../exit.ts';
import { drawColumns } from '../terminal/columns.ts';
import { type Asked, defineAsking } from './command.ts';
import { DELIVERY_COLUMNS, deliveryCells } from './delivery-cells.ts';
import { addFilters, filterOf } from './filters.ts';
import { askAll } from './instances.ts';
import { limitOption } from './limit-option.ts';

export function define(command: Command): void {
  addFilters(command, true);
  command.addOption(limitOption(50, 100_000)).option('--json', 'one JSON object a line, as the API has it');
  defineAsking(
    command,
    {
      examples: [
        ['ackspan deliveries --status failed,timeout --since 15m', 'what was lost in the last quarter of an hour'],
        ['ackspan deliveries --user 4711', 'everything that user 4711 was sent, and what came of it'],
        ['ackspan deliveries --reason rejected --json | jq -r .event_id', 'ids of rejected events'],
        ['ackspan deliveries --status pending --priority critical', 'critical events that are still waiting'],
      ],
      codes: ['0 the list was shown, also an empty one'],
      notes: ['The list is bounded (limits.history): older outcomes are in the traces and metrics only.'],
    },
    list,
  );
}

async function list(asked: Asked): Promise<number> {
  const { terminal, given } = asked;
  const limit = given.limit as number;
  const answers = await askAll(asked, (client) => client.everyDelivery(filterOf(given), limit));
  const rows = answers
    .flatMap(({ instance, answer }) => answer.items.map((delivery) => ({ instance, delivery })))
    .sort((a, b) => byTime(a.delivery, b.delivery))
    .slice(0, limit);
  if (given.json === true) {
    for (const { delivery } of rows) await terminal.print(jsonLine(delivery));
    return OK;
  }
  if (rows.length === 0) {
    terminal.say('No delivery in flight or in the history matches.');
    const { user } = filterOf(given);
    if (user !== undefined) for (const line of await whyNobody(answers[0]!.client, user)) terminal.say(line);
    return OK;
  }
  const several = answers.length > 1;
  const columns = several ? [...DELIVERY_COLUMNS, { heading: 'INSTANCE' }] : DELIVERY_COLUMNS;
  const cells = rows.map(({ instance, delivery }) => [...deliveryCells(delivery), { text: instance }]);
  await terminal.print(...drawColumns(columns, cells, { width: terminal.width, paint: terminal.paint }));
  if (answers.some(({ answer }) => answer.more))
    terminal.say(`More match; these are the newest ${rows.length} (--limit).`);
  return OK;
}

/** Sorts the newest delivery first. */
function byTime(a: DeliveryJson, b: DeliveryJson): number {
  return Date.parse(b.sent_at) - Date.parse(a.sent_at);
}
