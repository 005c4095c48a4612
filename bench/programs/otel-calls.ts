// What a team adds by hand to a ws proxy: per event a JSON.parse, a counter, a histogram and a span from send to confirmation.
import { metrics, type Span, trace } from '@opentelemetry/api';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';

interface AgentEvent {
  readonly type: string;
  readonly event_id: string;
}

/** Tells of every event sent and every confirmation. Exports only when an OTLP endpoint is set. */
export interface OtelCalls {
  sent(data: Buffer): void;
  confirmed(data: Buffer): void;
}

export function startOtelCalls(): OtelCalls {
  const exports = process.env.OTEL_EXPORTER_OTLP_ENDPOINT !== undefined;
  const spanProcessors = exports ? [new BatchSpanProcessor(new OTLPTraceExporter())] : [];
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors }));
  const readers = exports ? [new PeriodicExportingMetricReader({ exporter: new OTLPMetricExporter() })] : [];
  metrics.setGlobalMeterProvider(new MeterProvider({ readers }));

  const tracer = trace.getTracer('bench');
  const meter = metrics.getMeter('bench');
  const events = meter.createCounter('events');
  const duration = meter.createHistogram('duration', { unit: 's' });
  const open = new Map<string, { span: Span; at: number; type: string }>();
  return {
    sent: (data) => {
      const event = JSON.parse(data.toString()) as AgentEvent;
      events.add(1, { event_type: event.type });
      const attributes = { 'messaging.system': 'websocket', 'messaging.message.id': event.event_id };
      const span = tracer.startSpan(`send ${event.type}`, { attributes });
      open.set(event.event_id, { span, at: performance.now(), type: event.type });
    },
    confirmed: (data) => {
      const { event_id } = JSON.parse(data.toString()) as AgentEvent;
      const entry = open.get(event_id);
      if (entry === undefined) return;
      open.delete(event_id);
      duration.record((performance.now() - entry.at) / 1000, { event_type: entry.type });
      entry.span.end();
    },
  };
}
