// telemetry: the Prometheus end of the SDK: a pull reader without a server of its own, for the admin server to ask.
import { diag } from '@opentelemetry/api';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import type { Resource } from '@opentelemetry/resources';
import type { MetricProducer } from '@opentelemetry/sdk-metrics';
import { CONTENT_TYPES, negotiateFormat } from './accept.ts';
import { writeExposition } from './openmetrics.ts';
import { writeProtobuf } from './protobuf.ts';

/** One answer to a scrape. */
export interface Scrape {
  readonly contentType: string;
  readonly body: string | Buffer;
}

/**
 * A `MetricReader` to hand to the SDK. Collects on `scrape` only and opens no port. Replaces the
 * base class's text, which has no unit suffixes, no OpenMetrics and no exemplars.
 */
export class ScrapeExporter extends PrometheusExporter {
  constructor(metricProducers: MetricProducer[]) {
    super({ preventServerStart: true, metricProducers });
  }

  /**
   * The metrics in the format that the `Accept` header asks for. Also answers when the SDK has been
   * shut down.
   */
  async scrape(accept: string): Promise<Scrape> {
    const { resourceMetrics, errors } = await this.collect();
    for (const error of errors) diag.error('a metric source failed', error);
    const format = negotiateFormat(accept);
    const body = await (format === 'protobuf'
      ? writeProtobuf(resourceMetrics)
      : writeExposition(resourceMetrics, format));
    return { contentType: CONTENT_TYPES[format], body };
  }

  /**
   * Keeps answering after the SDK has stopped: what a stop has counted last is scraped then. There
   * is nothing to release.
   */
  override shutdown(): Promise<void> {
    return Promise.resolve();
  }

  /**
   * Works without an SDK (`OTEL_SDK_DISABLED`), under that resource. Throws when an SDK has the
   * reader already.
   */
  standAlone(resource: Resource): void {
    this.setMetricProducer({
      collect: async () => ({ resourceMetrics: { resource, scopeMetrics: [] }, errors: [] }),
    });
  }
}
