// cli: `ackspan top`: who loses most and who is slowest, as a table that redraws itself; for a program, once.
import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { SummaryJson, TopJson, TopRowJson } from '../../admin/stats-shapes.ts';
import { type AdminClient, nameOf } from '../../admin-client/client.ts';
import { AdminFailure } from '../../admin-client/failure.ts';
import { jsonLine, printable } from '../../admin-client/printable.ts';
import { count, percent, time } from '../../admin-client/wording.ts';
import { parseDuration } from '../../config/units.ts';
import { OK } from '../exit.ts';
import { type Cell, type Column, drawColumns } from '../terminal/columns.ts';
import { openScreen } from '../terminal/screen.ts';
import { fitted } from '../terminal/width.ts';
import { type Asked, defineAsking } from './command.ts';
import { limitOption } from './limit-option.ts';
import type { Terminal } from './terminal.ts';

const KEYS = ['user', 'type', 'session', 'priority'] as const;
const SORTS = ['lost', 'slowest', 'tracked', 'pending'] as const;
/** Lines around the rows of the table. */
const FRAME = 5;
/** Rows of a screen of unknown height, and of a pipe. */
const ROWS = 20;

/** The choices of the reader, which keys change. */
interface View {
  by: string;
  sort: string;
}

interface Shot {
  readonly top: TopJson;
  readonly summary: SummaryJson;
}

export function define(command: Command): void {
  command
    .addOption(new Option('--by <key>', 'what a row is').choices(KEYS).default('type'))
    .addOption(new Option('--sort <order>', 'which rows come first').choices(SORTS).default('lost'))
    .addOption(new Option('--every <time>', 'between two looks').argParser(readEvery).default(2_000, '2s'))
    .option('--since <time>', 'only deliveries sent since: 10m, 2h, or a time')
    .addOption(limitOption(ROWS, 100))
    .option('--once', 'one table, then end; so it is too where the output is no terminal')
    .option('--json', 'one JSON object, then end');
  defineAsking(
    command,
    {
      examples: [
        ['ackspan top', 'event types, those that lose most first, every two seconds'],
        ['ackspan top --by user --sort slowest', 'the slowest users'],
        ['ackspan top --by user --since 10m --once', 'one table for a report'],
      ],
      goesOn: true,
      codes: ['0 ended by q, by Ctrl-C, or after one table'],
      notes: [
        'Keys: q ends; t, u, s and p group by type, user, session and priority; l, d, n and w put first what loses most (l), is slowest (d),',
        'is most (n), waits most (w). Counted is what is in flight and in the bounded history (limits.history).',
      ],
    },
    show,
  );
}

async function show(asked: Asked): Promise<number> {
  const { client, terminal, given } = asked;
  const view: View = { by: String(given.by), sort: String(given.sort) };
  const look = (rows: number): Promise<Shot> => shoot(client, view, given, rows);
  if (given.json === true) {
    await terminal.print(jsonLine((await look(given.limit as number)).top));
    return OK;
  }
  // A failure of the first look is the command's failure. Later failures are shown on the screen.
  const first = await look(given.limit as number);
  if (!terminal.interactive || given.once === true) {
    await terminal.print(...picture(first, nameOf(client), terminal));
    return OK;
  }
  await follow(asked, view, look, first);
  return OK;
}

async function shoot(client: AdminClient, { by, sort }: View, { since }: Asked['given'], limit: number): Promise<Shot> {
  const query = { by, sort, limit, ...(typeof since === 'string' ? { since } : {}) };
  const [top, summary] = await Promise.all([client.top(query), client.summary()]);
  return { top, summary };
}

const VIEWS: Readonly<Record<string, Partial<View>>> = {
  ...{ t: { by: 'type' }, u: { by: 'user' }, s: { by: 'session' }, p: { by: 'priority' } },
  ...{ l: { sort: 'lost' }, d: { sort: 'slowest' }, n: { sort: 'tracked' }, w: { sort: 'pending' } },
};

