// cli: `ackspan dead-letters`: what was lost, as the store keeps it: a table, an export as NDJSON, a purge by user.
import type { Command } from 'commander';
import type { DeadLetterJson } from '../../admin/dead-letter-shapes.ts';
import type { AdminClient } from '../../admin-client/client.ts';
import type { LetterFilter } from '../../admin-client/letters.ts';
import { harmlessJson, jsonLine, printable, quoted } from '../../admin-client/printable.ts';
import { counted, time } from '../../admin-client/wording.ts';
import { ERROR_TYPES, PRIORITIES } from '../../delivery/words.ts';
import { OK } from '../exit.ts';
import { type Cell, type Column, drawColumns } from '../terminal/columns.ts';
import { type Asked, defineAsking, type Given, UsageFault } from './command.ts';
import { askAll } from './instances.ts';
import { limitOption } from './limit-option.ts';
import { whoAsks } from './resend.ts';

const REASONS = ERROR_TYPES.filter((type) => type !== '');
const FILTERS: readonly (readonly [name: keyof LetterFilter, flag: string, value: string, doc: string])[] = [
  ['user', 'user', 'user', 'only this user (proven)'],
  ['claimed_user', 'claimed-user', 'user', 'only of clients that claimed this user without proof'],
  ['session', 'session', 'id', 'only this session'],
  ['event_id', 'event', 'id', 'only this event'],
  ['type', 'type', 'types', 'only these event types, separated by commas'],
  ['priority', 'priority', 'words', `only ${PRIORITIES.join(', ')}`],
  ['reason', 'reason', 'words', `only what was lost so: ${REASONS.join(', ')}`],
  ['since', 'since', 'time', 'only lost since: 10m, 2h, 3d, or a time such as 2026-01-31T12:00:00Z'],
  ['until', 'until', 'time', 'only lost before'],
];

/** Adds options and action. */
export function define(command: Command): void {
  for (const [, flag, value, doc] of FILTERS) command.option(`--${flag} <${value}>`, doc);
  command
    .addOption(limitOption(50, 100_000))
    .option('--json', 'one JSON object a line, as the API has it')
    .option('--export', 'all that match as NDJSON, with messages where admin.payloads lets them be seen')
    .option('--purge', 'remove the letters of --user or --claimed-user for good')
    .option('--why <text>', 'for --purge: the reason, for the sidecar’s log');
  defineAsking(
    command,
    {
      examples: [
        ['ackspan dead-letters --since 1d', 'what was lost since yesterday'],
        ['ackspan dead-letters --reason rejected --export > rejected.ndjson', 'all of it, for a program'],
        ['ackspan dead-letters --purge --user 4711 --why "erasure request 812"', 'remove what is kept of a user'],
      ],
      codes: ['0 done, also when the list is empty', '1 there is no store, or an instance did not purge'],
      notes: [
        'Needs a store (store: file:/…). Letters are kept for store.keep. A message is kept with its letter only where its rule says',
        'keep_lost: true. A purge does not touch what is still in flight.',
      ],
    },
    run,
  );
}

function run(asked: Asked): Promise<number> {
  const { given } = asked;
  if (given.purge === true) return purge(asked);
  return given.export === true ? exportAll(asked) : list(asked);
}

function filterOf(given: Given): LetterFilter {
  const filter: Partial<Record<keyof LetterFilter, string>> = {};
  for (const [name, flag] of FILTERS) {
    const value = given[flag.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())];
    if (typeof value === 'string') filter[name] = value;
  }
  return filter;
}

async function list(asked: Asked): Promise<number> {
  const { terminal, given } = asked;
  const limit = given.limit as number;
  const answers = await askAll(asked, (client) => client.everyDeadLetter(filterOf(given), limit));
  const rows = answers
    .flatMap(({ instance, answer }) => answer.items.map((letter) => ({ instance, letter })))
    .sort((a, b) => Date.parse(b.letter.lost_at) - Date.parse(a.letter.lost_at))
    .slice(0, limit);
  if (given.json === true) {
    for (const { letter } of rows) await terminal.print(jsonLine(letter));
    return OK;
  }
  if (rows.length === 0) {
    terminal.say('No dead letter matches.');
    return OK;
  }
  const columns = answers.length > 1 ? [...COLUMNS, { heading: 'INSTANCE' }] : COLUMNS;
  const cells = rows.map(({ instance, letter }) => [...cellsOf(letter), { text: instance }]);
  await terminal.print(...drawColumns(columns, cells, { width: terminal.width, paint: terminal.paint }));
  if (answers.some(({ answer }) => answer.more))
    terminal.say(`More match; these are the newest ${rows.length} (--limit, --export).`);
  return OK;
}

const COLUMNS: readonly Column[] = [
  { heading: 'LOST (UTC)' },
  { heading: 'REASON' },
  { heading: 'TYPE', least: 8 },
  { heading: 'ID' },
  { heading: 'EVENT', least: 10, spare: 1 },
  { heading: 'USER', least: 6 },
  { heading: 'AFTER', end: true },
  { heading: 'TRIES', end: true, spare: 2 },
  { heading: 'MESSAGE', end: true, spare: 3 },
];

function cellsOf(letter: DeadLetterJson): Cell[] {
  const { lost_at, error_type, type, id, event_id, user, claimed_user, lost_ms, attempts, message_bytes } = letter;
  // A claim is no proof, and must not look like one.
  const whose = user === null ? (claimed_user === null ? '–' : `(${printable(claimed_user)})`) : printable(user);
  return [
    { text: printable(lost_at.slice(0, 19).replace('T', ' ')), tone: 'faint' },
    { text: printable(error_type), tone: 'bad' },
    { text: printable(type) },
    { text: printable(id) },
    { text: event_id === null ? '–' : printable(event_id) },
    { text: whose },
    { text: time(lost_ms) },
    { text: String(attempts.length + 1) },
    { text: message_bytes === 0 ? '–' : `${message_bytes} B` },
  ];
}

/** One instance after the other; lines go out as they come. */
async function exportAll({ client, others, terminal, given }: Asked): Promise<number> {
  for (const each of [client, ...others])
    for await (const line of each.exportDeadLetters(filterOf(given))) {
      if (terminal.ended.aborted) return OK;
      await terminal.print(harmlessJson(line));
    }
  return OK;
}

async function purge({ client, others, terminal, given }: Asked): Promise<number> {
  const { user, claimed_user, ...rest } = filterOf(given);
  if ((user === undefined) === (claimed_user === undefined))
    throw new UsageFault('--purge takes either --user or --claimed-user');
  if (Object.keys(rest).length > 0)
    throw new UsageFault('--purge removes all letters of the user: name no other filter');
  if (typeof given.why !== 'string') throw new UsageFault('--purge needs --why, for the sidecar’s log');
  const why = { reason: given.why, by: whoAsks() };
  // One after the other, and the first that fails ends it: a purge that left an instance out must
  // not look done.
  let purged = 0;
  for (const each of [client, ...others] satisfies AdminClient[])
    purged += (await each.purgeDeadLetters({ user, claimed_user }, why)).purged;
  await terminal.print(`Removed ${counted(purged, 'dead letter')} of ${quoted(user ?? claimed_user ?? '')}.`);
  return OK;
}
