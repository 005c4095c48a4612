// telemetry: builds the processors and readers that the environment asks for, over OTLP/HTTP or to the console.
import { JsonLogsSerializer, ProtobufLogsSerializer } from '@opentelemetry/otlp-transformer';
import {
  ConsoleLogRecordExporter,
  type LogRecordProcessor,
  type ReadableLogRecord,
  SimpleLogRecordProcessor,
} from '@opentelemetry/sdk-logs';
import { ConsoleMetricExporter, type MetricProducer } from '@opentelemetry/sdk-metrics';
import { ConsoleSpanExporter, SimpleSpanProcessor, type SpanProcessor } from '@opentelemetry/sdk-trace';
import { batchLimits, type Env, metricIntervals, signalExport } from '../env/otel-env.ts';
import { createSharingProcessor } from '../spans/shared-parts.ts';
import { createOtlpBatchBuilder, createPlainBatchBuilder, type EncodedBatch } from './batch.ts';
import { type Abandonable, createBatchingProcessor, createLogBatchingProcessor } from './batching.ts';
import type { ExportLosses } from './drops.ts';
import { createOtlpHttpExporter } from './http-exporter.ts';
import { JsonTraceExporter } from './json-trace-exporter.ts';
import { MetricPusher } from './metric-pusher.ts';
import { jsonMetricRequest, writeMetricRequest } from './metric-request.ts';

/** The common parts of every exporter. */
export interface ExportDeps {
  readonly env: Env;
  readonly userAgent: string;
  readonly losses: ExportLosses;
  /** Called before anything leaves the process. */
  readonly before?: (() => void) | undefined;
}

/** Span processors for OTEL_TRACES_EXPORTER; none when spans go nowhere. */
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

/** Log processors for OTEL_LOGS_EXPORTER; none when log records go nowhere. */
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

/** Readers that push metrics for OTEL_METRICS_EXPORTER. Each collects from `producers`. */
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
    const encode = protocol === 'http/json' ? jsonMetricRequest : writeMetricRequest;
    const exporter = createOtlpHttpExporter({ signal: 'metrics', protocol, userAgent, timeoutMs, encode });
    pushers.push(new MetricPusher({ exporter, producers, everyMs, timeoutMs, losses }));
  }
  return pushers;
}
