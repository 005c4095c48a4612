// The table of rows: everything the bench measures, in the order in which it is printed.
import { IN_REDIS, NO_STORE, ON_FILES, pending, STALLED } from './budgets.ts';
import { flowRow, PACED_METRICS } from './flow-rows.ts';
import { crowdRow, fullRow, idleRow, startRow } from './memory-rows.ts';
import { DIRECT } from './peers/table.ts';
import { plain, type Row, type Subject } from './row.ts';
import type { Variant } from './trial.ts';

const BYTE_PIPES = ['nginx', 'haproxy', 'http-proxy-3'];
const ACKSPAN = ['ackspan', 'ackspan-app'];

function keeping(share: number): Subject {
  return { label: `ackspan, spans kept ${share}`, peer: 'ackspan', variant: { keepConfirmed: share }, load: {} };
}

function holding(count: number, holders: number): Subject {
  const load = { holders, heldEach: count / holders };
  return { label: pending(count), peer: 'ackspan', variant: { holdSeconds: 600 }, load };
}

function keptIn(label: string, keeps: Variant['keeps']): Subject {
  return { label, peer: 'ackspan', variant: { ...(keeps !== undefined && { keeps }) }, load: { optedInEvery: 10 } };
}

export const ROWS: readonly Row[] = [
  flowRow(
    'saturated',
    'CPU per confirmed event, saturated: 50 connections, 16 events in flight each, every message its own write',
    plain(...BYTE_PIPES, ...ACKSPAN, 'ws-ws', 'ws-ws+otel'),
    {},
    { quick: true },
  ),
  flowRow(
    'burst',
    'The same with everything due at once in one write: where a byte pipe is cheapest, as it counts no messages',
    plain(...BYTE_PIPES, ...ACKSPAN, 'ws-ws'),
    { writes: 'burst' },
  ),
  flowRow(
    'paced',
    'CPU per event and latency, paced: 200 connections × 10 events/s',
    plain(DIRECT, ...BYTE_PIPES, ...ACKSPAN, 'ws-ws'),
    { connections: 200, rate: 2000 },
    { quick: true, metrics: PACED_METRICS },
  ),
  flowRow(
    'spans',
    'CPU per confirmed event by share of confirmed spans kept and exported to a live OTLP receiver, saturated',
    [...plain('nginx', 'http-proxy-3'), keeping(0), keeping(0.01), keeping(1)],
    {},
  ),
  flowRow(
    'deflate',
    'CPU per confirmed event with permessage-deflate, saturated (ws endpoints inflate and deflate again)',
    plain(...BYTE_PIPES, ...ACKSPAN, 'ws-ws'),
    { deflate: true },
  ),
  flowRow(
    'pending',
    'CPU per confirmed event while other deliveries wait, saturated',
    [holding(100, 10), holding(100_000, 1000)],
    {},
  ),
  flowRow(
    'store',
    'CPU per confirmed event with what outlives the process, saturated, one client in ten opted in',
    [keptIn(NO_STORE, undefined), keptIn(ON_FILES, 'file'), keptIn(IN_REDIS, 'redis')],
    {},
  ),
  flowRow(
    'stalled',
    'CPU per event and latency while Redis stands still (SIGSTOP for the whole window), paced, one client in ten opted in',
    [...plain(DIRECT), keptIn(NO_STORE, undefined), keptIn(IN_REDIS, 'redis'), keptIn(STALLED, 'stalled redis')],
    { connections: 200, rate: 2000 },
    { metrics: PACED_METRICS },
  ),
  idleRow('idle', 'Memory per idle connection that carried nothing', false, plain(...BYTE_PIPES, 'ackspan', 'ws-ws')),
  idleRow(
    'idle-used',
    'Memory per idle connection that carried one event and its confirmation',
    true,
    plain(...BYTE_PIPES, ...ACKSPAN, 'ws-ws'),
  ),
  crowdRow(plain('nginx', 'http-proxy-3', 'ackspan', 'ackspan-app')),
  fullRow(plain('nginx', 'http-proxy-3', 'ackspan')),
  startRow(plain(...BYTE_PIPES, 'ackspan', 'ws-ws')),
];
