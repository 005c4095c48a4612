// Simulation: a client's WebSocket stack: reads frames, answers pings and Closes in its own way, and writes down what it knew when it said what.
import { CLOSE, closeCode, closePayload, encode, type Frame, FrameReader, PING, PONG, TEXT } from './frames.ts';
import type { Evidence, Link } from './history.ts';
import type { End } from './wire.ts';
import type { World } from './world.ts';

/** How a client's stack behaves. */
export interface Manners {
  /** `latest`: a moment after pings came, only the last is answered. */
  readonly pongs: 'all' | 'latest' | 'late' | 'never';
  readonly pongDelay: number;
  readonly answersClose: boolean;
  /**
   * Whether it answers pings after it has sent its own Close frame. Such a stack hands its
   * application no message from then on, as Node's WebSocket.
   */
  readonly pongsWhileClosing: boolean;
}

export interface StackEvents {
  /** The upgrade was answered with 101. */
  opened(): void;
  message(payload: Buffer, opcode: number, compressed: boolean): void;
  /** The connection is over; `code` of the Close frame that came, 1006 without one. */
  over(code: number): void;
}

/**
 * Length of a sidecar's barrier: a ping of another length is the backend's, and what its pong
 * proves is nobody's business.
 */
const BARRIER_BYTES = 14;

export class Stack {
  /** Whether the stack does not read what its kernel has. */
  holding = false;
  closing = false;
  over = false;
  readonly link: Link;
  private readonly world: World;
  private readonly end: End;
  private readonly manners: Manners;
  private readonly events: StackEvents;
  private readonly reader: FrameReader;
  private readonly queue: Buffer[] = [];
  private queued = 0;
  private headRead = false;
  private head: Buffer = Buffer.alloc(0);
  private ending = false;
  private theirCode = 1006;
  /**
   * Violations that it has sent: none; a frame that no peer should send; bytes that are no frames.
   */
  private broke: 'nothing' | 'a rule' | 'the framing' = 'nothing';
  private pings: { readonly payload: Buffer; readonly before: number }[] = [];
  /** Messages before the first ping of each payload: no pong of that payload proves more. */
  private readonly firsts = new Map<string, number>();
  /** Messages before the latest barrier. */
  private covered = 0;
  /** The payloads of the last barrier that came, and of the last one that was answered. */
  private lastBarrier: string | undefined = undefined;
  private answeredBarrier: string | undefined = undefined;
  private fragments: Buffer[] = [];
  private opcode = TEXT;
  private compressed = false;

  constructor(world: World, end: End, link: Link, manners: Manners, deflate: boolean, events: StackEvents) {
    this.world = world;
    this.end = end;
    this.link = link;
    this.manners = manners;
    this.events = events;
    this.reader = new FrameReader(deflate);
    end.onReadable = () => this.read();
    end.onWritable = () => this.flush();
  }

  hold(ms: number): void {
    if (this.holding) return;
    this.holding = true;
    this.world.plan(this.world.now + ms, () => {
      this.holding = false;
      this.read();
    });
  }

  /** Nothing that it sends arrives for a while. */
  stallUp(ms: number): void {
    this.end.stall(this.world.now + ms);
  }

  send(opcode: number, payload: Buffer, fin = true, rsv = 0): void {
    this.raw(encode(opcode, payload, true, fin, rsv));
  }

  /**
   * A word or a pong: sends it, and notes what it proves. `sure`: so many messages; `more`: what
   * else is known of it.
   */
  say(
    opcode: number,
    payload: Buffer,
    kind: Evidence['kind'],
    sure: number,
    more: Partial<Evidence> = {},
    rsv = 0,
  ): void {
    if (this.over || this.ending) return;
    const { now } = this.world;
    // After a frame that breaks the rules only pongs are read on; after bytes that are no frames,
    // nothing need be.
    const moot = this.broke === 'the framing' || (this.broke === 'a rule' && kind !== 'pong');
    const evidence: Evidence = {
      kind,
      sentAt: now,
      arrivedAt: 0,
      readAt: 0,
      most: sure,
      // Bytes behind the client's Close frame need no reaction.
      sure: moot || (this.closing && kind !== 'close') ? 0 : sure,
      ...(moot && { moot }),
      ...more,
    };
    this.link.evidence.push(evidence);
    this.send(opcode, payload, true, rsv);
    this.end.mark(evidence, this.queued);
  }

  raw(bytes: Buffer): void {
    if (this.over || this.ending) return;
    this.queue.push(bytes);
    this.queued += bytes.length;
    this.flush();
  }

  /**
   * Breaks the framing rules: with a frame of a reserved opcode, or with bytes that no reader can
   * make sense of.
   */
  breakRules(garbage: boolean): void {
    if (garbage) this.raw(Buffer.from('GET / HTTP/1.1\r\n\r\n'));
    else this.send(3, Buffer.from('reserved opcode'));
    this.link.broke = true;
    this.broke = garbage || this.broke === 'the framing' ? 'the framing' : 'a rule';
  }

  /** Closes in good order. */
  close(code: number): void {
    if (this.closing || this.over) return;
    this.sendClose(code);
    this.giveUpIn(1500);
  }

  private sendClose(code: number): void {
    this.closing = true;
    if (this.ending) return;
    this.send(CLOSE, closePayload(code));
    this.link.leftAt = this.world.now;
    this.link.leftCode = code;
    this.end.mark(this.link.left, this.queued);
  }

