// telemetry: the part of the table of metrics that is about what outlives the process.
import { LABEL as L, row } from './metric-row.ts';

export const STORE_METRICS = {
  storeDegraded: row(
    'ackspan.store.degraded',
    'gauge',
    '{store}',
    [],
    'Is 1 while the store cannot be written to: what is in flight then would not outlive the process.',
  ),
  storeOperations: row(
    'ackspan.store.operations',
    'counter',
    '{operation}',
    [L.result],
    'Writes to the store: ok or failed.',
  ),
  storeWritten: row('ackspan.store.written', 'counter', 'By', [], 'Bytes written to the store.'),
  storeStalled: row(
    'ackspan.store.stalled',
    'counter',
    's',
    [],
    'How long the event loop has waited for writes to the store that took longer than 50 ms.',
  ),
  deadLetters: row(
    'ackspan.dead_letters',
    'counter',
    '{delivery}',
    [L.result],
    'Lost deliveries that were to be kept in the store as dead letters: kept or failed.',
  ),
  deadLetterSize: row('ackspan.dead_letters.size', 'updown', 'By', [], 'Bytes of dead letters.'),
  storeSize: row('ackspan.store.size', 'updown', 'By', [], 'Bytes that the store has on the disk.'),
  storeWaiting: row(
    'ackspan.store.waiting',
    'updown',
    'By',
    [],
    'Bytes that Redis was told and has not answered. Beyond 16 MiB the connection is given up and everything is told again.',
  ),
  storeLost: row(
    'ackspan.store.commands_dropped',
    'counter',
    '{command}',
    [],
    'Commands to Redis that were given up, because there was no connection or it was lost; what they said is told again.',
  ),
  storeRestored: row(
    'ackspan.store.restored',
    'counter',
    '{item}',
    [L.kind],
    'Taken over from an earlier process or another instance: sessions, deliveries in flight for them, and deliveries of other clients, which end.',
  ),
  storeDropped: row(
    'ackspan.store.dropped',
    'counter',
    '{item}',
    [L.kind],
    'Given up because the files of an earlier process were damaged: sessions, and deliveries whose outcome nobody knows.',
  ),
  handedOver: row(
    'ackspan.delivery.handed_over',
    'counter',
    '{delivery}',
    [L.eventType, L.priority],
    'Deliveries that go on at another instance, where they are tracked again: tracked minus these sums up over instances.',
  ),
} as const;
