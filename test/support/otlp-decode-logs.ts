// Turns OTLP log requests, JSON or protobuf, into flat objects that tests can compare (opentelemetry-proto v1, logs.proto).
import { type Attributes, attributes, type JsonPairs, jsonAttributes } from './otlp-decode.ts';
import { hex, integer, messages, readMessage, text, type WireMessage } from './wire-format.ts';

export interface ReceivedLog {
  readonly eventName: string;
  readonly timeNs: bigint;
  readonly observedNs: bigint;
  /** 9 INFO (logs.proto, SeverityNumber). */
  readonly severity: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly flags: number;
  readonly attributes: Attributes;
  readonly resource: Attributes;
  readonly scope: { readonly name: string; readonly version: string };
}

interface JsonLogs {
  readonly resourceLogs?: readonly {
    readonly resource?: { readonly attributes?: JsonPairs };
    readonly scopeLogs?: readonly {
      readonly scope?: { readonly name?: string; readonly version?: string };
      readonly logRecords?: readonly {
        readonly eventName?: string;
        readonly timeUnixNano: string;
        readonly observedTimeUnixNano: string;
        readonly severityNumber?: number;
        readonly traceId?: string;
        readonly spanId?: string;
        readonly flags?: number;
        readonly attributes?: JsonPairs;
      }[];
    }[];
  }[];
}

export function decodeLogs(body: Buffer, json: boolean): ReceivedLog[] {
  return json ? fromJson(JSON.parse(body.toString()) as JsonLogs) : fromProtobuf(readMessage(body));
}

function fromProtobuf(request: WireMessage): ReceivedLog[] {
  return messages(request, 1).flatMap((resourceLogs) => {
    const resource = attributes(messages(resourceLogs, 1)[0], 1);
    return messages(resourceLogs, 2).flatMap((scopeLogs) => {
      const scope = messages(scopeLogs, 1)[0] ?? new Map();
      return messages(scopeLogs, 2).map(
        (record): ReceivedLog => ({
          eventName: text(record, 12),
          timeNs: integer(record, 1),
          observedNs: integer(record, 11),
          severity: Number(integer(record, 2)),
          traceId: hex(record, 9),
          spanId: hex(record, 10),
          flags: Number(integer(record, 8)),
          attributes: attributes(record, 6),
          resource,
          scope: { name: text(scope, 1), version: text(scope, 2) },
        }),
      );
    });
  });
}

function fromJson(request: JsonLogs): ReceivedLog[] {
  return (request.resourceLogs ?? []).flatMap(({ resource, scopeLogs = [] }) =>
    scopeLogs.flatMap(({ scope, logRecords = [] }) =>
      logRecords.map(
        (record): ReceivedLog => ({
          eventName: record.eventName ?? '',
          timeNs: BigInt(record.timeUnixNano),
          observedNs: BigInt(record.observedTimeUnixNano),
          severity: record.severityNumber ?? 0,
          traceId: record.traceId ?? '',
          spanId: record.spanId ?? '',
          flags: record.flags ?? 0,
          attributes: jsonAttributes(record.attributes),
          resource: jsonAttributes(resource?.attributes),
          scope: { name: scope?.name ?? '', version: scope?.version ?? '' },
        }),
      ),
    ),
  );
}
