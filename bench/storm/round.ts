// Storm: one sidecar's life: connections come and go for a while, all end, every deadline passes, and the books are compared.
import { delay, now, until } from '../load/timing.ts';
import { startBackend } from './backend.ts';
import { type Barriers, runClient } from './client.ts';
import { createEvidenceReader } from './evidence.ts';
import { type Mischief, startMischief } from './mischief.ts';
import { judge, type Violation } from './oracle.ts';
import { createPlan, type Plan } from './plan.ts';
import { type LinkWatch, startProxy } from './proxy.ts';
import { type Account, type ConnectionRecord, createRecord } from './record.ts';
import type { SdkRunner } from './sdk-client.ts';
import { type StormSidecar, startSidecar } from './sidecar.ts';
import { type SpanSink, startSpanSink } from './spans.ts';
import { steady } from './steady.ts';
import { createWallClock, type WallClock } from './wall-clock.ts';

export interface RoundOptions {
  readonly seed: number;
  /** Number of its first connection. */
  readonly first: number;
  /** New connections come for so long, ms. */
  readonly openMs: number;
  /** Connections at once. */
  readonly crowd: number;
  readonly runSdk: SdkRunner;
  /** The sidecar is told to stop while the crowd is there. */
  readonly shutdown?: boolean;
}

export interface RoundResult {
  readonly account: Account;
  readonly violations: readonly Violation[];
  readonly connections: number;
  readonly mischief: Mischief['counts'];
  readonly notes: Mischief['notes'];
  readonly cuts: number;
  /** Messages that cannot be judged as a violation, but should not be. */
  readonly remarks: readonly string[];
}

interface Seat {
  readonly plan: Plan;
  readonly record: ConnectionRecord;
  readonly barriers: Barriers;
}

/**
 * A read to the backend's FIN is certain if the FIN came so long after the sidecar's own at most,
 * ms: its patience is 2 s.
 */
const CERTAIN_MS = 1000;
/** What `limits.patience` is by default, ms. */
const PATIENCE_MS = 2000;
const RAMP_MS = 8;
/** Clients leave by themselves within 30 s; a busy machine takes longer to carry that out, ms. */
const GONE_MS = 300_000;
/** The longest deadline, the silence, the patience and the life of a session, together. */
const SETTLE_MS = 40_000;

/** `opened` is called when the last connection has been opened: another round may begin. */
export async function runRound(options: RoundOptions, opened: () => void): Promise<RoundResult> {
  const seats = new Map<number, Seat>();
  let cuts = 0;
  const cut = (record: ConnectionRecord, side: string) => (how: string) => {
    cuts++;
    record.notes.push(`${now()}: ${how} between ${side}`);
  };
  const backend = await startBackend((id) => seats.get(id));
  const behind = await startProxy(
    backend.port,
    (id) => seats.get(id)?.plan.backendLink,
    (id) => upstreamWatch(seats.get(id)!.record, cut(seats.get(id)!.record, 'sidecar and backend')),
  );
  const sink = options.shutdown === true ? await startSpanSink() : undefined;
  const clock = createWallClock();
  const sidecar = await startSidecar(behind.port, { ...clock?.env, ...sink?.env });
  const front = await startProxy(
    sidecar.port,
    (id) => seats.get(id)?.plan.clientLink,
    (id) => clientWatch(seats.get(id)!, cut(seats.get(id)!.record, 'client and sidecar')),
  );
  const before = sidecar.descriptors();
  const mischief = startMischief(sidecar, clock, options.seed + options.first);
  try {
    const there = await openAll(options, front.port, seats);
    const gone = () => there.size === 0;
    opened();
    const remarks: string[] = [];
    let account: Account;
    if (sink === undefined) {
      await until('every client has gone', gone, GONE_MS).catch((error: Error) => {
        const left = [...there].slice(0, 5).map((id) => JSON.stringify(seats.get(id)!.record.notes.slice(-4)));
        throw new Error(`${error.message}; still there: ${[...there].join(' ')}\n${left.join('\n')}`);
      });
      await quiet(sidecar, () => front.open() + behind.open());
      mischief.end();
      account = await accountOf(sidecar, seats, before, clock);
    } else {
      for (const { record } of seats.values()) record.notes.push(`${now()}: SIGTERM`);
      sidecar.signal('SIGTERM');
      const code = await sidecar.gone;
      if (code !== 0) remarks.push(`SIGTERM ended with ${code}`);
      account = lastAccount(sink, seats, clock);
    }
    remarks.push(...[...new Set(sidecar.troubles)].slice(0, 5));
    return {
      account,
      violations: judge(account),
      connections: seats.size,
      mischief: mischief.counts,
      notes: mischief.notes,
      cuts,
      remarks,
    };
  } finally {
    mischief.end();
    front.close();
    behind.close();
    backend.close();
    await sidecar.stop();
    sink?.close();
    clock?.close();
  }
}

