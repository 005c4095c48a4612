// relay: upstream to client: binary messages that may hold JSON are told like text; others pass unread (SPEC D21).
import type { Tap } from './tap.ts';

const OPEN_OBJECT = 0x7b;
const OPEN_ARRAY = 0x5b;
/** Record separator, which begins a record of RFC 7464. */
const RS = 0x1e;

/**
 * Whether a message may hold JSON objects, by its first byte that is no white space; undefined =
 * `buf[start, end)` has no such byte.
 */
export function looksLikeJson(buf: Buffer, start: number, end: number): boolean | undefined {
  let p = start;
  while (p < end && isBlank(buf[p]!)) p++;
  if (p === end) return undefined;
  return buf[p] === OPEN_OBJECT || buf[p] === OPEN_ARRAY || buf[p] === RS;
}

function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/**
 * Tells binary message `ordinal` of `bytes` bytes, of which `buf[start, end)` was kept; `buf`
 * undefined = its beginning is unknown.
 */
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
  else tap.upstreamSkipped('binary', ordinal, now, bytes, buf === undefined ? 'once' : 'no');
}
