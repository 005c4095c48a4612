// Simulation: a TCP connection: two kernels with bounded buffers, and a network that delays, cuts and stalls; FIN, RST, and what they leave readable.
import type { Chance } from '../support/chance.ts';
import type { World } from './world.ts';

/** What one direction of a network does. */
export interface Path {
  /** One way, ms. */
  readonly delay: number;
  /** More, up to this, per segment, ms. */
  readonly jitter: number;
  /** Share of writes that arrive in pieces. */
  readonly cuts: number;
  /** Bytes on their way and received unread, together. */
  readonly capacity: number;
}

/**
 * Bytes in a stream that mean something: when the far kernel had them, and when the far process
 * read them.
 */
export interface Mark {
  arrivedAt: number;
  /** When the far process's stream took it out of the kernel; it may not have looked at it yet. */
  takenAt?: number;
  readAt: number;
}

/** First byte of a Close frame. */
const CLOSE_BYTE = 0x88;

interface Segment {
  readonly bytes: Buffer | 'fin' | 'rst';
  due: number;
}

/** One end of the connection: a socket as the kernel has it. */
export class End {
  readonly world: World;
  /**
   * Told when something can be read, or written again; outside of the sidecar as an event of its
   * own.
   */
  onReadable: (() => void) | undefined = undefined;
  onWritable: (() => void) | undefined = undefined;
  /** When its process closed it; 0 = not yet. */
  closedAt = 0;
  /** An RST came in: writes fail, and so do reads behind what had come before. */
  dead = false;
  /** Whether it has sent its FIN, and when. */
  finSent = false;
  finAt = 0;
  finCame = false;
  /** When FIN or RST came; 0 = neither has. */
  overAt = 0;
  /** When FIN or RST was read. */
  overReadAt = 0;
  /** When its process first wrote a Close frame by itself (RFC 6455 §5.5.1); 0 = not yet. */
  closeSentAt = 0;
  /** When bytes came in. */
  readonly arrivals: number[] = [];
  /** Bytes that came in and were not read. */
  unread = 0;
  /** Until when the network loses its bytes; 0 = no loss. */
  stalledUntil = 0;
  private readonly path: Path;
  private readonly chance: Chance;
  private far!: End;
  private received: Buffer[] = [];
  private readonly flight: Segment[] = [];
  private flying = 0;
  private planned = false;
  private lastDue = 0;
  private sent = 0;
  private came = 0;
  private readCount = 0;
  /** Marks in its stream, in order of their offsets. */
  private readonly marks: { readonly at: number; readonly mark: Mark }[] = [];
  private arrivedMarks = 0;
  private takenMarks = 0;
  private takenCount = 0;
  private readMarks = 0;
  private wantsRoom = false;

  constructor(world: World, chance: Chance, path: Path) {
    this.world = world;
    this.chance = chance;
    this.path = path;
  }

  /** A connection; the first end's path leads to the second. */
  static pair(world: World, chance: Chance, there: Path, back: Path): [End, End] {
    const a = new End(world, chance, there);
    const b = new End(world, chance, back);
    a.far = b;
    b.far = a;
    return [a, b];
  }

  /** There is something to read: bytes, FIN or RST. */
  get readable(): boolean {
    return this.unread > 0 || this.finCame || this.dead;
  }

  get room(): number {
    return this.dead || this.finSent ? 1 : this.path.capacity - this.flying - this.far.unread;
  }

  /** Says how many of the bytes the kernel took; -1 = the connection is no more. */
  write(bytes: Buffer): number {
    if (this.dead || this.finSent || this.closedAt > 0) return -1;
    const count = Math.min(bytes.length, Math.max(0, this.path.capacity - this.flying - this.far.unread));
    if (count < bytes.length) this.wantsRoom = true;
    if (count === 0) return 0;
    if (bytes[0] === CLOSE_BYTE && bytes.length === 2 + bytes[1]!) this.closeSentAt ||= this.world.now;
    const copy = Buffer.from(bytes.subarray(0, count));
    this.sent += count;
    this.flying += count;
    let from = 0;
    while (from < count) {
      const size = this.chance.next() < this.path.cuts ? this.chance.between(1, count - from) : count - from;
      this.launch(copy.subarray(from, from + size));
      from += size;
    }
    return count;
  }

  /**
   * Puts a mark behind everything written so far, and `more` bytes that the process has yet to
   * write.
   */
  mark(mark: Mark, more: number): void {
    this.marks.push({ at: this.sent + more, mark });
  }

