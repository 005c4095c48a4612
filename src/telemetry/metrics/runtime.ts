// telemetry: the process itself as metrics, read at collection: event loop, CPU, memory (OpenTelemetry's names).
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { getHeapSpaceStatistics } from 'node:v8';
import { LABEL, METRICS } from '../names/names.ts';
import type { Family, MetricSource } from './producer.ts';

/**
 * Gap between two looks at the event loop, ms. Each look wakes a loop that may have nothing else to
 * do.
 */
const RESOLUTION_MS = 100;
/**
 * Shortest window of the event-loop readings, ms: two readers must not cut each other's window to
 * pieces.
 */
const WINDOW_MS = 5_000;

/** Event-loop readings over one window; delays in seconds, 0 = on time. */
interface LoopWindow {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  readonly utilization: number;
}

/** A running sampler. */
export interface RuntimeMetrics {
  readonly source: MetricSource;
  stop(): void;
}

/** Starts to watch the event loop. Keeps no process alive. */
export function createRuntimeMetrics(): RuntimeMetrics {
  const loop = watchLoop();
  return { stop: loop.stop, source: () => [...loopFamilies(loop.read()), ...processFamilies()] };
}

/** The window ends at the first reading after `WINDOW_MS`. Readings in between repeat it. */
function watchLoop(): { read: () => LoopWindow; stop: () => void } {
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delays.enable();
  let since = performance.now();
  let usage = performance.eventLoopUtilization();
  let last: LoopWindow | undefined;
  const measure = (): LoopWindow => ({
    p50: lateness(delays.percentile(50)),
    p99: lateness(delays.percentile(99)),
    max: lateness(delays.max),
    utilization: performance.eventLoopUtilization(usage).utilization,
  });
  return {
    read() {
      if (performance.now() - since < WINDOW_MS) return last ?? measure();
      last = measure();
      since = performance.now();
      usage = performance.eventLoopUtilization();
      delays.reset();
      return last;
    },
    stop: () => {
      delays.disable();
    },
  };
}

/**
 * The lateness in seconds. The sampler records the whole gap between two of its timers, ns; late is
 * what exceeds the planned gap.
 */
function lateness(gapNs: number): number {
  return Math.max(0, gapNs / 1e6 - RESOLUTION_MS) / 1000;
}

function loopFamilies({ p50, p99, max, utilization }: LoopWindow): Family[] {
  return [
    { metric: METRICS.eventLoopDelayP50, points: [{ attributes: {}, value: p50 }] },
    { metric: METRICS.eventLoopDelayP99, points: [{ attributes: {}, value: p99 }] },
    { metric: METRICS.eventLoopDelayMax, points: [{ attributes: {}, value: max }] },
    { metric: METRICS.eventLoopUtilization, points: [{ attributes: {}, value: utilization }] },
  ];
}

function processFamilies(): Family[] {
  const cpu = process.cpuUsage();
  const spaces = getHeapSpaceStatistics();
  return [
    {
      metric: METRICS.cpuTime,
      points: [
        { attributes: { [LABEL.cpuMode]: 'user' }, value: cpu.user / 1e6 },
        { attributes: { [LABEL.cpuMode]: 'system' }, value: cpu.system / 1e6 },
      ],
    },
    { metric: METRICS.memoryUsage, points: [{ attributes: {}, value: process.memoryUsage.rss() }] },
    {
      metric: METRICS.heapUsed,
      points: spaces.map((space) => ({
        attributes: { [LABEL.heapSpace]: space.space_name },
        value: space.space_used_size,
      })),
    },
    { metric: METRICS.uptime, points: [{ attributes: {}, value: process.uptime() }] },
  ];
}
