// Test support: a WebSocket client without behaviour: the test writes every byte and reads every frame.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { atEnd, handshake } from './backends.ts';
import { clientFrame, type ReadFrame, readCompleteFrames } from './raw-frames.ts';

const HEAD_END = '\r\n\r\n';
export const TEXT = 1;
export const PING = 9;
export const PONG = 10;

/** Payload length of a barrier, which tells it from the pings of the backends. */
export const BARRIER_BYTES = 14;

export interface RawClient {
  readonly socket: Socket;
  /** The response's head. */
  readonly head: string;
  /** Everything received, in order. */
  readonly frames: ReadFrame[];
  /** Calls the listener for every frame from now on, including frames received already. */
  onFrame(handle: (frame: ReadFrame) => void): void;
  text(message: object): void;
  pong(payload: Buffer): void;
}

/** Upgrades a socket and reads frames from it; answers nothing. */
export async function openRaw(port: number, path = '/ws', headers: readonly string[] = []): Promise<RawClient> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  atEnd(() => socket.destroy());
  // A reset is an end like any other here.
  socket.on('error', () => {});
  await once(socket, 'connect');
  const frames: ReadFrame[] = [];
  let handle: (frame: ReadFrame) => void = () => {};
  let bytes: Buffer = Buffer.alloc(0);
  let head = '';
  const opened = new Promise<void>((resolve, reject) => {
    socket.once('close', () => reject(new Error(`closed before the response was complete: ${head}`)));
    socket.on('data', (chunk) => {
      bytes = Buffer.concat([bytes, chunk]);
      if (head === '') {
        const end = bytes.indexOf(HEAD_END);
        if (end === -1) return;
        head = bytes.toString('latin1', 0, end + HEAD_END.length);
        bytes = bytes.subarray(end + HEAD_END.length);
        resolve();
      }
      const { frames: complete, rest } = readCompleteFrames(bytes);
      bytes = bytes.subarray(bytes.length - rest);
      frames.push(...complete);
      for (const frame of complete) handle(frame);
    });
  });
  socket.write(handshake(path, headers));
  await opened;
  return {
    socket,
    head,
    frames,
    onFrame(next) {
      handle = next;
      for (const frame of [...frames]) next(frame);
    },
    text: (message) => socket.write(clientFrame(JSON.stringify(message))),
    pong: (payload) => socket.write(clientFrame(payload, { opcode: PONG })),
  };
}
