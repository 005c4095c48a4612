// telemetry: which exposition format a scraper asked for (RFC 9110 §12.5.1).

/** `text` is Prometheus text 0.0.4; `openmetrics` is OpenMetrics 1.0, which has exemplars. */
export type TextFormat = 'text' | 'openmetrics';

/** `protobuf` is Prometheus' own, delimited; it has exemplars and native histograms. */
export type ExpositionFormat = TextFormat | 'protobuf';

/** `Content-Type` of each format. */
export const CONTENT_TYPES: Readonly<Record<ExpositionFormat, string>> = {
  text: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
  protobuf: 'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited',
};

/**
 * The format with the highest q-value. Protobuf and OpenMetrics must be named to win, and win ties
 * in this order. Text when nothing fits: a scraper with an unusual header is better served with
 * text than with an error.
 */
export function negotiateFormat(accept: string): ExpositionFormat {
  let protobuf = 0;
  let openmetrics = 0;
  let text = 0;
  let textIs = 0;
  for (const range of accept.split(',')) {
    const [media = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    const q = quality(parameters);
    const version = parameter(parameters, 'version');
    if (media === 'application/vnd.google.protobuf') {
      const ours = parameter(parameters, 'proto') === 'io.prometheus.client.metricfamily';
      if (ours && parameter(parameters, 'encoding') === 'delimited') protobuf = Math.max(protobuf, q);
    } else if (media === 'application/openmetrics-text') {
      if (version === undefined || version === '1.0.0') openmetrics = Math.max(openmetrics, q);
    } else if (media === 'text/plain') {
      if (version !== undefined && version !== '0.0.4') continue;
      // The exact type overrules wildcards, whatever their order (RFC 9110: the most specific range
      // counts).
      text = textIs === 2 ? Math.max(text, q) : q;
      textIs = 2;
    } else if ((media === '*/*' || media === 'text/*') && textIs < 2) {
      text = Math.max(text, q);
      textIs = 1;
    }
  }
  if (protobuf > 0 && protobuf >= openmetrics && protobuf >= text) return 'protobuf';
  return openmetrics > 0 && openmetrics >= text ? 'openmetrics' : 'text';
}

function quality(parameters: readonly string[]): number {
  const text = parameter(parameters, 'q');
  if (text === undefined) return 1;
  const q = Number(text);
  return q >= 0 && q <= 1 ? q : 0;
}

function parameter(parameters: readonly string[], name: string): string | undefined {
  const found = parameters.find((each) => each.startsWith(`${name}=`));
  return found?.slice(name.length + 1).replace(/^"(.*)"$/, '$1');
}