async function follow(
  { client, terminal, given }: Asked,
  view: View,
  look: (rows: number) => Promise<Shot>,
  first: Shot,
): Promise<void> {
  let wake = new AbortController();
  let trouble = '';
  let shot = first;
  const screen = openScreen({
    input: process.stdin,
    // Writes also after the end of the command, because the terminal must be given back.
    write: (text) => void process.stdout.write(text),
    height: () => terminal.height ?? ROWS,
    onKey(key) {
      if (key === 'q' || key === 'Q' || key === '\x03' || key === '\x04') terminal.stop();
      Object.assign(view, VIEWS[key.toLowerCase()]);
      wake.abort();
    },
  });
  const draw = (): void => {
    const head = trouble === '' ? KEY_HINT : trouble;
    const line = terminal.paint(fitted(head, terminal.width ?? head.length), trouble === '' ? 'faint' : 'bad');
    screen.draw([line, ...picture(shot, nameOf(client), terminal)]);
  };
  process.stdout.on('resize', draw);
  try {
    while (!terminal.ended.aborted) {
      draw();
      wake = new AbortController();
      const signal = AbortSignal.any([wake.signal, terminal.ended]);
      await sleep(given.every as number, undefined, { signal }).catch(() => {});
      if (terminal.ended.aborted) return;
      try {
        shot = await look(Math.min(100, Math.max(1, (terminal.height ?? ROWS) - FRAME - 1)));
        trouble = '';
      } catch (error) {
        if (!(error instanceof AdminFailure) || error.kind === 'token') throw error;
        trouble = `STALE: ${printable(error.message)}`;
      }
    }
  } finally {
    process.stdout.off('resize', draw);
    screen.close();
  }
}

const KEY_HINT = 'q quit · t u s p by type, user, session, priority · l d n w first: lost, slow, many, waiting';

const COLUMNS: readonly Column[] = [
  { heading: 'KEY', least: 16 },
  { heading: 'LOST', end: true },
  { heading: 'RATE', end: true },
  { heading: 'TRACKED', end: true },
  { heading: 'CONFIRMED', end: true, spare: 6 },
  { heading: 'FAILED', end: true, spare: 3 },
  { heading: 'TIMEOUT', end: true, spare: 2 },
  { heading: 'UNVERIF.', end: true, spare: 4 },
  { heading: 'PENDING', end: true },
  { heading: 'P50', end: true, spare: 5 },
  { heading: 'P95', end: true },
  { heading: 'MAX', end: true, spare: 7 },
];

function picture({ top, summary }: Shot, instance: string, { width, paint }: Terminal): string[] {
  const { windows, connections, pending } = summary;
  const { rate } = windows['5m'];
  const columns = COLUMNS.map((column, i) => (i === 0 ? { ...column, heading: top.by.toUpperCase() } : column));
  const rest = top.left_out === 0 ? '' : `; ${count(top.left_out)} more are not counted`;
  const short = (text: string): string => (width === undefined ? text : fitted(text, width));
  return [
    short(
      `${instance}  ${printable(summary.at)}  last 5 min: ${percent(rate)} confirmed  ${count(pending)} pending  ${count(connections.open)} connections`,
    ),
    paint(
      short(
        `by ${top.by}, ${ORDER[top.sort] ?? printable(top.sort)} first, of ${count(top.looked_at)} deliveries${rest}`,
      ),
      'faint',
    ),
    '',
    ...drawColumns(columns, top.rows.map(cells), { width, paint }),
  ];
}

const ORDER: Readonly<Record<string, string>> = {
  lost: 'most losses',
  slowest: 'slowest',
  tracked: 'most deliveries',
  pending: 'most waiting',
};

function cells({
  key,
  lost,
  rate,
  tracked,
  confirmed,
  failed,
  timeout,
  unverifiable,
  pending,
  ...times
}: TopRowJson): Cell[] {
  return [
    { text: key === null ? '(none)' : printable(key) },
    { text: count(lost), tone: lost > 0 ? 'bad' : undefined },
    { text: percent(rate) },
    ...[tracked, confirmed, failed, timeout, unverifiable, pending].map((each) => ({ text: count(each) })),
    ...[times.p50_ms, times.p95_ms, times.max_ms].map((each) => ({ text: time(each) })),
  ];
}

function readEvery(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined || ms < 500 || ms > 3_600_000)
    throw new InvalidArgumentError('Write a time from 500ms to 1h, such as 2s.');
  return ms;
}
