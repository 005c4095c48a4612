// One client of `bench:large`: compares a long message with what was sent as it comes, keeps nothing of it, and answers pings.
import net from 'node:net';

const [TEXT_FIN, PING_FIN] = [0x81, 0x89];

export class LargeClient {
  /** Bytes of the message's frame that have come. */
  got = 0;
  /** All of them were what was sent. */
  same = true;
  private readonly socket: net.Socket;
  private readonly frame: Buffer;
  private rest = Buffer.alloc(0);
  private upgraded = false;

  /** `frame`: the one text frame that is to come. */
  constructor(port: number, frame: Buffer) {
    this.frame = frame;
    this.socket = net.connect(port, '127.0.0.1');
    // A connection that ends shows in what has come.
    this.socket.on('error', () => {}).on('data', (data) => this.read(data));
    this.socket.write(
      'GET / HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
  }

  close(): void {
    this.socket.destroy();
  }

  private read(data: Buffer): void {
    let buf = this.rest.length === 0 ? data : Buffer.concat([this.rest, data]);
    if (!this.upgraded) {
      const end = buf.indexOf('\r\n\r\n');
      this.upgraded = end >= 0;
      if (this.upgraded) buf = buf.subarray(end + 4);
    }
    let at = 0;
    while (this.upgraded && at < buf.length) {
      const used = this.take(buf, at);
      if (used === 0) break;
      at += used;
    }
    this.rest = Buffer.from(buf.subarray(at));
  }

  /** Takes some of the message, or one ping; 0 = more has to come. */
  private take(buf: Buffer, at: number): number {
    const { got, frame } = this;
    if ((got > 0 && got < frame.length) || buf[at] === TEXT_FIN) {
      const count = Math.min(buf.length - at, frame.length - got);
      if (count === 0 || buf.compare(frame, got, got + count, at, at + count) !== 0) this.same = false;
      this.got += count;
      return count || buf.length - at;
    }
    const length = 2 + (buf[at + 1] ?? 0);
    if (buf.length - at < length) return 0;
    if (buf[at] === PING_FIN) this.pong(buf.subarray(at + 2, at + length));
    else this.same = false;
    return length;
  }

  /** Masked with zeros, which is a mask too (RFC 6455 §5.3). */
  private pong(payload: Buffer): void {
    this.socket.write(Buffer.concat([Buffer.from([0x8a, 0x80 | payload.length, 0, 0, 0, 0]), payload]));
  }
}
