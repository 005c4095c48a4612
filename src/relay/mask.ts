// relay: unmasks client payloads (RFC 6455 §5.3) into memory of ours; the received bytes stay as they are.

/**
 * Size from which a copy that is masked four bytes at a time is faster than byte by byte (measured:
 * 1000 bytes 0.25 against 0.95 µs).
 */
const WORDWISE_BYTES = 96;

const keyBytes = new Uint8Array(4);
const keyWord = new Int32Array(keyBytes.buffer);
let scratch = Buffer.alloc(0);
let words = new Int32Array(0);

/**
 * The bytes `src[start, end)`, unmasked with `key` (signed big-endian word), at the start of memory
 * that the next call uses again.
 */
export function unmasked(src: Buffer, start: number, end: number, key: number): Buffer {
  const length = end - start;
  if (scratch.length < length) {
    scratch = Buffer.allocUnsafeSlow((Math.max(length, 4096) + 3) & ~3);
    words = new Int32Array(scratch.buffer);
  }
  if (length < WORDWISE_BYTES) {
    unmask(src, start, end, key, scratch, 0);
    return scratch;
  }
  src.copy(scratch, 0, start, end);
  keyBytes[0] = key >>> 24;
  keyBytes[1] = key >>> 16;
  keyBytes[2] = key >>> 8;
  keyBytes[3] = key;
  const word = keyWord[0]!;
  const count = (length + 3) >> 2;
  for (let i = 0; i < count; i++) words[i]! ^= word;
  return scratch;
}

/** Writes `src[start, end)` unmasked with `key` (signed big-endian word) to `out` from `at`. */
export function unmask(src: Buffer, start: number, end: number, key: number, out: Buffer, at: number): void {
  const k0 = key >>> 24;
  const k1 = (key >>> 16) & 0xff;
  const k2 = (key >>> 8) & 0xff;
  const k3 = key & 0xff;
  let i = start;
  for (; i + 4 <= end; i += 4, at += 4) {
    out[at] = src[i]! ^ k0;
    out[at + 1] = src[i + 1]! ^ k1;
    out[at + 2] = src[i + 2]! ^ k2;
    out[at + 3] = src[i + 3]! ^ k3;
  }
  if (i < end) out[at] = src[i]! ^ k0;
  if (i + 1 < end) out[at + 1] = src[i + 1]! ^ k1;
  if (i + 2 < end) out[at + 2] = src[i + 2]! ^ k2;
}
