// [E2] A message that fills its chunk may be written before it is read: which one, with what, and what comes after it.
import { describe, expect, it } from 'vitest';
import { BINARY, CONTINUATION, PING } from '../../src/relay/frames.ts';
import type { WriteFirst } from '../../src/relay/tap.ts';
import { clientFrame, frame, readFrames } from '../support/raw-frames.ts';
import { spliced } from '../support/spliced.ts';

/** Opcodes and payload sizes of a stream: `1/5 9/14`. */
function shape(stream: Buffer): string {
  return readFrames(stream)
    .map(({ opcode, payload }) => `${opcode}/${payload.length}`)
    .join(' ');
}

/** Ordinals in our pings. */
function ordinals(stream: Buffer): number[] {
  return readFrames(stream)
    .filter(({ opcode, payload }) => opcode === PING && payload.length === 14)
    .map(({ payload }) => payload.readUIntBE(8, 6));
}

describe('[W4] a message that may go ahead', () => {
  /** What had been written, as a shape, when the tap was told of each message. */
  async function told(firstWrites: (ordinal: number) => WriteFirst) {
    const all = await spliced();
    const { client, tap } = all;
    const before: string[] = [];
    const upstreamText = tap.upstreamText.bind(tap);
    tap.upstreamText = (...args) => {
      before.push(shape(client.taken()));
      upstreamText(...args);
    };
    tap.firstWrites = firstWrites;
    return { ...all, before };
  }

  it('is written before the tap is told of it, alone or with a barrier that says its ordinal', async () => {
    const { client, upstream, tap, before } = await told((ordinal) => (ordinal === 1 ? 'message' : 'message+barrier'));
    tap.wantsBarrier = () => false;
    upstream.send(frame('one'));
    upstream.send(frame('two'));
    expect(before).toEqual(['1/3', '1/3 1/3 9/14']);
    expect(ordinals(client.taken())).toEqual([2]);
    expect(client.writes).toHaveLength(2);
    expect(tap.messages).toEqual(['1:one', '2:two']);
  });

  it('is followed by the barrier that it turns out to want', async () => {
    const { client, upstream } = await told(() => 'message');
    upstream.send(frame('one'));
    expect(shape(client.taken())).toBe('1/3 9/14');
    expect(ordinals(client.taken())).toEqual([1]);
  });

  it('takes a ping along that was asked for in the middle of an earlier frame', async () => {
    const { client, upstream, splice, tap } = await told(() => 'message');
    tap.wantsBarrier = () => false;
    const cut = frame('cut');
    upstream.send(cut.subarray(0, 4));
    expect(splice.ping()).toBe('blocked');
    upstream.send(cut.subarray(4));
    upstream.send(frame('one'));
    expect(shape(client.taken())).toBe('1/3 9/14 1/3');
  });

  it.each([
    ['two messages', [Buffer.concat([frame('a'), frame('b')])]],
    ['a message and the beginning of another', [Buffer.concat([frame('a'), frame('b').subarray(0, 1)])]],
    ['a message in two chunks', [frame('abc').subarray(0, 3), frame('abc').subarray(3)]],
    ['a fragment', [frame('a', { fin: false }), frame('b', { opcode: CONTINUATION })]],
    ['a binary message', [frame('a', { opcode: BINARY })]],
    ['a message with a length that needs 64 bits', [frame('x'.repeat(70_000))]],
    ['a masked message, which breaks the rules', [clientFrame('abc')]],
  ])('is one that fills its chunk: nobody is asked about %s', async (_, chunks) => {
    let asked = 0;
    const { upstream, client, tap } = await told(() => {
      asked++;
      return 'message';
    });
    tap.wantsBarrier = () => false;
    for (const chunk of chunks) upstream.send(chunk);
    expect(asked).toBe(0);
    expect(client.taken()).toEqual(Buffer.concat(chunks));
  });

  it('waits for a frame of ours that was to go before it', async () => {
    const { upstream, client, splice, tap } = await told(() => 'message');
    tap.wantsBarrier = () => false;
    upstream.send(frame('a', { fin: false }));
    splice.sendMessage(Buffer.from('ours'));
    upstream.send(frame('b', { opcode: CONTINUATION }));
    upstream.send(frame('next'));
    expect(shape(client.taken())).toBe('1/1 0/1 1/4 1/4');
    expect(tap.messages).toEqual(['1:ab', '2:next']);
  });
});
