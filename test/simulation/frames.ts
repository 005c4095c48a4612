// Simulation: WebSocket frames as the simulated peers write and read them (RFC 6455 §5.2); independent of the relay's own reader.

export const CONTINUATION = 0;
export const TEXT = 1;
export const BINARY = 2;
export const CLOSE = 8;
export const PING = 9;
export const PONG = 10;

const KEY = [0x37, 0xfa, 0x21, 0x3d] as const;

export interface Frame {
  readonly opcode: number;
  readonly fin: boolean;
  readonly rsv: number;
  readonly payload: Buffer;
}

/** One frame. `rsv`: the bits 0x70 of the first byte. */
export function encode(opcode: number, payload: Buffer, masked: boolean, fin = true, rsv = 0): Buffer {
  const { length } = payload;
  const size = length < 126 ? 2 : length < 65_536 ? 4 : 10;
  const out = Buffer.allocUnsafe(size + (masked ? 4 : 0) + length);
  out[0] = (fin ? 0x80 : 0) | rsv | opcode;
  const bit = masked ? 0x80 : 0;
  if (size === 2) out[1] = bit | length;
  else if (size === 4) {
    out[1] = bit | 126;
    out.writeUInt16BE(length, 2);
  } else {
    out[1] = bit | 127;
    out.writeBigUInt64BE(BigInt(length), 2);
  }
  if (!masked) {
    payload.copy(out, size);
    return out;
  }
  for (let i = 0; i < 4; i++) out[size + i] = KEY[i]!;
  for (let i = 0; i < length; i++) out[size + 4 + i] = payload[i]! ^ KEY[i & 3]!;
  return out;
}

export function closePayload(code: number): Buffer {
  if (code === 1005) return Buffer.alloc(0);
  const payload = Buffer.alloc(2);
  payload.writeUInt16BE(code);
  return payload;
}

export function closeCode(payload: Buffer): number {
  return payload.length < 2 ? 1005 : payload.readUInt16BE(0);
}

/** Cuts a stream into frames. */
export class FrameReader {
  /** The peer broke the rules: nothing more is read. */
  broken = false;
  /** Bytes of a frame that is not complete. */
  private rest: Buffer | undefined;
  private readonly deflate: boolean;

  constructor(deflate: boolean) {
    this.deflate = deflate;
  }

  push(chunk: Buffer, onFrame: (frame: Frame) => void): void {
    const bytes = this.rest === undefined ? chunk : Buffer.concat([this.rest, chunk]);
    let pos = 0;
    while (!this.broken) {
      const next = this.one(bytes, pos, onFrame);
      if (next < 0) break;
      pos = next;
    }
    this.rest = pos < bytes.length ? bytes.subarray(pos) : undefined;
  }

  /** Reads one frame; answers where the next begins, or -1. */
  private one(bytes: Buffer, pos: number, onFrame: (frame: Frame) => void): number {
    if (bytes.length - pos < 2) return -1;
    const first = bytes[pos]!;
    const second = bytes[pos + 1]!;
    const opcode = first & 0x0f;
    const rsv = first & 0x70;
    if ((rsv & 0x30) !== 0 || (rsv !== 0 && !this.deflate) || opcode > PONG || (opcode > BINARY && opcode < CLOSE)) {
      this.broken = true;
      return -1;
    }
    let length = second & 0x7f;
    let at = pos + 2;
    if (length === 126) {
      if (bytes.length < pos + 4) return -1;
      length = bytes.readUInt16BE(at);
      at += 2;
    } else if (length === 127) {
      if (bytes.length < pos + 10) return -1;
      length = Number(bytes.readBigUInt64BE(at));
      at += 8;
    }
    const masked = second >= 0x80;
    const key = at;
    if (masked) at += 4;
    if (bytes.length < at + length) return -1;
    let payload = bytes.subarray(at, at + length);
    if (masked) {
      payload = Buffer.from(payload);
      for (let i = 0; i < length; i++) payload[i]! ^= bytes[key + (i & 3)]!;
    }
    onFrame({ opcode, fin: first >= 0x80, rsv, payload });
    return at + length;
  }
}
