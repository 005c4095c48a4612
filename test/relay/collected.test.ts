// [D7] What is kept of long messages while they come: what will be looked at, within a bound over all connections; every byte passes.
import { describe, expect, it } from 'vitest';
import { BINARY, CONTINUATION, PING } from '../../src/relay/frames.ts';
import { chosenSeed, withSeed } from '../support/chance.ts';
import { createDeflater, frame, readFrames } from '../support/raw-frames.ts';
import { settle } from '../support/socket-pair.ts';
import { DEFLATE, RecordingTap, type Spliced, type SplicedOptions, spliced } from '../support/spliced.ts';

const KiB = 1024;

/** A connection whose tap wants messages of up to `keeps` bytes whole. */
function open(keeps: number, options: SplicedOptions<RecordingTap> = {}): Promise<Spliced<RecordingTap>> {
  const tap = new RecordingTap();
  tap.keeps = keeps;
  return spliced({ ...options, tap });
}

/** Sends the bytes in pieces; the most that was kept meanwhile. */
function send({ upstream, counters }: Spliced<RecordingTap>, bytes: Buffer, piece = 10_000): number {
  let most = 0;
  for (let at = 0; at < bytes.length; at += piece) {
    upstream.send(bytes.subarray(at, at + piece));
    most = Math.max(most, counters.collectedBytes);
  }
  return most;
}

const text = (bytes: number, char = 'a') => Buffer.alloc(bytes, char);

/** Ordinal, first byte, kept and true size of each message told: `1:a 100/1000`. */
function told({ tap }: Spliced<RecordingTap>): string[] {
  return tap.messages.map((message) => {
    const content = message.slice(message.indexOf(':') + 1);
    const size = tap.sizes.get(Number.parseInt(message, 10));
    return message.includes('!') ? message : `${message.slice(0, 3)} ${content.length}/${size}`;
  });
}

/** The upstream's own bytes among what the client got. */
function relayed({ client }: Spliced<RecordingTap>): Buffer {
  const own = readFrames(client.taken()).filter(({ opcode, payload }) => opcode !== PING || payload.length !== 14);
  return Buffer.concat(own.map(({ raw }) => raw));
}

describe('[W6] a message that is not compressed', () => {
  it('leaves its beginning behind, and its true size', async () => {
    const it = await open(0, { highWaterMark: 1 << 30 });
    const bytes = frame(text(1_000_000));
    expect(send(it, bytes)).toBe(64 * KiB);
    expect(told(it)).toEqual(['1:a 65536/1000000']);
    expect(it.counters.collectedBytes).toBe(0);
    expect(relayed(it)).toEqual(bytes);
  });

  it('is kept whole where that is wanted, in no more memory than it needs', async () => {
    const it = await open(1_000_000, { highWaterMark: 1 << 30 });
    expect(send(it, frame(text(1_000_000)))).toBe(1_000_000);
    send(it, frame(text(1_000_001)));
    expect(told(it)).toEqual(['1:a 1000000/1000000', '2:a 65536/1000001']);
    expect(it.counters.collectedBytes).toBe(0);
  });

  it('is cut down to its beginning by the fragment that makes it too long to be wanted', async () => {
    const it = await open(100_000, { highWaterMark: 1 << 30, limits: { scanBytes: 1_000 } });
    const parts = [
      frame(text(60_000), { fin: false }),
      frame(text(40_000), { fin: false, opcode: CONTINUATION }),
      frame(text(1), { opcode: CONTINUATION }),
    ];
    const [first, second, last] = parts as [Buffer, Buffer, Buffer];
    send(it, Buffer.concat([first, second]));
    expect(it.counters.collectedBytes).toBe(100_000);
    it.upstream.send(last.subarray(0, 2));
    it.upstream.send(last.subarray(2));
    expect(told(it)).toEqual(['1:a 1000/100001']);
    expect(it.counters.collectedBytes).toBe(0);
    expect(relayed(it)).toEqual(Buffer.concat(parts));
  });

  it('that finds no room is too large to be read; the next one that does is read', async () => {
    const it = await open(0, { highWaterMark: 1 << 30, limits: { inFlightBytes: 64 * KiB, scanBytes: 100_000 } });
    const bytes = [frame(text(200_000, 'a')), frame(text(50_000, 'b'))];
    send(it, Buffer.concat(bytes));
    expect(told(it)).toEqual(['1!too_large', '2:b 50000/50000']);
    expect(it.counters).toMatchObject({ messagesTooLarge: 1, inFlightRefused: 1, messageBytesExceeded: 0 });
    expect(it.counters.collectedBytes).toBe(0);
    expect(relayed(it)).toEqual(Buffer.concat(bytes));
  });

  it('that is wanted whole gives way to beginnings', async () => {
    const it = await open(1e9, { highWaterMark: 1 << 30, limits: { inFlightBytes: 400_000 } });
    expect(send(it, frame(text(250_000)))).toBeLessThanOrEqual(200_000);
    expect(told(it)).toEqual(['1:a 65536/250000']);
    expect(it.counters.inFlightRefused).toBe(0);
  });

  it('that its connection does not live to complete gives its memory back', async () => {
    for (const end of ['upstream', 'client'] as const) {
      const it = await open(0);
      send(it, frame(text(100_000)).subarray(0, 70_000));
      expect(it.counters.collectedBytes).toBe(64 * KiB);
      it[end].reset();
      it.splice.destroy();
      await settle();
      expect(it.counters.collectedBytes, end).toBe(0);
    }
  });

  it('costs nothing when it lies whole in what was read, or is binary', async () => {
    const it = await open(0);
    expect(send(it, frame(text(100_000)), 200_000)).toBe(0);
    expect(send(it, frame(text(100_000), { opcode: BINARY }))).toBe(0);
    expect(told(it)).toEqual(['1:a 100000/100000', '2!binary']);
  });

  it('however it is cut: all of it is told, or its beginning, and the same bytes go on', async () => {
    await withSeed(chosenSeed(), async (chance) => {
      for (let round = 0; round < 100; round++) {
        const limits = { scanBytes: chance.between(1, 500), messageBytes: chance.between(500, 3000) };
        const keeps = chance.of([0, chance.between(1, 3000)]);
        const it = await open(keeps, { limits, highWaterMark: 1 << 30 });
        const frames: Buffer[] = [];
        const expected: string[] = [];
        for (let n = 1; n <= 5; n++) {
          const payload = text(chance.between(0, 4000), 'abcde'[n - 1]);
          const at = chance.between(0, payload.length);
          const pieces = [
            frame(payload.subarray(0, at), { fin: false }),
            frame(payload.subarray(at), { opcode: CONTINUATION }),
          ];
          frames.push(...pieces);
          const kept = payload.length <= Math.max(keeps, limits.scanBytes) ? payload.length : limits.scanBytes;
          const char = kept === 0 ? '' : 'abcde'[n - 1];
          const tooLarge = payload.length > limits.messageBytes;
          expected.push(tooLarge ? `${n}!too_large` : `${n}:${char} ${kept}/${payload.length}`);
        }
        const bytes = Buffer.concat(frames);
        send(it, bytes, chance.between(1, 1500));
        expect(told(it)).toEqual(expected);
        expect(it.counters.collectedBytes).toBe(0);
        expect(relayed(it)).toEqual(bytes);
      }
    });
  });
});

