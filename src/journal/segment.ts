// journal: the files of a journal: their names, and the header of each.
import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

/** Format of the files. A reader reads its own format and older ones. */
export const FORMAT = 1;
/** Bytes before the first record: two copies of one header, so that damage to one costs nothing. */
export const HEADER_BYTES = 64;

const COPY_BYTES = 32;
const MAGIC = Buffer.from('ACKSPANJ', 'latin1');

/** The header of a file. */
export interface SegmentHeader {
  readonly format: number;
  /** Secret of the file, with which every checksum in it begins (`frame.ts`). */
  readonly nonce: number;
  /** Time at which the file was begun, ms since the epoch. */
  readonly createdAt: number;
}

/** What a file holds: the state of sessions and deliveries, or deliveries that were lost. */
export type SegmentKind = 'state' | 'lost';

/** Name of a file, e.g. `state-00000042.log`. */
export function segmentName(kind: SegmentKind, number: number): string {
  return `${kind}-${String(number).padStart(8, '0')}.log`;
}

/** The number in a file's name; undefined = the file is none of that kind. */
export function segmentNumber(kind: SegmentKind, name: string): number | undefined {
  const found = /^([a-z]+)-(\d{8,15})\.log$/.exec(name);
  return found?.[1] === kind ? Number(found[2]) : undefined;
}

/** Makes the header of a new file. */
export function newHeader(createdAt: number): SegmentHeader {
  return { format: FORMAT, nonce: randomBytes(4).readUInt32LE(), createdAt };
}

export function writeHeader({ format, nonce, createdAt }: SegmentHeader): Buffer {
  const copy = Buffer.alloc(COPY_BYTES);
  MAGIC.copy(copy);
  copy.writeUInt32LE(format, 8);
  copy.writeUInt32LE(nonce, 12);
  copy.writeDoubleLE(createdAt, 16);
  copy.writeUInt32LE(crc32(copy.subarray(0, COPY_BYTES - 4)), COPY_BYTES - 4);
  return Buffer.concat([copy, copy]);
}

/** Reads the beginning of a file; undefined = neither copy of its header can be read. */
export function readHeader(buf: Buffer): SegmentHeader | undefined {
  for (const at of [0, COPY_BYTES]) {
    const copy = buf.subarray(at, at + COPY_BYTES);
    if (copy.length < COPY_BYTES || !copy.subarray(0, MAGIC.length).equals(MAGIC)) continue;
    if (copy.readUInt32LE(COPY_BYTES - 4) !== crc32(copy.subarray(0, COPY_BYTES - 4))) continue;
    return { format: copy.readUInt32LE(8), nonce: copy.readUInt32LE(12), createdAt: copy.readDoubleLE(16) };
  }
  return undefined;
}
