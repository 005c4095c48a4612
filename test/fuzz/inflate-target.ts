// Fuzz: both deflate readers, through output buffers of any size, against zlib.inflateRawSync: the same bytes, or broken for all three.
import { inflateRawSync, constants as zlib } from 'node:zlib';
import { createInflater, DictionaryInflater, type Inflater } from '../../src/relay/inflate.ts';
import { agree, type Target } from './target.ts';

const LIMIT = 1 << 18;
const TRAILER = Buffer.from([0, 0, 0xff, 0xff]);

/**
 * The first byte says how large the output buffer is; a message is followed by itself, so that the
 * window is used.
 */
export const inflateTarget: Target = {
  name: 'inflate',
  about: ['src/relay/inflate'],
  dictionary: [
    ...[
      'aa5600',
      '4a04 00',
      '00',
      '01',
      '000000ffff',
      '0100feff61',
      'cb48cdc9c907 00',
      '0300',
      'ab56 2a a92c 4855 b2',
      '62 18 05',
      'ed c0 01 0d 00 00 00',
    ].map((hex) => Buffer.from(hex.replaceAll(' ', ''), 'hex')),
  ],
  maxBytes: 300,
  run(input) {
    const room = 1 + (input[0] ?? 0) * 16;
    const payload = Buffer.from(input.subarray(1));
    const reference = inflatedByZlib(payload);
    if (reference === 'too large') return;
    const readers = [createInflater(15, LIMIT), new DictionaryInflater(LIMIT)];
    try {
      const [native, dictionary] = readers.map((reader) => [
        inflated(reader, payload, room),
        inflated(reader, payload, room),
      ]);
      agree('native, first message', native![0], reference);
      agree('dictionary, first message', dictionary![0], reference);
      if (final(payload)) {
        // The sender ended its stream (BFINAL): the next message begins a new one.
        agree('native, after the end', native![1], reference);
        agree('dictionary, after the end', dictionary![1], reference);
      }
      if (!ended(payload, reference)) return;
      const both = inflatedByZlib(Buffer.concat([payload, TRAILER, payload]));
      if (both === 'too large') return;
      const second = both === 'broken' ? both : both.slice(reference.length);
      agree('native, second message', native![1], second);
      agree('dictionary, second message', dictionary![1], second);
    } finally {
      for (const reader of readers) reader.close();
    }
  },
};

/** As the relay does it: the input's memory is reused after the first read. */
function inflated(reader: Inflater, payload: Buffer, room: number): string {
  const input = Buffer.concat([TRAILER, payload, TRAILER]);
  const out = Buffer.alloc(room);
  const parts: Buffer[] = [];
  let bytes = 0;
  reader.start(input, TRAILER.length, TRAILER.length + payload.length);
  while (!reader.finished) {
    const count = reader.read(out);
    if (count < 0) return 'broken';
    bytes += count;
    if (bytes > 2 * LIMIT) throw new Error('the reader does not end');
    parts.push(Buffer.from(out.subarray(0, count)));
    reader.keep();
    input.fill(0);
  }
  return Buffer.concat(parts).toString('hex');
}

/** Whether the payload holds a whole deflate stream, its last block included. */
function final(payload: Buffer): boolean {
  try {
    inflateRawSync(payload, { maxOutputLength: LIMIT });
    return true;
  } catch {
    // Silence is right: that it is none, or broken, is the answer.
    return false;
  }
}

/** A stored block of one byte. */
const ONE_MORE = Buffer.from([0, 1, 0, 0xfe, 0xff, 0x61]);

/**
 * Whether the message ends where a block ends, and the stream goes on: only then is it clear what a
 * second message means.
 */
function ended(payload: Buffer, reference: string): boolean {
  return reference !== 'broken' && inflatedByZlib(Buffer.concat([payload, TRAILER, ONE_MORE])) === `${reference}61`;
}

function inflatedByZlib(payload: Buffer): string {
  try {
    const options = { finishFlush: zlib.Z_SYNC_FLUSH, maxOutputLength: LIMIT };
    return inflateRawSync(Buffer.concat([payload, TRAILER]), options).toString('hex');
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE' ? 'too large' : 'broken';
  }
}
