// relay, upstream → client: binary messages that may hold JSON are told like text; all others are passed over unread (SPEC D21).
import type { Tap } from './tap.ts';

const OPEN_OBJECT = 0x7b;
const OPEN_ARRAY = 0x5b;
/** Record separator. */
const RS = 0x1e;

/** Whether a message may hold JSON objects, by its first byte that is no white space; undefined: there is none in `buf[start, end)`. */
export function looksLikeJson(buf: Buffer, start: number, end: number): boolean | undefined {
  let p = start;
  while (p < end && isBlank(buf[p]!)) p++;
  if (p === end) return undefined;
  return buf[p] === OPEN_OBJECT || buf[p] === OPEN_ARRAY || buf[p] === RS;
}

function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** Tells of binary message `ordinal`: what is kept of its `bytes` is `buf[start, end)`; `buf` undefined: it could not be looked into. */
export function tellBinary(
  tap: Tap,
  buf: Buffer | undefined,
  start: number,
  end: number,
  ordinal: number,
  now: number,
  bytes: number,
): void {
  if (buf !== undefined && looksLikeJson(buf, start, end) === true)
    tap.upstreamText(buf, start, end, ordinal, now, bytes, true);
  else tap.upstreamSkipped('binary', ordinal, now, bytes, buf === undefined);
}
