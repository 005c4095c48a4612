// The bench's load must be what it claims: valid frames whose ids differ, read back whole from any chunks, a wrong byte noticed.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matches } from '../../bench/load/backend.ts';
import { FrameReader } from '../../bench/load/frames.ts';
import { createMessages, MAX_FRAME, readPayload } from '../../bench/load/messages.ts';
import { propertyOptions } from '../support/seed.ts';

const TYPES = ['agent_started', 'agent_thinking', 'tool_executing', 'tool_completed', 'agent_completed'];

function frame(deflate: boolean, kind: 'event' | 'confirmation', conn: number, seq: number): Buffer {
  const out = Buffer.alloc(MAX_FRAME);
  return out.subarray(0, createMessages(deflate)[kind](out, 0, conn, seq));
}

describe.each([false, true])('messages, deflate %s', (deflate) => {
  it('are agent events with an id of their own, in turn of every type', () => {
    for (let seq = 0; seq < 10; seq++) {
      const event = JSON.parse(readPayload(frame(deflate, 'event', 0xabc, 0x100 + seq)).toString());
      expect(event.type).toBe(TYPES[(0x100 + seq) % 5]);
      expect(event.event_id).toBe(`evt_00abc_0000010${seq}`);
      expect(event.run_id).toBe('run_00abc');
    }
  });

  it('are confirmations that name the event and are masked', () => {
    const bytes = frame(deflate, 'confirmation', 7, 0xbeef);
    expect(bytes[1]! & 0x80).toBe(0x80);
    expect(JSON.parse(readPayload(bytes).toString())).toEqual({
      type: 'event_confirmation',
      event_id: 'evt_00007_0000beef',
      status: 'confirmed',
    });
  });

  it('fit their buffer', () => {
    for (let seq = 0; seq < 5; seq++) expect(frame(deflate, 'event', 1, seq).length).toBeLessThan(MAX_FRAME);
  });
});

describe('verification', () => {
  const messages = createMessages(false);
  const accepts = (bytes: Buffer, seq: number): boolean =>
    matches(bytes, 0, bytes.length, messages.event, messages.plainEvent, 3, seq);

  it('accepts the event that was sent and no other', () => {
    expect(accepts(frame(false, 'event', 3, 41), 41)).toBe(true);
    expect(accepts(frame(false, 'event', 3, 46), 41)).toBe(false);
    expect(accepts(frame(false, 'event', 4, 41), 41)).toBe(false);
  });

  it('notices any wrong byte of a payload', () => {
    const good = frame(false, 'event', 3, 41);
    for (let at = 4; at < good.length; at++) {
      const bad = Buffer.from(good);
      bad[at]! ^= 1;
      expect(accepts(bad, 41), `byte ${at}`).toBe(false);
    }
  });

  it('accepts the same message compressed anew by a proxy', () => {
    const compressed = createMessages(true);
    const plain = frame(false, 'event', 3, 41);
    expect(matches(plain, 0, plain.length, compressed.event, compressed.plainEvent, 3, 41)).toBe(true);
  });
});

describe('FrameReader', () => {
  it('finds the same frames however the stream is cut', () => {
    const sizes = fc.array(fc.constantFrom(0, 1, 125, 126, 300, 65_535, 65_536), { minLength: 1, maxLength: 6 });
    const property = fc.property(
      sizes,
      fc.array(fc.integer({ min: 1, max: 70_000 })),
      fc.boolean(),
      (all, cuts, masked) => {
        const frames = all.map((size, i) => rawFrame(size, i, masked));
        const stream = Buffer.concat(frames);
        const found: Buffer[] = [];
        const reader = new FrameReader((buf, start, end) => found.push(Buffer.from(buf.subarray(start, end))));
        let at = 0;
        for (const cut of cuts) {
          reader.push(stream.subarray(at, at + cut));
          at += cut;
        }
        reader.push(stream.subarray(at));
        expect(found.length).toBe(frames.length);
        for (let i = 0; i < frames.length; i++) expect(found[i]!.equals(frames[i]!)).toBe(true);
      },
    );
    fc.assert(property, propertyOptions(200));
  });
});

function rawFrame(size: number, fill: number, masked: boolean): Buffer {
  const bit = masked ? 0x80 : 0;
  const header =
    size < 126
      ? [0x82, bit | size]
      : size < 65_536
        ? [0x82, bit | 126, size >> 8, size & 0xff]
        : [0x82, bit | 127, 0, 0, 0, 0, 0, size >> 16, (size >> 8) & 0xff, size & 0xff];
  return Buffer.concat([Buffer.from(header), Buffer.alloc(masked ? 4 : 0, 9), Buffer.alloc(size, fill)]);
}
