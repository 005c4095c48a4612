// Turns OTLP request bodies, JSON or protobuf, into flat objects that tests can compare (opentelemetry-proto v1).
import { double, hex, integer, messages, readMessage, text, type WireMessage } from './wire-format.ts';

export type Attributes = Readonly<Record<string, unknown>>;

export interface ReceivedEvent {
  readonly name: string;
  readonly timeNs: bigint;
  readonly attributes: Attributes;
}

export interface ReceivedLink {
  readonly traceId: string;
  readonly spanId: string;
}

export interface ReceivedSpan {
  readonly name: string;
  /** OTLP numbering: 1 INTERNAL, 2 SERVER, 3 CLIENT, 4 PRODUCER, 5 CONSUMER. */
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly flags: number;
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly attributes: Attributes;
  readonly events: readonly ReceivedEvent[];
  readonly links: readonly ReceivedLink[];
  /** 0 unset, 1 ok, 2 error. */
  readonly status: { readonly code: number; readonly message: string };
  readonly resource: Attributes;
  readonly scope: { readonly name: string; readonly version: string };
  /** Of the scope. */
  readonly schemaUrl: string;
}

export interface ReceivedMetric {
  readonly name: string;
  readonly unit: string;
  /** `gauge`, `sum` or `histogram`. */
  readonly kind: string;
  readonly points: readonly ReceivedPoint[];
  readonly resource: Attributes;
}

export interface ReceivedPoint {
  readonly attributes: Attributes;
  /** The number, or a histogram's sum. */
  readonly value: number;
  /** A histogram's count. */
  readonly count: number;
  readonly startNs: bigint;
  readonly timeNs: bigint;
}

interface JsonValue {
  readonly stringValue?: string;
  readonly boolValue?: boolean;
  readonly intValue?: number | string;
  readonly doubleValue?: number;
  readonly arrayValue?: { readonly values?: readonly JsonValue[] };
}
export type JsonPairs = readonly { readonly key: string; readonly value?: JsonValue }[] | undefined;

interface JsonSpan {
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly flags: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes?: JsonPairs;
  readonly events?: readonly {
    readonly name: string;
    readonly timeUnixNano: string;
    readonly attributes?: JsonPairs;
  }[];
  readonly links?: readonly ReceivedLink[];
  readonly status?: { readonly code?: number; readonly message?: string };
}
interface JsonTraces {
  readonly resourceSpans?: readonly {
    readonly resource?: { readonly attributes?: JsonPairs };
    readonly scopeSpans?: readonly {
      readonly scope?: { readonly name?: string; readonly version?: string };
      readonly schemaUrl?: string;
      readonly spans?: readonly JsonSpan[];
    }[];
  }[];
}

interface JsonPoint {
  readonly attributes?: JsonPairs;
  readonly asDouble?: number;
  readonly asInt?: number | string;
  readonly sum?: number;
  readonly count?: number | string;
  readonly startTimeUnixNano?: string;
  readonly timeUnixNano: string;
}
interface JsonMetric {
  readonly name: string;
  readonly unit?: string;
  readonly gauge?: { readonly dataPoints?: readonly JsonPoint[] };
  readonly sum?: { readonly dataPoints?: readonly JsonPoint[] };
  readonly histogram?: { readonly dataPoints?: readonly JsonPoint[] };
}
interface JsonMetrics {
  readonly resourceMetrics?: readonly {
    readonly resource?: { readonly attributes?: JsonPairs };
    readonly scopeMetrics?: readonly { readonly metrics?: readonly JsonMetric[] }[];
  }[];
}

export function decodeTraces(body: Buffer, json: boolean): ReceivedSpan[] {
  return json ? tracesFromJson(JSON.parse(body.toString()) as JsonTraces) : tracesFromProtobuf(readMessage(body));
}

export function decodeMetrics(body: Buffer, json: boolean): ReceivedMetric[] {
  return json ? metricsFromJson(JSON.parse(body.toString()) as JsonMetrics) : metricsFromProtobuf(readMessage(body));
}

function tracesFromProtobuf(request: WireMessage): ReceivedSpan[] {
  return messages(request, 1).flatMap((resourceSpans) => {
    const resource = attributes(messages(resourceSpans, 1)[0], 1);
    return messages(resourceSpans, 2).flatMap((scopeSpans) => {
      const scope = messages(scopeSpans, 1)[0] ?? new Map();
      return messages(scopeSpans, 2).map((span): ReceivedSpan => {
        const status = messages(span, 15)[0] ?? new Map();
        return {
          name: text(span, 5),
          kind: Number(integer(span, 6)),
          traceId: hex(span, 1),
          spanId: hex(span, 2),
          parentSpanId: hex(span, 4),
          flags: Number(integer(span, 16)),
          startNs: integer(span, 7),
          endNs: integer(span, 8),
          attributes: attributes(span, 9),
          events: messages(span, 11).map((event) => ({
            name: text(event, 2),
            timeNs: integer(event, 1),
            attributes: attributes(event, 3),
          })),
          links: messages(span, 13).map((link) => ({ traceId: hex(link, 1), spanId: hex(link, 2) })),
          status: { code: Number(integer(status, 3)), message: text(status, 2) },
          resource,
          scope: { name: text(scope, 1), version: text(scope, 2) },
          schemaUrl: text(scopeSpans, 3),
        };
      });
    });
  });
}

