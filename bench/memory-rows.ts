// Rows that read resident memory, and the row that starts the proxies.
import { openFileLimit } from './accounting.ts';
import type { CrowdResult, MemoryResult, StartResult } from './load/job.ts';
import type { Row, Subject } from './row.ts';

const IDLE = 5000;
const FULL = 10_000;
const CROWD = 100_000;
/** Share of a crowd that is cut off. */
const WAVE = 0.2;
const PENDING_EACH = 10;
const SPARE_FILES = 200;

/** As many connections as a proxy may hold, two files each, up to `wanted`. */
export function affordable(wanted: number): number {
  return Math.min(wanted, Math.floor((openFileLimit() - SPARE_FILES) / 2));
}

/** Memory per idle connection: 5,000 more of them, divided. `used`: each has carried an event. */
export function idleRow(name: string, title: string, used: boolean, subjects: readonly Subject[]): Row {
  const before = 200;
  return {
    name,
    title,
    quick: false,
    subjects,
    metrics: [{ key: 'memory', unit: 'KiB/connection' }],
    job: (_subject, peer, quick) => ({
      kind: 'idle',
      connections: affordable(IDLE + before) - before,
      before,
      touch: used,
      confirm: peer?.confirm ?? 'app',
      forwarded: peer?.forwards ?? true,
      settleMs: quick ? 3000 : 12_000,
    }),
    figures: (result) => {
      const { rssAfterKiB, rssBeforeKiB, connections } = result as MemoryResult;
      return { memory: (rssAfterKiB - rssBeforeKiB) / connections };
    },
  };
}

/** Resident memory at 10,000 connections with 10 unconfirmed events each. */
export function fullRow(subjects: readonly Subject[]): Row {
  const connections = affordable(FULL);
  return {
    name: 'full',
    title: `Resident memory at ${connections} connections × ${PENDING_EACH} unconfirmed events`,
    quick: false,
    subjects: subjects.map((subject) => ({ ...subject, variant: { ...subject.variant, holdSeconds: 600 } })),
    metrics: [{ key: 'rss', unit: 'MiB' }],
    job: (_subject, _peer, quick) => ({
      kind: 'pending',
      connections,
      each: PENDING_EACH,
      settleMs: quick ? 2000 : 8000,
    }),
    figures: (result) => ({ rss: (result as MemoryResult).rssAfterKiB / 1024 }),
  };
}

/**
 * As many connections as files and the machine allow, up to 100,000. Each has carried an event; a
 * fifth of them is cut off and comes back at once.
 */
export function crowdRow(subjects: readonly Subject[]): Row {
  // A proxy may still hold those that are gone while those come that are back.
  const connections = Math.floor(affordable(CROWD * (1 + WAVE)) / (1 + WAVE));
  const [before, wave] = [200, Math.floor(connections * WAVE)];
  return {
    name: 'crowd',
    title: `${connections} connections that have carried an event, and a wave of ${wave} that are cut off and come back at once`,
    quick: false,
    subjects,
    metrics: [
      { key: 'rss', unit: 'MiB' },
      { key: 'memory', unit: 'KiB/connection' },
      { key: 'wave', unit: 's until all are back' },
      { key: 'cpu', unit: 'µs CPU/reconnect' },
    ],
    job: (_subject, peer, quick) => ({
      kind: 'crowd',
      connections,
      before,
      wave,
      confirm: peer?.confirm ?? 'app',
      forwarded: peer?.forwards ?? true,
      settleMs: quick ? 3000 : 12_000,
    }),
    figures: (result) => {
      const { rssAfterKiB, rssBeforeKiB, grown, waveMs, waveCpuUs } = result as CrowdResult;
      const memory = (rssAfterKiB - rssBeforeKiB) / grown;
      return { rss: rssAfterKiB / 1024, memory, wave: waveMs / 1000, cpu: waveCpuUs / wave };
    },
  };
}

/**
 * From the spawn to the first upgrade that succeeded, and what the process holds once that
 * connection has gone.
 */
export function startRow(subjects: readonly Subject[]): Row {
  return {
    name: 'start',
    title: 'Start-up: from spawn to the first accepted connection, and memory while nothing is connected',
    quick: false,
    subjects,
    times: 5,
    metrics: [
      { key: 'start', unit: 'ms' },
      { key: 'cpu', unit: 'ms CPU' },
      { key: 'rss', unit: 'MiB idle' },
    ],
    // V8 gives back what a start leaves about ten seconds later.
    job: (_subject, _peer, quick) => ({ kind: 'start', settleMs: quick ? 500 : 15_000 }),
    figures: (result) => {
      const { startMs, cpuUs, rssKiB } = result as StartResult;
      return { start: startMs, cpu: cpuUs / 1000, rss: rssKiB / 1024 };
    },
  };
}
