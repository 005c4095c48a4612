// Test support: WebSocket frames as raw bytes, right or wrong on purpose, and a reader of byte streams.
import { PerMessageDeflate, Receiver } from 'ws';

export interface FrameShape {
  readonly opcode?: number;
  readonly fin?: boolean;
  readonly rsv1?: boolean;
  /** RSV2 and RSV3 as bits 0x20 and 0x10. */
  readonly reserved?: number;
  /** Masks the payload with these four bytes. */
  readonly mask?: Buffer | undefined;
  /** Writes the length in 16 or 64 bits even if it is short. */
  readonly lengthBits?: 16 | 64;
}

export const MASK = Buffer.from([0x37, 0xfa, 0x21, 0x3d]);

/** One frame (RFC 6455 §5.2). Default: an unmasked, final text frame. */
export function frame(payload: Buffer | string, shape: FrameShape = {}): Buffer {
  const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
  const { opcode = 1, fin = true, rsv1 = false, reserved = 0, mask, lengthBits } = shape;
  const first = (fin ? 0x80 : 0) | (rsv1 ? 0x40 : 0) | reserved | opcode;
  const bits = lengthBits ?? (bytes.length > 0xffff ? 64 : bytes.length > 125 ? 16 : 7);
  const length = Buffer.alloc(bits === 64 ? 8 : bits === 16 ? 2 : 0);
  if (bits === 64) length.writeBigUInt64BE(BigInt(bytes.length));
  else if (bits === 16) length.writeUInt16BE(bytes.length);
  const second = (mask ? 0x80 : 0) | (bits === 64 ? 127 : bits === 16 ? 126 : bytes.length);
  const body = mask ? bytes.map((byte, i) => byte ^ mask[i & 3]!) : bytes;
  return Buffer.concat([Buffer.from([first, second]), length, mask ?? Buffer.alloc(0), body]);
}

/** A frame as a client sends it. */
export function clientFrame(payload: Buffer | string, shape: FrameShape = {}): Buffer {
  return frame(payload, { mask: MASK, ...shape });
}

/** A Close payload (RFC 6455 §5.5.1). */
export function closePayload(code: number, reason = ''): Buffer {
  const payload = Buffer.alloc(2 + Buffer.byteLength(reason));
  payload.writeUInt16BE(code);
  payload.write(reason, 2);
  return payload;
}

export interface ReadFrame {
  readonly opcode: number;
  readonly fin: boolean;
  readonly rsv1: boolean;
  readonly masked: boolean;
  readonly payload: Buffer;
  readonly raw: Buffer;
}

/**
 * Cuts a byte stream into frames, by plain reading: independent of the code under test. Throws on a
 * partial frame at the end.
 */
export function readFrames(stream: Buffer): ReadFrame[] {
  const { frames, rest } = readCompleteFrames(stream);
  if (rest > 0) throw new Error(`${rest} bytes of a partial frame after ${frames.length} frames`);
  return frames;
}

/**
 * The complete frames of a byte stream from `from` on, and how many bytes of a partial one follow.
 */
export function readCompleteFrames(stream: Buffer, from = 0): { frames: ReadFrame[]; rest: number } {
  const frames: ReadFrame[] = [];
  let pos = from;
  while (pos < stream.length) {
    const start = pos;
    const headerSize = headerLength(stream, pos);
    if (pos + headerSize > stream.length) return { frames, rest: stream.length - start };
    const first = stream.readUInt8(pos);
    const second = stream.readUInt8(pos + 1);
    pos += 2;
    let length = second & 0x7f;
    if (length === 126) length = stream.readUInt16BE(pos);
    else if (length === 127) length = Number(stream.readBigUInt64BE(pos));
    pos += (second & 0x7f) === 126 ? 2 : (second & 0x7f) === 127 ? 8 : 0;
    const masked = second >= 0x80;
    const mask = stream.subarray(pos, pos + (masked ? 4 : 0));
    pos += masked ? 4 : 0;
    if (pos + length > stream.length) return { frames, rest: stream.length - start };
    const body = stream.subarray(pos, pos + length);
    pos += length;
    frames.push({
      opcode: first & 0x0f,
      fin: first >= 0x80,
      rsv1: (first & 0x40) !== 0,
      masked,
      payload: Buffer.from(masked ? body.map((byte, i) => byte ^ mask[i & 3]!) : body),
      raw: stream.subarray(start, pos),
    });
  }
  return { frames, rest: 0 };
}

function headerLength(stream: Buffer, pos: number): number {
  const second = stream[pos + 1] ?? 0;
  const length = second & 0x7f;
  return 2 + (length === 126 ? 2 : length === 127 ? 8 : 0) + (second >= 0x80 ? 4 : 0);
}

/** Deflates messages one after another, as a peer with a negotiated permessage-deflate does. */
export function createDeflater(noContextTakeover: boolean): (data: Buffer) => Promise<Buffer> {
  const deflate = new PerMessageDeflate({ isServer: true, threshold: 0 });
  deflate.params = noContextTakeover ? { server_no_context_takeover: true } : {};
  return (data) =>
    new Promise((resolve, reject) => {
      deflate.compress(data, true, (error, out) => (error ? reject(error) : resolve(Buffer.from(out!))));
    });
}

/**
 * What ws reads from a byte stream, in order: `text:…`, `binary:…`, `ping:…`, `pong:…`,
 * `close:code`.
 */
export function decodeWithWs(
  stream: Buffer,
  options: { readonly isServer: boolean; readonly deflate?: { readonly noContextTakeover: boolean } | undefined },
): Promise<string[]> {
  const { isServer, deflate } = options;
  const extensions: Record<string, PerMessageDeflate> = {};
  if (deflate) {
    const inflate = new PerMessageDeflate({ isServer });
    inflate.params = deflate.noContextTakeover
      ? { server_no_context_takeover: true, client_no_context_takeover: true }
      : {};
    extensions['permessage-deflate'] = inflate;
  }
  const receiver = new Receiver({ isServer, extensions, skipUTF8Validation: true });
  const seen: string[] = [];
  return new Promise((resolve, reject) => {
    const finish = () => {
      extensions['permessage-deflate']?.cleanup();
      resolve(seen);
    };
    receiver.on('message', (data: Buffer, binary: boolean) => {
      seen.push(`${binary ? 'binary' : 'text'}:${data.toString('base64')}`);
    });
    receiver.on('ping', (data: Buffer) => seen.push(`ping:${data.toString('base64')}`));
    receiver.on('pong', (data: Buffer) => seen.push(`pong:${data.toString('base64')}`));
    receiver.on('conclude', (code: number) => seen.push(`close:${code}`));
    receiver.on('error', reject);
    receiver.on('finish', finish);
    if (stream.length > 0) receiver.write(Buffer.from(stream));
    receiver.end();
  });
}