/** The repeated KeyValue `field` of a message. */
export function attributes(message: WireMessage | undefined, field: number): Attributes {
  if (message === undefined) return {};
  return unique(messages(message, field).map((pair) => [text(pair, 1), anyValue(messages(pair, 2)[0] ?? new Map())]));
}

function anyValue(value: WireMessage): unknown {
  for (const [field] of value) {
    if (field === 1) return text(value, 1);
    if (field === 2) return integer(value, 2) === 1n;
    if (field === 3) return Number(BigInt.asIntN(64, integer(value, 3)));
    if (field === 4) return double(integer(value, 4));
    if (field === 5) return messages(messages(value, 5)[0] ?? new Map(), 1).map(anyValue);
  }
  return undefined;
}

function metricsFromProtobuf(request: WireMessage): ReceivedMetric[] {
  return messages(request, 1).flatMap((resourceMetrics) => {
    const resource = attributes(messages(resourceMetrics, 1)[0], 1);
    return messages(resourceMetrics, 2).flatMap((scope) =>
      messages(scope, 2).map((metric): ReceivedMetric => {
        const [kind, data] = metric.has(5)
          ? ['gauge', messages(metric, 5)[0]]
          : metric.has(7)
            ? ['sum', messages(metric, 7)[0]]
            : ['histogram', messages(metric, 9)[0]];
        const points = messages(data ?? new Map(), 1).map((point) => ({
          ...(kind === 'histogram'
            ? { attributes: attributes(point, 9), value: double(integer(point, 5)), count: Number(integer(point, 4)) }
            : {
                attributes: attributes(point, 7),
                value: point.has(4) ? double(integer(point, 4)) : Number(BigInt.asIntN(64, integer(point, 6))),
                count: 0,
              }),
          startNs: integer(point, 2),
          timeNs: integer(point, 3),
        }));
        return { name: text(metric, 1), unit: text(metric, 3), kind, points, resource };
      }),
    );
  });
}

function tracesFromJson(request: JsonTraces): ReceivedSpan[] {
  return (request.resourceSpans ?? []).flatMap(({ resource, scopeSpans = [] }) =>
    scopeSpans.flatMap(({ scope, schemaUrl = '', spans = [] }) =>
      spans.map(
        (span): ReceivedSpan => ({
          name: span.name,
          kind: span.kind,
          traceId: span.traceId,
          spanId: span.spanId,
          parentSpanId: span.parentSpanId ?? '',
          flags: span.flags,
          startNs: BigInt(span.startTimeUnixNano),
          endNs: BigInt(span.endTimeUnixNano),
          attributes: jsonAttributes(span.attributes),
          events: (span.events ?? []).map((event) => ({
            name: event.name,
            timeNs: BigInt(event.timeUnixNano),
            attributes: jsonAttributes(event.attributes),
          })),
          links: (span.links ?? []).map(({ traceId, spanId }) => ({ traceId, spanId })),
          status: { code: span.status?.code ?? 0, message: span.status?.message ?? '' },
          resource: jsonAttributes(resource?.attributes),
          scope: { name: scope?.name ?? '', version: scope?.version ?? '' },
          schemaUrl,
        }),
      ),
    ),
  );
}

function metricsFromJson(request: JsonMetrics): ReceivedMetric[] {
  return (request.resourceMetrics ?? []).flatMap(({ resource, scopeMetrics = [] }) =>
    scopeMetrics.flatMap(({ metrics = [] }) =>
      metrics.map((metric): ReceivedMetric => {
        const kind = metric.gauge !== undefined ? 'gauge' : metric.sum !== undefined ? 'sum' : 'histogram';
        return {
          name: metric.name,
          unit: metric.unit ?? '',
          kind,
          points: (metric[kind]?.dataPoints ?? []).map((point) => ({
            attributes: jsonAttributes(point.attributes),
            value: Number(point.asDouble ?? point.asInt ?? point.sum),
            count: Number(point.count ?? 0),
            startNs: BigInt(point.startTimeUnixNano ?? 0),
            timeNs: BigInt(point.timeUnixNano),
          })),
          resource: jsonAttributes(resource?.attributes),
        };
      }),
    ),
  );
}

/** Keys of attributes must be unique (common.proto). */
function unique(pairs: readonly (readonly [string, unknown])[]): Attributes {
  const attributes = Object.fromEntries(pairs);
  if (Object.keys(attributes).length !== pairs.length) throw new Error('duplicate attribute key');
  return attributes;
}

export function jsonAttributes(pairs: JsonPairs): Attributes {
  return unique((pairs ?? []).map((pair) => [pair.key, jsonValue(pair.value)]));
}

function jsonValue(value: JsonValue | undefined): unknown {
  if (value?.arrayValue !== undefined) return (value.arrayValue.values ?? []).map(jsonValue);
  if (value?.intValue !== undefined) return Number(value.intValue);
  return value?.stringValue ?? value?.boolValue ?? value?.doubleValue;
}
