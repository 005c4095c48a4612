// Upstream → client: bytes go on as they came, messages are read, barriers stand only between frames.

import { describe, expect, it } from 'vitest';
import { Sender } from 'ws';
import { BARRIER_BYTES } from '../../src/relay/barrier.ts';
import { BINARY, CLOSE, CONTINUATION, PING, PONG } from '../../src/relay/frames.ts';
import { closePayload, frame, readFrames } from '../support/raw-frames.ts';
import { settle } from '../support/socket-pair.ts';
import { spliced } from '../support/spliced.ts';

/** Opcodes and payload sizes of a stream: `1/5 9/14`. */
function shape(stream: Buffer): string {
  return readFrames(stream)
    .map(({ opcode, payload }) => `${opcode}/${payload.length}`)
    .join(' ');
}

/** The same stream without our pings. */
function withoutBarriers(stream: Buffer): Buffer {
  const frames = readFrames(stream).filter(({ opcode, payload }) => opcode !== PING || payload.length !== 14);
  return Buffer.concat(frames.map(({ raw }) => raw));
}

/** Ordinals in our pings. */
function ordinals(stream: Buffer): number[] {
  return readFrames(stream)
    .filter(({ opcode, payload }) => opcode === PING && payload.length === 14)
    .map(({ payload }) => payload.readUIntBE(8, 6));
}

describe('[W3] barriers', () => {
  it('a message that fills a chunk gets its barrier in the same write, as an unmasked, uncompressed Ping', async () => {
    const { client, upstream, tap } = await spliced();
    upstream.send(frame('hello'));
    const [text, ping] = readFrames(client.taken());
    expect(text!.raw).toEqual(frame('hello'));
    expect(client.writes).toEqual([1]);
    expect(ping).toMatchObject({ opcode: PING, fin: true, rsv1: false, masked: false });
    const options = { fin: true, rsv1: false, opcode: PING, mask: false, readOnly: true };
    expect(Buffer.concat(Sender.frame(ping!.payload, options))).toEqual(ping!.raw);
    expect(tap.messages).toEqual(['1:hello']);
  });

  it('the tap hears of a message before its bytes are written', async () => {
    const { client, upstream, tap } = await spliced();
    let writtenThen = -1;
    const upstreamText = tap.upstreamText.bind(tap);
    tap.upstreamText = (...args) => {
      writtenThen = client.writableLength + client.taken().length;
      upstreamText(...args);
    };
    upstream.send(frame('hello'));
    expect(writtenThen).toBe(0);
    expect(tap.messages).toEqual(['1:hello']);
  });

  it('one per chunk, after its last message, however many messages it holds', async () => {
    const { client, upstream, tap } = await spliced();
    upstream.send(Buffer.concat([frame('a'), frame('b'), frame('c')]));
    expect(shape(client.taken())).toBe('1/1 1/1 1/1 9/14');
    expect(ordinals(client.taken())).toEqual([3]);
    expect(tap.asked).toBe(1);
  });

  it('none when the tap wants none', async () => {
    const { client, upstream, tap } = await spliced();
    tap.wantsBarrier = () => false;
    upstream.send(frame('a'));
    expect(client.taken()).toEqual(frame('a'));
  });

  it('[E2] a chunk that only begins a frame carries the barrier before it: that frame may never end', async () => {
    const { client, upstream, tap } = await spliced();
    tap.wantsBarrier = () => false;
    upstream.send(frame('a'));
    tap.lastBarrierAt = (through) => through === 1;
    upstream.send(frame('b'.repeat(5000)).subarray(0, 2000));
    expect(ordinals(client.taken().subarray(0, 3 + BARRIER_BYTES))).toEqual([1]);
    upstream.send(frame('b'.repeat(5000)).subarray(2000));
    expect(withoutBarriers(client.taken())).toEqual(Buffer.concat([frame('a'), frame('b'.repeat(5000))]));
  });

  it.each([10, 1000, 1100, 5000])(
    'a chunk that ends inside a frame (%i bytes) gets it at the last boundary',
    async (size) => {
      const { client, upstream } = await spliced();
      const second = frame('b'.repeat(size));
      upstream.send(Buffer.concat([frame('a'), second.subarray(0, second.length - 3)]));
      const sofar = client.taken();
      expect(ordinals(sofar.subarray(0, 3 + BARRIER_BYTES))).toEqual([1]);
      expect(sofar.subarray(3 + BARRIER_BYTES)).toEqual(second.subarray(0, second.length - 3));
      upstream.send(second.subarray(second.length - 3));
      expect(ordinals(client.taken())).toEqual([1, 2]);
      expect(withoutBarriers(client.taken())).toEqual(Buffer.concat([frame('a'), second]));
    },
  );

  it('a chunk inside one frame asks for none and gets none', async () => {
    const { client, upstream, tap } = await spliced();
    const bytes = frame('x'.repeat(100));
    upstream.send(bytes.subarray(0, 50));
    expect(tap.asked).toBe(0);
    expect(client.taken()).toEqual(bytes.subarray(0, 50));
  });

  it('stands between fragments, confirming the messages before the fragmented one', async () => {
    const { client, upstream } = await spliced();
    upstream.send(Buffer.concat([frame('one'), frame('two, ', { fin: false })]));
    upstream.send(frame('continued', { opcode: CONTINUATION }));
    expect(shape(client.taken())).toBe('1/3 1/5 9/14 0/9 9/14');
    expect(ordinals(client.taken())).toEqual([1, 2]);
  });

  it('is never written after a Close frame, but before it', async () => {
    const { client, upstream, splice } = await spliced();
    upstream.send(Buffer.concat([frame('bye'), frame(closePayload(1000), { opcode: CLOSE })]));
    expect(shape(client.taken())).toBe('1/3 9/14 8/2');
    expect(splice.ping()).toBe('blocked');
    expect(shape(client.taken())).toBe('1/3 9/14 8/2');
  });

  it('carries ordinals of 48 bits', async () => {
    const { client, splice } = await spliced();
    const messages = (splice as unknown as { outbound: { messages: { ordinal: number } } }).outbound.messages;
    messages.ordinal = 2 ** 40 + 2 ** 31 + 7;
    splice.ping();
    expect(ordinals(client.taken())).toEqual([2 ** 40 + 2 ** 31 + 7]);
  });

  it('has a nonce of the connection and a serial number of its own', async () => {
    const one = await spliced();
    const two = await spliced();
    one.splice.ping();
    one.splice.ping();
    two.splice.ping();
    const [a, b] = readFrames(one.client.taken()).map(({ payload }) => payload);
    const [c] = readFrames(two.client.taken()).map(({ payload }) => payload);
    expect(a!.subarray(0, 6)).toEqual(b!.subarray(0, 6));
    expect(a).not.toEqual(b);
    expect(a!.subarray(0, 6)).not.toEqual(c!.subarray(0, 6));
  });
});

