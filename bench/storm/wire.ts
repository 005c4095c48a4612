// Storm: its own small WebSocket frames: written plainly, and read with no code that the sidecar shares.
import { FrameReader } from '../load/frames.ts';

export const TEXT = 1;
export const BINARY = 2;
export const CLOSE = 8;
export const PING = 9;
export const PONG = 10;
const MASK = [0x37, 0xfa, 0x21, 0x3d] as const;

export interface Shape {
  readonly masked?: boolean;
  readonly rsv1?: boolean;
  /** A reserved bit that nobody negotiated: breaks the framing rules. */
  readonly broken?: boolean;
}

export function frame(
  opcode: number,
  payload: Buffer,
  { masked = false, rsv1 = false, broken = false }: Shape = {},
): Buffer {
  const { length } = payload;
  const wide = length > 0xffff ? 8 : length > 125 ? 2 : 0;
  const at = 2 + wide + (masked ? 4 : 0);
  const out = Buffer.allocUnsafe(at + length);
  out[0] = 0x80 | (rsv1 ? 0x40 : 0) | (broken ? 0x20 : 0) | opcode;
  out[1] = (masked ? 0x80 : 0) | (wide === 8 ? 127 : wide === 2 ? 126 : length);
  if (wide === 2) out.writeUInt16BE(length, 2);
  else if (wide === 8) out.writeBigUInt64BE(BigInt(length), 2);
  if (masked) {
    for (let i = 0; i < 4; i++) out[at - 4 + i] = MASK[i]!;
    for (let i = 0; i < length; i++) out[at + i] = payload[i]! ^ MASK[i & 3]!;
  } else payload.copy(out, at);
  return out;
}

export interface Read {
  readonly opcode: number;
  readonly rsv1: boolean;
  readonly broken: boolean;
  readonly size: number;
  /** Unmasked; at most `most` bytes of it. */
  payload(most?: number): Buffer;
}

/** Reads an HTTP head, then frames. `onHead` gets the head as text. */
export function createWireReader(onHead: (head: string) => void, onFrame: (read: Read) => void) {
  let head: Buffer | undefined = Buffer.alloc(0);
  const frames = new FrameReader((buf, start, end, opcode, payloadAt) => {
    const masked = (buf[start + 1]! & 0x80) !== 0;
    onFrame({
      opcode,
      rsv1: (buf[start]! & 0x40) !== 0,
      broken: (buf[start]! & 0x30) !== 0,
      size: end - payloadAt,
      payload(most = end - payloadAt) {
        const out = Buffer.from(buf.subarray(payloadAt, Math.min(end, payloadAt + most)));
        if (masked) for (let i = 0; i < out.length; i++) out[i]! ^= buf[payloadAt - 4 + (i & 3)]!;
        return out;
      },
    });
  });
  return (chunk: Buffer): void => {
    if (head === undefined) {
      frames.push(chunk);
      return;
    }
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) return;
    const rest = head.subarray(end + 4);
    const text = head.toString('latin1', 0, end);
    head = undefined;
    onHead(text);
    if (rest.length > 0) frames.push(rest);
  };
}

export function closePayload(code: number): Buffer {
  const payload = Buffer.alloc(2);
  payload.writeUInt16BE(code);
  return payload;
}

const EVENT_ID = /"event_id":"(c\d+-[^"]+)"/;

/** The event id at the beginning of a payload; '' = none. */
export function eventIdIn(payload: Buffer): string {
  return EVENT_ID.exec(payload.toString('latin1', 0, 120))?.[1] ?? '';
}
