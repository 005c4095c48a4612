// telemetry: sends batches of one signal as OTLP over HTTP, and returns what the collector made of them.
import { type ExportResult, ExportResultCode } from '@opentelemetry/core';
import { convertLegacyHttpOptions } from '@opentelemetry/otlp-exporter-base/node-http';
import type { OtlpTarget, Signal } from '../env/otel-env.ts';
import type { Accepted } from './answer.ts';
import { readResponse } from './response.ts';
import { createTransport } from './transport.ts';

/** The result of an export, with the collector's remarks. */
export interface BatchResult extends ExportResult {
  /** Number of items that the collector threw away. */
  readonly rejected?: number;
  /** Why, or a remark about a request of which nothing was thrown away. */
  readonly message?: string;
}

/** Sends batches. The exporters of OpenTelemetry have this shape, `abandon` excepted. */
export interface BatchExporter<Batch> {
  export(batch: Batch, done: (result: BatchResult) => void): void;
  forceFlush?(): Promise<void>;
  shutdown(): Promise<void>;
  /** Ends every export under way as failed, for that reason. None of them may arrive afterwards. */
  abandon?(reason: string): void;
}

export interface OtlpExporterOptions<Batch> {
  readonly signal: Signal;
  readonly protocol: OtlpTarget['protocol'];
  readonly userAgent: string;
  /** The request body; undefined = it cannot be encoded. */
  encode(batch: Batch): Uint8Array | undefined;
  /**
   * Time for a batch with all its tries, ms. OTEL_EXPORTER_OTLP_TIMEOUT counts where it is shorter.
   */
  readonly timeoutMs: number;
}

const CONTENT = { 'http/protobuf': 'application/x-protobuf', 'http/json': 'application/json' } as const;

/**
 * OTLP/HTTP with retries, Retry-After, TLS, gzip and headers as OTEL_EXPORTER_OTLP_* ask.
 * OpenTelemetry's own package reads the environment.
 */
export function createOtlpHttpExporter<Batch>(options: OtlpExporterOptions<Batch>): BatchExporter<Batch> {
  const { signal, protocol, userAgent, encode } = options;
  const read = convertLegacyHttpOptions({}, signal.toUpperCase(), `v1/${signal}`, {
    'Content-Type': CONTENT[protocol],
    'User-Agent': userAgent,
  });
  const transport = createTransport(read, Math.min(options.timeoutMs, read.timeoutMillis));
  const underWay = new Set<(reason: string) => void>();
  const whenIdle: (() => void)[] = [];

  function send(batch: Batch, done: (result: BatchResult) => void): void {
    const body = encode(batch);
    if (body === undefined) {
      done({ code: ExportResultCode.FAILED, error: new Error('it could not be encoded') });
      return;
    }
    const abort = transport.send(body, (error, answer) => {
      underWay.delete(abort);
      done(answer === undefined ? { code: ExportResultCode.FAILED, error: error! } : resultOf(answer));
      if (underWay.size === 0) for (const resolve of whenIdle.splice(0)) resolve();
    });
    underWay.add(abort);
  }

  async function idle(): Promise<void> {
    if (underWay.size > 0) await new Promise<void>((resolve) => whenIdle.push(resolve));
  }

  return {
    export: send,
    forceFlush: idle,
    async shutdown() {
      await idle();
      transport.close();
    },
    abandon(reason) {
      for (const abort of [...underWay]) abort(reason);
      transport.close();
    },
  };
}

function resultOf({ contentType, body }: Accepted): BatchResult {
  const code = ExportResultCode.SUCCESS;
  try {
    const remark = readResponse(contentType, body);
    return remark === undefined ? { code } : { code, ...remark };
  } catch (error) {
    // 2xx counts as accepted whatever the body says. A body that is no OTLP is a sign of a wrong
    // address.
    const seen = error instanceof RangeError ? error.message : 'something unreadable';
    return { code, message: `accepted, but with an answer that is no OTLP (${seen}): is the endpoint a collector?` };
  }
}
