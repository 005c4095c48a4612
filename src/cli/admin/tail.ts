// cli: `ackspan tail`: the steps of deliveries as they happen, one line each.
import type { Command } from 'commander';
import type { StreamJson } from '../../admin/shapes.ts';
import { brief } from '../../admin-client/brief.ts';
import { type AdminClient, nameOf } from '../../admin-client/client.ts';
import { AdminFailure } from '../../admin-client/failure.ts';
import type { Followed } from '../../admin-client/follow.ts';
import { jsonLine, printable } from '../../admin-client/printable.ts';
import { stepText } from '../../admin-client/timeline.ts';
import { count, time } from '../../admin-client/wording.ts';
import { OK } from '../exit.ts';
import { fitted, padded } from '../terminal/width.ts';
import { type Asked, defineAsking } from './command.ts';
import { clock, toneOf } from './delivery-cells.ts';
import { addFilters, filterOf } from './filters.ts';
import type { Terminal } from './terminal.ts';

/** Steps that are shown only with `--all`, because most people do not want to see each of them. */
const QUIET: ReadonlySet<string> = new Set(['send', 'received']);
/** Width of the words in front of a line, columns. */
const WIDTHS = { step: 12, type: 20, id: 13 } as const;

export function define(command: Command): void {
  addFilters(command, false);
  command
    .option('--all', 'also every send, every proof of receipt, and connections that open and close')
    .option('--json', 'one JSON object a line: event, and the data as the API has it');
  defineAsking(
    command,
    {
      examples: [
        ['ackspan tail', 'attempts and outcomes as they happen, until Ctrl-C'],
        ['ackspan tail --status failed,timeout', 'only losses'],
        ['ackspan tail --user 4711 --all', 'every step of one user’s deliveries'],
        ['ackspan tail --json | jq -c .data.delivery', 'for programs'],
      ],
      goesOn: true,
      codes: ['0 ended by Ctrl-C or by its reader', '1 the stream ended for good'],
      notes: ['A broken stream is asked for again and goes on where it was; what was missed is counted.'],
    },
    tail,
  );
}

async function tail(asked: Asked): Promise<number> {
  const { client, others, terminal } = asked;
  const several = others.length > 0;
  const failures: AdminFailure[] = [];
  await Promise.all(
    [client, ...others].map(async (each) => {
      try {
        await one(each, several ? ` ${nameOf(each)}` : '', asked, terminal);
      } catch (error) {
        if (!(error instanceof AdminFailure)) throw error;
        failures.push(error);
        if (several) terminal.say(`ackspan: left out: ${printable(error.message)}`);
      }
    }),
  );
  // The other instances go on without one that cannot be followed. The command fails when all have
  // failed.
  if (failures[0] !== undefined && failures.length === others.length + 1) throw failures[0];
  return OK;
}

async function one(client: AdminClient, suffix: string, { given }: Asked, terminal: Terminal): Promise<void> {
  for await (const told of client.follow(filterOf(given), terminal.ended)) {
    if (told.kind === 'open') {
      terminal.say(`ackspan: following ${nameOf(client)}`);
    } else if (told.kind === 'lost') {
      terminal.say(`ackspan: ${printable(told.failure.message)}; trying again in ${time(told.againInMs)}`);
    } else if (told.kind === 'back') {
      terminal.say(`ackspan: ${nameOf(client)} answers again`);
    } else if (given.json === true) {
      if (wanted(told, given.all === true)) await terminal.print(jsonLine({ event: told.event, data: told.data }));
    } else {
      const line = lineOf(told, given.all === true, terminal);
      if (line !== undefined) await terminal.print(line + suffix);
    }
  }
}

type Event = Extract<Followed, { kind: 'event' }>;

/**
 * Whether an event is shown. Without `all`, statistics and quiet steps are not. Lost events always
 * are.
 */
function wanted({ event, data }: Event, all: boolean): boolean {
  if (event === 'step') return all || !QUIET.has(String(data.step));
  return event === 'dropped' || (all && event === 'connection');
}

function lineOf(told: Event, all: boolean, terminal: Terminal): string | undefined {
  if (!wanted(told, all)) return undefined;
  switch (told.event) {
    case 'step':
      return stepLine(told.data as unknown as StreamJson['step'], terminal);
    case 'connection':
      return connectionLine(told.data as unknown as StreamJson['connection'], terminal);
    default:
      return droppedLine(told.data as unknown as StreamJson['dropped'], terminal);
  }
}

function stepLine({ step, at, delivery }: StreamJson['step'], { paint, width }: Terminal): string {
  const { type, id, event_id, user, settled_ms, attempts } = delivery;
  const word = padded(printable(step), WIDTHS.step);
  const tone = toneOf(step) ?? (step === 'late' || step === 'rejected' ? 'warning' : 'faint');
  const settled = settled_ms !== null && step === delivery.status;
  const parts = [
    padded(printable(type), WIDTHS.type),
    padded(printable(id), WIDTHS.id),
    ...(settled ? [time(settled_ms)] : []),
    ...(settled && attempts > 1 ? [`${count(attempts)} tries`] : []),
    ...(settled ? [brief(delivery)] : [textOf(step, at, attempts)]),
    // Ids come last: they may be long, and a line is cut at its end.
    ...(user === null ? [] : [`user ${printable(user)}`]),
    ...(event_id === null ? [] : [`event ${printable(event_id)}`]),
  ].filter((part) => part !== '');
  const stamp = clock(at);
  const room = width === undefined ? undefined : width - stamp.length - WIDTHS.step - 2;
  const rest = parts.join('  ').trimEnd();
  return `${paint(stamp, 'faint')} ${paint(word, tone)} ${room === undefined ? rest : fitted(rest, room)}`;
}

/** A step in words; `''` for `send` and `received`, which need no more than their name. */
function textOf(step: StreamJson['step']['step'], at: string, attempts: number): string {
  return step === 'send' || step === 'received' ? '' : stepText({ step, at, after_ms: 0, number: attempts });
}

function connectionLine(
  { step, at, connection, by, code, capability }: StreamJson['connection'],
  { paint }: Terminal,
): string {
  const what =
    step === 'opened' ? 'opened' : step === 'closed' ? `closed by ${by}, ${code}` : `can prove ${capability}`;
  const { id, user, remote, path } = connection;
  const whose = user === null ? '' : `  user ${printable(user)}`;
  return `${paint(clock(at), 'faint')} ${paint(padded('connection', WIDTHS.step), 'link')} ${printable(id)}  ${printable(what)}${whose}  ${printable(path)} from ${printable(remote)}`;
}

function droppedLine({ count: missed }: StreamJson['dropped'], { paint }: Terminal): string {
  const many =
    missed === null
      ? 'steps were missed; nobody knows how many'
      : `${count(missed)} steps were missed: more happened than this reader takes`;
  return paint(`… ${many}`, 'warning');
}
