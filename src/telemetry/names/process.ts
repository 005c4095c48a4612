// telemetry: metrics of the process itself: event loop, CPU, memory, and standstills.

import { LABEL as L, type MetricRow, row } from './metric-row.ts';

/** Bucket bounds of standstills, seconds: from a long garbage collection to a paused machine. */
export const STANDSTILL_BOUNDS = [0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300] as const;

/** Metrics that are joined to `METRICS`. */
export const PROCESS_METRICS = {
  standstill: row(
    'ackspan.standstill.duration',
    'histogram',
    's',
    [],
    'Times in which the process did not run: stopped, starved of CPU, or busy with one thing.',
    STANDSTILL_BOUNDS,
  ),
  eventLoopDelayP50: row(
    'nodejs.eventloop.delay.p50',
    'gauge',
    's',
    [],
    'Event loop delay over the last collection interval (at least 5 s), median.',
  ),
  eventLoopDelayP99: row(
    'nodejs.eventloop.delay.p99',
    'gauge',
    's',
    [],
    'Event loop delay over the last collection interval (at least 5 s), 99th percentile.',
  ),
  eventLoopDelayMax: row(
    'nodejs.eventloop.delay.max',
    'gauge',
    's',
    [],
    'Event loop delay over the last collection interval (at least 5 s), maximum.',
  ),
  eventLoopUtilization: row(
    'nodejs.eventloop.utilization',
    'gauge',
    '1',
    [],
    'Share of the last collection interval (at least 5 s) in which the event loop was busy.',
  ),
  cpuTime: row('process.cpu.time', 'counter', 's', [L.cpuMode], 'CPU time of the process.'),
  memoryUsage: row('process.memory.usage', 'updown', 'By', [], 'Resident memory of the process.'),
  heapUsed: row('v8js.memory.heap.used', 'updown', 'By', [L.heapSpace], 'Heap memory in use, by V8 heap space.'),
  memoryLimit: row('ackspan.memory.limit', 'gauge', 'By', [], 'What `limits.memory` lets the process have.'),
  memoryUsed: row(
    'ackspan.memory.used',
    'gauge',
    '1',
    [],
    'Share of `ackspan.memory.limit` in use: from 0.85 LOW and NORMAL events pass untracked, from 0.95 new connections are refused.',
  ),
  inFlightLimit: row('ackspan.relay.in_flight.limit', 'gauge', 'By', [], 'The bound `limits.in_flight_bytes`.'),
  buildInfo: row(
    'ackspan.build.info',
    'gauge',
    '{build}',
    [L.version, L.nodeVersion],
    'Always 1; the labels say which build of Ackspan runs on which Node.js.',
  ),
  limit: row(
    'ackspan.limit',
    'gauge',
    '{limit}',
    [L.limit],
    'Each limit as it is set, by its key below `limits`: connections, deliveries or bytes.',
  ),
  inFlightBytes: row(
    'ackspan.relay.in_flight',
    'updown',
    'By',
    [],
    'Bytes kept of upstream messages that are under way. At the limit, a message that finds no room is relayed unread.',
  ),
  uptime: row('process.uptime', 'gauge', 's', [], 'Time since the process started.'),
} as const satisfies Record<string, MetricRow>;
