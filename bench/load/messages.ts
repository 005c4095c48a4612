// The load's messages as ready-made frames: agent-shaped events and their confirmations, with ids that are patched in place.
import zlib from 'node:zlib';

const CONN = '\u0001'; // stands for 5 hex digits: the connection
const SEQ = '\u0002'; // stands for 8 hex digits: the event's number on its connection
const CONN_DIGITS = 5;
const SEQ_DIGITS = 8;
const MASK = Buffer.from([0x5a, 0x13, 0xc4, 0x7e]);
const HEX = Buffer.from('0123456789abcdef');
const ID = `evt_${CONN}_${SEQ}`;
const WHEN = '"timestamp":"2025-09-11T19:50:11.001+00:00"';
const TRACE = '"trace":{"traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}';

const EVENTS = [
  `{"type":"agent_started","event_id":"${ID}","run_id":"run_${CONN}","agent_name":"Optimizer",${WHEN},"payload":{"status":"started","context":{},"message":"Optimizer has started on your question"},${TRACE}}`,
  `{"type":"agent_thinking","event_id":"${ID}","run_id":"run_${CONN}","agent_name":"Optimizer",${WHEN},"reasoning":"Comparing three regions by price, latency and what is already reserved there","step_number":2,"progress_percentage":40.0,"metadata":{}}`,
  `{"type":"tool_executing","event_id":"${ID}","run_id":"run_${CONN}","agent_name":"Optimizer",${WHEN},"payload":{"tool_name":"cost_analyzer","parameters":{"region":"europe-west4","months":12},"status":"executing","message":"Optimizer is using cost_analyzer"}}`,
  `{"type":"tool_completed","event_id":"${ID}","run_id":"run_${CONN}","agent_name":"Optimizer",${WHEN},"payload":{"tool_name":"cost_analyzer","result":{"saved":12.5,"currency":"EUR"},"execution_time_ms":412,"status":"completed","message":"done"}}`,
  `{"type":"agent_completed","event_id":"${ID}","run_id":"run_${CONN}","agent_name":"Optimizer",${WHEN},"status":"completed","final_response":"Move to region B: saves 12.5 %, \u20ac 310 a month","result":{"ok":true},"execution_time_ms":2345}`,
];
const CONFIRMATION = `{"type":"event_confirmation","event_id":"${ID}","status":"confirmed"}`;

interface Template {
  readonly frame: Buffer;
  readonly connAt: readonly number[];
  readonly seqAt: readonly number[];
  /** Where the payload starts in a masked frame; -1 when unmasked. */
  readonly maskedFrom: number;
}

/**
 * Writes message number `seq` of connection `conn` as one frame at `out[offset]`; returns its
 * length in bytes.
 */
export type Encoder = (out: Buffer, offset: number, conn: number, seq: number) => number;

/**
 * Frames as an unmasked server (`event`) and a masked client (`confirmation`) write them; `plain*`
 * never compressed.
 */
export interface Messages {
  readonly event: Encoder;
  readonly confirmation: Encoder;
  readonly plainEvent: Encoder;
  readonly plainConfirmation: Encoder;
}

/** No frame of the load is longer than this, bytes. */
export const MAX_FRAME = 512;

/**
 * Builds the templates. With `deflate`, frames are permessage-deflate (RFC 7692), each inflatable
 * on its own.
 */
export function createMessages(deflate: boolean): Messages {
  const plainEvent = encoder(EVENTS.map((text) => template(text, false, false)));
  const plainConfirmation = encoder([template(CONFIRMATION, true, false)]);
  if (!deflate) return { event: plainEvent, confirmation: plainConfirmation, plainEvent, plainConfirmation };
  const event = encoder(EVENTS.map((text) => template(text, false, true)));
  return { event, confirmation: encoder([template(CONFIRMATION, true, true)]), plainEvent, plainConfirmation };
}

function encoder(templates: readonly Template[]): Encoder {
  return (out, offset, conn, seq) => {
    const t = templates[seq % templates.length]!;
    out.set(t.frame, offset);
    for (const at of t.connAt) digits(out, offset, t.maskedFrom, at, CONN_DIGITS, conn);
    for (const at of t.seqAt) digits(out, offset, t.maskedFrom, at, SEQ_DIGITS, seq);
    return t.frame.length;
  };
}

