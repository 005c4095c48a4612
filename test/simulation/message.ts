// Simulation: messages as bytes, and how their numbers are found again in what a client parsed.
import { deflateRawSync, constants as zlib } from 'node:zlib';
import { BINARY, encode, TEXT } from './frames.ts';
import type { Emitted } from './schedule.ts';

const NUMBER = /~(\d+)~/;
const WINDOW = 32_768;
const DENSE = Buffer.allocUnsafe(200_000);
for (let i = 0, state = 1; i < DENSE.length; i++) {
  state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
  // Printable, and nothing that JSON would escape.
  DENSE[i] = 0x30 + ((state >>> 16) % 75);
  if (DENSE[i] === 0x5c) DENSE[i] = 0x7a;
}

/** Deflates the messages of one connection (RFC 7692 §7.2.1). */
export class Deflater {
  /**
   * Numbers of messages by what they look like on the wire, for clients that do not inflate. Two may
   * look the same, because each refers back to the one before it. They come in their order.
   */
  readonly numbers = new Map<string, number[]>();
  private window: Buffer = Buffer.alloc(0);
  private readonly takeover: boolean;

  constructor(takeover: boolean) {
    this.takeover = takeover;
  }

  deflate(plain: Buffer, uid: number, dense: boolean): Buffer {
    const dictionary = this.takeover && this.window.length > 0 ? { dictionary: this.window } : {};
    const out = deflateRawSync(plain, { level: dense ? 0 : 1, finishFlush: zlib.Z_SYNC_FLUSH, ...dictionary });
    const bytes = out.subarray(0, out.length - 4);
    if (this.takeover) this.window = Buffer.concat([this.window, plain]).subarray(-WINDOW);
    const same = this.numbers.get(key(bytes));
    if (same === undefined) this.numbers.set(key(bytes), [uid]);
    else same.push(uid);
    return bytes;
  }

  /** The number of a message that has come, once for each. */
  numberOf(payload: Buffer): number {
    return this.numbers.get(key(payload))?.shift() ?? 0;
  }
}

function key(bytes: Buffer): string {
  return bytes.length < 4096
    ? bytes.toString('latin1')
    : `${bytes.length}:${bytes.toString('latin1', 0, 2048)}${bytes.toString('latin1', bytes.length - 64)}`;
}

export function eventId(message: Emitted): string | undefined {
  return message.type === 'noise' || message.type === 'binary' ? undefined : `e${message.event}`;
}

/** The payload, uncompressed. */
export function payloadOf(message: Emitted, uid: number): Buffer {
  const { type, size, last } = message;
  if (type === 'noise') return Buffer.from(`noise ~${uid}~ ${'x'.repeat(size)}`);
  if (type === 'binary') return Buffer.from(`\u0001 ~${uid}~ ${'x'.repeat(size)}`, 'latin1');
  const head = `{"type":"${type}","event_id":"${eventId(message)}","run_id":"~${uid}~"${last === true ? ',"last":true' : ''}`;
  if (size === 0) return Buffer.from(`${head}}`);
  const filling = message.dense === true ? DENSE.toString('latin1', 0, size) : 'x'.repeat(size);
  return Buffer.from(`${head},"data":"${filling}"}`, 'latin1');
}

/** Whether it comes in a binary frame: one event in five does. */
function isBinary({ type }: Emitted, uid: number): boolean {
  return type === 'binary' || (type !== 'noise' && (uid >> 3) % 5 === 2);
}

/** Throws when a message has come in a frame of the other kind than it was sent in. */
export function checkKind(message: Emitted | undefined, uid: number, binary: boolean): void {
  if (message !== undefined && isBinary(message, uid) !== binary)
    throw new Error(`message ${uid} has come in a ${binary ? 'binary' : 'text'} frame`);
}

/** Its frames. */
export function framesOf(message: Emitted, uid: number, deflater: Deflater | undefined): Buffer {
  const plain = payloadOf(message, uid);
  const compressed = deflater !== undefined && message.compressed;
  const bytes = compressed ? deflater.deflate(plain, uid, message.dense === true) : plain;
  const opcode = isBinary(message, uid) ? BINARY : TEXT;
  const pieces = Math.min(message.pieces, Math.max(1, bytes.length));
  if (pieces === 1) return encode(opcode, bytes, false, true, compressed ? 0x40 : 0);
  const frames: Buffer[] = [];
  const step = Math.ceil(bytes.length / pieces);
  for (let i = 0; i < pieces; i++) {
    const part = bytes.subarray(i * step, (i + 1) * step);
    const rsv = i === 0 && compressed ? 0x40 : 0;
    frames.push(encode(i === 0 ? opcode : 0, part, false, i === pieces - 1, rsv));
  }
  return Buffer.concat(frames);
}

/** The number in an uncompressed payload; 0 = none. */
export function numberIn(payload: Buffer): number {
  const found = NUMBER.exec(payload.toString('latin1', 0, Math.min(payload.length, 120)));
  return found === null ? 0 : Number(found[1]);
}
