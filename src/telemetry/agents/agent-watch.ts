// telemetry: observes the events of agents: tool calls as spans, runs in order. Events of other types cost one look-up.
import type { Tracer } from '@opentelemetry/api';
import type { Observer } from '../../delivery/ports.ts';
import type { Delivery } from '../../delivery/record.ts';
import type { Session } from '../../delivery/session.ts';
import type { MetricSource } from '../metrics/producer.ts';
import type { TracedRun } from '../spans/run-spans.ts';
import { type AgentEvents, createAgentRoles } from './agent-roles.ts';
import { createOrderWatch } from './order-watch.ts';
import { createToolSpans } from './tool-spans.ts';

export interface AgentWatchOptions {
  readonly events: AgentEvents;
  /** The tracer; left out = metrics only. */
  readonly tracer: Tracer | undefined;
  /** The span of the run that a delivery belongs to, where its events bring no trace. */
  runOf?(delivery: Delivery): TracedRun | undefined;
  /** Share of tool calls that end well whose span is kept, 0 to 1. */
  readonly keepEnded: number;
  /** Times in ms, and how many calls and runs at most. */
  readonly orphanAfterMs: number;
  readonly maxOpenTools: number;
  readonly silentAfterMs: number;
  readonly maxRuns: number;
}

/** `tick` and `waiting` are for a driver of timers: every 25 ms to 1 s while `waiting` is not 0. */
export interface AgentWatch {
  readonly observer: Observer;
  readonly source: MetricSource;
  readonly waiting: number;
  /** Tool calls under way. */
  readonly openTools: number;
  /**
   * Ends what is overdue, in at most about `budget` visits. Returns whether some are left: call
   * again at once. `now`: monotonic ms.
   */
  tick(now: number, budget?: number): boolean;
  /**
   * Notes that the session is over and will not be resumed: its calls and runs cannot end any more.
   */
  sessionEnded(session: Session, now: number): void;
}

/** Deliveries of one event id that are read to recognise a repetition. */
const TWINS = 8;

export function createAgentWatch(options: AgentWatchOptions): AgentWatch {
  const roleOf = createAgentRoles(options.events);
  /**
   * Sessions of which some events were not seen. A missing event may be one of those, so such
   * sessions are not judged.
   */
  const blind = new WeakSet<Session>();
  const order = createOrderWatch(options);
  const tools = createToolSpans({
    ...options,
    get keepEnded() {
      return options.keepEnded;
    },
    maxOpen: options.maxOpenTools,
    gaveUp: (session) => blind.add(session),
  });

  function tracked(delivery: Delivery): void {
    const role = roleOf(delivery.type);
    if (role === 'none' || isRepetition(delivery)) return;
    const { session } = delivery;
    const judged = !blind.has(session);
    const late = judged && order.event(delivery, role);
    if (role === 'tool_start') tools.started(delivery);
    else if (role === 'tool_end') {
      if (!tools.ended(delivery) && judged && !late) order.count('completed_without_start', 1);
    } else if (role === 'run_end' && judged && !late) {
      order.count('tool_open_at_end', tools.openIn(session, delivery.run ?? ''));
    }
  }

  const observer: Observer = {
    tracked,
    shed(_reason, session, type) {
      if (roleOf(type) === 'none') return;
      blind.add(session);
      tools.forget(session);
      order.forget(session);
    },
  };
  return {
    observer,
    source: () => [...tools.source(), ...order.source()],
    get waiting() {
      return tools.waiting + order.waiting;
    },
    get openTools() {
      return tools.open;
    },
    tick(now, budget = Number.POSITIVE_INFINITY) {
      const more = tools.tick(now, budget);
      return order.tick(now, budget) || more;
    },
    sessionEnded(session, now) {
      tools.sessionEnded(session, now);
      order.sessionEnded(session);
    },
  };
}

/**
 * Whether the backend emitted the same event to the same session again (its id and type are known).
 * A repetition changes nothing.
 */
function isRepetition({ type, olderTwin }: Delivery): boolean {
  let twin = olderTwin;
  for (let i = 0; twin !== undefined && i < TWINS; i++) {
    if (twin.type === type) return true;
    twin = twin.olderTwin;
  }
  return false;
}
