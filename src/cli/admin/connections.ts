// cli: `ackspan connections`: the clients that are connected, newest first; with `--state` also those that were.
import { type Command, Option } from 'commander';
import type { ConnectionJson } from '../../admin/shapes.ts';
import type { ConnectionFilter } from '../../admin-client/client.ts';
import { jsonLine, printable } from '../../admin-client/printable.ts';
import { count, time } from '../../admin-client/wording.ts';
import { OK } from '../exit.ts';
import { type Cell, type Column, drawColumns } from '../terminal/columns.ts';
import type { Tone } from '../terminal/paint.ts';
import { type Asked, defineAsking } from './command.ts';
import { askAll } from './instances.ts';
import { limitOption } from './limit-option.ts';

const FILTERS = ['user', 'claimed_user', 'session', 'capability', 'state'] as const;

export function define(command: Command): void {
  command
    .option('--user <user>', 'only this user (proven)')
    .option('--claimed-user <user>', 'only connections that claim this user without proof')
    .option('--session <id>', 'only this session')
    .option('--capability <words>', 'only what has shown it can prove: none, received, processed')
    .addOption(new Option('--state <state>', 'which connections').choices(['open', 'closed', 'any']).default('open'))
    .addOption(limitOption(50, 100_000))
    .option('--json', 'one JSON object a line, as the API has it');
  defineAsking(
    command,
    {
      examples: [
        ['ackspan connections --user 4711', 'where user 4711 is connected'],
        ['ackspan connections --user 4711 --state any', 'and where the user was, with how each connection ended'],
        ['ackspan connections --capability none', 'connections that never answered a ping'],
        ['ackspan connections --user 4711 --admin http://a:9464 --admin http://b:9464', 'on several instances'],
      ],
      codes: ['0 the list was shown, also an empty one'],
    },
    list,
  );
}

async function list(asked: Asked): Promise<number> {
  const { terminal, given } = asked;
  const limit = given.limit as number;
  const answers = await askAll(asked, (client) => client.everyConnection(filterOf(given), limit));
  const rows = answers
    .flatMap(({ instance, answer }) => answer.items.map((connection) => ({ instance, connection })))
    .sort((a, b) => Date.parse(b.connection.opened_at) - Date.parse(a.connection.opened_at))
    .slice(0, limit);
  if (given.json === true) {
    for (const { connection } of rows) await terminal.print(jsonLine(connection));
    return OK;
  }
  if (rows.length === 0) {
    terminal.say('No connection matches.');
    return OK;
  }
  const several = answers.length > 1;
  const columns = several ? [...CONNECTION_COLUMNS, { heading: 'INSTANCE' }] : CONNECTION_COLUMNS;
  const cells = rows.map(({ instance, connection }) => [...connectionCells(connection), { text: instance }]);
  await terminal.print(...drawColumns(columns, cells, { width: terminal.width, paint: terminal.paint }));
  if (answers.some(({ answer }) => answer.more))
    terminal.say(`More match; these are the newest ${rows.length} (--limit).`);
  return OK;
}

function filterOf(given: Asked['given']): ConnectionFilter {
  const named: Readonly<Record<string, unknown>> = { ...given, claimed_user: given.claimedUser };
  return Object.fromEntries(FILTERS.flatMap((name) => (typeof named[name] === 'string' ? [[name, named[name]]] : [])));
}

const CONNECTION_COLUMNS: readonly Column[] = [
  { heading: 'OPENED (UTC)' },
  { heading: 'ID' },
  { heading: 'USER', least: 6 },
  { heading: 'CAPABILITY' },
  { heading: 'PENDING', end: true, spare: 2 },
  { heading: 'MESSAGES', end: true, spare: 3 },
  { heading: 'FROM', least: 9 },
  { heading: 'PATH', least: 8, spare: 1 },
  { heading: 'SESSION', least: 8, spare: 4 },
  { heading: 'STATE' },
];

const TONES: Readonly<Record<string, Tone>> = { none: 'doubt', received: 'link', processed: 'good' };

function connectionCells(connection: ConnectionJson): Cell[] {
  const { opened_at, id, capability, pending, messages, remote, path, session } = connection;
  return [
    { text: printable(opened_at), tone: 'faint' },
    { text: printable(id) },
    { text: userText(connection) },
    { text: printable(capability), tone: TONES[capability] },
    { text: count(pending) },
    { text: count(messages) },
    { text: printable(remote) },
    { text: printable(path) },
    { text: printable(session) },
    stateCell(connection),
  ];
}

/**
 * The user of a connection. A claimed user looks different from a proven one, because a claim is no
 * proof.
 */
export function userText({ user, claimed_user }: ConnectionJson): string {
  if (user !== null) return printable(user);
  return claimed_user === null ? '–' : `(claims ${printable(claimed_user)})`;
}

function stateCell({ opened_at, closed_at, closed_by, close_code }: ConnectionJson): Cell {
  if (closed_at === null) return { text: 'open', tone: 'good' };
  const age = time(Date.parse(closed_at) - Date.parse(opened_at));
  return { text: `closed by ${closed_by}, ${close_code}, after ${age}`, tone: 'faint' };
}