describe('[W3] ping()', () => {
  it('is sent at once between frames, also between fragments', async () => {
    const { client, upstream, tap, splice } = await spliced();
    tap.wantsBarrier = () => false;
    expect(splice.ping()).toBe('sent');
    upstream.send(frame('part', { fin: false }));
    expect(splice.ping()).toBe('sent');
    expect(shape(client.taken())).toBe('9/14 1/4 9/14');
    expect(ordinals(client.taken())).toEqual([0, 0]);
  });

  it('is blocked inside a frame and follows at the next boundary, once', async () => {
    const { client, upstream, tap, splice } = await spliced();
    tap.wantsBarrier = () => false;
    const bytes = frame('0123456789');
    upstream.send(bytes.subarray(0, 6));
    expect(splice.ping()).toBe('blocked');
    expect(splice.ping()).toBe('blocked');
    expect(client.taken()).toEqual(bytes.subarray(0, 6));
    upstream.send(Buffer.concat([bytes.subarray(6), frame('next').subarray(0, 3)]));
    upstream.send(frame('next').subarray(3));
    expect(shape(client.taken())).toBe('1/10 9/14 1/4');
  });

  it('is blocked inside a header', async () => {
    const { client, upstream, tap, splice } = await spliced();
    tap.wantsBarrier = () => false;
    upstream.send(frame('x').subarray(0, 1));
    expect(splice.ping()).toBe('blocked');
    upstream.send(frame('x').subarray(1));
    expect(shape(client.taken())).toBe('1/1 9/14');
  });

  it('is blocked while the client takes nothing, and does not pile up', async () => {
    const { client, upstream, splice, tap } = await spliced();
    tap.wantsBarrier = () => false;
    client.stall();
    upstream.send(frame('x'.repeat(8000)));
    for (let i = 0; i < 1000; i++) expect(splice.ping()).toBe('blocked');
    client.unstall();
    await settle();
    expect(shape(client.taken())).toBe('1/8000');
    expect(splice.ping()).toBe('sent');
  });

  it('during a call of the tap waits for the boundary that is about to be written', async () => {
    const { client, upstream, tap, splice } = await spliced();
    tap.wantsBarrier = () => false;
    const results: string[] = [];
    tap.upstreamText = () => results.push(splice.ping());
    upstream.send(Buffer.concat([frame('a'), frame('b')]));
    expect(results).toEqual(['blocked', 'blocked']);
    expect(shape(client.taken())).toBe('1/1 1/1 9/14');
  });
});

