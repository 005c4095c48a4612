// The span processor against an exporter that the test drives by hand: batches, limits, losses, flush and stop.
import { TraceFlags } from '@opentelemetry/api';
import { ExportResultCode } from '@opentelemetry/core';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { BatchLimits } from '../../src/telemetry/env/otel-env.ts';
import type { BatchBuilder } from '../../src/telemetry/otlp/batch.ts';
import { createBatchingProcessor } from '../../src/telemetry/otlp/batching.ts';
import { createExportCounters, createExportLosses } from '../../src/telemetry/otlp/drops.ts';
import type { BatchResult } from '../../src/telemetry/otlp/http-exporter.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const LIMITS: BatchLimits = { maxQueueSize: 10, maxExportBatchSize: 2, scheduleDelayMs: 5000, exportTimeoutMs: 30_000 };
const OK: BatchResult = { code: ExportResultCode.SUCCESS };

function span(name: string, traceFlags: number = TraceFlags.SAMPLED): ReadableSpan {
  return { name, spanContext: () => ({ traceId: '', spanId: '', traceFlags }) } as unknown as ReadableSpan;
}

function namesBuilder(): BatchBuilder<ReadableSpan, string[]> {
  const names: string[] = [];
  return {
    get count() {
      return names.length;
    },
    add: (each) => names.push(each.name),
    take: () => names.splice(0),
  };
}

function setUp(over: Partial<BatchLimits> = {}) {
  const counters = createExportCounters();
  const reports: string[] = [];
  const losses = createExportLosses('span', counters, ({ error }) => reports.push((error as Error).message));
  const exports: { readonly batch: string[]; readonly done: (result: BatchResult) => void }[] = [];
  const calls: string[] = [];
  const processor = createBatchingProcessor({
    builder: namesBuilder(),
    exporter: {
      export: (batch: string[], done) => exports.push({ batch, done }),
      forceFlush: async () => void calls.push('flush'),
      shutdown: async () => void calls.push('shutdown'),
    },
    limits: { ...LIMITS, ...over },
    losses,
  });
  const end = (...names: string[]) => {
    for (const name of names) processor.onEnd(span(name));
  };
  return { processor, counters, losses, reports, exports, calls, end };
}

test('a full batch goes at once, the rest after the delay', () => {
  const { exports, end } = setUp();
  end('a', 'b', 'c');
  expect(exports.map((each) => each.batch)).toEqual([['a', 'b']]);
  vi.advanceTimersByTime(4999);
  expect(exports).toHaveLength(1);
  vi.advanceTimersByTime(1);
  expect(exports.map((each) => each.batch)).toEqual([['a', 'b'], ['c']]);
});

test('spans that are not sampled are neither exported nor counted', async () => {
  const { processor, counters, exports } = setUp();
  processor.onEnd(span('a', TraceFlags.NONE));
  await processor.forceFlush();
  expect(exports).toEqual([]);
  expect(counters).toEqual({ exported: 0, dropped: 0, failed: 0, rejected: 0 });
});

test('a full queue drops, counts, and reports once a minute; the last loss of a minute is told as well', () => {
  const { counters, exports, reports, end } = setUp({ exportTimeoutMs: 600_000 });
  end(...'abcdefghij', 'k', 'l');
  expect(counters.dropped).toBe(2);
  expect(reports).toEqual(['1 span lost: the export queue is full']);
  // The exports under way must not time out meanwhile.
  end('m');
  vi.advanceTimersByTime(60_000);
  expect(reports[1]).toBe('2 spans lost: the export queue is full');

  expect(exports).toHaveLength(4);
  exports[0]?.done(OK);
  end('n', 'o');
  expect(exports.map((each) => each.batch.join(''))).toEqual(['ab', 'cd', 'ef', 'gh', 'ij']);
  exports[1]?.done(OK);
  expect(exports.at(-1)?.batch.join('')).toBe('no');
  expect(counters).toEqual({ exported: 4, dropped: 3, failed: 0, rejected: 0 });
});

