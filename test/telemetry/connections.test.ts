// Connections and plain readings: active by capability, lifetimes, folded close codes, numbers read at collection.
import { describe, expect, it } from 'vitest';
import { codeLabel, createConnectionMetrics } from '../../src/telemetry/metrics/connections.ts';
import { createReadings, readingsOf } from '../../src/telemetry/metrics/readings.ts';
import { LABEL, METRICS } from '../../src/telemetry/names/names.ts';
import { sumIn, valueIn } from '../support/exposition.ts';
import { expose, exposeParsed, linesOf } from './expose.ts';

describe('connections', () => {
  it('an empty process shows no connection, and the alarming close codes at 0', async () => {
    const text = await expose(createConnectionMetrics().source);
    expect(linesOf(text, 'ackspan_connection_active')).toEqual([
      'ackspan_connection_active{capability="none"} 0',
      'ackspan_connection_active{capability="received"} 0',
      'ackspan_connection_active{capability="processed"} 0',
    ]);
    expect(text).toContain('ackspan_connection_closed_total{by="client",code="1006"} 0\n');
    expect(linesOf(text, 'ackspan_connection_closed_total')).toHaveLength(18);
  });

  it('are active under what they have shown, and end with code, side and lifetime', async () => {
    const connections = createConnectionMetrics();
    connections.opened('none');
    connections.opened('none');
    connections.changed('none', 'received');
    const open = await exposeParsed(connections.source);
    expect(valueIn(open, 'ackspan_connection_active', { capability: 'none' })).toBe(1);
    expect(valueIn(open, 'ackspan_connection_active', { capability: 'received' })).toBe(1);
    connections.closed(4001, 'upstream', 60_000, 'received');
    connections.closed(1001, 'client', 100_000_000, 'none');
    const closed = await exposeParsed(connections.source);
    expect(sumIn(closed, 'ackspan_connection_active')).toBe(0);
    expect(valueIn(closed, 'ackspan_connection_closed_total', { code: '4xxx', by: 'upstream' })).toBe(1);
    expect(valueIn(closed, 'ackspan_connection_closed_total', { code: '1001', by: 'client' })).toBe(1);
    const lifetime = 'ackspan_connection_duration_seconds';
    expect(valueIn(closed, `${lifetime}_bucket`, { capability: 'received', le: '30.0' })).toBe(0);
    expect(valueIn(closed, `${lifetime}_bucket`, { capability: 'received', le: '60.0' })).toBe(1);
    expect(valueIn(closed, `${lifetime}_bucket`, { capability: 'none', le: '86400.0' })).toBe(0);
    expect(valueIn(closed, `${lifetime}_count`, { capability: 'none' })).toBe(1);
    expect(valueIn(closed, `${lifetime}_sum`, { capability: 'none' })).toBe(100_000);
  });

  it('close codes become a bounded set', () => {
    const labels = new Set(Array.from({ length: 70_000 }, (_, code) => codeLabel(code)));
    expect(labels.size).toBe(18);
    expect([1000, 1006, 3001, 4999, 0, 999, 1004, 1016, 2999, 5000, -1].map(codeLabel)).toEqual([
      ...['1000', '1006', '3xxx', '4xxx'],
      ...['other', 'other', 'other', 'other', 'other', 'other', 'other'],
    ]);
  });
});

describe('readings', () => {
  it('are read anew at each collection, in the unit of the metric', async () => {
    const relay = { messagesDown: 1, messagesUp: 2, pausedMs: 1500 };
    const others = { not_json: 0, no_type: 3 };
    const source = createReadings([
      { metric: METRICS.relayMessages, attributes: { [LABEL.direction]: 'down' }, read: () => relay.messagesDown },
      ...readingsOf(METRICS.untracked, LABEL.reason, others),
      { metric: METRICS.relayMessages, attributes: { [LABEL.direction]: 'up' }, read: () => relay.messagesUp },
      { metric: METRICS.backpressure, attributes: { [LABEL.direction]: 'down' }, read: () => relay.pausedMs / 1000 },
    ]);
    expect(linesOf(await expose(source), 'ackspan')).toEqual([
      'ackspan_relay_messages_total{direction="down"} 1',
      'ackspan_relay_messages_total{direction="up"} 2',
      'ackspan_decode_untracked_total{reason="not_json"} 0',
      'ackspan_decode_untracked_total{reason="no_type"} 3',
      'ackspan_relay_backpressure_duration_seconds_total{direction="down"} 1.5',
    ]);
    others.not_json++;
    expect(await expose(source)).toContain('ackspan_decode_untracked_total{reason="not_json"} 1\n');
  });
});
