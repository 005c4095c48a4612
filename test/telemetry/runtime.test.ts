// The process's own metrics: real readings of this test process.
import { describe, expect, it } from 'vitest';
import { createRuntimeMetrics } from '../../src/telemetry/metrics/runtime.ts';
import { METRICS } from '../../src/telemetry/names/names.ts';
import { sumIn, valueIn } from '../support/exposition.ts';
import { exposeParsed } from './expose.ts';

describe('runtime metrics', () => {
  it('tell CPU, memory and uptime of this process', async () => {
    const runtime = createRuntimeMetrics();
    const parsed = await exposeParsed(runtime.source);
    runtime.stop();
    const { user, system } = process.cpuUsage();
    const cpu = sumIn(parsed, 'process_cpu_time_seconds_total');
    expect(cpu).toBeGreaterThan(0);
    expect(cpu).toBeLessThanOrEqual((user + system) / 1e6);
    expect(valueIn(parsed, 'process_memory_usage_bytes')).toBeGreaterThan(10_000_000);
    expect(valueIn(parsed, 'process_uptime_seconds')).toBeLessThanOrEqual(process.uptime());
    expect(sumIn(parsed, 'v8js_memory_heap_used_bytes')).toBeGreaterThan(1_000_000);
    expect(valueIn(parsed, 'v8js_memory_heap_used_bytes', { v8js_heap_space_name: 'new_space' })).toBeDefined();
    const utilization = valueIn(parsed, 'nodejs_eventloop_utilization_ratio')!;
    expect(utilization).toBeGreaterThanOrEqual(0);
    expect(utilization).toBeLessThanOrEqual(1);
  });

  it('see a blocked event loop, as lateness and not as the gap between samples', async () => {
    const runtime = createRuntimeMetrics();
    const max = () => {
      const value = runtime.source().find(({ metric }) => metric === METRICS.eventLoopDelayMax)?.points[0]?.value;
      return Number(value);
    };
    // Only a gap between two samples counts: block until one was made late.
    const block = (ms: number) => {
      const end = performance.now() + ms;
      while (performance.now() < end);
    };
    for (let tries = 0; tries < 200 && max() < 0.1; tries++) {
      await new Promise(setImmediate);
      block(200);
    }
    expect(max()).toBeGreaterThanOrEqual(0.1);
    runtime.stop();
  });
});
