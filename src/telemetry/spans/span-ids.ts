// telemetry: ids of spans: random ones, and for the next span those that something outside was told of before.
import { randomBytes } from 'node:crypto';

/** The ids of one span, as lower-case hex digits: 32 and 16. */
export interface SpanIds {
  readonly traceId: string;
  readonly spanId: string;
}

/** An id generator of the SDK (`IdGenerator`) that can be told the ids of the next span. */
export interface SpanIdGenerator {
  generateTraceId(): string;
  generateSpanId(): string;
  /** Ids for a new trace. */
  random(): SpanIds;
  /**
   * Runs `start`, which starts one span, and gives that span these ids. The trace id is used only
   * if the span has no parent.
   */
  withIds<T>(ids: SpanIds, start: () => T): T;
}

export function createSpanIds(): SpanIdGenerator {
  let next: SpanIds | undefined;
  return {
    generateTraceId: () => next?.traceId ?? randomHex(16),
    generateSpanId: () => next?.spanId ?? randomHex(8),
    random: () => ({ traceId: randomHex(16), spanId: randomHex(8) }),
    withIds(ids, start) {
      next = ids;
      try {
        return start();
      } finally {
        next = undefined;
      }
    },
  };
}

/** Bytes that are drawn at a time: a call of the system's generator costs more than the bytes. */
const POOL = 8192;
let pool = Buffer.alloc(0);
let used = 0;

/**
 * Random hex digits for so many bytes. An id of zeros only is invalid (W3C Trace Context §3.2.2.3).
 */
function randomHex(bytes: number): string {
  if (used + bytes > pool.length) {
    pool = randomBytes(POOL);
    used = 0;
  }
  const hex = pool.toString('hex', used, used + bytes);
  used += bytes;
  return /^0+$/.test(hex) ? randomHex(bytes) : hex;
}
