// Simulation: one connection of the backend: sends messages, pings and ends as the schedule says, and answers as servers do.
import { CLOSE, closePayload, encode, FrameReader, PING, PONG } from './frames.ts';
import type { History, Upstream } from './history.ts';
import { Deflater, eventId, framesOf } from './message.ts';
import type { ClientSetup, Emitted, Ending } from './schedule.ts';
import type { End } from './wire.ts';
import type { World } from './world.ts';

export class BackendConnection {
  over = false;
  readonly deflater: Deflater | undefined;
  readonly upstream: Upstream;
  private readonly world: World;
  private readonly end: End;
  private readonly history: History;
  private readonly reader = new FrameReader(true);
  private readonly queue: Buffer[] = [];
  private readonly sdk: boolean;
  private queued = 0;
  private closing = false;
  private heardFin = false;
  private holding = false;
  private ending = false;

  constructor(world: World, end: End, history: History, upstream: Upstream, { deflate, sdk }: ClientSetup) {
    this.world = world;
    this.end = end;
    this.history = history;
    this.upstream = upstream;
    this.sdk = sdk;
    this.deflater = deflate === 'off' ? undefined : new Deflater(deflate === 'takeover');
    end.onReadable = () => this.read();
    end.onWritable = () => this.flush();
  }

  emit(message: Emitted): void {
    if (this.over || this.closing || this.ending) return;
    const { client } = this.upstream;
    const uid = message.uid + client;
    this.send(framesOf(message, uid, this.deflater));
    const tracked = !['chatter', 'noise', 'binary'].includes(message.type);
    const sent = {
      uid,
      client,
      upstream: this.upstream.id,
      eventId: eventId(message),
      tracked,
      confirm: this.confirms(message),
      low: message.type === 'low',
      compressed: message.compressed && this.deflater !== undefined,
      emitted: message,
    };
    const record = { ...sent, sentAt: this.world.now, arrivedAt: 0, readAt: 0 };
    this.history.messages.push(record);
    this.history.byUid.set(uid, record);
    this.end.mark(record, this.queued);
  }

  private confirms({ type }: Emitted): 'received' | 'processed' {
    if (type === 'received') return 'received';
    return type === 'processed' || type === 'again' || this.sdk ? 'processed' : 'received';
  }

  ping(payload: string): void {
    if (!this.closing && !this.ending) this.send(encode(PING, Buffer.from(payload), false));
  }

  /** Ends the connection behind what it has sent. */
  finish(ending: Ending): void {
    if (this.over || this.ending) return;
    if (ending.how === 'close') {
      if (this.closing) return;
      this.closing = true;
      this.sendClose(closePayload(ending.code));
      // A server that got no answer lets go all the same.
      this.world.plan(this.world.now + 1500, () => this.letGo());
    } else if (ending.how === 'malformed') {
      this.send(Buffer.from([0xf3, 0x02, 0x68, 0x69]));
      this.closing = true;
      this.world.plan(this.world.now + 300, () => this.letGo());
    } else {
      if (ending.how.startsWith('partial')) this.send(Buffer.from([0x81, 0x7e, 0x01, 0x00, 0x7b, 0x22]));
      if (ending.how.endsWith('reset')) this.reset();
      else this.letGo();
    }
  }

  reset(): void {
    if (this.over) return;
    this.over = true;
    this.end.reset();
  }

  hold(ms: number): void {
    if (this.holding) return;
    this.holding = true;
    this.world.plan(this.world.now + ms, () => {
      this.holding = false;
      this.read();
    });
  }

  /** FIN behind what waits. */
  letGo(): void {
    this.ending = true;
    this.flush();
  }

  private send(bytes: Buffer): void {
    if (this.over) return;
    this.queue.push(bytes);
    this.queued += bytes.length;
    this.flush();
  }

  private flush(): void {
    while (this.queue.length > 0 && !this.over) {
      const bytes = this.queue[0]!;
      const taken = this.end.write(bytes);
      if (taken < 0) {
        this.queue.length = this.queued = 0;
        break;
      }
      this.queued -= taken;
      if (taken < bytes.length) {
        this.queue[0] = bytes.subarray(taken);
        return;
      }
      this.queue.shift();
    }
    if (!this.ending || this.over) return;
    this.end.shutdown();
    if (!this.heardFin) return;
    this.over = true;
    this.end.close();
  }

  private read(): void {
    while (!this.holding && !this.over && !this.heardFin) {
      const got = this.end.read(65_536);
      if (got === undefined) return;
      if (got === 'fin') {
        this.heardFin = true;
        this.letGo();
      } else if (got === 'rst') {
        this.over = true;
        this.end.close();
      } else
        this.reader.push(got, ({ opcode, payload }) => {
          if (opcode === PING) this.send(encode(PONG, payload, false));
          else if (opcode === CLOSE) this.closed(payload);
        });
      // RFC 6455 §7.1.7: it fails a connection whose client breaks the rules.
      if (this.reader.broken && !this.over) this.closed(closePayload(1002));
    }
  }

  private closed(payload: Buffer): void {
    if (!this.closing) this.sendClose(payload);
    this.closing = true;
    this.letGo();
  }

  private sendClose(payload: Buffer): void {
    this.send(encode(CLOSE, payload, false));
    this.end.mark(this.upstream.close, this.queued);
  }
}
