// Both inflaters give the same bytes: the one on zlib's native handle, and the one that stands in for it.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createInflater, DictionaryInflater, type Inflater, nativeInflateWorks } from '../../src/relay/inflate.ts';
import { createDeflater } from '../support/raw-frames.ts';
import { propertyOptions } from '../support/seed.ts';

/** Reads one message through an output buffer of `room` bytes; undefined when it is broken. */
function inflate(inflater: Inflater, data: Buffer, room: number): Buffer | undefined {
  const out = Buffer.alloc(room);
  const parts: Buffer[] = [];
  // As the relay does: the input's memory is reused after the first read.
  const input = Buffer.concat([Buffer.from('junk'), data, Buffer.from('junk')]);
  inflater.start(input, 4, 4 + data.length);
  while (!inflater.finished) {
    const count = inflater.read(out);
    if (count < 0) return undefined;
    parts.push(Buffer.from(out.subarray(0, count)));
    inflater.keep();
    input.fill(0);
  }
  return Buffer.concat(parts);
}

it('this Node has the native handle that the fast one needs', () => {
  expect(nativeInflateWorks()).toBe(true);
});

describe.each([
  ['native', () => createInflater(15, 1 << 20)],
  ['dictionary', () => new DictionaryInflater(1 << 20)],
] as const)('%s', (_name, create) => {
  it('reads what ws deflates, message after message, through output buffers of any size', async () => {
    const text = fc.oneof(
      fc.string({ maxLength: 3_000 }),
      fc.constantFrom('{"type":"agent_thinking"}', 'x'.repeat(40_000), ''),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(text, { maxLength: 12 }),
        fc.boolean(),
        fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 70_000 })),
        async (texts, standalone, room) => {
          const pack = createDeflater(standalone);
          const inflater = create();
          for (const text of texts) {
            const read = inflate(inflater, await pack(Buffer.from(text)), Math.max(room, text.length >> 6));
            expect(read?.toString()).toBe(Buffer.from(text).toString());
            if (standalone) inflater.reset();
          }
          inflater.close();
        },
      ),
      propertyOptions(60),
    );
  });

  it('says -1 to broken data, also when asked again, and after close', () => {
    const inflater = create();
    inflater.start(Buffer.from([0xff, 0xff]), 0, 2);
    expect(inflater.read(Buffer.alloc(10))).toBe(-1);
    expect(inflater.read(Buffer.alloc(10))).toBe(-1);
    inflater.close();
    inflater.start(Buffer.from([0x02, 0x00]), 0, 2);
    expect(inflater.finished).toBe(false);
  });
});
