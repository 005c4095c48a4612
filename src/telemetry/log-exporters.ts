// Builds the log processors that the environment asks for: OTLP over HTTP, or the console.
import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-http';
import { convertLegacyHttpOptions, createOtlpHttpExportDelegate } from '@opentelemetry/otlp-exporter-base/node-http';
import { LogsExporterMetricsHelper, ProtobufLogsSerializer } from '@opentelemetry/otlp-transformer';
import {
  ConsoleLogRecordExporter,
  type LogRecordProcessor,
  type ReadableLogRecord,
  SimpleLogRecordProcessor,
} from '@opentelemetry/sdk-logs';
import { type BatchExporter, createLogBatchingProcessor } from './batching.ts';
import type { ExportCounters, ExportLosses } from './drops.ts';
import { batchLimits, type Complain, type Env, signalExport } from './otel-env.ts';
import { createPlainBatchBuilder } from './otlp-batch.ts';

/** Log processors for what OTEL_LOGS_EXPORTER asks for; none at all when log records go nowhere. */
export function createLogProcessors(
  env: Env,
  counters: ExportCounters,
  losses: ExportLosses,
  complain: Complain,
): LogRecordProcessor[] {
  const wanted = signalExport(env, 'logs', complain);
  const processors: LogRecordProcessor[] = [];
  if (wanted.console) processors.push(new SimpleLogRecordProcessor({ exporter: new ConsoleLogRecordExporter() }));
  if (wanted.otlp !== undefined) {
    processors.push(
      createLogBatchingProcessor({
        builder: createPlainBatchBuilder<ReadableLogRecord>(),
        exporter: wanted.otlp.protocol === 'http/json' ? new OTLPLogExporter() : createProtobufExporter(),
        limits: batchLimits(env, 'OTEL_BLRP', complain),
        counters,
        losses,
      }),
    );
  }
  return processors;
}

/** As `OTLPLogExporter` is made, but for protobuf. */
function createProtobufExporter(): BatchExporter<ReadableLogRecord[]> {
  return createOtlpHttpExportDelegate(
    convertLegacyHttpOptions({}, 'LOGS', 'v1/logs', { 'Content-Type': 'application/x-protobuf' }),
    ProtobufLogsSerializer,
    'otlp_http_log_exporter',
    LogsExporterMetricsHelper,
    undefined,
  );
}
