// Cuts a byte stream into WebSocket frames, in place where a frame lies whole in its chunk.

/** Called with one whole frame, header included: `buf[start, end)`, valid only during the call. */
export type OnFrame = (buf: Buffer, start: number, end: number, opcode: number, payloadAt: number) => void;

/** Keeps the bytes of an unfinished frame between chunks. One per connection and direction. */
export class FrameReader {
  private rest: Buffer | undefined = undefined;
  private readonly onFrame: OnFrame;

  constructor(onFrame: OnFrame) {
    this.onFrame = onFrame;
  }

  push(chunk: Buffer): void {
    const buf = this.rest === undefined ? chunk : Buffer.concat([this.rest, chunk]);
    let at = 0;
    while (buf.length - at >= 2) {
      const short = buf[at + 1]! & 0x7f;
      const maskBytes = (buf[at + 1]! & 0x80) === 0 ? 0 : 4;
      let payloadAt = at + 2 + maskBytes;
      let length = short;
      if (short === 126) {
        if (buf.length - at < 4) break;
        length = buf.readUInt16BE(at + 2);
        payloadAt += 2;
      } else if (short === 127) {
        if (buf.length - at < 10) break;
        length = Number(buf.readBigUInt64BE(at + 2));
        payloadAt += 8;
      }
      const end = payloadAt + length;
      if (end > buf.length) break;
      this.onFrame(buf, at, end, buf[at]! & 0x0f, payloadAt);
      at = end;
    }
    this.rest = at === buf.length ? undefined : Buffer.from(buf.subarray(at));
  }
}
