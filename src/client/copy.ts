// client: a copy of what the application sends, for later.
import type { SendData } from './platform.ts';

/**
 * A copy, as WebSocket takes one: the application may reuse its buffer. Of a view it holds the
 * bytes that are seen, for the buffer may be a pool or a whole memory. A value that has no `slice`
 * is sent as its text, as WebSocket sends it.
 */
export function copyOf(data: SendData): SendData {
  if (ArrayBuffer.isView(data)) return data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength);
  return (data as Blob | null)?.slice?.() ?? String(data);
}
