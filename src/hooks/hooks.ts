// hooks: settle → notice: tells the backend, signed, what did not arrive, and asks for re-emission (SPEC D8).
import type { Observer, Reemit, Report } from '../delivery/ports.ts';
import type { Delivery } from '../delivery/record.ts';
import type { BreakerState } from './breaker.ts';
import { createHookCounters, type HookCounters } from './counters.ts';
import { DEFAULT_HOOK_LIMITS, type HookLimits } from './limits.ts';
import { type HookKind, Notice } from './notice.ts';
import { createPoster } from './post.ts';
import { Sender } from './sender.ts';
import { readSecret } from './signature.ts';
import type { HookTarget } from './target.ts';

export interface HookDeps {
  readonly target: HookTarget;
  /**
   * Secrets `whsec_…`, at least one. Each signs every notice, so that a receiver may know the old
   * or the new one.
   */
  readonly secrets: readonly string[];
  /** Kinds of notices to send. */
  readonly kinds: readonly HookKind[];
  /** The CloudEvents `source`: names this Ackspan, a URI reference. */
  readonly source: string;
  readonly userAgent: string;
  /** Whether the message goes along where it is still kept (SPEC D11). */
  readonly payload: boolean;
  readonly limits?: Partial<HookLimits>;
  /** Monotonic ms. */
  now(): number;
  /** A monotonic time as ms since the epoch, by the wall clock of the moment. */
  wallOf(at: number): number;
  /** In [0, 1). */
  random(): number;
  readonly report: Report;
}

/** The hooks of one process. */
export interface Hooks {
  readonly observer: Observer;
  /**
   * Asks for re-emission; undefined where `reemit` is not among the kinds. `blocked`: no room, or
   * the last request has not got through yet.
   */
  readonly reemit: Reemit | undefined;
  readonly counters: Readonly<HookCounters>;
  /** Notices that wait or are being sent. */
  readonly waiting: number;
  readonly breaker: { readonly state: BreakerState; readonly opened: number };
  /**
   * Takes no more notices, sends what it can within `graceMs`, drops the rest (SPEC D10). Call it
   * after the tracker's shutdown. A second call waits for the first.
   */
  stop(graceMs: number): Promise<void>;
}

/**
 * Builds the hooks. Nothing is sent before a notice is raised. Throws a RangeError without a
 * secret, or for a malformed one.
 */
export function createHooks(deps: HookDeps): Hooks {
  if (deps.secrets.length === 0) throw new RangeError('hooks need a secret: notices are always signed');
  const limits = { ...DEFAULT_HOOK_LIMITS, ...deps.limits };
  const counters = createHookCounters();
  const notices = new NoticeFactory(deps, limits, counters);
  const { source, userAgent, now, wallOf, random, report } = deps;
  const sender = new Sender({
    poster: createPoster(deps.target, limits.concurrency, limits.timeoutMs),
    keys: deps.secrets.map(keyOf),
    source,
    userAgent,
    limits,
    counters,
    now,
    wallOf,
    random,
    report,
    ended: (notice) => notices.ended(notice),
  });
  notices.sender = sender;
  return {
    observer: observe(new Set(deps.kinds), (kind, delivery, at) => notices.raise(kind, delivery, at)),
    reemit: deps.kinds.includes('reemit') ? (delivery, at) => notices.reemit(delivery, at) : undefined,
    counters,
    get waiting() {
      return sender.waiting;
    },
    breaker: sender.breaker,
    stop: (graceMs) => sender.stop(graceMs),
  };
}

/** Shortest time between two lines about messages left out, ms. */
const OMITTED_REPORT_MS = 10_000;

/** Makes notices from outcomes, and keeps payload bytes within their bound. */
class NoticeFactory {
  sender: Sender | undefined;
  readonly #deps: HookDeps;
  readonly #limits: HookLimits;
  readonly #counters: HookCounters;
  /** Deliveries whose re-emission has been requested and whose notice is not sent yet. */
  readonly #asked = new Set<Delivery>();
  #payloadBytes = 0;
  #omittedReportedAt = Number.NEGATIVE_INFINITY;

  constructor(deps: HookDeps, limits: HookLimits, counters: HookCounters) {
    this.#deps = deps;
    this.#limits = limits;
    this.#counters = counters;
  }

  raise(kind: HookKind, delivery: Delivery, at: number): boolean {
    const notice = new Notice(kind, delivery, at, this.#payloadFor(delivery));
    this.#payloadBytes += notice.payload?.length ?? 0;
    this.#counters.noticed++;
    return this.sender?.offer(notice) ?? false;
  }

  reemit(delivery: Delivery, at: number): 'sent' | 'blocked' {
    if (this.#asked.has(delivery)) return 'blocked';
    this.#asked.add(delivery);
    return this.raise('reemit', delivery, at) ? 'sent' : 'blocked';
  }

  ended(notice: Notice): void {
    this.#payloadBytes -= notice.payload?.length ?? 0;
    if (notice.kind === 'reemit') this.#asked.delete(notice.delivery);
  }

  #reportOmitted(): void {
    const at = this.#deps.now();
    if (at - this.#omittedReportedAt < OMITTED_REPORT_MS) return;
    this.#omittedReportedAt = at;
    const text = `${this.#limits.payloadBytes} bytes of messages wait with their notices: others go without their message`;
    this.#deps.report({ stage: 'hook', error: new Error(text) });
  }

  #payloadFor({ payload }: Delivery): Uint8Array | undefined {
    if (!this.#deps.payload || payload === undefined) return undefined;
    if (this.#payloadBytes + payload.length <= this.#limits.payloadBytes) return payload;
    this.#counters.payloadsOmitted++;
    this.#reportOmitted();
    return undefined;
  }
}

function observe(
  kinds: ReadonlySet<HookKind>,
  raise: (kind: HookKind, delivery: Delivery, at: number) => void,
): Observer {
  return {
    settled(delivery) {
      const { status } = delivery;
      if (status === 'confirmed' || status === 'pending' || status === 'retrying') return;
      if (kinds.has(status)) raise(status, delivery, delivery.settledAt);
    },
  };
}

function keyOf(secret: string, index: number): Buffer {
  const key = readSecret(secret);
  // The secret itself is never printed.
  if (key === undefined) throw new RangeError(`hook secret ${index + 1} is not whsec_<base64 of 24 to 64 bytes>`);
  return key;
}
