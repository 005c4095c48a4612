// telemetry: OTLP over HTTP, the answer's body: how many items the collector threw away, and why ("Partial Success").

/** The collector's remarks on an accepted request. */
export interface Remark {
  /** Number of items that the collector did not take; never negative. */
  readonly rejected: number;
  /** The collector's reason, `''` when it gave none. */
  readonly message: string;
}

/** Longest part of a collector's text that is repeated, characters. */
const WORDS_LIMIT = 200;

/**
 * Reads an Export…ServiceResponse (OTLP specification, "Partial Success"), protobuf or JSON by its
 * content type. The three signals have one shape. Undefined = everything was taken. Throws a
 * RangeError when the body is none: the peer may be no collector.
 */
export function readResponse(contentType: string, body: Uint8Array): Remark | undefined {
  if (body.length === 0) return undefined;
  const remark = isJson(contentType) ? fromJson(body) : fromProtobuf(contentType, body);
  return remark === undefined || (remark.rejected === 0 && remark.message === '') ? undefined : remark;
}

/**
 * The reason in the body of a refusal: a google.rpc.Status as protobuf or JSON, or the first line
 * of a text; `''` = none that can be read.
 */
export function readRefusal(contentType: string, body: Uint8Array): string {
  try {
    if (isProtobuf(contentType)) return words(readMessage(body).text);
    if (isJson(contentType)) return words((JSON.parse(textOf(body)) as { message?: unknown }).message);
    return /^text\/plain/i.test(contentType) ? words(textOf(body)) : '';
  } catch {
    // Silence is right: the status has told that the request failed.
    return '';
  }
}

function isJson(contentType: string): boolean {
  return /^application\/json/i.test(contentType);
}

function isProtobuf(contentType: string): boolean {
  return /^application\/(x-)?protobuf/i.test(contentType);
}

function fromJson(body: Uint8Array): Remark | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(textOf(body));
  } catch {
    throw new RangeError('JSON that cannot be read');
  }
  if (typeof parsed !== 'object' || parsed === null) throw new RangeError('JSON that is no object');
  const { partialSuccess, partial_success = partialSuccess } = parsed as Record<string, unknown>;
  if (typeof partial_success !== 'object' || partial_success === null) return undefined;
  let rejected = 0;
  let message: unknown = '';
  for (const [name, value] of Object.entries(partial_success)) {
    // rejectedSpans, rejectedDataPoints, rejectedLogRecords: int64, which JSON writes as text.
    if (/^rejected/.test(name)) rejected = Number(value);
    else if (/^error_?message$/i.test(name)) message = value;
  }
  return { rejected: Number.isFinite(rejected) ? Math.max(0, rejected) : 0, message: words(message) };
}

function fromProtobuf(contentType: string, body: Uint8Array): Remark | undefined {
  if (!isProtobuf(contentType)) throw new RangeError(contentType === '' ? 'no content type' : contentType);
  const { inner } = readMessage(body);
  if (inner === undefined) return undefined;
  const { number, text } = readMessage(inner);
  return { rejected: number, message: words(text) };
}

/**
 * The fields that matter here: 1 as a number or as bytes, 2 as text. All messages read here consist
 * of these.
 */
interface Fields {
  readonly number: number;
  readonly inner: Uint8Array | undefined;
  readonly text: string;
}

/**
 * Protobuf wire format: tag, then a varint (0), 8 bytes (1), a length and bytes (2), or 4 bytes
 * (5).
 */
function readMessage(bytes: Uint8Array): Fields {
  let at = 0;
  let number = 0;
  let inner: Uint8Array | undefined;
  let text = '';
  function varint(): number {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = bytes[at++];
      if (byte === undefined) break;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new RangeError('protobuf that cannot be read');
  }
  while (at < bytes.length) {
    const tag = varint();
    const [field, type] = [Math.floor(tag / 8), tag % 8];
    const length = type === 0 ? 0 : type === 1 ? 8 : type === 5 ? 4 : type === 2 ? varint() : Number.NaN;
    if (!(length <= bytes.length - at)) throw new RangeError('protobuf that cannot be read');
    const value = type === 0 ? varint() : 0;
    const part = bytes.subarray(at, at + length);
    at += length;
    if (field === 1 && type === 0) number = value < 2 ** 63 ? value : 0;
    else if (field === 1 && type === 2) inner = part;
    else if (field === 2 && type === 2) text = textOf(part);
  }
  return { number, inner, text };
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}

function words(value: unknown): string {
  return typeof value === 'string'
    ? value
        .trim()
        .split(/[\r\n]/, 1)[0]!
        .slice(0, WORDS_LIMIT)
    : '';
}
