// telemetry: one `execute_tool` span per tool call that the client saw, from start to end, and the metrics of tools.
import { type Attributes, ROOT_CONTEXT, SpanKind, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api';
import type { Delivery } from '../../delivery/record.ts';
import type { Session } from '../../delivery/session.ts';
import { wallOffset } from '../../time/clock.ts';
import { hrTime } from '../../time/stamp.ts';
import type { Family, MetricSource } from '../metrics/producer.ts';
import { ATTR, LABEL, METRICS, SPAN, TOOL_BOUNDS } from '../names/names.ts';
import type { TracedRun } from '../spans/run-spans.ts';
import { createSampling } from '../spans/sampling.ts';
import { createTraceparentParser } from '../spans/traceparent.ts';
import { type ToolCall, ToolCalls } from './tool-calls.ts';

/** Why a call without an end was given up. */
export type OrphanedBy = 'timeout' | 'session_end';
/** Why a call was dropped without a verdict. */
export type UnwatchedReason = 'limit' | 'shed';

export interface ToolSpanOptions {
  /** The tracer; left out = metrics only. */
  readonly tracer: Tracer | undefined;
  /**
   * Share of calls that end well whose span is kept, 0 to 1. With a traceparent the trace id
   * decides. Orphans are always kept.
   */
  readonly keepEnded: number;
  /** In [0, 1); for calls without a trace. Default Math.random. */
  readonly random?: () => number;
  /** Time without an end after which a call is an orphan, ms. */
  readonly orphanAfterMs: number;
  /** Open calls at most. The oldest gives way. */
  readonly maxOpen: number;
  /** The span of the run that a delivery belongs to, where its events bring no trace. */
  runOf?(delivery: Delivery): TracedRun | undefined;
  /**
   * Called when a call was dropped without a verdict: its end, should it come, will find no start.
   */
  gaveUp(session: Session): void;
}

export interface ToolSpans {
  /** Open calls. */
  readonly open: number;
  /** Open calls, and names that may still be joined: `tick` has work while it is not 0. */
  readonly waiting: number;
  readonly source: MetricSource;
  started(delivery: Delivery): void;
  /** Notes an end. Returns false if no start of that call is known. */
  ended(delivery: Delivery): boolean;
  openIn(session: Session, run: string): number;
  /** Ends what is due, at most `budget` calls. Returns whether some are left. */
  tick(now: number, budget: number): boolean;
  /** Notes that no end can come any more. */
  sessionEnded(session: Session, now: number): void;
  /**
   * Drops the session's calls without a verdict, because an event that they may have waited for was
   * not seen.
   */
  forget(session: Session): void;
}

/** Tools with a label of their own. Later ones share `other`. */
const MAX_TOOLS = 100;
const OTHER = 'other';
/** The label of calls whose events name no tool. */
const UNNAMED = 'unknown';
const BOUNDS_MS = TOOL_BOUNDS.map((seconds) => seconds * 1000);

class ToolTally {
  readonly label: string;
  readonly counts = new Float64Array(TOOL_BOUNDS.length + 1);
  sumMs = 0;
  orphaned = 0;
  constructor(label: string) {
    this.label = label;
  }
}

/**
 * Watches tool calls. Spans are made when a call ends, with its real start: an open call holds no
 * span.
 */
export function createToolSpans(options: ToolSpanOptions): ToolSpans {
  const calls = new ToolCalls(options.maxOpen);
  const unwatched: Record<UnwatchedReason, number> = { limit: 0, shed: 0 };
  const { tallies, tallyOf } = createTallies();
  const emit = createEmitter(options);

  function orphan(call: ToolCall, by: OrphanedBy, now: number): void {
    calls.remove(call);
    // While another session has it open, its end may still come.
    if (call.shared?.over(false) === false) return;
    const tally = tallyOf(call.tool);
    tally.orphaned++;
    emit(call, tally.label, now, by);
  }

  function giveUp(call: ToolCall, reason: UnwatchedReason): void {
    calls.remove(call);
    if (call.shared?.over(false) !== false) unwatched[reason]++;
    options.gaveUp(call.session);
  }

  return {
    get open() {
      return calls.open;
    },
    get waiting() {
      return calls.open + calls.joinable;
    },
    source: () => families(tallies, unwatched),
    started(delivery) {
      const { opened, gaveWay } = calls.start(delivery);
      // The tool's series are there from its first start, so that `increase()` sees the first
      // orphan.
      if (opened !== undefined) {
        tallyOf(opened.tool);
        opened.tracedRun = options.runOf?.(delivery);
      }
      if (gaveWay !== undefined) giveUp(gaveWay, 'limit');
    },
    ended(delivery) {
      const call = calls.end(delivery);
      if (call === undefined) return false;
      if (call.shared?.over(true) === false) return true;
      const tally = tallyOf(call.tool);
      const ms = Math.max(0, delivery.sentAt - call.firstAt);
      tally.counts[bucketOf(ms)]!++;
      tally.sumMs += ms;
      emit(call, tally.label, delivery.sentAt, undefined);
      return true;
    },
    openIn: (session, run) => calls.openIn(session, run),
    tick(now, budget) {
      calls.tick(now);
      const before = now - options.orphanAfterMs;
      for (let oldest = calls.oldest; oldest !== undefined && oldest.startedAt <= before; oldest = calls.oldest) {
        if (budget-- <= 0) return true;
        orphan(oldest, 'timeout', now);
      }
      return false;
    },
    sessionEnded(session, now) {
      for (const call of calls.of(session)) orphan(call, 'session_end', now);
    },
    forget(session) {
      for (const call of calls.of(session)) giveUp(call, 'shed');
    },
  };
}

function createTallies(): { readonly tallies: readonly ToolTally[]; tallyOf(tool: string): ToolTally } {
  const byName = new Map<string, ToolTally>();
  const tallies: ToolTally[] = [];
  function add(label: string): ToolTally {
    const tally = new ToolTally(label);
    tallies.push(tally);
    byName.set(label, tally);
    return tally;
  }
  return {
    tallies,
    tallyOf(tool) {
      const name = tool === '' ? UNNAMED : tool;
      return byName.get(name) ?? (tallies.length < MAX_TOOLS ? add(name) : (byName.get(OTHER) ?? add(OTHER)));
    },
  };
}

type Emit = (call: ToolCall, label: string, end: number, orphanedBy: OrphanedBy | undefined) => void;

function createEmitter(options: ToolSpanOptions): Emit {
  const { tracer, random } = options;
  if (tracer === undefined) return () => {};
  const sampling = createSampling({
    get keepConfirmed() {
      return options.keepEnded;
    },
    slowMs: Number.POSITIVE_INFINITY,
    ...(random !== undefined && { random }),
  });
  const parseEvent = createTraceparentParser();
  const parseSession = createTraceparentParser();
  return (call, label, end, orphanedBy) => {
    const own = (call.traceparent && parseEvent(call.traceparent)) || parseSession(call.session.traceparent);
    const run = own === undefined ? call.tracedRun : undefined;
    const parent = own ?? run?.parent;
    if (orphanedBy === undefined && !sampling.chosen(parent)) return;
    run?.keep();
    const offset = wallOffset();
    const startTime = hrTime(call.firstAt + offset);
    const span = tracer.startSpan(
      SPAN.toolPrefix + label,
      { kind: SpanKind.INTERNAL, startTime, attributes: attributesOf(call, orphanedBy) },
      parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent),
    );
    if (orphanedBy !== undefined) span.setStatus({ code: SpanStatusCode.ERROR });
    span.end(hrTime(Math.max(call.firstAt, end) + offset));
  };
}

