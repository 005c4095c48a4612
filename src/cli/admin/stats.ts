// cli: `ackspan stats`: the state against the objective, the losses with their reasons, the limits that were reached.
import type { Command } from 'commander';
import type { AboutJson, DrainJson } from '../../admin/shapes.ts';
import type { SummaryJson, WindowJson } from '../../admin/stats-shapes.ts';
import { CAUSES } from '../../admin-client/causes.ts';
import type { AdminClient } from '../../admin-client/client.ts';
import { type Sample, sumsBy } from '../../admin-client/exposition.ts';
import { jsonLine, printable } from '../../admin-client/printable.ts';
import { meaningOf, RESUME, SHED, UNMATCHED, UNRETAINED } from '../../admin-client/reasons.ts';
import { count, percent, time } from '../../admin-client/wording.ts';
import { PRIORITIES } from '../../delivery/words.ts';
import type { Stats } from '../../telemetry/metrics/stats.ts';
import { OK } from '../exit.ts';
import { type Cell, type Column, drawColumns } from '../terminal/columns.ts';
import { type Asked, defineAsking } from './command.ts';
import { askAll } from './instances.ts';
import type { Terminal } from './terminal.ts';

interface Standing {
  readonly about: AboutJson;
  readonly summary: SummaryJson;
  readonly stats: Stats & { readonly drain?: DrainJson };
  readonly samples: readonly Sample[];
}

export function define(command: Command): void {
  command.option('--json', 'one JSON object per instance');
  defineAsking(
    command,
    {
      examples: [
        ['ackspan stats', 'confirmation rate against the objective, losses by reason, limits'],
        ['ackspan stats --json | jq .summary.windows.\\"5m\\".rate', 'one number for a script'],
        ['ackspan stats --admin http://a:9464 --admin http://b:9464', 'several instances, one after the other'],
      ],
      codes: ['0 the statistics were shown'],
    },
    show,
  );
}

async function show(asked: Asked): Promise<number> {
  const { terminal, given } = asked;
  const answers = await askAll(asked, standing);
  for (const [i, { instance, answer }] of answers.entries()) {
    if (given.json === true) {
      const { about, summary, stats } = answer;
      await terminal.print(jsonLine({ instance, about, summary, stats }));
    } else {
      if (i > 0) await terminal.print('');
      await terminal.print(...page(instance, answer, terminal));
    }
  }
  return OK;
}

async function standing(client: AdminClient): Promise<Standing> {
  const [about, summary, stats, samples] = await Promise.all([
    client.about(),
    client.summary(),
    client.stats(),
    client.samples(),
  ]);
  return { about, summary, stats, samples };
}

function page(instance: string, { about, summary, stats, samples }: Standing, terminal: Terminal): string[] {
  const { paint } = terminal;
  const { open, by_capability } = summary.connections;
  const kinds = Object.entries(by_capability).map(([capability, many]) => `${count(many)} ${printable(capability)}`);
  return [
    paint(
      `${printable(about.service)} ${printable(about.version)} at ${instance}, running since ${printable(about.started_at)}`,
      'strong',
    ),
    `${count(summary.pending)} pending; ${count(open)} connections open (best evidence so far: ${kinds.join(', ')})`,
    ...drainLines(stats.drain, terminal),
    '',
    ...windowLines(about, summary, terminal),
    '',
    ...priorityLines(about, stats, terminal),
    ...lossLines(summary.windows.start, terminal),
    ...counterLines(
      'Events that passed untracked because a limit was reached',
      samples,
      { metric: 'ackspan_delivery_shed_total', label: 'reason', table: SHED },
      terminal,
    ),
    ...counterLines(
      'Confirmations that changed nothing',
      samples,
      { metric: 'ackspan_confirmation_unmatched_total', label: 'reason', table: UNMATCHED },
      terminal,
    ),
    ...counterLines(
      'Messages that could not be kept for a replay',
      samples,
      { metric: 'ackspan_retained_refused_total', label: 'reason', table: UNRETAINED },
      terminal,
    ),
    ...counterLines(
      'Clients with a session',
      samples,
      { metric: 'ackspan_session_resume_total', label: 'result', table: RESUME },
      terminal,
    ),
    ...closedLines(samples, terminal),
  ];
}

function drainLines(drain: DrainJson | undefined, { paint }: Terminal): string[] {
  if (drain === undefined || drain.state === 'serving') return [];
  const told = drain.state === 'drained' ? 'drained: every client has been' : 'draining: clients are being';
  return [paint(`${told} told to come again, and nothing new is taken`, 'strong')];
}

const WINDOW_COLUMNS: readonly Column[] = [
  'WINDOW',
  'RATE',
  'BUDGET LEFT',
  'CONFIRMED',
  'FAILED',
  'TIMEOUT',
  'UNVERIF.',
  'SHED',
  'P50',
  'P95',
  'P99',
].map((heading, i) => ({ heading, end: i > 0 }));

