// Builds the exporters that the environment asks for: OTLP over HTTP for spans and metrics, or the console.
import { OTLPMetricExporterBase } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { convertLegacyHttpOptions, createOtlpHttpExportDelegate } from '@opentelemetry/otlp-exporter-base/node-http';
import {
  JsonMetricsSerializer,
  MetricsExporterMetricsHelper,
  ProtobufMetricsSerializer,
} from '@opentelemetry/otlp-transformer';
import {
  ConsoleMetricExporter,
  type IMetricReader,
  type MetricProducer,
  PeriodicExportingMetricReader,
  type PushMetricExporter,
} from '@opentelemetry/sdk-metrics';
import { ConsoleSpanExporter, SimpleSpanProcessor, type SpanProcessor } from '@opentelemetry/sdk-trace';
import { type BatchExporter, createBatchingProcessor } from './batching.ts';
import type { ExportCounters, ExportLosses } from './drops.ts';
import { batchLimits, type Complain, type Env, metricIntervals, type OtlpTarget, signalExport } from './otel-env.ts';
import { createOtlpBatchBuilder, createPlainBatchBuilder, type EncodedBatch } from './otlp-batch.ts';
import { createSharingProcessor } from './shared-parts.ts';

const PROTOBUF = { 'Content-Type': 'application/x-protobuf' };
const JSON_TYPE = { 'Content-Type': 'application/json' };

/** Span processors for what OTEL_TRACES_EXPORTER asks for; none at all when spans go nowhere. */
export function createSpanProcessors(
  env: Env,
  counters: ExportCounters,
  losses: ExportLosses,
  complain: Complain,
): SpanProcessor[] {
  const wanted = signalExport(env, 'traces', complain);
  const processors: SpanProcessor[] = [];
  if (wanted.console || wanted.otlp?.protocol === 'http/json') processors.push(createSharingProcessor());
  if (wanted.console) processors.push(new SimpleSpanProcessor({ exporter: new ConsoleSpanExporter() }));
  if (wanted.otlp !== undefined) {
    const limits = batchLimits(env, 'OTEL_BSP', complain);
    processors.push(
      wanted.otlp.protocol === 'http/json'
        ? createBatchingProcessor({
            builder: createPlainBatchBuilder(),
            exporter: new OTLPTraceExporter(),
            limits,
            counters,
            losses,
          })
        : createBatchingProcessor({
            builder: createOtlpBatchBuilder(),
            exporter: createEncodedExporter(),
            limits,
            counters,
            losses,
          }),
    );
  }
  return processors;
}

/** Readers that push metrics where OTEL_METRICS_EXPORTER asks; each collects from `producers`. */
export function createMetricPushers(env: Env, producers: MetricProducer[], complain: Complain): IMetricReader[] {
  const wanted = signalExport(env, 'metrics', complain);
  const exporters: PushMetricExporter[] = [];
  if (wanted.console) exporters.push(new ConsoleMetricExporter());
  if (wanted.otlp !== undefined) exporters.push(createMetricExporter(wanted.otlp));
  const { everyMs, timeoutMs } = metricIntervals(env, complain);
  return exporters.map(
    (exporter) =>
      new PeriodicExportingMetricReader({
        exporter,
        metricProducers: producers,
        exportIntervalMillis: everyMs,
        exportTimeoutMillis: timeoutMs,
      }),
  );
}

/** OpenTelemetry's own OTLP/HTTP transport (retries, Retry-After, TLS, gzip) for requests that are encoded already. */
function createEncodedExporter(): BatchExporter<EncodedBatch> {
  return createOtlpHttpExportDelegate(
    convertLegacyHttpOptions({}, 'TRACES', 'v1/traces', PROTOBUF),
    { serializeRequest: (batch: EncodedBatch) => batch.body, deserializeResponse: () => ({}) },
    'otlp_http_span_exporter',
    { name: 'span', countItems: (batch: EncodedBatch) => batch.count },
    undefined,
  );
}

function createMetricExporter({ protocol }: OtlpTarget): PushMetricExporter {
  const json = protocol === 'http/json';
  return new OTLPMetricExporterBase(
    createOtlpHttpExportDelegate(
      convertLegacyHttpOptions({}, 'METRICS', 'v1/metrics', json ? JSON_TYPE : PROTOBUF),
      json ? JsonMetricsSerializer : ProtobufMetricsSerializer,
      'otlp_http_metric_exporter',
      MetricsExporterMetricsHelper,
      undefined,
    ),
  );
}
