// telemetry: watches that agent runs reach the client in order and to their end.
import type { Delivery } from '../../delivery/record.ts';
import type { Session } from '../../delivery/session.ts';
import { type Aged, AgeList } from '../../time/age-list.ts';
import type { MetricSource } from '../metrics/producer.ts';
import { LABEL, METRICS } from '../names/names.ts';
import type { AgentRole } from './agent-roles.ts';

/**
 * `completed_without_start`: a tool ended that never started. `event_after_end`: anything of a run
 * after its end. `tool_open_at_end`: a run ended while one of its tools was going on.
 * `missing_end`: a run that started went silent, or its session ended, without an end.
 */
export const ORDER_KINDS = ['completed_without_start', 'event_after_end', 'tool_open_at_end', 'missing_end'] as const;
export type OrderKind = (typeof ORDER_KINDS)[number];

export interface OrderWatchOptions {
  /** Time without an event after which a run will not end any more, ms. */
  readonly silentAfterMs: number;
  /**
   * Runs watched at most, ended ones included. The one that was silent the longest gives way
   * without a verdict.
   */
  readonly maxRuns: number;
}

export interface OrderWatch {
  /** Number of runs watched: open ones, and those that ended a while ago. */
  readonly waiting: number;
  readonly source: MetricSource;
  /** Notes an agent event. Returns true if it came after the end of its run, and was counted. */
  event(delivery: Delivery, role: AgentRole): boolean;
  count(kind: OrderKind, times: number): void;
  /** Gives up runs that went silent, at most `budget`. Returns whether some are left. */
  tick(now: number, budget: number): boolean;
  sessionEnded(session: Session): void;
  /** Drops the session's runs without a verdict, because some of their events were not seen. */
  forget(session: Session): void;
}

/**
 * Runs of one session at most: random run ids of one backend must not push out the runs of others.
 */
const RUNS_PER_SESSION = 256;

class Run implements Aged {
  readonly session: Session;
  readonly id: string;
  /** Number of starts without an end: agents of one run may be nested. */
  depth = 0;
  ended = false;
  /** Monotonic ms. */
  lastAt = 0;
  older: Aged | undefined = undefined;
  newer: Aged | undefined = undefined;
  listed = false;
  constructor(session: Session, id: string) {
    this.session = session;
    this.id = id;
  }
}

/**
 * Watches the runs of each session apart, because a fan-out of one run to three clients makes three
 * runs. Events without a run id belong to one run.
 */
export function createOrderWatch({ silentAfterMs, maxRuns }: OrderWatchOptions): OrderWatch {
  const bySession = new Map<Session, Map<string, Run>>();
  const byAge = new AgeList<Run>();
  const counts: Record<OrderKind, number> = {
    completed_without_start: 0,
    event_after_end: 0,
    tool_open_at_end: 0,
    missing_end: 0,
  };

  function drop(run: Run): void {
    byAge.remove(run);
    const runs = bySession.get(run.session);
    runs?.delete(run.id);
    if (runs?.size === 0) bySession.delete(run.session);
  }

  function open(session: Session, id: string): Run {
    const full = (bySession.get(session)?.size ?? 0) >= RUNS_PER_SESSION;
    const [first] = full ? bySession.get(session)!.values() : [];
    const gaveWay = first ?? (byAge.size >= maxRuns ? byAge.oldest : undefined);
    if (gaveWay !== undefined) drop(gaveWay);
    const run = new Run(session, id);
    const runs = bySession.get(session);
    if (runs === undefined) bySession.set(session, new Map([[id, run]]));
    else runs.set(id, run);
    return run;
  }

  function giveUp(run: Run): void {
    drop(run);
    if (!run.ended && run.depth > 0) counts.missing_end++;
  }

  return {
    get waiting() {
      return byAge.size;
    },
    source: () => [
      {
        metric: METRICS.orderViolations,
        points: ORDER_KINDS.map((kind) => ({ attributes: { [LABEL.kind]: kind }, value: counts[kind] })),
      },
    ],
    event({ session, run: id = '', sentAt }, role) {
      let run = bySession.get(session)?.get(id);
      if (run === undefined) {
        // A run whose start was not seen here (the client reconnected) can be neither late nor
        // missing its end.
        if (role !== 'run_start' && role !== 'run_end') return false;
        run = open(session, id);
      }
      run.lastAt = sentAt;
      byAge.add(run);
      if (role === 'run_start') {
        // The id comes again after its end: the next turn of a conversation.
        run.ended = false;
        run.depth++;
        return false;
      }
      if (run.ended) {
        counts.event_after_end++;
        return true;
      }
      if (role === 'run_end') {
        run.depth = Math.max(0, run.depth - 1);
        run.ended = run.depth === 0;
      }
      return false;
    },
    count(kind, times) {
      counts[kind] += times;
    },
    tick(now, budget) {
      const before = now - silentAfterMs;
      for (let oldest = byAge.oldest; oldest !== undefined && oldest.lastAt <= before; oldest = byAge.oldest) {
        if (budget-- <= 0) return true;
        giveUp(oldest);
      }
      return false;
    },
    sessionEnded(session) {
      for (const run of [...(bySession.get(session)?.values() ?? [])]) giveUp(run);
    },
    forget(session) {
      for (const run of [...(bySession.get(session)?.values() ?? [])]) drop(run);
    },
  };
}
