// Storm: outcomes of a sidecar that was told to stop: its admin API goes with it, its spans are exported to the last.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import type { ConnectionRecord, Row } from './record.ts';
import { connectionOf } from './record.ts';
import { timeoutOf } from './sidecar.ts';
import type { WallClock } from './wall-clock.ts';

export interface SpanSink {
  /** For the sidecar's environment. */
  readonly env: Readonly<Record<string, string>>;
  /**
   * The deliveries among the spans so far. Twins are left out: a span does not say which of them it
   * is.
   */
  rows(records: ReadonlyMap<number, ConnectionRecord>, clock: WallClock | undefined): Row[];
  close(): void;
}

interface Attribute {
  readonly key: string;
  readonly value: { readonly stringValue?: string };
}
interface Span {
  readonly name: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly traceId: string;
  readonly attributes: readonly Attribute[];
}
interface Body {
  readonly resourceSpans?: readonly { readonly scopeSpans: readonly { readonly spans: readonly Span[] }[] }[];
}

export async function startSpanSink(): Promise<SpanSink> {
  const spans: Span[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const raw = Buffer.concat(chunks);
      const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw;
      for (const { scopeSpans } of (JSON.parse(body.toString()) as Body).resourceSpans ?? []) {
        for (const scope of scopeSpans) spans.push(...scope.spans);
      }
      response.writeHead(200, { 'Content-Type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_METRICS_EXPORTER: 'none',
      OTEL_LOGS_EXPORTER: 'none',
    },
    rows: (records, clock) => spans.flatMap((span) => rowOf(span, records, clock?.real ?? Number) ?? []),
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

function rowOf(
  span: Span,
  records: ReadonlyMap<number, ConnectionRecord>,
  real: (stamp: number) => number,
): Row | undefined {
  // What was known of a delivery while it was open is no outcome.
  if (!span.name.startsWith('send ')) return undefined;
  const attributes = new Map(span.attributes.map(({ key, value }) => [key, value.stringValue]));
  const event = attributes.get('messaging.message.id') ?? null;
  const status = attributes.get('ackspan.delivery.outcome');
  const type = attributes.get('messaging.destination.name') ?? '';
  const record = records.get(connectionOf(event));
  if (record === undefined || status === undefined) return undefined;
  const sent = record.sent.filter(({ id }) => id === event);
  if (sent.length !== 1) return undefined;
  const startMs = real(Number(BigInt(span.startTimeUnixNano) / 1000n) / 1000);
  const endMs = real(Number(BigInt(span.endTimeUnixNano) / 1000n) / 1000);
  return {
    event_id: event,
    type,
    status,
    error_type: attributes.get('error.type') ?? null,
    unverifiable_reason: attributes.get('ackspan.delivery.unverifiable_reason') ?? null,
    level: attributes.get('ackspan.delivery.level') ?? null,
    required: record.optedIn || type.startsWith('strict_') ? 'processed' : 'received',
    session: '',
    ordinal: sent[0]!.ordinal,
    sent_at: new Date(startMs).toISOString(),
    // Standstills put the true one off: this one is never too late.
    deadline_at: new Date(startMs + timeoutOf(type)).toISOString(),
    received_ms: null,
    settled_ms: endMs - Math.floor(startMs),
  };
}
