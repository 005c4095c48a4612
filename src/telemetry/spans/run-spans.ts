// telemetry: one span per agent run whose events bring no trace of their own, so that the run is one trace.
import { ROOT_CONTEXT, SpanKind, type Tracer } from '@opentelemetry/api';
import type { Delivery } from '../../delivery/record.ts';
import type { Session } from '../../delivery/session.ts';
import { type Aged, AgeList } from '../../time/age-list.ts';
import { wallOffset } from '../../time/clock.ts';
import { hrTime } from '../../time/stamp.ts';
import { ATTR, SPAN } from '../names/names.ts';
import type { SpanIdGenerator } from './span-ids.ts';
import { type Parent, parseTraceparent } from './traceparent.ts';

export interface RunSpanDeps {
  readonly tracer: Tracer;
  readonly ids: SpanIdGenerator;
  /** Event types that end a run. */
  readonly ends: readonly string[];
  /** Time without an event after which a run is over, ms. */
  readonly silentAfterMs: number;
  /**
   * Runs that are open at once at most. The oldest gives way: what comes of it later is a new
   * trace.
   */
  readonly maxRuns: number;
}

/** A run as spans refer to it, also after its end. */
export class TracedRun implements Aged {
  /** The context that spans of the run have as their parent. */
  readonly parent: Parent;
  /** Deliveries without an outcome. */
  open = 0;
  /** Deliveries so far. */
  events = 0;
  /** Whether an event that ends the run has come. */
  over = false;
  /** The latest event or outcome, monotonic ms. */
  lastAt: number;
  older: Aged | undefined = undefined;
  newer: Aged | undefined = undefined;
  listed = false;
  /** Scope and id, which find it among the open runs. */
  readonly key: string;
  readonly #startedAt: number;
  readonly #id: string;
  readonly #deps: RunSpanDeps;
  #kept = false;
  #ended = false;
  #exported = false;

  constructor(key: string, id: string, startedAt: number, deps: RunSpanDeps) {
    this.key = key;
    const { traceId, spanId } = deps.ids.random();
    this.parent = { ...parseTraceparent(`00-${traceId}-${spanId}-01`)!, isRemote: false };
    this.#id = id;
    this.#startedAt = startedAt;
    this.lastAt = startedAt;
    this.#deps = deps;
  }

  /** A span is exported that has this one as its parent. */
  keep(): void {
    this.#kept = true;
    this.#export();
  }

  /** Nothing more is expected of the run. */
  end(): void {
    this.#ended = true;
    this.#export();
  }

  #export(): void {
    if (!this.#kept || !this.#ended || this.#exported) return;
    this.#exported = true;
    const { tracer, ids } = this.#deps;
    const offset = wallOffset();
    const attributes = { [ATTR.genAiConversation]: this.#id, [ATTR.runEvents]: this.events };
    const options = { kind: SpanKind.INTERNAL, startTime: hrTime(this.#startedAt + offset), attributes };
    const span = ids.withIds(this.parent, () => tracer.startSpan(SPAN.run, options, ROOT_CONTEXT));
    span.end(hrTime(this.lastAt + offset));
  }
}

export interface RunSpans {
  /**
   * The run of a delivery that has just begun; undefined where it names none. `settled` follows.
   */
  joined(delivery: Delivery): TracedRun | undefined;
  /** A delivery of the run has its outcome. `at`: monotonic ms. */
  settled(run: TracedRun, at: number): void;
  /** The open run of that id in the session, if there is one. */
  of(session: Session, id: string | undefined): TracedRun | undefined;
  /** Ends runs that went silent. */
  tick(now: number): void;
  /** Ends every run. */
  stop(): void;
}

/** Shorter run ids are taken for unique within a session, or a user, only. */
const UNIQUE_LENGTH = 16;

/** Within what an id is unique: within a user, where that is known; in all, if it is long. */
export type Reach = 'user' | 'session' | 'all';

export function reachOf({ user, claimedUser }: Session, longestId: number): Reach {
  if (user !== undefined || claimedUser !== undefined) return 'user';
  return longestId >= UNIQUE_LENGTH ? 'all' : 'session';
}

/** Whose runs an id tells apart. */
function scopeOf(session: Session, longestId: number): string {
  const reach = reachOf(session, longestId);
  if (reach === 'user') return `u${session.user ?? session.claimedUser}`;
  return reach === 'all' ? '' : `s${session.key}`;
}

/**
 * Runs by id. A fan-out of one run to several sessions is one run, because the id is the same: a
 * long id anywhere, a short one within a user.
 */
export function createRunSpans(deps: RunSpanDeps): RunSpans {
  const runs = new Map<string, TracedRun>();
  /** Runs by their begin: the first entry of a large map that changes is slow to find. */
  const byAge = new AgeList<TracedRun>();
  const ends = new Set(deps.ends);
  /** The latest answer: events of one run come one after the other. */
  let last: { readonly session: Session; readonly id: string; readonly run: TracedRun } | undefined;

  const keyOf = (session: Session, id: string): string => `${scopeOf(session, id.length)}\u0000${id}`;

  function close(run: TracedRun): void {
    if (last?.run === run) last = undefined;
    byAge.remove(run);
    runs.delete(run.key);
    run.end();
  }

  function open(session: Session, id: string, at: number): TracedRun {
    if (last !== undefined && last.session === session && last.id === id) return last.run;
    const key = keyOf(session, id);
    let run = runs.get(key);
    if (run === undefined) {
      if (runs.size >= deps.maxRuns && byAge.oldest !== undefined) close(byAge.oldest);
      run = new TracedRun(key, id, at, deps);
      runs.set(key, run);
      byAge.add(run);
    }
    last = { session, id, run };
    return run;
  }

  return {
    joined({ session, run: id, sentAt, type }) {
      if (id === undefined || id === '') return undefined;
      const run = open(session, id, sentAt);
      run.open++;
      run.events++;
      run.lastAt = Math.max(run.lastAt, sentAt);
      // The id comes again after its end: the next turn of a conversation goes on with the trace.
      run.over = ends.has(type.name);
      return run;
    },
    settled(run, at) {
      run.open--;
      run.lastAt = Math.max(run.lastAt, at);
    },
    of(session, id) {
      if (id === undefined || id === '') return undefined;
      return runs.get(keyOf(session, id));
    },
    tick(now) {
      for (const run of runs.values()) {
        if (run.open > 0) continue;
        const quiet = now - run.lastAt;
        if (quiet >= deps.silentAfterMs || (run.over && quiet >= AFTER_END_MS)) close(run);
      }
    },
    stop() {
      for (const run of [...runs.values()]) close(run);
    },
  };
}

/**
 * How long an ended run waits for stragglers: other tabs of a fan-out, events that overtook the
 * end.
 */
const AFTER_END_MS = 2000;
