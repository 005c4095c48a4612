// Tells an agent watch the story of a run, event by event, with a collector in memory.
import { type Attributes, type SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { AlwaysOnSampler, InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import type { EventType } from '../../src/delivery/policy.ts';
import { Delivery } from '../../src/delivery/record.ts';
import { Owner, Session } from '../../src/delivery/session.ts';
import type { AgentEvents } from '../../src/telemetry/agents/agent-roles.ts';
import { type AgentWatch, type AgentWatchOptions, createAgentWatch } from '../../src/telemetry/agents/agent-watch.ts';
import { valueIn } from '../support/exposition.ts';
import { eventType, T0 } from './deliveries.ts';
import { exposeParsed } from './expose.ts';

export const EVENTS: AgentEvents = {
  run_start: ['agent_started'],
  run_step: ['agent_thinking'],
  run_end: ['agent_completed', 'agent_error'],
  tool_start: ['tool_executing'],
  tool_end: ['tool_completed'],
};

const NAMES = ['other', ...Object.values(EVENTS).flat(), 'chatter'];

export interface Step {
  readonly run?: string | undefined;
  readonly tool?: string;
  readonly call?: string;
  readonly on?: Session;
  readonly id?: string;
  readonly traceparent?: string;
}

/** A span as far as these tests look at it: times in ms since T0. */
export interface SeenSpan {
  readonly name: string;
  readonly kind: SpanKind;
  readonly from: number;
  readonly to: number;
  readonly error: boolean;
  readonly traceId: string;
  readonly parent: string | undefined;
  readonly attributes: Attributes;
}

export function newSession(key = 's', traceparent = ''): Session {
  const session = new Session(key, new Owner(undefined), traceparent);
  session.link = { id: `c-${key}`, probe: () => 'sent', resend: () => 'failed' };
  return session;
}

export class Story {
  /** ms since T0. */
  now = 0;
  readonly watch: AgentWatch;
  readonly session = newSession();
  readonly #memory = new InMemorySpanExporter();
  readonly #twins = new Map<string, Delivery>();
  #seq = 0;

  constructor(over: Partial<AgentWatchOptions> = {}) {
    const provider = new TracerProvider({
      sampler: new AlwaysOnSampler(),
      spanProcessors: [new SimpleSpanProcessor({ exporter: this.#memory })],
    });
    this.watch = createAgentWatch({
      events: EVENTS,
      tracer: provider.getTracer('ackspan'),
      keepEnded: 1,
      orphanAfterMs: 60_000,
      maxOpenTools: 100,
      silentAfterMs: 300_000,
      maxRuns: 100,
      ...over,
    });
  }

  /** The client is sent an event, 1 ms after whatever was before. */
  sent(name: string, step: Step = {}): this {
    this.now++;
    const { tool, call, on = this.session, id, traceparent } = step;
    const run = 'run' in step ? step.run : 'r1';
    const facts = { type: typeOf(name), id, run, user: undefined, tool, toolCall: call, traceparent, bytes: 10 };
    const delivery = new Delivery(++this.#seq, on, this.#seq, facts, 'received', T0 + this.now);
    if (id !== undefined) {
      delivery.olderTwin = this.#twins.get(id);
      this.#twins.set(id, delivery);
    }
    this.watch.observer.tracked?.(delivery);
    return this;
  }

  passed(ms: number): this {
    this.now += ms;
    this.watch.tick(T0 + this.now);
    return this;
  }

  ended(session = this.session): this {
    this.watch.sessionEnded(session, T0 + this.now);
    return this;
  }

  spans(): SeenSpan[] {
    const ms = ([s, ns]: readonly [number, number]) => s * 1000 + ns / 1e6 - T0;
    return this.#memory.getFinishedSpans().map((span) => ({
      ...{ name: span.name, kind: span.kind, from: ms(span.startTime), to: ms(span.endTime) },
      ...{ error: span.status.code === SpanStatusCode.ERROR, traceId: span.spanContext().traceId },
      ...{ parent: span.parentSpanContext?.spanId, attributes: span.attributes },
    }));
  }

  /** `search 1-5` per span; `!` = an error. */
  calls(): string[] {
    return this.spans().map(
      ({ name, from, to, error }) => `${name.slice('execute_tool '.length)} ${from}-${to}${error ? '!' : ''}`,
    );
  }

  async value(metric: string, labels: Readonly<Record<string, string>>): Promise<number | undefined> {
    return valueIn(await exposeParsed(this.watch.source), metric, labels);
  }

  /** Violations that are not 0. */
  async violations(): Promise<Record<string, number>> {
    const found: Record<string, number> = {};
    for (const { metric, points } of this.watch.source()) {
      if (metric.name !== 'ackspan.order.violations') continue;
      for (const { attributes, value } of points) if (value !== 0) found[String(attributes.kind)] = value as number;
    }
    return found;
  }

  /** Ended, orphaned and given-up calls, over all tools; and the sum of durations, seconds. */
  sums(): { ended: number; orphaned: number; unwatched: number; seconds: number } {
    const sums = { ended: 0, orphaned: 0, unwatched: 0, seconds: 0 };
    for (const { metric, points } of this.watch.source()) {
      for (const { value } of points) {
        if (typeof value !== 'number') {
          sums.ended += value.counts.reduce((sum, count) => sum + count, 0);
          sums.seconds += value.sum;
        } else if (metric.name === 'ackspan.tool.orphaned') sums.orphaned += value;
        else if (metric.name === 'ackspan.tool.unwatched') sums.unwatched += value;
      }
    }
    return sums;
  }
}

const types = new Map<string, EventType>();

export function typeOf(name: string): EventType {
  let type = types.get(name);
  if (type === undefined) {
    // What is not in the list shares index 0, as types past the limit do.
    const index = Math.max(0, NAMES.indexOf(name));
    type = eventType(name, index, 'normal', index === 0 ? 'other' : name);
    types.set(name, type);
  }
  return type;
}