function windowLines({ objective }: AboutJson, { windows }: SummaryJson, { width, paint }: Terminal): string[] {
  const names = { '5m': 'last 5 min', '1h': 'last hour', start: 'since start' } as const;
  const rows = (['5m', '1h', 'start'] as const).map((name): Cell[] => {
    const window = windows[name];
    const { rate, budget_left, confirmed, failed, timeout, unverifiable, shed } = window;
    return [
      { text: names[name] },
      { text: percent(rate), tone: rate === null ? undefined : rate >= objective.all ? 'good' : 'bad' },
      {
        text: budget_left === null ? '–' : `${Math.round(budget_left * 100)}%`,
        tone: budget_left === null || budget_left > 0 ? undefined : 'bad',
      },
      ...[confirmed, failed, timeout, unverifiable, shed].map((each) => ({ text: count(each) })),
      ...[window.p50_ms, window.p95_ms, window.p99_ms].map((each) => ({ text: time(each) })),
    ];
  });
  return [`Objective: ${percent(objective.all)} confirmed`, ...drawColumns(WINDOW_COLUMNS, rows, { width, paint })];
}

const PRIORITY_COLUMNS: readonly Column[] = [
  'PRIORITY',
  'RATE',
  'OBJECTIVE',
  'TRACKED',
  'CONFIRMED',
  'FAILED',
  'TIMEOUT',
  'UNVERIF.',
  'PENDING',
  'P99',
].map((heading, i) => ({ heading, end: i > 0 }));

function priorityLines({ objective }: AboutJson, { by_priority }: Stats, { width, paint }: Terminal): string[] {
  const rows = PRIORITIES.map((priority): Cell[] => {
    const row = by_priority[priority];
    const { confirmation_rate: rate } = row;
    return [
      { text: priority },
      { text: percent(rate), tone: rate === null ? undefined : rate >= objective[priority] ? 'good' : 'bad' },
      { text: percent(objective[priority]) },
      ...[row.tracked, row.confirmed, row.failed, row.timeout, row.unverifiable, row.pending].map((each) => ({
        text: count(each),
      })),
      { text: time(row.p99_ms) },
    ];
  });
  return ['Since the start, by priority', ...drawColumns(PRIORITY_COLUMNS, rows, { width, paint })];
}

/** Lines of the losses by reason, with what the table of causes says of each. */
function lossLines({ losses, unverifiable_reasons }: WindowJson, terminal: Terminal): string[] {
  const lost = Object.entries(losses).map(
    ([reason, many]) => [reason === 'timeout' ? reason : `failed: ${reason}`, many] as const,
  );
  const doubted = Object.entries(unverifiable_reasons).map(
    ([reason, many]) => [`unverifiable: ${reason}`, many] as const,
  );
  return counted(
    'Not confirmed since the start',
    [...lost, ...doubted],
    (name) => (Object.hasOwn(CAUSES, name) ? CAUSES[name as keyof typeof CAUSES].title : undefined),
    terminal,
  );
}

/** One counter by one of its labels, whose values have their meaning in `table`. */
interface Counted {
  readonly metric: string;
  readonly label: string;
  readonly table: Readonly<Record<string, string>>;
}

function counterLines(
  heading: string,
  samples: readonly Sample[],
  { metric, label, table }: Counted,
  terminal: Terminal,
): string[] {
  const sums = sumsBy(samples, metric, label);
  return counted(heading, [...sums], (word) => meaningOf(table, word), terminal);
}

/** Lines of the counts that are not 0, most first. All are 0 = no lines, no heading. */
function counted(
  heading: string,
  entries: readonly (readonly [string, number])[],
  meaning: (name: string) => string | undefined,
  { width, paint }: Terminal,
): string[] {
  const seen = entries.filter(([, many]) => many > 0).sort((a, b) => b[1] - a[1]);
  if (seen.length === 0) return [];
  const rows = seen.map(([name, many]): Cell[] => [
    { text: `  ${printable(name)}` },
    { text: count(many) },
    { text: meaning(name) ?? '', tone: 'faint' },
  ]);
  const columns: Column[] = [{ heading: '' }, { heading: '', end: true }, { heading: '', least: 20 }];
  return ['', paint(heading, 'strong'), ...drawColumns(columns, rows, { width, paint }).slice(1)];
}

/** Lines of the closed connections, by closing side and code. */
function closedLines(samples: readonly Sample[], terminal: Terminal): string[] {
  const entries = samples
    .filter(({ name }) => name === 'ackspan_connection_closed_total')
    .map(({ labels, value }) => [`by ${labels.by} with ${labels.code}`, value] as const);
  return counted('Connections that ended', entries, () => undefined, terminal);
}
