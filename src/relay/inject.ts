// relay: the other frames that the sidecar adds, framed by ws: never compressed, masked towards the upstream.
import { Sender } from 'ws';
import { BINARY, CLOSE, PONG, TEXT } from './frames.ts';
import type { CloseWords } from './parting.ts';

const MAX_REASON = 123;

/** A masked Pong (RFC 6455 §5.5.3) for the upstream. */
export function maskedPong(payload: Buffer): Buffer {
  return frame(PONG, payload, true);
}

/** A Close frame (RFC 6455 §5.5.1). The reason is cut at 123 bytes, between characters. */
export function closeFrame(code: number, reason: string, mask: boolean): Buffer {
  let text = Buffer.from(reason);
  if (text.length > MAX_REASON) {
    let end = MAX_REASON;
    while (end > 0 && (text[end]! & 0xc0) === 0x80) end--;
    text = text.subarray(0, end);
  }
  const payload = Buffer.allocUnsafe(2 + text.length);
  payload.writeUInt16BE(code, 0);
  text.copy(payload, 2);
  return frame(CLOSE, payload, mask);
}

/** What a Close frame of ours for the client says. */
export function wordsOf(frame: Buffer): CloseWords {
  return { closeCode: frame.readUInt16BE(2), closeReason: frame.toString('utf8', 4) };
}

/** An unmasked text frame for the client, or a binary one. */
export function messageFrame(data: Buffer, binary = false): Buffer {
  return frame(binary ? BINARY : TEXT, data, false);
}

function frame(opcode: number, payload: Buffer, mask: boolean): Buffer {
  const parts = Sender.frame(payload, { fin: true, rsv1: false, opcode, mask, readOnly: true });
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
}
