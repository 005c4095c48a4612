// telemetry: OpenTelemetry's OTLP/HTTP trace exporter with our transport, so that rejected spans are counted.
import type { ExportResult } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { JsonTraceSerializer } from '@opentelemetry/otlp-transformer';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { type BatchExporter, createOtlpHttpExporter, type OtlpExporterOptions } from './http-exporter.ts';

/**
 * Exports spans as `http/json`, and stays the exporter class that a host knows. Address, headers
 * and TLS are read from the environment as the base class documents. Time-outs do not count
 * standstills (SPEC D14), and `partial_success` reaches the result.
 */
export class JsonTraceExporter extends OTLPTraceExporter implements BatchExporter<ReadableSpan[]> {
  readonly #sender: BatchExporter<ReadableSpan[]>;

  constructor(to: Pick<OtlpExporterOptions<unknown>, 'userAgent' | 'timeoutMs'>) {
    super();
    const encode = (spans: ReadableSpan[]) => JsonTraceSerializer.serializeRequest(spans);
    this.#sender = createOtlpHttpExporter({ ...to, signal: 'traces', protocol: 'http/json', encode });
  }

  override export(spans: ReadableSpan[], done: (result: ExportResult) => void): void {
    this.#sender.export(spans, done);
  }

  override async forceFlush(): Promise<void> {
    await this.#sender.forceFlush?.();
  }

  override shutdown(): Promise<void> {
    return this.#sender.shutdown();
  }

  abandon(reason: string): void {
    this.#sender.abandon?.(reason);
  }
}
