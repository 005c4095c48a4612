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
  storeSize: row('ackspan.store.size', 'updown', 'By', [], 'Bytes of the store: sessions and what is in flight.'),
  deadLetters: row(
    'ackspan.dead_letters',
    'counter',
    '{delivery}',
    [L.result],
    'Lost deliveries that were to be kept in the store as dead letters: kept or failed.',
  ),
  deadLetterSize: row('ackspan.dead_letters.size', 'updown', 'By', [], 'Bytes of dead letters.'),
  storeRestored: row(
    'ackspan.store.restored',
    'counter',
    '{item}',
    [L.kind],
    'Taken over from an earlier process: sessions, deliveries in flight for them, and deliveries of other clients, which end.',
  ),
  storeDropped: row(
    'ackspan.store.dropped',
    'counter',
    '{item}',
    [L.kind],
    'Given up because the files of an earlier process were damaged: sessions, and deliveries whose outcome nobody knows.',
  ),
} as const;
