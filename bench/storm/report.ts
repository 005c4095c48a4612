// Storm: totals over the rounds, and violations as blocks that can be read without the code.
import { KINDS, type Kind, type Violation } from './oracle.ts';
import { keyOf } from './record.ts';
import type { RoundResult } from './round.ts';

export interface Totals {
  deliveries: number;
  connections: number;
  confirmed: number;
  processed: number;
  failed: number;
  timeout: number;
  unverifiable: Record<string, number>;
  untracked: number;
  standstills: number;
  starvations: number;
  clock_steps: number;
  cuts: number;
  restarts: number;
  readonly violations: Record<Kind, number>;
}

export function createTotals(): Totals {
  return {
    deliveries: 0,
    connections: 0,
    confirmed: 0,
    processed: 0,
    failed: 0,
    timeout: 0,
    unverifiable: {},
    untracked: 0,
    standstills: 0,
    starvations: 0,
    clock_steps: 0,
    cuts: 0,
    restarts: 0,
    violations: Object.fromEntries(KINDS.map((kind) => [kind, 0])) as Record<Kind, number>,
  };
}

export function add(totals: Totals, { account, violations, connections, mischief, cuts }: RoundResult): void {
  totals.connections += connections;
  totals.standstills += mischief.standstills;
  totals.starvations += mischief.starvations;
  totals.clock_steps += mischief.clock_steps;
  totals.cuts += cuts;
  totals.restarts++;
  for (const row of account.rows) {
    const { status, level, unverifiable_reason } = row;
    totals.deliveries++;
    if (status === 'confirmed') totals.confirmed++;
    if (status === 'confirmed' && level === 'processed') totals.processed++;
    if (status === 'failed') totals.failed++;
    if (status === 'timeout') totals.timeout++;
    const reason = unverifiable_reason;
    if (status === 'unverifiable') totals.unverifiable[reason ?? '?'] = (totals.unverifiable[reason ?? '?'] ?? 0) + 1;
  }
  for (const count of Object.values(account.stats?.untracked ?? {})) totals.untracked += count;
  for (const { kind } of violations) totals.violations[kind]++;
}

export function passed({ violations, deliveries }: Totals): boolean {
  return deliveries > 0 && KINDS.every((kind) => violations[kind] === 0);
}

/** The table. `seconds`: how long it took. */
export function table(totals: Totals, seed: number, command: string, seconds: number): string {
  const { unverifiable, violations, ...counts } = totals;
  const rows: [string, string | number][] = [
    ...Object.entries(counts),
    ...Object.entries(unverifiable).map(([reason, count]): [string, number] => [`unverifiable: ${reason}`, count]),
    ['deliveries a second', (totals.deliveries / seconds).toFixed(0)],
    ...Object.entries(violations),
    ['seed', seed],
    ['command', command],
  ];
  return rows.map(([name, value]) => `${name.padEnd(30)} ${value}`).join('\n');
}

/** What was done to the sidecar so long before and after a delivery's life is told, ms. */
const AROUND_MS = 8000;

/** Everything that is known about one violation. `done`: what was done to the sidecar. */
export function block({ kind, what, row, record }: Violation, done: RoundResult['notes']): string {
  const lines = [`${kind.toUpperCase()}: ${what}`];
  if (row !== undefined) {
    lines.push(`  row: ${JSON.stringify(row)}`);
    const sentAt = Date.parse(row.sent_at);
    const near = done.filter(({ at }) => at > sentAt - AROUND_MS && at < sentAt + (row.settled_ms ?? 0) + AROUND_MS);
    lines.push(...near.map((each) => `  ${each.at}: ${each.what}`));
  }
  if (record === undefined) return lines.join('\n');
  const { id, client, plan, dials, clients, readToEnd, notes, sent, said, evidence, parsed } = record;
  lines.push(
    `  connection ${id}: ${client}, ${dials} upstream, ${clients} client connections, read to end: ${readToEnd}`,
  );
  lines.push(`  plan: ${plan}`, `  parsed ${parsed.size} of ${sent.length} sent`, ...notes.map((note) => `  ${note}`));
  const ordinal = row?.ordinal ?? sent.length;
  for (const each of sent.slice(Math.max(0, ordinal - 3), ordinal + 2)) {
    const at = parsed.get(keyOf(record, each.id, each.ordinal));
    lines.push(`  message ${each.ordinal} ${each.id} ${each.type}: sent ${each.at}, parsed ${at ?? 'never'}`);
  }
  const event = row?.event_id;
  for (const each of said.filter((one) => one.id === event)) lines.push(`  said: ${JSON.stringify(each)}`);
  for (const each of evidence.slice(-6)) lines.push(`  evidence: ${JSON.stringify(each)}`);
  return lines.join('\n');
}