  /** At most `max` bytes; `fin` or `rst` behind the last; undefined = nothing yet. */
  read(max: number): Buffer | 'fin' | 'rst' | undefined {
    if (this.unread === 0) return this.dead ? 'rst' : this.finCame ? 'fin' : undefined;
    let bytes = this.received.length === 1 ? this.received[0]! : Buffer.concat(this.received);
    this.received = [];
    if (bytes.length > max) {
      this.received.push(bytes.subarray(max));
      bytes = bytes.subarray(0, max);
    }
    this.unread -= bytes.length;
    this.takenCount += bytes.length;
    this.far.wasTaken(this.takenCount);
    this.far.hasRoom();
    return bytes;
  }

  /** The process has been given so many bytes more: what lies in a stream's buffer it has not. */
  consumed(count: number): void {
    this.readCount += count;
    this.far.wasRead(this.readCount);
  }

  /** The process has been told of FIN or RST. */
  toldOver(): void {
    this.overReadAt ||= this.world.now;
  }

  /** FIN behind what was written. */
  shutdown(): void {
    if (this.finSent || this.dead || this.closedAt > 0) return;
    this.finSent = true;
    this.finAt = this.world.now;
    this.launch('fin');
  }

  /** The process lets go: RST when it leaves bytes unread, FIN otherwise. */
  close(): void {
    if (this.closedAt > 0) return;
    if (!this.dead && this.unread > 0) this.launch('rst');
    else this.shutdown();
    this.closedAt = this.world.now;
    this.received = [];
    this.unread = 0;
  }

  /** RST. What it has sent and nobody has received yet may still arrive before it. */
  reset(): void {
    if (this.closedAt > 0) return;
    if (!this.dead) this.launch('rst');
    this.closedAt = this.world.now;
    this.received = [];
    this.unread = 0;
  }

  /** The system gives the connection up: as if an RST had come. */
  fail(): void {
    if (this.closedAt > 0) return;
    this.dead = true;
    this.overAt ||= this.world.now;
    this.onReadable?.();
  }

  /** Nothing that this end sends arrives before `until`. */
  stall(until: number): void {
    this.stalledUntil = Math.max(this.stalledUntil, until);
  }

  /** The same in both directions. */
  stallBoth(until: number): void {
    this.stall(until);
    this.far.stall(until);
  }

  private launch(bytes: Segment['bytes']): void {
    const { delay, jitter } = this.path;
    this.lastDue = Math.max(this.lastDue, this.world.now + delay + this.chance.next() * jitter);
    this.flight.push({ bytes, due: this.lastDue });
    this.planNext();
  }

  private planNext(): void {
    if (this.planned || this.flight.length === 0) return;
    this.planned = true;
    const at = Math.max(this.flight[0]!.due, this.stalledUntil);
    if (at < Number.POSITIVE_INFINITY) this.world.plan(at, this.land);
  }

  private readonly land = (): void => {
    this.planned = false;
    const { now } = this.world;
    while (this.flight.length > 0 && this.flight[0]!.due <= now && this.stalledUntil <= now) {
      const { bytes } = this.flight.shift()!;
      if (typeof bytes !== 'string') this.flying -= bytes.length;
      this.far.arrived(bytes);
    }
    this.planNext();
  };

  private arrived(bytes: Segment['bytes']): void {
    const { now } = this.world;
    if (typeof bytes !== 'string') {
      this.came += bytes.length;
      this.far.wasReceived(this.came, now);
    }
    if (this.dead) return;
    if (bytes === 'rst') {
      this.dead = true;
      this.overAt ||= now;
    } else if (bytes === 'fin') {
      this.finCame = true;
      this.overAt ||= now;
    } else if (this.closedAt > 0) {
      // Data for a socket that nobody has: the other side is told.
      this.launch('rst');
      return;
    } else {
      this.received.push(bytes);
      this.unread += bytes.length;
      this.arrivals.push(now);
    }
    if (this.closedAt === 0) this.onReadable?.();
  }

  private wasReceived(offset: number, now: number): void {
    for (; this.arrivedMarks < this.marks.length; this.arrivedMarks++) {
      const { at, mark } = this.marks[this.arrivedMarks]!;
      if (at > offset) return;
      mark.arrivedAt = now;
    }
  }

  private wasTaken(offset: number): void {
    for (; this.takenMarks < this.marks.length; this.takenMarks++) {
      const { at, mark } = this.marks[this.takenMarks]!;
      if (at > offset) return;
      mark.takenAt = this.world.now;
    }
  }

  private wasRead(offset: number): void {
    for (; this.readMarks < this.marks.length; this.readMarks++) {
      const { at, mark } = this.marks[this.readMarks]!;
      if (at > offset) break;
      mark.readAt = this.world.now;
    }
  }

  private hasRoom(): void {
    if (!this.wantsRoom) return;
    this.wantsRoom = false;
    this.world.plan(this.world.now, () => this.onWritable?.());
  }
}
