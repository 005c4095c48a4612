// cli: `ackspan connection ID`: one connection's life, its deliveries, and the messages that were relayed over it.
import type { Command } from 'commander';
import type { ConnectionDetailJson, ConnectionStepJson, MessageJson } from '../../admin/shapes.ts';
import { ended } from '../../admin-client/explain.ts';
import { AdminFailure } from '../../admin-client/failure.ts';
import { jsonLine, printable, quoted } from '../../admin-client/printable.ts';
import { count, time } from '../../admin-client/wording.ts';
import { OK } from '../exit.ts';
import { type Cell, type Column, drawColumns } from '../terminal/columns.ts';
import { padded } from '../terminal/width.ts';
import { type Asked, defineAsking } from './command.ts';
import { userText } from './connections.ts';
import { clock, toneOf } from './delivery-cells.ts';
import { limitOption } from './limit-option.ts';
import type { Terminal } from './terminal.ts';

export function define(command: Command): void {
  command
    .argument('<id>', 'id of the connection')
    .addOption(limitOption(50, 5_000))
    .option('--json', 'one JSON object');
  defineAsking(
    command,
    {
      examples: [
        ['ackspan connection c-1a2b', 'when it opened, what it proved, how it ended, and its latest messages'],
        ['ackspan connection c-1a2b -n 1000 | grep timeout', 'its messages that timed out'],
      ],
      codes: ['0 it was found', '1 no connection that is open, or was lately, has this id'],
      notes: [
        'Payloads are shown only where the sidecar keeps them (admin.payloads), with what its rules redact left out.',
      ],
    },
    show,
  );
}

async function show({ client, terminal, given }: Asked, id = ''): Promise<number> {
  const connection = await client.connection(id);
  const messages = await messagesOf({ client, given }, id);
  if (given.json === true) {
    await terminal.print(jsonLine({ ...connection, recent_messages: messages ?? [] }));
    return OK;
  }
  await terminal.print(...head(connection, terminal));
  if (messages === undefined) terminal.say('This sidecar remembers no messages (admin.messages).');
  else if (messages.length > 0) await terminal.print('', ...messageLines(messages, terminal));
  return OK;
}

/** The messages over one connection; undefined = the sidecar keeps none. */
async function messagesOf(
  { client, given }: Pick<Asked, 'client' | 'given'>,
  id: string,
): Promise<readonly MessageJson[] | undefined> {
  try {
    return (await client.messages(id, { limit: given.limit as number })).messages;
  } catch (error) {
    if (error instanceof AdminFailure && error.kind === 'missing') return undefined;
    throw error;
  }
}

function head(connection: ConnectionDetailJson, { paint }: Pick<Terminal, 'paint'>): string[] {
  const { id, path, remote, session, capability, deliveries, messages, opened_at, closed_at, life } = connection;
  const lasted =
    closed_at === null ? 'open' : `${ended(connection)} after ${time(Date.parse(closed_at) - Date.parse(opened_at))}`;
  const counts = Object.entries(deliveries)
    .filter(([, each]) => each > 0)
    .map(([status, each]) => {
      const tone = toneOf(status);
      const text = `${count(each)} ${printable(status)}`;
      return tone === undefined ? text : paint(text, tone);
    });
  return [
    paint(`Connection ${quoted(id)} of ${userText(connection)}: ${lasted}.`, 'strong'),
    paint(
      `${printable(path)} from ${printable(remote)}  session ${printable(session)}  capability ${printable(capability)}`,
      'faint',
    ),
    `${count(messages)} messages to the client; deliveries: ${counts.join(', ') || 'none'}`,
    '',
    ...life.map((step) => {
      const after = padded(`+${time(Date.parse(step.at) - Date.parse(opened_at))}`, 9, true);
      return `${paint(clock(step.at), 'faint')} ${after}  ${lifeText(step)}`;
    }),
  ];
}

function lifeText({ step, capability, by, code }: ConnectionStepJson): string {
  switch (step) {
    case 'opened':
      return 'opened';
    case 'capability':
      return `the client has shown that it can prove: ${printable(capability ?? '')}`;
    case 'closed':
      return `closed by ${printable(by ?? '')} with ${code}`;
    default:
      return printable(step satisfies never);
  }
}

const MESSAGE_COLUMNS: readonly Column[] = [
  { heading: 'AT (UTC)' },
  { heading: '' },
  { heading: 'TYPE', least: 8 },
  { heading: 'BYTES', end: true },
  { heading: 'N', end: true },
  { heading: 'DELIVERY' },
  { heading: 'STATUS' },
  { heading: 'PAYLOAD', least: 10 },
];

/** Lines of the messages, oldest first. */
function messageLines(messages: readonly MessageJson[], { width, paint }: Pick<Terminal, 'width' | 'paint'>): string[] {
  const rows = [...messages].reverse().map((message): Cell[] => {
    const { at, direction, type, kind, bytes, ordinal, delivery, status, reason, payload, consumed } = message;
    const down = direction === 'to_client';
    return [
      { text: clock(at), tone: 'faint' },
      { text: down ? '→ client' : '← client', tone: down ? undefined : 'link' },
      { text: type === null ? kind : printable(type) },
      { text: bytes === null ? '–' : count(bytes) },
      { text: ordinal === null ? '' : String(ordinal) },
      { text: delivery === null ? (consumed ? 'confirmation' : '') : printable(delivery) },
      {
        text: status === null ? '' : printable(reason === null ? status : `${status}: ${reason}`),
        tone: status === null ? undefined : toneOf(status),
      },
      { text: payload === null ? '' : printable(payload) },
    ];
  });
  return drawColumns(MESSAGE_COLUMNS, rows, { width, paint });
}