  /** FIN, and goes on reading. */
  halfClose(): void {
    this.ending = true;
    this.flush();
  }

  reset(): void {
    if (this.over) return;
    this.end.reset();
    this.done(1006);
  }

  private flush(): void {
    while (this.queue.length > 0) {
      const bytes = this.queue[0]!;
      const taken = this.end.write(bytes);
      if (taken < 0) {
        this.queue.length = this.queued = 0;
        return;
      }
      this.queued -= taken;
      if (taken < bytes.length) {
        this.queue[0] = bytes.subarray(taken);
        return;
      }
      this.queue.shift();
    }
    if (this.ending) this.end.shutdown();
  }

  private read(): void {
    while (!this.holding && !this.over && this.end.closedAt === 0) {
      const got = this.end.read(65_536);
      if (got === undefined) return;
      if (got === 'rst') this.done(this.theirCode);
      else if (got === 'fin') {
        this.streamEnds();
        this.end.close();
        this.done(this.theirCode);
      } else this.take(got);
    }
  }

  private take(bytes: Buffer): void {
    if (!this.headRead) {
      this.head = Buffer.concat([this.head, bytes]);
      bytes = this.head;
      if (!bytes.includes('\r\n\r\n')) return;
      const at = bytes.indexOf('\r\n\r\n');
      const welcome = bytes.toString('latin1', 0, 12) === 'HTTP/1.1 101';
      bytes = bytes.subarray(at + 4);
      this.headRead = true;
      if (!welcome) return;
      this.events.opened();
    }
    this.reader.push(bytes, (frame) => {
      if (!this.over) this.frame(frame);
    });
    if (this.reader.broken && !this.over) this.fail();
  }

  /** RFC 6455 §7.1.7: fails the connection. */
  private fail(): void {
    if (!this.closing) this.sendClose(1002);
    this.end.close();
    this.done(1006);
  }

  private frame({ opcode, fin, rsv, payload }: Frame): void {
    if (opcode === PING) this.pinged(payload);
    else if (opcode === CLOSE) this.closed(closeCode(payload));
    else if (opcode < CLOSE) {
      if (opcode !== 0) {
        this.opcode = opcode;
        this.compressed = rsv !== 0;
      }
      if (!fin) {
        this.fragments.push(Buffer.from(payload));
        return;
      }
      const whole = this.fragments.length === 0 ? payload : Buffer.concat([...this.fragments, payload]);
      this.fragments = [];
      // Behind bytes that are no frames nobody can find the Close frame.
      const dropped = this.link.leftAt > 0 && this.manners.pongsWhileClosing && this.broke !== 'the framing';
      if (dropped) return;
      this.events.message(whole, this.opcode, this.compressed);
    }
  }

  private pinged(payload: Buffer): void {
    const { pongs, pongDelay } = this.manners;
    if (payload.length === BARRIER_BYTES) {
      this.covered = this.link.parsed.length;
      this.lastBarrier = payload.toString('latin1');
    }
    if (pongs === 'never' || (this.closing && !this.manners.pongsWhileClosing)) return;
    const key = payload.toString('latin1');
    if (!this.firsts.has(key)) this.firsts.set(key, this.link.parsed.length);
    const ping = { payload: Buffer.from(payload), before: this.link.parsed.length };
    if (pongs === 'all') {
      this.pong(ping);
      return;
    }
    this.pings.push(ping);
    if (this.pings.length > 1 && pongs === 'latest') return;
    this.world.plan(this.world.now + pongDelay, () => {
      const pings = this.pings.splice(0, pongs === 'latest' ? this.pings.length : 1);
      if (this.over || (this.closing && !this.manners.pongsWhileClosing)) return;
      this.pong(pings.at(-1)!);
    });
  }

  private pong({ payload, before }: { readonly payload: Buffer; readonly before: number }): void {
    const most = this.firsts.get(payload.toString('latin1'))!;
    if (payload.length === BARRIER_BYTES) this.answeredBarrier = payload.toString('latin1');
    this.say(PONG, payload, 'pong', payload.length === BARRIER_BYTES ? before : 0, { most });
  }

  /** Nothing comes any more, and the client has not ended anything. */
  private streamEnds(): void {
    if (this.closing || this.ending || this.over) return;
    this.link.streamEnd = { parsed: this.link.parsed.length, covered: this.covered };
  }

  private closed(code: number): void {
    this.theirCode = code;
    this.streamEnds();
    if (!this.closing && this.manners.answersClose) {
      this.closing = true;
      // A Close sent at the same moment cannot be told from an answer, unless no client begins with
      // its code.
      // One that comes before the pong to the last barrier may be such a Close, too.
      const owes = this.answeredBarrier !== undefined && this.answeredBarrier !== this.lastBarrier;
      const answers = code >= 1012 && code <= 1014 && !owes;
      const most = this.link.parsed.length;
      this.say(CLOSE, closePayload(code), 'close', answers ? most : 0, { most });
    }
    this.closing = true;
    this.giveUpIn(1000);
  }

  /** The server is to end the connection; if it does not, the client does. */
  private giveUpIn(ms: number): void {
    this.world.plan(this.world.now + ms, () => {
      if (this.over) return;
      this.end.close();
      this.done(this.theirCode);
    });
  }

  private done(code: number): void {
    if (this.over) return;
    this.over = true;
    this.events.over(code);
  }
}
