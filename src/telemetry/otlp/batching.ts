// telemetry: the span and log processors: batch ended items, export them, count losses, never block nor throw.
import { TraceFlags } from '@opentelemetry/api';
import { ExportResultCode } from '@opentelemetry/core';
import type { LogRecordProcessor, ReadableLogRecord } from '@opentelemetry/sdk-logs';
import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace';
import { patiently, type Wait } from '../../time/patience.ts';
import type { BatchLimits } from '../env/otel-env.ts';
import type { BatchBuilder } from './batch.ts';
import type { ExportLosses } from './drops.ts';
import type { BatchExporter, BatchResult } from './http-exporter.ts';

export interface BatchingDeps<Item, Batch> {
  readonly builder: BatchBuilder<Item, Batch>;
  readonly exporter: BatchExporter<Batch>;
  readonly limits: BatchLimits;
  readonly losses: ExportLosses;
  /** Called before a batch leaves the process. */
  readonly before?: (() => void) | undefined;
}

/** An exporter whose unsent items can be given up when there is no time left. */
export interface Abandonable {
  /** Counts unsent items as lost for that reason. None of them arrives afterwards. */
  abandon(reason: string): void;
}

/**
 * Exports under way at once: a collector 50 ms away still takes 40,000 spans/s in batches of 512.
 */
const CONCURRENT_EXPORTS = 4;

/** Number of batches that wait or are under way. */
interface Outbox<Batch> {
  /** Number of items in them. */
  readonly items: number;
  push(batch: Batch, count: number): void;
  /** Resolves when no batch waits and none is under way. */
  empty(): Promise<void>;
  /** Counts every item that waits or is under way as failed, for that reason. */
  abandon(reason: string): void;
}

/**
 * Replaces the SDK's BatchSpanProcessor, which keeps spans as objects, drops without a count and
 * sends one batch at a time.
 */
export function createBatchingProcessor<Batch>(deps: BatchingDeps<ReadableSpan, Batch>): SpanProcessor & Abandonable {
  const queue = createQueue(deps);
  return {
    onStart() {},
    onEnd(span) {
      if ((span.spanContext().traceFlags & TraceFlags.SAMPLED) !== 0) queue.add(span);
    },
    forceFlush: queue.flush,
    shutdown: queue.stop,
    abandon: queue.abandon,
  };
}

/** Replaces the SDK's BatchLogRecordProcessor for log records. */
export function createLogBatchingProcessor<Batch>(
  deps: BatchingDeps<ReadableLogRecord, Batch>,
): LogRecordProcessor & Abandonable {
  const queue = createQueue(deps);
  return { onEmit: queue.add, forceFlush: queue.flush, shutdown: queue.stop, abandon: queue.abandon };
}

interface Queue<Item> extends Abandonable {
  add(item: Item): void;
  flush(): Promise<void>;
  stop(): Promise<void>;
}

function createQueue<Item, Batch>(deps: BatchingDeps<Item, Batch>): Queue<Item> {
  const { builder, exporter, limits, losses } = deps;
  const outbox = createOutbox(deps);
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;

  function seal(): void {
    clearTimeout(timer);
    timer = undefined;
    const { count } = builder;
    if (count > 0) outbox.push(builder.take(), count);
  }

  async function flush(): Promise<void> {
    seal();
    await outbox.empty();
    await exporter.forceFlush?.();
  }

  return {
    add(item) {
      if (stopped || builder.count + outbox.items >= limits.maxQueueSize) {
        losses.dropped(stopped);
        return;
      }
      builder.add(item);
      if (builder.count >= limits.maxExportBatchSize) seal();
      else if (timer === undefined) timer = setTimeout(seal, limits.scheduleDelayMs).unref();
    },
    flush,
    async stop() {
      stopped = true;
      await flush();
      await exporter.shutdown();
    },
    abandon(reason) {
      stopped = true;
      seal();
      outbox.abandon(reason);
    },
  };
}

function createOutbox<Batch>(deps: Omit<BatchingDeps<never, Batch>, 'builder'>): Outbox<Batch> {
  const { exporter, limits, losses, before } = deps;
  const waiting: { readonly batch: Batch; readonly count: number }[] = [];
  const whenEmpty: (() => void)[] = [];
  const underWay = new Set<(error: unknown) => void>();
  let items = 0;

  function pump(): void {
    while (underWay.size < CONCURRENT_EXPORTS) {
      const next = waiting.shift();
      if (next === undefined) break;
      send(next.batch, next.count);
    }
    if (underWay.size === 0) for (const resolve of whenEmpty.splice(0)) resolve();
  }

  function send(batch: Batch, count: number): void {
    let over = false;
    let guard: Wait | undefined;
    const finish = (error: unknown, { rejected = 0, message = '' }: Partial<BatchResult> = {}): void => {
      if (over) return;
      over = true;
      guard?.cancel();
      underWay.delete(finish);
      items -= count;
      if (error !== undefined) losses.failed(count, error);
      else losses.accepted(count, rejected, message);
      pump();
    };
    underWay.add(finish);
    try {
      before?.();
      exporter.export(batch, (result) => {
        if (result.code === ExportResultCode.SUCCESS) finish(undefined, result);
        else finish(result.error ?? new Error('refused'));
      });
    } catch (error) {
      finish(error);
    }
    // The wait begins after the exporter's own, which knows more of the reason when both end
    // together.
    if (!over) guard = patiently(limits.exportTimeoutMs, () => finish(new Error('export timed out')));
  }

  return {
    get items() {
      return items;
    },
    push(batch, count) {
      items += count;
      waiting.push({ batch, count });
      pump();
    },
    empty() {
      if (underWay.size === 0) return Promise.resolve();
      return new Promise((resolve) => whenEmpty.push(resolve));
    },
    abandon(reason) {
      for (const { count } of waiting.splice(0)) {
        items -= count;
        losses.failed(count, reason);
      }
      exporter.abandon?.(reason);
      for (const finish of [...underWay]) finish(reason);
    },
  };
}
