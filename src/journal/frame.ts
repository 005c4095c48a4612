// journal: one record on disk: a mark, its length, two checksums, its payload. What is damaged is passed over, and nothing in it is taken for a record.
import { crc32 } from 'node:zlib';

/** In front of each payload: mark (2 bytes), length (4), checksum of the length (2), checksum of the payload (4); little-endian. */
export const FRAME_BYTES = 12;
const MARK = Buffer.from([0xac, 0x4a]);

/**
 * Completes the record at `start` of `buf`, whose payload is there already and ends at `end`. `nonce` begins both checksums: it is a secret
 * of the file, so a payload whose author does not know it cannot hold something that passes for a record.
 */
export function seal(buf: Buffer, start: number, end: number, nonce: number): void {
  const payload = start + FRAME_BYTES;
  buf[start] = MARK[0]!;
  buf[start + 1] = MARK[1]!;
  buf.writeUInt32LE(end - payload, start + 2);
  buf.writeUInt16LE(lengthSum(buf, start, nonce), start + 6);
  buf.writeUInt32LE(crc32(buf.subarray(payload, end), nonce), start + 8);
}

/** What a reader of records is told, in the order of the file. */
export interface FrameVisitor {
  /** A payload is `buf[start, end)`. */
  record(start: number, end: number): void;
  /** No record can be read in `buf[from, to)`. */
  damaged(from: number, to: number): void;
}

/** Reads the records of `buf` from `from` on. Answers where the last of them begins whose writing was cut short; `buf.length` = none was. */
export function readFrames(buf: Buffer, from: number, nonce: number, visitor: FrameVisitor): number {
  let bad = -1;
  let cut = -1;
  for (let at = from; at < buf.length; ) {
    const end = frameEnd(buf, at, nonce);
    if (end > 0) {
      if (bad >= 0) visitor.damaged(bad, at);
      bad = -1;
      visitor.record(at + FRAME_BYTES, end);
      at = end;
      continue;
    }
    if (bad < 0) {
      bad = at;
      if (end < 0) cut = at;
    }
    const next = buf.indexOf(MARK, at + 1);
    at = next < 0 ? buf.length : next;
  }
  // Cut short is only what nothing follows.
  if (bad >= 0 && bad === cut) return cut;
  if (bad >= 0) visitor.damaged(bad, buf.length);
  return buf.length;
}

/** Where the record at `at` ends; 0 = none is there, -1 = its end is missing. */
function frameEnd(buf: Buffer, at: number, nonce: number): number {
  const payload = at + FRAME_BYTES;
  const marks = Math.min(MARK.length, buf.length - at);
  if (MARK.compare(buf, at, at + marks, 0, marks) !== 0) return 0;
  if (payload > buf.length) return -1;
  if (buf.readUInt16LE(at + 6) !== lengthSum(buf, at, nonce)) return 0;
  const length = buf.readUInt32LE(at + 2);
  const end = payload + length;
  if (end > buf.length) return -1;
  return buf.readUInt32LE(at + 8) === crc32(buf.subarray(payload, end), nonce) ? end : 0;
}

/** A wrong length costs one look, not a checksum over what follows. */
function lengthSum(buf: Buffer, at: number, nonce: number): number {
  return crc32(buf.subarray(at, at + 6), nonce) & 0xffff;
}
