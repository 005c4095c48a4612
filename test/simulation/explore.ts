// Simulation: plays many schedules, and tells the story of the first that fails, as small as it gets, with the command that repeats it.
import { generate } from './generate.ts';
import { realTurn } from './globals.ts';
import type { Failure, FailureKind, History } from './history.ts';
import { judge } from './oracle.ts';
import { type Line, play } from './play.ts';
import type { Schedule } from './schedule.ts';
import { shrink } from './shrink.ts';

export interface Found {
  readonly seed: number;
  readonly failures: readonly Failure[];
}

/** Which failures count, and how many failing schedules are enough. */
export interface Wanted {
  readonly most: number;
  shows?(failure: string): boolean;
  /** Most that one callback of the sidecar costs, ms. Default: what the seed says. */
  readonly cost?: number | undefined;
}

function scheduleOf(seed: number, cost: number | undefined): Schedule {
  const schedule = generate(seed);
  return cost === undefined ? schedule : { ...schedule, setup: { ...schedule.setup, cost } };
}

/**
 * Plays the schedules of the seeds from `seed` on; answers those that fail, and what was played.
 */
export async function explore(
  seed: number,
  count: number,
  { most, shows, cost }: Wanted,
): Promise<{ readonly found: Found[]; readonly played: number; readonly deliveries: number }> {
  const found: Found[] = [];
  let deliveries = 0;
  let played = 0;
  for (; played < count && found.length < most; played++) {
    const history = await play(scheduleOf(seed + played, cost));
    deliveries += history.deliveries.length;
    const all = judge(history);
    const failures = shows === undefined ? all : all.filter(({ kind, text }) => shows(`${kind}: ${text}`));
    if (failures.length > 0) found.push({ seed: seed + played, failures });
    // Streams of zlib are let go of in turns of the real loop.
    if (played % 64 === 0) await realTurn();
  }
  return { found, played, deliveries };
}

/** The smallest schedule that fails as this one does, and its story. */
export async function explain({ seed, failures }: Found, tries?: number, cost?: number): Promise<string> {
  const { kind } = failures[0]!;
  const sign = signOf(failures[0]!);
  const fails = async (schedule: Schedule): Promise<boolean> =>
    judge(await play(schedule)).some((failure) => failure.kind === kind && signOf(failure) === sign);
  const smallest = await shrink(scheduleOf(seed, cost), fails, tries);
  const lines: Line[] = [];
  const history = await play(smallest, (line) => lines.push(line));
  const failure = judge(history).find((one) => one.kind === kind && signOf(one) === sign)!;
  return `${story(smallest, history, failure, lines)}${cost === undefined ? '' : ` --cost ${cost}`}`;
}

/** A failure without its figures and records: what two schedules have in common that fail alike. */
export function signOf({ kind, text }: { readonly kind: FailureKind; readonly text: string }): string {
  return `${kind}: ${text
    .split('\n')[0]!
    .replace(/\{.*/, '{…}')
    .replace(/[\d.]+/g, '#')
    .replace(/, perhaps.*/, '')}`;
}

function story(schedule: Schedule, history: History, failure: Failure, lines: Line[]): string {
  const { uid } = failure;
  const all = [...lines, ...happened(history, uid)].sort((a, b) => a.at - b.at);
  const { clients, ...rest } = schedule.setup;
  return [
    `${failure.kind}${uid === undefined ? '' : ` of m${uid}`}: ${failure.text}`,
    `  seed ${schedule.seed}, ${schedule.actions.length} actions; ${JSON.stringify(rest)}`,
    ...clients.flatMap((client, i) => (takesPart(schedule, i) ? [`  client ${i}: ${JSON.stringify(client)}`] : [])),
    ...all.map(({ at, who, what }) => `  ${at.toFixed(2).padStart(9)} ms  ${who.padEnd(12)} ${what}`),
    `  repeat: npm run simulate -- --schedules 1 --seed ${schedule.seed}`,
  ].join('\n');
}

function takesPart({ actions }: Schedule, client: number): boolean {
  return actions.some((action) =>
    action.do === 'emit' ? action.to.includes(client) : 'client' in action && action.client === client,
  );
}

/** What the history knows of one message, or of all where there is none. */
function happened(history: History, uid: number | undefined): Line[] {
  const zero = history.start;
  const lines: Line[] = [];
  const add = (at: number, who: string, what: string): void => {
    if (at > 0) lines.push({ at: at - zero, who, what });
  };
  const message = history.messages.find((one) => one.uid === uid);
  for (const link of history.links) {
    if (message !== undefined && link.client !== message.client && link.user === undefined) continue;
    const who = `client ${link.client}`;
    for (const one of link.parsed) if (uid === undefined || one.uid === uid) add(one.at, who, `parses m${one.uid}`);
    for (const one of link.evidence) {
      const what = one.eventId ?? (one.through === undefined ? '' : `through ${one.through}`);
      const said = `${one.rejected === true ? 'rejects' : one.kind} ${what} (knows ${one.most}, proves ${one.sure})`;
      add(one.sentAt, who, `says: ${said}`);
      add(one.arrivedAt, 'network', `has brought ${one.kind} ${what} of ${who} to the sidecar`);
      add(one.readAt, 'sidecar', `has read it: ${one.kind} ${what} of ${who}`);
    }
    add(link.overAt, 'network', `FIN, RST or Close of ${who} is at the sidecar`);
    add(link.closedAt, 'sidecar', `has closed its socket to ${who}`);
    add(link.supersededAt, 'sidecar', `another connection carries the session of ${who}`);
  }
  for (const up of history.upstreams) {
    if (message !== undefined && up.client !== message.client) continue;
    add(up.overAt, 'network', `FIN or RST of the backend of client ${up.client} is at the sidecar`);
    add(up.closedAt, 'sidecar', `has closed its socket to the backend of client ${up.client}`);
  }
  for (const one of history.messages) {
    if (uid !== undefined && one.uid !== uid) continue;
    add(one.arrivedAt, 'network', `has brought m${one.uid} to the sidecar`);
    add(one.readAt, 'sidecar', `has read m${one.uid}`);
  }
  for (const one of history.deliveries) {
    if (uid !== undefined && one.uid !== uid) continue;
    add(one.sentAt, 'sidecar', `tracks m${one.uid} (message ${one.ordinal} of its session, needs ${one.required})`);
    add(one.settledAt, 'sidecar', `settles m${one.uid}: ${one.status} ${one.errorType} ${one.level}`);
    add(one.upgradedAt, 'sidecar', `raises m${one.uid} to processed`);
  }
  return lines;
}