function digits(out: Buffer, offset: number, maskedFrom: number, at: number, count: number, value: number): void {
  for (let i = at + count - 1; i >= at; i--) {
    const digit = HEX[value & 15]!;
    out[offset + i] = maskedFrom < 0 ? digit : digit ^ MASK[(i - maskedFrom) & 3]!;
    value >>>= 4;
  }
}

/**
 * A frame whose digits sit at known places; compressed ones keep their digits in stored blocks, so
 * that patching stays valid.
 */
function template(text: string, masked: boolean, deflate: boolean): Template {
  const parts: Buffer[] = [];
  const connAt: number[] = [];
  const seqAt: number[] = [];
  let length = 0;
  const add = (part: Buffer): void => {
    parts.push(part);
    length += part.length;
  };
  for (const piece of text.split(new RegExp(`(${CONN}_${SEQ}|${CONN})`))) {
    const variable = piece.startsWith(CONN);
    if (deflate && !variable) {
      add(zlib.deflateRawSync(piece, { finishFlush: zlib.constants.Z_FULL_FLUSH }));
      continue;
    }
    const bytes = Buffer.from(piece.replace(CONN, '0'.repeat(CONN_DIGITS)).replace(SEQ, '0'.repeat(SEQ_DIGITS)));
    // RFC 1951 §3.2.4: a stored block is 00, LEN, NLEN, bytes.
    if (deflate) add(Buffer.from([0, bytes.length, 0, ~bytes.length & 0xff, 0xff]));
    if (variable) {
      connAt.push(length);
      if (piece.includes(SEQ)) seqAt.push(length + CONN_DIGITS + 1);
    }
    add(bytes);
  }
  let payload = Buffer.concat(parts);
  // RFC 7692 §7.2.1: the tail 00 00 ff ff is not sent.
  if (deflate) payload = payload.subarray(0, payload.length - 4);
  const header = frameHeader(deflate ? 0xc1 : 0x81, payload.length, masked);
  if (masked) payload = xor(payload);
  const shift = (at: number): number => at + header.length;
  const frame = Buffer.concat([header, payload]);
  return { frame, connAt: connAt.map(shift), seqAt: seqAt.map(shift), maskedFrom: masked ? header.length : -1 };
}

function frameHeader(first: number, length: number, masked: boolean): Buffer {
  const bit = masked ? 0x80 : 0;
  const size = length < 126 ? [bit | length] : [bit | 126, length >> 8, length & 0xff];
  return Buffer.from([first, ...size, ...(masked ? MASK : [])]);
}

function xor(payload: Uint8Array): Buffer<ArrayBuffer> {
  return Buffer.from(payload.map((byte, i) => byte ^ MASK[i & 3]!));
}

/** A client's text frame, masked. `text` has at most 125 bytes. */
export function clientText(text: string): Buffer {
  const payload = Buffer.from(text);
  return Buffer.concat([frameHeader(0x81, payload.length, true), xor(payload)]);
}

/** A client's control frame (RFC 6455 §5.5) with that payload, masked. */
export function clientControl(opcode: 8 | 10, payload: Uint8Array): Buffer {
  return Buffer.concat([frameHeader(0x80 | opcode, payload.length, true), xor(payload)]);
}

/**
 * The message in a frame as plain bytes: unmasked and, if compressed, inflated. For peers that
 * write frames of their own.
 */
export function readPayload(frame: Buffer): Buffer {
  const masked = (frame[1]! & 0x80) !== 0;
  let at = (frame[1]! & 0x7f) === 126 ? 4 : 2;
  const key = masked ? frame.subarray(at, at + 4) : undefined;
  if (masked) at += 4;
  let payload = Buffer.from(frame.subarray(at));
  if (key !== undefined) payload = Buffer.from(payload.map((byte, i) => byte ^ key[i & 3]!));
  if ((frame[0]! & 0x40) === 0) return payload;
  return zlib.inflateRawSync(payload, { finishFlush: zlib.constants.Z_SYNC_FLUSH });
}
