// The conformance driver's vocabulary: what one end sends, byte for byte, and how deflate is agreed on.
import { constants, deflateRawSync } from 'node:zlib';
import type { PerMessageDeflateOptions, WebSocket } from 'ws';
import type { FrameShape } from '../support/raw-frames.ts';

/**
 * Bytes of one write; or FIN, or RST; or a wait until that many frames (none of ours) have come
 * from the far end.
 */
export type Step = Buffer | 'fin' | 'rst' | { readonly frames: number };

/** Makes a frame of the end that sends: masked when that is the client. */
export type MakeFrame = (payload: Buffer | string, shape?: FrameShape) => Buffer;

/** An agreement on permessage-deflate (RFC 7692 §7.1). */
export interface Agreement {
  /** What a raw client offers, and the options of the ws server that answers it. */
  readonly offer: string;
  readonly server: PerMessageDeflateOptions;
  /** What the raw backend answers to a ws client that offers everything. */
  readonly answer: string;
}

export interface Case {
  readonly name: string;
  /** `fromClient`: the raw end is the client. */
  steps(frame: MakeFrame, fromClient: boolean): readonly Step[];
  /** The steps end the connection. Otherwise the driver adds a last ping and a Close frame. */
  readonly ends?: boolean;
  readonly deflate?: Agreement;
  /** What the ws end does of its own accord when it has heard, and echoed, `GO`. */
  far?(socket: WebSocket): void;
  /** The driver answers the pings of the ws end, in order, as it always answers ours. */
  readonly answers?: boolean;
}

/** The text that sets the ws end going. */
export const GO = 'go';

export const CONTINUATION = 0;
export const BINARY = 2;
export const CLOSE = 8;
export const PING = 9;
export const PONG = 10;

/** A message that the sidecar tracks, and sends a barrier behind. */
export const TRACKED = '{"type":"agent_thinking","event_id":"evt_1","text":"grüße"}';

export function bytewise(bytes: Buffer): Buffer[] {
  return [...bytes].map((byte) => Buffer.from([byte]));
}

export function cutAt(bytes: Buffer, at: number): Buffer[] {
  return [bytes.subarray(0, at), bytes.subarray(at)];
}

/** Text that repeats itself, but not soon. */
export function prose(length: number): string {
  let text = '';
  for (let i = 0; text.length < length; i++) text += `line ${i} of ${(i * 7919) % 1009}; `;
  return text.slice(0, length);
}

/**
 * Deflates messages as one end of an agreement does (RFC 7692 §7.2.1); `takeover`: each may refer
 * to those before it.
 */
export function deflater(takeover: boolean, windowBits = 15): (text: string | Buffer) => Buffer {
  let window = Buffer.alloc(0);
  return (text) => {
    const data = Buffer.from(text as string);
    const out = deflateRawSync(data, {
      windowBits,
      finishFlush: constants.Z_SYNC_FLUSH,
      ...(window.length > 0 && { dictionary: window }),
    });
    if (takeover) window = Buffer.concat([window, data]).subarray(-(1 << windowBits));
    return out.subarray(0, -4);
  };
}
