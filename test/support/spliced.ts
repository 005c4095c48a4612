// Test support: a splice between two memory sockets, with a tap that records its calls.
import type { Fault } from '../../src/delivery/ports.ts';
import type { Reading } from '../../src/relay/reading.ts';
import { createSplice, type SpliceHandle } from '../../src/relay/splice-handle.ts';
import type { Deflate } from '../../src/relay/spliced-sockets.ts';
import {
  DEFAULT_RELAY_LIMITS,
  type Leave,
  type RelayContext,
  RelayCounters,
  type RelayLimits,
  type Tap,
  type Unseen,
  type WriteFirst,
} from '../../src/relay/tap.ts';
import { MemorySocket, settle } from './socket-pair.ts';

export const DEFLATE: Deflate = {
  serverNoContextTakeover: false,
  serverMaxWindowBits: 15,
  clientNoContextTakeover: true,
  clientMaxWindowBits: 15,
};

/** Records every call. `isConfirmation` and `wantsBarrier` answer for it. */
export class RecordingTap implements Tap {
  /** `1:text`, `2~{"binary":1}`, `3!binary`. */
  readonly messages: string[] = [];
  readonly times: number[] = [];
  readonly received: number[] = [];
  readonly offered: string[] = [];
  /** `client 1000 orderly`: no further evidence can come. Then, in `ends`, everything is over. */
  readonly overs: string[] = [];
  readonly ends: string[] = [];
  asked = 0;
  private askedThrough = 0;
  waiting = 0;
  isConfirmation = (text: string): boolean => text.includes('event_confirmation');
  wantsBarrier = (_through: number): boolean => true;
  /** Whether evidence may still come when the client is to be parted from. */
  mayCome = (): boolean => false;
  firstWrites = (_ordinal: number): WriteFirst => 'nothing';
  /** The longest message that is kept whole. */
  keeps = Number.MAX_SAFE_INTEGER;
  /** What is said of each message that is not read. */
  readonly unseen: (Unseen | undefined)[] = [];
  readonly passedBytes: number[] = [];
  /** True sizes of the messages told, by ordinal. */
  readonly sizes = new Map<number, number>();

  wants(): number {
    return this.keeps;
  }
  upstreamText(
    buf: Buffer,
    start: number,
    end: number,
    ordinal: number,
    now: number,
    bytes: number,
    binary: boolean,
  ): void {
    this.messages.push(`${ordinal}${binary ? '~' : ':'}${buf.toString('latin1', start, end)}`);
    this.times.push(now);
    this.sizes.set(ordinal, bytes);
  }
  upstreamSkipped(reason: string, ordinal: number, _now: number, bytes: number, unseen?: Unseen): void {
    this.messages.push(`${ordinal}!${reason}`);
    this.passedBytes.push(bytes);
    this.unseen.push(unseen);
  }
  undecoded(delta: number): void {
    this.waiting += delta;
  }
  writeFirst(ordinal: number): WriteFirst {
    return this.firstWrites(ordinal);
  }
  barrierAt(through: number): boolean {
    this.asked++;
    if (!this.wantsBarrier(through)) return false;
    this.askedThrough = through;
    return true;
  }
  /** Answers as the core does: only where a last barrier would prove more than those before it. */
  lastBarrierAt(through: number): boolean {
    return through > this.askedThrough && this.barrierAt(through);
  }
  awaits(): boolean {
    return this.mayCome();
  }
  receivedThrough(through: number): void {
    this.received.push(through);
  }
  clientText(buf: Buffer, start: number, end: number): boolean {
    const text = buf.toString('latin1', start, end);
    this.offered.push(text);
    return this.isConfirmation(text);
  }
  clientOver(by: string, code: number, leave: Leave): void {
    this.overs.push(`${by} ${code}${leave === 'vanished' ? '' : ` ${leave}`}`);
  }
  closed(by: string, code: number): void {
    this.ends.push(`${by} ${code}`);
  }
}

/** Keeps what it is told of the client's going; answers `stays`. */
export class ParkingTap extends RecordingTap {
  readonly lost: number[] = [];
  /** Whether the client that went had been asked to come again. */
  readonly wereAsked: boolean[] = [];
  stays = true;
  override wantsBarrier = () => false;
  clientLost(code: number, _now: number, asked: boolean): boolean {
    this.lost.push(code);
    this.wereAsked.push(asked);
    return this.stays;
  }
}

export interface Spliced<T extends Tap> {
  readonly client: MemorySocket;
  readonly upstream: MemorySocket;
  readonly splice: SpliceHandle;
  readonly tap: T;
  readonly counters: RelayCounters;
  readonly faults: Fault[];
  /** The clock of the splice, ms. */
  readonly time: { now: number };
}

export interface SplicedOptions<T extends Tap> {
  readonly tap?: T;
  readonly deflate?: Deflate;
  readonly opaque?: boolean;
  readonly limits?: Partial<RelayLimits>;
  readonly announcesLoss?: boolean;
  readonly clientHead?: Buffer;
  readonly upstreamHead?: Buffer;
  readonly highWaterMark?: number;
  readonly reading?: Reading;
}

/** A started splice. From here on, bytes that a far end sends are handled before `send` returns. */
export async function spliced(options?: SplicedOptions<RecordingTap>): Promise<Spliced<RecordingTap>>;
export async function spliced<T extends Tap>(options: SplicedOptions<T> & { tap: T }): Promise<Spliced<T>>;
export async function spliced(options: SplicedOptions<Tap> = {}): Promise<Spliced<Tap>> {
  const client = new MemorySocket(options.highWaterMark);
  const upstream = new MemorySocket(options.highWaterMark);
  const counters = new RelayCounters();
  const faults: Fault[] = [];
  const time = { now: 1_000 };
  const context: RelayContext = {
    counters,
    limits: { ...DEFAULT_RELAY_LIMITS, ...options.limits },
    now: () => time.now,
    report: (fault) => faults.push(fault),
    reading: options.reading,
  };
  const tap = options.tap ?? new RecordingTap();
  const { deflate, opaque, clientHead, upstreamHead, announcesLoss } = options;
  const splice = createSplice(
    { client, upstream, deflate, clientHead, upstreamHead, opaque: opaque ?? false, announcesLoss },
    tap,
    context,
  );
  splice.start();
  await settle();
  return { client, upstream, splice, tap, counters, faults, time };
}