describe('[W6] messages', () => {
  it.each([0, 1, 125, 126, 127, 65_535, 65_536, 3_000_000])(
    'of %i bytes are read whole and passed on unchanged',
    async (size) => {
      const { client, upstream, tap, counters } = await spliced();
      const text = 'é'.repeat(size / 2) + 'x'.repeat(size % 2);
      const bytes = frame(text.slice(0, size));
      for (let at = 0; at < bytes.length; at += 65_536) upstream.send(bytes.subarray(at, at + 65_536));
      await settle();
      expect(withoutBarriers(client.taken()).equals(bytes)).toBe(true);
      expect(tap.messages).toHaveLength(1);
      expect(tap.messages[0]).toBe(`1:${readFrames(bytes)[0]!.payload.toString('latin1')}`);
      expect(counters).toMatchObject({ messagesToClient: 1, bytesToClient: bytes.length });
    },
  );

  it('in fragments with control frames between them are put together', async () => {
    const { client, upstream, tap } = await spliced();
    const bytes = Buffer.concat([
      frame('one ', { fin: false }),
      frame('beat', { opcode: PING }),
      frame('two ', { opcode: CONTINUATION, fin: false }),
      frame('', { opcode: CONTINUATION, fin: false }),
      frame('', { opcode: PONG }),
      frame('three', { opcode: CONTINUATION }),
      frame('four'),
    ]);
    for (const byte of bytes) upstream.send(Buffer.from([byte]));
    expect(tap.messages).toEqual(['1:one two three', '2:four']);
    expect(withoutBarriers(client.taken())).toEqual(bytes);
  });

  it('binary ones are counted in the order of messages, and not read', async () => {
    const { upstream, tap } = await spliced();
    upstream.send(Buffer.concat([frame('a'), frame('bb', { opcode: BINARY }), frame('c')]));
    upstream.send(Buffer.concat([frame('d', { opcode: BINARY, fin: false }), frame('e', { opcode: CONTINUATION })]));
    upstream.send(frame('f'));
    expect(tap.messages).toEqual(['1:a', '2!binary', '3:c', '4!binary', '5:f']);
  });

  it('[D21] binary ones that may be JSON are told as that, in whatever pieces they come; others are not kept', async () => {
    for (const whole of [true, false]) {
      const { upstream, tap, counters } = await spliced();
      const bytes = Buffer.concat([
        frame('\n {"a":1}', { opcode: BINARY }),
        frame('', { opcode: BINARY, fin: false }),
        frame(' [{', { opcode: CONTINUATION, fin: false }),
        frame('}]', { opcode: CONTINUATION }),
        frame('x', { opcode: BINARY, fin: false }),
        frame('{"b":2}', { opcode: CONTINUATION }),
        frame('  ', { opcode: BINARY }),
        frame('', { opcode: BINARY }),
        frame('{"c":3}'),
      ]);
      if (whole) upstream.send(bytes);
      else for (const byte of bytes) upstream.send(Buffer.from([byte]));
      expect(tap.messages).toEqual(['1~\n {"a":1}', '2~ [{}]', '3!binary', '4!binary', '5!binary', '6:{"c":3}']);
      expect(counters.collectedBytes).toBe(0);
    }
  });

  it('larger than messageBytes pass unread, whole, cut or in fragments', async () => {
    const { client, upstream, tap, counters } = await spliced({ limits: { messageBytes: 100 } });
    const whole = frame('w'.repeat(101));
    const fragments = Buffer.concat([
      frame('f'.repeat(60), { fin: false }),
      frame('f'.repeat(41), { opcode: CONTINUATION }),
    ]);
    const fits = frame('x'.repeat(100));
    upstream.send(whole);
    for (const byte of whole) upstream.send(Buffer.from([byte]));
    upstream.send(fragments);
    for (const byte of fragments) upstream.send(Buffer.from([byte]));
    for (const byte of fits) upstream.send(Buffer.from([byte]));
    const bytes = Buffer.concat([whole, whole, fragments, fragments, fits]);
    expect(withoutBarriers(client.taken())).toEqual(bytes);
    expect(tap.messages).toEqual(['1!too_large', '2!too_large', '3!too_large', '4!too_large', `5:${'x'.repeat(100)}`]);
    expect(counters.messagesTooLarge).toBe(4);
  });

  it('are read at every place where a chunk may be cut', async () => {
    const bytes = Buffer.concat([frame('first'), frame('m'.repeat(130)), frame('p', { opcode: PING }), frame('last')]);
    for (let cut = 1; cut < bytes.length; cut++) {
      const { client, upstream, tap } = await spliced();
      upstream.send(bytes.subarray(0, cut));
      upstream.send(bytes.subarray(cut));
      expect(tap.messages, `cut at ${cut}`).toEqual(['1:first', `2:${'m'.repeat(130)}`, '3:last']);
      expect(withoutBarriers(client.taken()), `cut at ${cut}`).toEqual(bytes);
      expect(ordinals(client.taken()).at(-1)).toBe(3);
    }
  });

  it('read with the upgrade are the first', async () => {
    const { client, tap } = await spliced({ upstreamHead: frame('early') });
    expect(tap.messages).toEqual(['1:early']);
    expect(shape(client.taken())).toBe('1/5 9/14');
  });
});

