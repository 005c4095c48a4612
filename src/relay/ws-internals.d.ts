// relay: types of those parts of `ws` 8.23 that its own type package leaves out, as far as the relay calls them.
import type { Writable } from 'node:stream';
import 'ws';

declare module 'ws' {
  /** Parameters of a negotiated permessage-deflate (RFC 7692 §7.1). */
  export interface DeflateParams {
    server_no_context_takeover?: true;
    client_no_context_takeover?: true;
    server_max_window_bits?: number;
    client_max_window_bits?: number | true;
  }

  /** The way in which `Sender.frame` frames one payload. */
  export interface FrameOptions {
    fin: boolean;
    rsv1: boolean;
    opcode: number;
    mask: boolean;
    /** Whether the payload may not be masked in place. */
    readOnly: boolean;
  }

  export const Sender: {
    /** Frames a payload, as one buffer or as header and payload. */
    frame(data: Buffer, options: FrameOptions): Buffer[];
  };

  export class PerMessageDeflate {
    params: DeflateParams | null;
    constructor(options?: {
      isServer?: boolean;
      maxPayload?: number;
      threshold?: number;
      zlibInflateOptions?: import('node:zlib').ZlibOptions;
    });
    decompress(data: Buffer, fin: boolean, callback: (error: Error | null, data?: Buffer) => void): void;
    compress(data: Buffer, fin: boolean, callback: (error: Error | null, data?: Buffer) => void): void;
    cleanup(): void;
  }

  /** Parses a byte stream into `message`, `ping`, `pong` and `conclude` events. */
  export class Receiver extends Writable {
    constructor(options?: {
      isServer?: boolean;
      extensions?: Record<string, PerMessageDeflate>;
      maxPayload?: number;
      skipUTF8Validation?: boolean;
    });
  }
}
