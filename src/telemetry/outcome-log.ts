// telemetry: one log line for each delivery that ended badly, with ids that lead to its trace; no payload, no user.
import type { Observer } from '../delivery/ports.ts';
import type { Delivery } from '../delivery/record.ts';
import type { Session } from '../delivery/session.ts';

/** `warn`: failed or timed out. `debug`: unverifiable. */
export type OutcomeLevel = 'warn' | 'debug';

/** The dependencies of the log. */
export interface OutcomeLogDeps {
  /** Writes one line. `fields` are flat and hold no payload. */
  log(level: OutcomeLevel, fields: Readonly<Record<string, string | number>>, message: string): void;
  /** The delivery's span, once it has one. */
  traceContext(delivery: Delivery): { readonly traceId: string; readonly spanId: string } | undefined;
}

/** The log of outcomes. */
export interface OutcomeLog {
  /**
   * The observer. It must come after the observer that makes the spans, or a delivery that gets its
   * span only now has no trace id yet.
   */
  readonly observer: Observer;
  /**
   * Notes that a connection took up the session. Lines about the session name that connection from
   * now on, also after it has ended.
   */
  opened(session: Session, connectionId: string): void;
  /** Writes the lines that are still due. */
  stop(): void;
}

/** Lines per level and second. Further ones are counted. */
const LINES_PER_SECOND = 20;
const WINDOW_MS = 1000;

const MESSAGES = {
  failed: 'delivery failed',
  timeout: 'delivery timed out',
  unverifiable: 'delivery unverifiable',
} as const;

/** The outcome stays, because the client has the message (SPEC E8). */
const REJECTED_LATER = 'delivery was confirmed as received, then rejected by its application';

/**
 * Observes deliveries and logs the bad outcomes: 20 lines a second for each level, then one line
 * with the number left out.
 */
export function createOutcomeLog(deps: OutcomeLogDeps): OutcomeLog {
  const connections = new WeakMap<Session, string>();
  const windows = { warn: new Window(deps, 'warn'), debug: new Window(deps, 'debug') };
  return {
    observer: {
      settled(delivery) {
        const { status } = delivery;
        if (status !== 'failed' && status !== 'timeout' && status !== 'unverifiable') return;
        const level = status === 'unverifiable' ? 'debug' : 'warn';
        if (!windows[level].admits()) return;
        deps.log(level, fieldsOf(delivery, connections.get(delivery.session), deps), MESSAGES[status]);
      },
      rejectedLater(delivery) {
        if (!windows.warn.admits()) return;
        deps.log('warn', fieldsOf(delivery, connections.get(delivery.session), deps), REJECTED_LATER);
      },
    },
    opened(session, connectionId) {
      connections.set(session, connectionId);
    },
    stop() {
      windows.warn.close();
      windows.debug.close();
    },
  };
}

/** `errorText`, the user and the payload are left out: they are the application's data. */
function fieldsOf(
  delivery: Delivery,
  connection: string | undefined,
  deps: OutcomeLogDeps,
): Record<string, string | number> {
  const fields: Record<string, string | number> = {
    delivery: delivery.id,
    event_type: delivery.type.name,
    outcome: delivery.status,
    attempts: delivery.attempts,
    duration_ms: Math.round(delivery.settledAt - delivery.sentAt),
    session: delivery.session.key,
  };
  if (delivery.eventId !== undefined) fields.event_id = delivery.eventId;
  if (connection !== undefined) fields.connection = connection;
  if (delivery.errorType !== '') fields.reason = delivery.errorType;
  else if (delivery.unverified !== '') fields.reason = delivery.unverified;
  const context = deps.traceContext(delivery);
  if (context !== undefined) {
    fields.trace_id = context.traceId;
    fields.span_id = context.spanId;
  }
  return fields;
}

/**
 * A second that begins with a line. A mass disconnect must neither fill a disk nor hold up the
 * relay.
 */
class Window {
  readonly #deps: OutcomeLogDeps;
  readonly #level: OutcomeLevel;
  #lines = 0;
  #suppressed = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(deps: OutcomeLogDeps, level: OutcomeLevel) {
    this.#deps = deps;
    this.#level = level;
  }

  /** Whether one more line may be written; counts it either way. */
  admits(): boolean {
    this.#timer ??= setTimeout(() => this.close(), WINDOW_MS).unref();
    if (this.#lines < LINES_PER_SECOND) {
      this.#lines++;
      return true;
    }
    this.#suppressed++;
    return false;
  }

  /** Ends the second, and logs how many lines were left out of it. */
  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#lines = 0;
    const suppressed = this.#suppressed;
    this.#suppressed = 0;
    if (suppressed > 0)
      this.#deps.log(this.#level, { suppressed }, 'more deliveries ended likewise; not logged one by one');
  }
}
