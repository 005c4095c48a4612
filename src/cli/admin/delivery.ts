// cli: `ackspan delivery ID`: one delivery's life on a time line, why it ended so, and what to do.
import type { Command } from 'commander';
import type { DeliveryDetailJson } from '../../admin/shapes.ts';
import { nameOf } from '../../admin-client/client.ts';
import { type Explanation, explain } from '../../admin-client/explain.ts';
import { findCase } from '../../admin-client/find-case.ts';
import { jsonLine, printable } from '../../admin-client/printable.ts';
import { stepText } from '../../admin-client/timeline.ts';
import { explainUnknown } from '../../admin-client/unknown.ts';
import { time } from '../../admin-client/wording.ts';
import { FAILED, OK } from '../exit.ts';
import { padded } from '../terminal/width.ts';
import { type Asked, defineAsking } from './command.ts';
import { clock, toneOf } from './delivery-cells.ts';
import { explanationLines } from './explanation-lines.ts';
import type { Terminal } from './terminal.ts';

export function define(command: Command): void {
  command.argument('<id>', 'id of the delivery (d-…), or of its event').option('--json', 'one JSON object');
  defineAsking(
    command,
    {
      examples: [
        ['ackspan delivery d-k3f9a-1a2b', 'its time line, the cause, and what to do'],
        ['ackspan delivery evt_4711', 'the newest delivery of that event'],
        ['ackspan delivery evt_4711 --admin http://a:9464 --admin http://b:9464', 'whichever instance has it'],
      ],
      codes: ['0 it was found', '1 no instance that was asked knows it'],
    },
    show,
  );
}

async function show({ client, others, terminal, given }: Asked, id = ''): Promise<number> {
  const { hit, also, failure } = await findCase([client, ...others], id);
  if (hit === undefined) {
    if (failure !== undefined) throw failure;
    const explanation = await explainUnknown(client, id);
    if (given.json === true) await terminal.print(jsonLine({ id, explanation }));
    else await terminal.print(explanation.headline, '', ...explanationLines(explanation, terminal, 'doubt'));
    return FAILED;
  }
  const { found } = hit;
  const explanation = explain(found);
  if (given.json === true)
    await terminal.print(jsonLine({ instance: nameOf(hit.client), ...found.delivery, explanation }));
  else await terminal.print(...page(found.delivery, explanation, terminal));
  if (also.length > 0)
    terminal.say(
      `That is the one of ${nameOf(hit.client)}. These have one of that id too: ${also.map(nameOf).join(', ')}; ask them alone.`,
    );
  return OK;
}

function page(delivery: DeliveryDetailJson, explanation: Explanation, terminal: Terminal): string[] {
  const { paint } = terminal;
  const { trace_id, run, tool, same_event, priority, required } = delivery;
  const facts = [
    `priority ${printable(priority)}`,
    `needs ${printable(required)}`,
    ...(run === null ? [] : [`run ${printable(run)}`]),
    ...(tool === null ? [] : [`tool ${printable(tool)}`]),
    ...(trace_id === null ? [] : [`trace ${printable(trace_id)}`]),
  ];
  const twins =
    same_event.count === 0
      ? []
      : [
          `The same event has ${same_event.count} more: ${same_event.deliveries
            .slice(0, 5)
            .map((each) => printable(each.id))
            .join(', ')}${same_event.count > 5 ? ' …' : ''}`,
        ];
  return [
    paint(explanation.headline, 'strong'),
    paint(facts.join('  '), 'faint'),
    ...twins,
    '',
    ...timelineLines(delivery, terminal),
    '',
    ...explanationLines(explanation, terminal, toneOf(delivery.status)),
  ];
}

/**
 * Lines of the timeline, one per step: time of day, time since the send, a rail, and what happened.
 */
function timelineLines({ timeline }: DeliveryDetailJson, { paint }: Pick<Terminal, 'paint'>): string[] {
  const last = timeline.length - 1;
  return timeline.map((step, i) => {
    const rail = i === 0 ? '┬' : i === last ? '┴' : '┼';
    const text = stepText(step);
    const tone = toneOf(step.step);
    const after = padded(i === 0 ? '0' : `+${time(step.after_ms)}`, 9, true);
    return `${paint(clock(step.at), 'faint')} ${after} ${rail} ${tone === undefined ? text : paint(text, tone)}`;
  });
}