test('a refused export counts as failed and frees its place', () => {
  const { counters, exports, reports, end } = setUp({ maxQueueSize: 2 });
  end('a', 'b');
  exports[0]?.done({ code: ExportResultCode.FAILED, error: new Error('Internal Server Error') });
  end('c', 'd');
  exports[1]?.done(OK);
  exports[1]?.done({ code: ExportResultCode.FAILED });
  expect(counters).toEqual({ exported: 2, dropped: 0, failed: 2, rejected: 0 });
  expect(reports).toEqual(['2 spans lost: export failed: Internal Server Error']);
});

test('an exporter that never answers fails after the time-out; an answer after that is ignored', () => {
  const { counters, exports, end } = setUp({ maxQueueSize: 2 });
  end('a', 'b');
  // The wait ends some turns later, and each takes a millisecond of this clock.
  vi.advanceTimersByTime(30_005);
  expect(counters.failed).toBe(2);
  exports[0]?.done(OK);
  expect(counters).toEqual({ exported: 0, dropped: 0, failed: 2, rejected: 0 });
});

test('an exporter that throws harms nobody', () => {
  const counters = createExportCounters();
  const processor = createBatchingProcessor({
    builder: namesBuilder(),
    exporter: {
      export() {
        throw new Error('broken');
      },
      shutdown: () => Promise.resolve(),
    },
    limits: LIMITS,
    losses: createExportLosses('span', counters, () => {}),
  });
  processor.onEnd(span('a'));
  processor.onEnd(span('b'));
  expect(counters.failed).toBe(2);
});

test('flush waits for everything that ended before it, exports in flight included', async () => {
  const { processor, exports, calls, end } = setUp();
  end('a', 'b', 'c');
  let flushed = false;
  const flushing = processor.forceFlush().then(() => {
    flushed = true;
  });
  expect(exports.map((each) => each.batch)).toEqual([['a', 'b'], ['c']]);
  exports[1]?.done(OK);
  await vi.advanceTimersByTimeAsync(0);
  expect(flushed).toBe(false);
  exports[0]?.done(OK);
  await flushing;
  expect(calls).toEqual(['flush']);
});

test('stop flushes; what ends later is dropped', async () => {
  const { processor, counters, exports, calls, end } = setUp();
  end('a');
  const stopping = processor.shutdown();
  end('b');
  exports[0]?.done(OK);
  await stopping;
  expect(calls).toEqual(['flush', 'shutdown']);
  expect(counters).toEqual({ exported: 1, dropped: 1, failed: 0, rejected: 0 });
});

test('[D14] an answer that comes in the same turn as the time-out counts: reads come before giving up', () => {
  const { counters, exports, end } = setUp({ maxQueueSize: 2 });
  end('a', 'b');
  // What a woken process does: the timer is long due, and the answer is read before anything is
  // given up.
  setTimeout(() => exports[0]?.done(OK), 30_000);
  vi.advanceTimersByTime(30_100);
  expect(counters).toEqual({ exported: 2, dropped: 0, failed: 0, rejected: 0 });
});

test('what the collector rejected is told with its words, and a rejection of more than was sent is cut', () => {
  const { counters, reports, exports, losses, end } = setUp();
  end(...'abcdef');
  exports[0]?.done({ ...OK, rejected: 1, message: 'quota' });
  exports[1]?.done({ ...OK, rejected: 99, message: '' });
  exports[2]?.done({ ...OK, message: 'use v2' });
  expect(counters).toEqual({ exported: 3, dropped: 0, failed: 0, rejected: 3 });
  losses.tellRest();
  expect(reports).toEqual([
    '1 span lost: rejected by the collector: quota',
    '2 spans lost: 2 rejected by the collector: it gives no reason; the collector says: use v2',
  ]);
});

test('what is abandoned is counted once, told by reason, and an answer after that is ignored', async () => {
  const { processor, counters, reports, exports, losses, end } = setUp();
  end(...'abcdefghi');
  processor.abandon('no time left');
  exports[0]?.done(OK);
  end('late');
  expect(counters).toEqual({ exported: 0, dropped: 1, failed: 9, rejected: 0 });
  losses.tellRest();
  losses.tellRest();
  expect(reports).toEqual([
    '1 span lost: export failed: no time left',
    '9 spans lost: 8 export failed: no time left; 1 telemetry had stopped',
  ]);
  await processor.forceFlush();
});
