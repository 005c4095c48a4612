// Storm: compares what the sidecar said with what happened. Only what is certain counts.
import { type Account, type ConnectionRecord, connectionOf, type Evidence, keyOf, type Row } from './record.ts';

export const KINDS = ['false_confirm', 'false_loss', 'uncounted', 'two_outcomes', 'leak'] as const;
export type Kind = (typeof KINDS)[number];

export interface Violation {
  readonly kind: Kind;
  readonly what: string;
  readonly row?: Row | undefined;
  readonly record?: ConnectionRecord | undefined;
}

/** Evidence counts if it lay in the sidecar's socket so long before the loss was said, ms. */
const MARGIN_MS = 50;
/**
 * Sockets that a sidecar may hold besides its connections: the admin API's, idle ones to exporters.
 */
const SPARE_DESCRIPTORS = 8;
const LOSSES = ['timeout', 'failed'];

/** Every violation in an account. */
export function judge(account: Account): Violation[] {
  const { records, rows } = account;
  const byConnection = new Map<number, Row[]>();
  const found: Violation[] = [];
  for (const row of rows) {
    const id = connectionOf(row.event_id);
    const record = records.get(id);
    if (record === undefined) {
      found.push({ kind: 'false_confirm', what: 'a delivery of an event that no backend sent', row });
      continue;
    }
    const list = byConnection.get(id);
    if (list === undefined) byConnection.set(id, [row]);
    else list.push(row);
    const what = falseConfirm(row, record) ?? undefined;
    if (what !== undefined) found.push({ kind: 'false_confirm', what, row, record });
    const lost = falseLoss(row, record);
    if (lost !== undefined) found.push({ kind: 'false_loss', what: lost, row, record });
  }
  for (const [id, record] of records) {
    const own = byConnection.get(id) ?? [];
    found.push(...twice(record, own));
    // Spans are no full account: nothing is missing from them for certain.
    if (account.stats !== undefined) found.push(...missing(record, own));
  }
  found.push(...sums(account, byConnection), ...leftovers(account));
  return found;
}

function settledAt(row: Row): number {
  return Date.parse(row.sent_at) + (row.settled_ms ?? 0);
}

/** Says what is wrong with a `confirmed`; undefined = nothing. */
function falseConfirm(row: Row, record: ConnectionRecord): string | undefined {
  if (row.status !== 'confirmed') return undefined;
  const event = row.event_id!;
  const parsedAt = record.parsed.get(keyOf(record, event, row.ordinal));
  if (parsedAt === undefined) return `confirmed at level ${row.level}, but the client never parsed it`;
  if (parsedAt > settledAt(row) + MARGIN_MS && row.level !== 'processed') {
    return `confirmed at ${settledAt(row)}, but parsed only at ${parsedAt}`;
  }
  if (row.level !== 'processed') return undefined;
  const words = record.said.filter(({ id, ok }) => ok && id === event);
  if (words.length === 0) return 'confirmed as processed, but the application never said so';
  const plain = record.dials === 1 && record.clients === 1 && !record.optedIn;
  if (plain && words.every(({ after }) => after < row.ordinal)) {
    return 'confirmed as processed by a word from before it was parsed';
  }
  return undefined;
}

/** Says which evidence was overlooked by a loss; undefined = none that is certain. */
function falseLoss(row: Row, record: ConnectionRecord): string | undefined {
  if (!LOSSES.includes(row.status)) return undefined;
  if (row.status === 'failed' && row.error_type !== 'disconnected' && row.error_type !== 'shutdown') return undefined;
  if (row.status === 'failed' && record.flooded) return undefined;
  // Words of a session that moved from connection to connection may have been said to one that was
  // no longer its own.
  if (record.dials !== 1 || record.clients !== 1) return undefined;
  const twins = record.sent.filter(({ id }) => id === row.event_id).length > 1;
  const deadline = row.status === 'timeout' && row.deadline_at !== null ? Date.parse(row.deadline_at) : Infinity;
  const by = Math.min(settledAt(row), deadline) - MARGIN_MS;
  const overlooked = record.evidence.find((each) => each.at <= by && proves(each, row, record, twins));
  if (overlooked === undefined) return undefined;
  const gap = Math.round(Math.min(settledAt(row), deadline) - overlooked.at);
  return `called ${row.error_type ?? row.status} although its evidence lay in the socket ${gap} ms before: ${JSON.stringify(overlooked)}`;
}