/** OpenTelemetry GenAI conventions, "Execute tool span". */
function attributesOf(call: ToolCall, orphanedBy: OrphanedBy | undefined): Attributes {
  const attributes: Attributes = { [ATTR.genAiOperation]: 'execute_tool' };
  if (call.tool !== '') attributes[ATTR.toolName] = call.tool;
  if (call.callId !== '') attributes[ATTR.toolCallId] = call.callId;
  if (call.run !== '') attributes[ATTR.genAiConversation] = call.run;
  if (call.connectionId !== '') attributes[ATTR.connectionId] = call.connectionId;
  if (orphanedBy !== undefined) {
    attributes[ATTR.errorType] = 'orphaned';
    attributes[ATTR.toolOrphanedBy] = orphanedBy;
  }
  return attributes;
}

function families(tallies: readonly ToolTally[], unwatched: Readonly<Record<UnwatchedReason, number>>): Family[] {
  const of = ({ label }: ToolTally): Attributes => ({ [LABEL.tool]: label });
  return [
    {
      metric: METRICS.toolDuration,
      points: tallies.map((each) => ({
        attributes: of(each),
        value: { counts: Array.from(each.counts), sum: each.sumMs / 1000 },
      })),
    },
    { metric: METRICS.toolOrphaned, points: tallies.map((each) => ({ attributes: of(each), value: each.orphaned })) },
    {
      metric: METRICS.toolUnwatched,
      points: (['limit', 'shed'] as const).map((reason) => ({
        attributes: { [LABEL.reason]: reason },
        value: unwatched[reason],
      })),
    },
  ];
}

/** Bounds are inclusive (OpenTelemetry data model, explicit bucket histogram). */
function bucketOf(ms: number): number {
  let i = 0;
  while (i < BOUNDS_MS.length && ms > BOUNDS_MS[i]!) i++;
  return i;
}
