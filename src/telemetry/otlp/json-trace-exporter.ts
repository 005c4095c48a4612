// telemetry: OpenTelemetry's OTLP/HTTP trace exporter with our sending: it stays the exporter that a host knows, and what a collector rejects is counted.
import type { ExportResult } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { JsonTraceSerializer } from '@opentelemetry/otlp-transformer';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { type BatchExporter, createOtlpHttpExporter, type OtlpExporterOptions } from './http-exporter.ts';

/**
 * Spans as `http/json`. Address, headers and TLS are read from the environment as the base class documents; time-outs do not count
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