describe('[W7] a compressed message', () => {
  /** Waits until the side reader has nothing left. */
  async function decoded({ tap }: Spliced<RecordingTap>): Promise<void> {
    while (tap.waiting > 0) await settle();
  }

  it('leaves its inflated beginning behind, and its inflated size', async () => {
    const it = await open(0, { deflate: DEFLATE });
    const pack = createDeflater(false);
    const packed = [await pack(text(1_000_000)), await pack(text(10, 'b'))];
    // All in one turn: the last one comes while the first is read on the side.
    for (const payload of packed) it.upstream.send(frame(payload, { rsv1: true }));
    it.upstream.send(frame(text(70_000, 'c')));
    expect(it.counters.collectedBytes).toBeLessThan(140_000);
    await decoded(it);
    expect(told(it)).toEqual(['1:a 65536/1000000', '2:b 10/10', '3:c 65536/70000']);
    expect(it.counters.collectedBytes).toBe(0);
  });

  it('whose output finds no room is too large, and still moves the window on', async () => {
    const it = await open(0, { deflate: DEFLATE, limits: { inFlightBytes: 30_000 } });
    const pack = createDeflater(false);
    it.upstream.send(frame(await pack(text(1_000_000)), { rsv1: true }));
    it.upstream.send(frame(await pack(text(10)), { rsv1: true }));
    await decoded(it);
    expect(told(it)).toEqual(['1!too_large', '2:a 10/10']);
    expect(it.counters).toMatchObject({ inFlightRefused: 1, messagesTooLarge: 1, collectedBytes: 0 });
    expect(it.faults).toEqual([]);
  });

  it('that waited and inflates to nothing, or not at all, is told all the same', async () => {
    const it = await open(0, { deflate: { ...DEFLATE, serverNoContextTakeover: true } });
    const pack = createDeflater(true);
    it.upstream.send(frame(await pack(text(1_000_000)), { rsv1: true }));
    it.upstream.send(frame(await pack(text(0)), { rsv1: true }));
    it.upstream.send(frame(Buffer.from('\xff\xff\xff\xff', 'latin1'), { rsv1: true }));
    await decoded(it);
    expect(told(it)).toEqual(['1:a 65536/1000000', '2: 0/0', '3!unreadable']);
  });

  it('that waits behind another one is not kept where there is no room, and those after it say so', async () => {
    const it = await open(0, { deflate: DEFLATE, limits: { inFlightBytes: 80_000 } });
    const pack = createDeflater(false);
    const packed = await pack(text(1_000_000));
    it.upstream.send(frame(packed, { rsv1: true }));
    it.upstream.send(frame(text(60_000, 'b')));
    await decoded(it);
    expect(told(it)).toEqual(['1:a 65536/1000000', '2!too_large']);
    expect(it.counters).toMatchObject({ inFlightRefused: 1, collectedBytes: 0 });
  });
});
