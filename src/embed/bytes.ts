// embed: a message as bytes, in each of the forms in which a backend may hold it: text, bytes, or pieces of bytes.

/**
 * The first `limit` bytes or more of a text, of bytes, or of the pieces in which `ws` may hand
 * bytes over. Undefined for any other value. Bytes are a view, not a copy.
 */
export function bytesOf(message: unknown, limit: number): Buffer | undefined {
  if (typeof message === 'string') return textBytes(message, limit);
  if (typeof message !== 'object' || message === null) return undefined;
  if (message instanceof String) return textBytes(message.valueOf(), limit);
  if (ArrayBuffer.isView(message)) return Buffer.from(message.buffer, message.byteOffset, message.byteLength);
  if (message instanceof ArrayBuffer || message instanceof SharedArrayBuffer) return Buffer.from(message);
  return Array.isArray(message) ? joined(message, limit) : undefined;
}

/** A text has at least as many bytes as UTF-16 units. One unit more shows that there is more. */
function textBytes(text: string, limit: number): Buffer {
  return Buffer.from(text.length > limit ? text.slice(0, limit + 1) : text);
}

function joined(pieces: readonly unknown[], limit: number): Buffer | undefined {
  let length = 0;
  const taken: Uint8Array[] = [];
  for (const piece of pieces) {
    if (!(piece instanceof Uint8Array)) return undefined;
    if (length <= limit) taken.push(piece);
    length += piece.length;
  }
  return pieces.length === 0 ? undefined : Buffer.concat(taken);
}
