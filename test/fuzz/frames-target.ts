// Fuzz: the frame scanner, its input cut anywhere, against ws's Receiver: the same messages and control frames, and the same verdict.
import { Receiver } from 'ws';
import { BAD, CLOSE, FrameScanner, MORE, PING } from '../../src/relay/frames.ts';
import { unmasked } from '../../src/relay/mask.ts';
import { agree, type Target, words } from './target.ts';

/**
 * Everything that came out, and how the stream stands: given up, in the middle of a header, or
 * well.
 */
interface Read {
  readonly told: string[];
  readonly state: 'bad' | 'header' | 'well';
}

const KIND = ['', 'text', 'binary'] as const;
const line = (kind: string, payload: Uint8Array) => `${kind} ${Buffer.from(payload).toString('hex')}`;

/** The first byte says: masked, compression agreed on, and how the stream is cut. */
export const framesTarget: Target = {
  name: 'frames',
  about: ['src/relay/frames', 'src/relay/mask'],
  dictionary: [
    ...words(
      '\x81\x85\x01\x02\x03\x04',
      '\x89\x00',
      '\x8a\x80\x00\x00\x00\x00',
      '\x88\x02\x03\xe8',
      '\x01\x01a',
      '\x80\x01b',
    ),
    ...words(
      '\x82\x7e\x00\x7e',
      '\xc1\xfe\xff\xff',
      '\x81\x7f\x00\x00\x00\x00\x00\x00\x00\x01',
      '\x7f\x00\x20\x00\x00',
      '\x41\x01x',
    ),
  ],
  maxBytes: 512,
  run(input) {
    const flags = input[0] ?? 0;
    const masked = (flags & 1) !== 0;
    const deflate = (flags & 2) !== 0;
    const stream = Buffer.from(input.subarray(1));
    const step = flags >> 2 === 0 ? stream.length : flags >> 2;
    const ours = readByUs(stream, masked, deflate, step);
    const theirs = readByWs(stream, masked, deflate);
    agree('frames', ours.told, theirs.told);
    // ws refuses a header by its first byte, ours when it is whole.
    if (ours.state !== 'header') agree('verdict', ours.state, theirs.state);
  },
};

function readByUs(stream: Buffer, masked: boolean, deflate: boolean, step: number): Read {
  const scanner = new FrameScanner(masked, deflate);
  const told: string[] = [];
  let message: Buffer[] = [];
  let payload: Buffer[] = [];
  /** Payload bytes of the frame that are still to come; -1 = a header comes. */
  let left = -1;
  for (let from = 0; from < stream.length; from += step) {
    const end = Math.min(stream.length, from + step);
    let at = from;
    while (at < end) {
      if (left < 0) {
        const next = scanner.header(stream, at, end);
        if (next === BAD) return { told, state: 'bad' };
        if (next === MORE) break;
        at = next;
        left = scanner.length;
        payload = [];
        // Judged by whoever reads the contents; ws does it here.
        if (scanner.opcode === CLOSE && left === 1) return { told, state: 'bad' };
      }
      const part = stream.subarray(at, Math.min(end, at + left));
      at += part.length;
      left -= part.length;
      payload.push(part);
      if (left > 0) break;
      left = -1;
      const raw = Buffer.concat(payload);
      const data = masked ? Buffer.from(unmasked(raw, 0, raw.length, scanner.key).subarray(0, raw.length)) : raw;
      // ws reads nothing behind a Close.
      if (scanner.opcode === CLOSE) return { told: [...told, 'close'], state: 'well' };
      if (scanner.opcode > CLOSE) {
        told.push(line(scanner.opcode === PING ? 'ping' : 'pong', data));
        continue;
      }
      message.push(data);
      if (!scanner.fin) continue;
      told.push(line(KIND[scanner.messageOpcode] ?? 'none', Buffer.concat(message)));
      message = [];
    }
  }
  return { told, state: scanner.inHeader ? 'header' : 'well' };
}

/**
 * Stands in for permessage-deflate: whether a frame may be compressed matters here, not what is in
 * it.
 */
const UNTOUCHED = {
  decompress: (data: Buffer, _fin: boolean, done: (error: null, data: Buffer) => void) => done(null, data),
};

function readByWs(stream: Buffer, masked: boolean, deflate: boolean): Read {
  const receiver = new Receiver({
    isServer: masked,
    skipUTF8Validation: true,
    extensions: deflate ? { 'permessage-deflate': UNTOUCHED } : {},
  } as ConstructorParameters<typeof Receiver>[0]);
  const told: string[] = [];
  let state: Read['state'] = 'well';
  receiver.on('message', (data: Buffer, binary: boolean) => told.push(line(binary ? 'binary' : 'text', data)));
  receiver.on('ping', (data: Buffer) => told.push(line('ping', data)));
  receiver.on('pong', (data: Buffer) => told.push(line('pong', data)));
  receiver.on('conclude', () => told.push('close'));
  // Without the stream around it, the verdict is there when the call returns.
  receiver._write(stream, 'latin1', (error) => {
    const { code } = (error ?? {}) as NodeJS.ErrnoException;
    if (code === undefined) return;
    // The framing is right, what the Close frame says is not: ours leaves that to whoever reads it.
    if (code === 'WS_ERR_INVALID_CLOSE_CODE') told.push('close');
    else state = 'bad';
  });
  return { told, state };
}
