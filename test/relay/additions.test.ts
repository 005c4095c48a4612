// Text frames of ours in the upstream's stream: whole, in order, between messages or right before the one that they announce.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CLOSE, CONTINUATION, PING } from '../../src/relay/frames.ts';
import { closePayload, decodeWithWs, frame, readFrames } from '../support/raw-frames.ts';
import { propertyOptions } from '../support/seed.ts';
import { RecordingTap, spliced } from '../support/spliced.ts';

const texts = (stream: Buffer): string[] =>
  readFrames(stream)
    .filter(({ opcode }) => opcode < CLOSE)
    .map(({ payload }) => payload.toString());

function quiet(): RecordingTap {
  const tap = new RecordingTap();
  tap.wantsBarrier = () => false;
  return tap;
}

describe('[W2] sendMessage', () => {
  it('writes at once between two messages', async () => {
    const { client, upstream, splice } = await spliced();
    upstream.send(frame('a'));
    splice.sendMessage(Buffer.from('ours'));
    expect(texts(client.taken())).toEqual(['a', 'ours']);
  });

  it('waits for the end of a message that chunks or fragments cut', async () => {
    const { client, upstream, splice } = await spliced();
    const whole = Buffer.concat([
      frame('a', { fin: false }),
      frame('ping', { opcode: PING }),
      frame('b', { opcode: CONTINUATION }),
      frame('next'),
    ]);
    upstream.send(whole.subarray(0, 4));
    splice.sendMessage(Buffer.from('one'));
    splice.sendMessage(Buffer.from('two'));
    upstream.send(whole.subarray(4, 12));
    upstream.send(whole.subarray(12));
    expect(texts(client.taken())).toEqual(['a', 'b', 'one', 'two', 'next']);
  });

  it('after a Close frame of the upstream, or of ours, is nothing', async () => {
    const { client, upstream, splice } = await spliced();
    upstream.send(frame(closePayload(1000), { opcode: CLOSE }));
    splice.sendMessage(Buffer.from('late'));
    expect(texts(client.taken())).toEqual([]);
  });

  it('waits together with a Close frame of ours, and goes before it', async () => {
    const { client, upstream, splice } = await spliced({ tap: quiet() });
    const bytes = frame('message');
    upstream.send(bytes.subarray(0, 4));
    splice.sendMessage(Buffer.from('ours'));
    splice.close(1012, 'restart');
    upstream.send(Buffer.concat([bytes.subarray(4), frame('too late')]));
    const frames = readFrames(client.taken());
    expect(frames.map(({ opcode }) => opcode)).toEqual([1, 1, 1, CLOSE]);
    expect(texts(client.taken())).toEqual(['message', 'too late', 'ours']);
  });

  it('whatever the stream and the chunks: what the far end reads is right, and everything is there once', async () => {
    const part = fc.record({ size: fc.constantFrom(0, 1, 125, 126, 700), fragments: fc.integer({ min: 1, max: 3 }) });
    const property = fc.asyncProperty(
      fc.array(part, { minLength: 1, maxLength: 6 }),
      fc.array(fc.tuple(fc.nat(400), fc.boolean()), { maxLength: 12 }),
      async (parts, chunks) => {
        const { client, upstream, splice } = await spliced();
        const stream = Buffer.concat(
          parts.flatMap(({ size, fragments }, n) =>
            Array.from({ length: fragments }, (_, k) => {
              const shape = { fin: k === fragments - 1, ...(k > 0 && { opcode: CONTINUATION }) };
              return frame(`${n}`.padEnd(size, String.fromCharCode(97 + k)), shape);
            }),
          ),
        );
        let at = 0;
        let sent = 0;
        for (const [size, say] of chunks) {
          upstream.send(stream.subarray(at, at + size));
          at += size;
          if (say) splice.sendMessage(Buffer.from(`ours ${++sent}`));
        }
        upstream.send(stream.subarray(at));
        const read = await decodeWithWs(client.taken(), { isServer: false });
        const said = read
          .filter((line) => line.startsWith('text:'))
          .map((line) => Buffer.from(line.slice(5), 'base64').toString());
        expect(said.filter((text) => text.startsWith('ours'))).toEqual(
          Array.from({ length: sent }, (_, n) => `ours ${n + 1}`),
        );
        expect(said.filter((text) => !text.startsWith('ours')).map((text) => text[0])).toEqual(
          parts.map((_, n) => `${n}`),
        );
      },
    );
    await fc.assert(property, propertyOptions(150));
  });
});

describe('[W5] announce', () => {
  /** A tap that announces every message that says `!`, as the tap is told of it. */
  async function announcing() {
    const tap = quiet();
    const failed: string[] = [];
    const world = await spliced({ tap });
    const told = tap.upstreamText.bind(tap);
    tap.upstreamText = (buf, start, end, ordinal, now, bytes, binary) => {
      told(buf, start, end, ordinal, now, bytes, binary);
      if (buf.toString('latin1', start, end).startsWith('!'))
        if (!world.splice.announce(buf, start, end, Buffer.from(`n${ordinal}`))) failed.push(`${ordinal}`);
    };
    return { ...world, failed };
  }

  it.each([1, 125, 126, 65_535, 65_536])(
    'goes right before a message of %i bytes that lies whole in a chunk',
    async (size) => {
      const { client, upstream, failed } = await announcing();
      const bang = '!'.padEnd(size, '.');
      upstream.send(Buffer.concat([frame('a'), frame(bang), frame('b'), frame(bang), frame('c').subarray(0, 2)]));
      upstream.send(frame('c').subarray(2));
      expect(texts(client.taken())).toEqual(['a', 'n2', bang, 'b', 'n4', bang, 'c']);
      expect(failed).toEqual([]);
    },
  );

  it('stands beside what waits for the end of a message, and barriers', async () => {
    const { client, upstream, splice, tap } = await announcing();
    tap.wantsBarrier = () => true;
    upstream.send(frame('abc').subarray(0, 3));
    splice.sendMessage(Buffer.from('ours'));
    upstream.send(Buffer.concat([frame('abc').subarray(3), frame('!'), frame('tail').subarray(0, 4)]));
    upstream.send(frame('tail').subarray(4));
    const frames = readFrames(client.taken()).map(({ opcode, payload }) =>
      opcode === PING ? `b${payload.readUIntBE(8, 6)}` : `${payload}`,
    );
    expect(frames).toEqual(['abc', 'n2', '!', 'ours', 'b2', 'tail', 'b3']);
  });

  it.each([
    ['that chunks cut', [frame('!...').subarray(0, 4), frame('!...').subarray(4)]],
    ['whose header chunks cut', [frame('!...').subarray(0, 1), frame('!...').subarray(1)]],
    ['in fragments', [Buffer.concat([frame('!', { fin: false }), frame('..', { opcode: CONTINUATION })])]],
  ])('cannot be done for a message %s, and nothing is written', async (_, chunks) => {
    const { client, upstream, failed } = await announcing();
    for (const chunk of chunks) upstream.send(chunk);
    expect(failed).toEqual(['1']);
    expect(client.taken()).toEqual(Buffer.concat(chunks));
  });
});
