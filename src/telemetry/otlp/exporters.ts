// telemetry: builds what the environment asks for: processors and readers that send spans, log records and metrics over OTLP/HTTP, or print them.
import {
  JsonLogsSerializer,
  JsonMetricsSerializer,
  ProtobufLogsSerializer,
  ProtobufMetricsSerializer,
} from '@opentelemetry/otlp-transformer';
import {
  ConsoleLogRecordExporter,
  type LogRecordProcessor,
  type ReadableLogRecord,
  SimpleLogRecordProcessor,
} from '@opentelemetry/sdk-logs';
import { ConsoleMetricExporter, type MetricProducer, type ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { ConsoleSpanExporter, SimpleSpanProcessor, type SpanProcessor } from '@opentelemetry/sdk-trace';
import { batchLimits, type Env, metricIntervals, signalExport } from '../env/otel-env.ts';
import { createSharingProcessor } from '../spans/shared-parts.ts';
import { createOtlpBatchBuilder, createPlainBatchBuilder, type EncodedBatch } from './batch.ts';
import { type Abandonable, createBatchingProcessor, createLogBatchingProcessor } from './batching.ts';
import type { ExportLosses } from './drops.ts';
import { createOtlpHttpExporter } from './http-exporter.ts';
import { JsonTraceExporter } from './json-trace-exporter.ts';
import { MetricPusher } from './metric-pusher.ts';

/** What every exporter is built from. */
export interface ExportDeps {
  readonly env: Env;
  readonly userAgent: string;
  readonly losses: ExportLosses;
  /** Called before anything leaves the process. */
  readonly before?: (() => void) | undefined;
}

/** Span processors for what OTEL_TRACES_EXPORTER asks for; none at all when spans go nowhere. */
export function createSpanProcessors(deps: ExportDeps): (SpanProcessor & Partial<Abandonable>)[] {
  const wanted = signalExport(deps.env, 'traces');
  const processors: (SpanProcessor & Partial<Abandonable>)[] = [];
  if (wanted.console || wanted.otlp?.protocol === 'http/json') processors.push(createSharingProcessor());
  if (wanted.console) processors.push(new SimpleSpanProcessor({ exporter: new ConsoleSpanExporter() }));
  if (wanted.otlp !== undefined) processors.push(createOtlpSpanProcessor(deps, wanted.otlp.protocol));
  return processors;
}

type Protocol = 'http/protobuf' | 'http/json';

function createOtlpSpanProcessor({ env, userAgent, losses, before }: ExportDeps, protocol: Protocol) {
  const limits = batchLimits(env, 'OTEL_BSP');
  const to = { signal: 'traces', protocol, userAgent, timeoutMs: limits.exportTimeoutMs } as const;
  if (protocol === 'http/json') {
    const exporter = new JsonTraceExporter(to);
    return createBatchingProcessor({ builder: createPlainBatchBuilder(), exporter, limits, losses, before });
  }
  const exporter = createOtlpHttpExporter({ ...to, encode: (batch: EncodedBatch) => batch.body });
  return createBatchingProcessor({ builder: createOtlpBatchBuilder(), exporter, limits, losses, before });
}

/** Log processors for what OTEL_LOGS_EXPORTER asks for; none at all when log records go nowhere. */
export function createLogProcessors(deps: ExportDeps): (LogRecordProcessor & Partial<Abandonable>)[] {
  const { env, userAgent, losses, before } = deps;
  const { console: printed, otlp } = signalExport(env, 'logs');
  const processors: (LogRecordProcessor & Partial<Abandonable>)[] = [];
  if (printed) processors.push(new SimpleLogRecordProcessor({ exporter: new ConsoleLogRecordExporter() }));
  if (otlp !== undefined) {
    const limits = batchLimits(env, 'OTEL_BLRP');
    const serializer = otlp.protocol === 'http/json' ? JsonLogsSerializer : ProtobufLogsSerializer;
    const exporter = createOtlpHttpExporter({
      signal: 'logs',
      protocol: otlp.protocol,
      userAgent,
      timeoutMs: limits.exportTimeoutMs,
      encode: (records: ReadableLogRecord[]) => serializer.serializeRequest(records),
    });
    processors.push(
      createLogBatchingProcessor({ builder: createPlainBatchBuilder(), exporter, limits, losses, before }),
    );
  }
  return processors;
}

/** Readers that push metrics where OTEL_METRICS_EXPORTER asks; each collects from `producers`. */
export function createMetricPushers(deps: ExportDeps, producers: MetricProducer[]): MetricPusher[] {
  const { env, userAgent, losses } = deps;
  const { console: printed, otlp } = signalExport(env, 'metrics');
  const { everyMs, timeoutMs } = metricIntervals(env);
  const pushers: MetricPusher[] = [];
  if (printed) {
    const exporter = new ConsoleMetricExporter();
    pushers.push(new MetricPusher({ exporter, producers, everyMs, timeoutMs, losses: undefined }));
  }
  if (otlp !== undefined) {
    const { protocol } = otlp;
    const serializer = protocol === 'http/json' ? JsonMetricsSerializer : ProtobufMetricsSerializer;
    const encode = (metrics: ResourceMetrics) => serializer.serializeRequest(metrics);
    const exporter = createOtlpHttpExporter({ signal: 'metrics', protocol, userAgent, timeoutMs, encode });
    pushers.push(new MetricPusher({ exporter, producers, everyMs, timeoutMs, losses }));
  }
  return pushers;
}