/** Keeps the crowd full until its time is over; the result has the clients that are still there. */
async function openAll(options: RoundOptions, port: number, seats: Map<number, Seat>): Promise<ReadonlySet<number>> {
  const { seed, first, openMs, crowd, runSdk } = options;
  const end = now() + openMs;
  let next = first;
  const there = new Set<number>();
  while (now() < end) {
    if (there.size < crowd) {
      const id = next++;
      const plan = createPlan(seed, id);
      const seat: Seat = { plan, record: createRecord(id, plan.client, brief(plan)), barriers: new Map() };
      seats.set(id, seat);
      there.add(id);
      const run = plan.client === 'sdk' ? runSdk(port, plan, seat.record) : runRaw(port, seat);
      void run.finally(() => there.delete(id));
    }
    await delay(there.size < crowd ? RAMP_MS : 20);
  }
  return there;
}

/** What spans say: not how much there was, so nothing is missing for certain. */
function lastAccount(sink: SpanSink, seats: ReadonlyMap<number, Seat>, clock: WallClock | undefined): Account {
  const records = recordsOf(seats);
  for (const record of records.values()) record.readToEnd = false;
  return { records, rows: sink.rows(records, clock), stats: undefined, open: 0, descriptors: { before: 0, after: 0 } };
}

function recordsOf(seats: ReadonlyMap<number, Seat>): Map<number, ConnectionRecord> {
  return new Map([...seats].map(([id, { record }]) => [id, record]));
}

function runRaw(port: number, { plan, record, barriers }: Seat): Promise<void> {
  record.clients++;
  return runClient(port, plan, record, barriers);
}

function brief({ events, end, deaf, turn, clientLink, backendLink, deflate }: Plan): string {
  return JSON.stringify({ events: events.length, end, deaf, turn, clientLink, backendLink, deflate });
}

function clientWatch({ record, barriers }: Seat, broke: (how: string) => void): LinkWatch {
  return { passingUp: createEvidenceReader(record, barriers), broke, closed: noteClosed(record, 'client side') };
}

function noteClosed(record: ConnectionRecord, side: string) {
  return (end: string, hadError: boolean): void => {
    record.notes.push(`${now()}: ${side}, socket of the ${end} closed${hadError ? ' with an error' : ''}`);
  };
}

function upstreamWatch(record: ConnectionRecord, broke: (how: string) => void): LinkWatch {
  return {
    broke,
    closed: noteClosed(record, 'backend side'),
    over({ whole, finAt, dialledFinAt }) {
      const inTime = dialledFinAt === 0 || finAt < dialledFinAt + CERTAIN_MS;
      // Its FIN may have lain unseen in the proxy's socket while the storm itself stood still.
      record.readToEnd = whole && inTime && (dialledFinAt === 0 || steady(dialledFinAt - PATIENCE_MS, finAt));
    },
  };
}

/**
 * Waits until nothing is open or pending. What is left after the longest deadline is for the
 * oracle.
 */
async function quiet(sidecar: StormSidecar, links: () => number): Promise<void> {
  const end = now() + SETTLE_MS;
  while (now() < end) {
    await delay(250);
    if (sidecar.exited() !== undefined)
      throw new Error(`the sidecar ended (${sidecar.exited()}): ${sidecar.troubles.join('')}`);
    if (links() > 0) continue;
    const [{ pending }, open] = await Promise.all([sidecar.stats(), sidecar.open()]);
    if (pending === 0 && open === 0) return;
  }
}

async function accountOf(
  sidecar: StormSidecar,
  seats: ReadonlyMap<number, Seat>,
  before: number,
  clock: WallClock | undefined,
): Promise<Account> {
  const real = (stamp: string): string => new Date((clock?.real ?? Number)(Date.parse(stamp))).toISOString();
  const rows = (await sidecar.rows()).map((row) => ({
    ...row,
    sent_at: real(row.sent_at),
    deadline_at: row.deadline_at === null ? null : real(row.deadline_at),
  }));
  const [stats, open] = await Promise.all([sidecar.stats(), sidecar.open()]);
  return { records: recordsOf(seats), rows, stats, open, descriptors: { before, after: sidecar.descriptors() } };
}