describe('[W2] text of ours', () => {
  it('goes out at once between messages', async () => {
    const { client, splice } = await spliced();
    splice.sendMessage(Buffer.from('{"ackspan":"welcome"}'));
    expect(client.taken()).toEqual(frame('{"ackspan":"welcome"}'));
  });

  it('waits for the end of a fragmented message, and does not count as one', async () => {
    const { client, upstream, splice, tap } = await spliced();
    tap.wantsBarrier = () => false;
    upstream.send(frame('a', { fin: false }));
    splice.sendMessage(Buffer.from('ours'));
    splice.sendMessage(Buffer.from('too'));
    const rest = Buffer.concat([frame('p', { opcode: PING }), frame('b', { opcode: CONTINUATION }), frame('next')]);
    upstream.send(rest.subarray(0, 3));
    expect(shape(client.taken())).toBe('1/1 9/1');
    upstream.send(rest.subarray(3, rest.length - 1));
    upstream.send(rest.subarray(rest.length - 1));
    expect(shape(client.taken())).toBe('1/1 9/1 0/1 1/4 1/3 1/4');
    expect(tap.messages).toEqual(['1:ab', '2:next']);
  });
});

describe('[W19] framing errors of the upstream', () => {
  it.each([
    ['a reserved opcode', frame('x', { opcode: 3 })],
    ['a reserved control opcode', frame('x', { opcode: 11 })],
    ['RSV2', frame('x', { reserved: 0x20 })],
    ['RSV1 without permessage-deflate', frame('x', { rsv1: true })],
    ['a masked frame', frame('x', { mask: Buffer.from([1, 2, 3, 4]) })],
    ['a fragmented ping', frame('x', { opcode: PING, fin: false })],
    ['a ping of 126 bytes', frame('x'.repeat(126), { opcode: PING })],
    ['a continuation of nothing', frame('x', { opcode: CONTINUATION })],
    ['a length over 2^63', Buffer.from([0x81, 127, 0x80, 0, 0, 0, 0, 0, 0, 1])],
  ])('%s: bytes pass untouched from there, nothing is added, one report', async (_name, bad) => {
    const { client, upstream, tap, splice, faults, counters } = await spliced();
    tap.wantsBarrier = () => false;
    const bytes = Buffer.concat([frame('good'), bad, frame('after')]);
    upstream.send(bytes);
    upstream.send(frame('later'));
    expect(client.taken()).toEqual(Buffer.concat([bytes, frame('later')]));
    expect(tap.messages).toEqual(['1:good']);
    expect(splice.ping()).toBe('blocked');
    expect(faults).toHaveLength(1);
    expect(counters.protocolErrors).toBe(1);
  });

  it('a message inside another: the same', async () => {
    const { client, upstream, faults } = await spliced();
    const bytes = Buffer.concat([frame('a', { fin: false }), frame('b')]);
    upstream.send(bytes);
    expect(client.taken()).toEqual(bytes);
    expect(faults).toHaveLength(1);
  });

  it('an extension that nobody can read: bytes pass unread both ways', async () => {
    const { client, upstream, tap, splice } = await spliced({ opaque: true });
    upstream.send(frame('x', { reserved: 0x10 }));
    client.send(frame('y', { reserved: 0x10 }));
    expect(client.taken()).toEqual(frame('x', { reserved: 0x10 }));
    expect(upstream.taken()).toEqual(frame('y', { reserved: 0x10 }));
    expect(tap.messages).toEqual([]);
    expect(splice.ping()).toBe('blocked');
  });
});
