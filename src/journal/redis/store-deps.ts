// journal: what the store in Redis is told to do, and what it needs of the process.
import type { Report } from '../../delivery/ports.ts';
import type { Delivery } from '../../delivery/record.ts';
import type { RedisPlace } from './client.ts';

export interface RedisStoreOptions {
  readonly place: RedisPlace;
  /** Before every name in Redis. */
  readonly prefix: string;
  /** As in `ScribeDeps`. */
  readonly afterMs: number;
  /** An instance that has not been there for so long is taken for dead, ms. */
  readonly leaseMs: number;
  /** As in `RedisLettersDeps`. */
  readonly keepMs: number;
  readonly keepBytes: number;
}

export interface RedisStoreDeps {
  /** Shows every delivery in flight. */
  eachOpen(visit: (delivery: Delivery) => void): void;
  /** Monotonic ms. */
  now(): number;
  /** From the monotonic clock to the wall clock, ms. */
  wallOffset(): number;
  /** 32 hex digits; undefined = the delivery has no recorded span. */
  traceId(delivery: Delivery): string | undefined;
  readonly report: Report;
}