function proves(evidence: Evidence, row: Row, record: ConnectionRecord, twins: boolean): boolean {
  const received = row.required !== 'processed';
  switch (evidence.word) {
    case 'pong':
      return (
        received && evidence.through >= row.ordinal && record.parsed.has(keyOf(record, row.event_id!, row.ordinal))
      );
    case 'confirmed':
      return evidence.id === row.event_id && evidence.after >= row.ordinal && !twins;
    case 'rejected':
      return false;
    case 'handled':
      return evidence.also.includes(row.ordinal) || evidence.through >= row.ordinal;
  }
}

function nameOf(id: string | null, ordinal: number): string {
  return `${id}#${ordinal}`;
}

function twice(record: ConnectionRecord, rows: readonly Row[]): Violation[] {
  const found: Violation[] = [];
  const seen = new Set<string>();
  for (const row of rows) {
    // Each upstream connection of a client is a session, and numbers its messages from 1.
    const key = `${nameOf(row.event_id, row.ordinal)} ${row.session}`;
    if (seen.has(key)) found.push({ kind: 'two_outcomes', what: 'two deliveries of one message', row, record });
    seen.add(key);
  }
  return found;
}

/** What the sidecar must have read and made no delivery of. */
function missing(record: ConnectionRecord, rows: readonly Row[]): Violation[] {
  const seen = new Set(rows.map((row) => nameOf(row.event_id, row.ordinal)));
  const through = readThrough(record, rows);
  const why = certain(record) ? "read up to the backend's FIN" : `before message ${through}, which is one,`;
  return record.sent
    .filter(({ tracked, id, ordinal }) => tracked && ordinal <= through && !seen.has(nameOf(id, ordinal)))
    .map(({ id, ordinal, type }) => {
      const what = `message ${ordinal} (${id}, ${type}) was ${why} and is no delivery`;
      return { kind: 'uncounted', what, record };
    });
}

/**
 * The highest ordinal that the sidecar must have read: a later message is a delivery, or all were
 * read.
 */
function readThrough(record: ConnectionRecord, rows: readonly Row[]): number {
  if (record.dials !== 1) return 0;
  if (certain(record)) return record.sent.length;
  return rows.reduce((highest, { ordinal }) => Math.max(highest, ordinal), 0);
}

/** Every message that its backend wrote was read by the sidecar on an open connection. */
function certain({ readToEnd, opened, dials }: ConnectionRecord): boolean {
  return readToEnd && opened && dials === 1;
}

function sums({ records, stats, rows }: Account, byConnection: ReadonlyMap<number, readonly Row[]>): Violation[] {
  if (stats === undefined) return [];
  const found: Violation[] = [];
  const { tracked, pending, confirmed, failed, timeout, unverifiable, shed } = stats;
  if (tracked !== pending + confirmed + failed + timeout + unverifiable) {
    found.push({ kind: 'two_outcomes', what: `tracked is not pending + settled: ${JSON.stringify(stats)}` });
  }
  if (pending !== 0) found.push({ kind: 'two_outcomes', what: `${pending} pending after every deadline` });
  if (rows.length !== tracked) {
    found.push({ kind: 'two_outcomes', what: `${tracked} tracked, ${rows.length} rows` });
  }
  const untracked = shed + Object.values(stats.untracked).reduce((sum, each) => sum + each, 0);
  let least = 0;
  let most = 0;
  let sent = 0;
  for (const record of records.values()) {
    const through = readThrough(record, byConnection.get(record.id) ?? []);
    sent += record.sent.length;
    for (const message of record.sent) {
      if (message.tracked) continue;
      most++;
      if (message.ordinal <= through) least++;
    }
  }
  if (untracked < least || untracked > most) {
    found.push({
      kind: 'uncounted',
      what: `${untracked} counted as no deliveries, between ${least} and ${most} were sent`,
    });
  }
  if (tracked + untracked > sent) {
    found.push({ kind: 'uncounted', what: `${tracked + untracked} messages counted, ${sent} were sent` });
  }
  return found;
}

function leftovers({ open, descriptors }: Account): Violation[] {
  const found: Violation[] = [];
  if (open !== 0) found.push({ kind: 'leak', what: `${open} connections listed with none open` });
  const { before, after } = descriptors;
  if (after > before + SPARE_DESCRIPTORS)
    found.push({ kind: 'leak', what: `descriptors: ${before} before, ${after} after` });
  return found;
}
