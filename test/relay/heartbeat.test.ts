// The upstream's own pings: nobody's heartbeat breaks because a client answers only the latest ping, and a pong for it is evidence too.
import { describe, expect, it } from 'vitest';
import { CLOSE, CONTINUATION, PING, PONG } from '../../src/relay/frames.ts';
import { clientFrame, closePayload, frame, readFrames } from '../support/raw-frames.ts';
import { type RecordingTap, type Spliced, spliced } from '../support/spliced.ts';

function answer(payload: Buffer | string): Buffer {
  return clientFrame(payload, { opcode: PONG });
}

/** The pong for the latest barrier. */
function ourPong({ client }: Spliced<RecordingTap>): Buffer {
  return answer(readFrames(client.taken()).findLast(({ payload }) => payload.length === 14)!.payload);
}

const ping = (payload: string) => frame(payload, { opcode: PING });

/** What the upstream got: `10:payload` per frame. */
function got({ upstream }: Spliced<RecordingTap>): string[] {
  return readFrames(upstream.taken()).map(({ opcode, payload }) => `${opcode}:${payload.toString()}`);
}

describe('[W9] owed pongs', () => {
  it('a client that answers only our later ping: the upstream gets its pong, masked, once', async () => {
    const it = await spliced();
    it.upstream.send(ping('beat'));
    it.splice.ping();
    it.client.send(ourPong(it));
    it.client.send(ourPong(it));
    expect(readFrames(it.upstream.taken())).toMatchObject([{ opcode: PONG, fin: true, masked: true, rsv1: false }]);
    expect(got(it)).toEqual(['10:beat']);
    expect(it.counters.pongsSynthesised).toBe(1);
  });

  it('an empty payload, the latest of several pings', async () => {
    const it = await spliced();
    it.upstream.send(Buffer.concat([ping('one'), ping('two'), ping('')]));
    it.splice.ping();
    it.client.send(ourPong(it));
    expect(got(it)).toEqual(['10:']);
  });

  it('a client that answers an earlier ping of the upstream still owes the latest', async () => {
    const it = await spliced();
    it.upstream.send(Buffer.concat([ping('one'), ping('two')]));
    it.client.send(answer('one'));
    it.splice.ping();
    it.client.send(ourPong(it));
    expect(got(it)).toEqual(['10:one', '10:two']);
  });

  it('a client that answers both: nothing is added', async () => {
    const it = await spliced();
    it.upstream.send(ping('beat'));
    it.splice.ping();
    it.client.send(Buffer.concat([answer('beat'), ourPong(it)]));
    expect(got(it)).toEqual(['10:beat']);
    expect(it.counters.pongsSynthesised).toBe(0);
  });

  it('an answer to a barrier from before the upstream ping proves nothing about it', async () => {
    const it = await spliced();
    it.splice.ping();
    const early = ourPong(it);
    it.upstream.send(ping('beat'));
    it.client.send(early);
    expect(got(it)).toEqual([]);
    it.splice.ping();
    it.client.send(ourPong(it));
    expect(got(it)).toEqual(['10:beat']);
  });

  it('a barrier in the chunk of the ping comes after it', async () => {
    const it = await spliced();
    it.upstream.send(Buffer.concat([frame('event'), ping('beat')]));
    it.client.send(ourPong(it));
    expect(got(it)).toEqual(['10:beat']);
  });

  it('is written between frames: after a large frame, before held fragments', async () => {
    const it = await spliced();
    it.upstream.send(ping('beat'));
    it.splice.ping();
    const large = clientFrame('x'.repeat(6000));
    const part = clientFrame('{"a":', { fin: false });
    it.client.send(large.subarray(0, 100));
    it.client.send(Buffer.concat([large.subarray(100), part]));
    it.client.send(ourPong(it));
    it.client.send(clientFrame('1}', { opcode: CONTINUATION }));
    expect(got(it)).toEqual([`1:${'x'.repeat(6000)}`, '10:beat', '1:{"a":', '0:1}']);
  });

  it('is not written after the client has sent Close', async () => {
    const it = await spliced();
    it.upstream.send(ping('beat'));
    it.splice.ping();
    it.client.send(clientFrame(closePayload(1000), { opcode: CLOSE }));
    it.client.send(ourPong(it));
    expect(readFrames(it.upstream.taken()).map(({ opcode }) => opcode)).toEqual([CLOSE]);
  });

  it('a ping that chunks cut is remembered too', async () => {
    const it = await spliced();
    for (const byte of ping('beat')) it.upstream.send(Buffer.from([byte]));
    it.splice.ping();
    it.client.send(ourPong(it));
    expect(got(it)).toEqual(['10:beat']);
  });
});

describe('[W9] pongs for the upstream as evidence', () => {
  it('prove what precedes the ping, and pass on', async () => {
    const it = await spliced();
    it.upstream.send(Buffer.concat([frame('a'), frame('b'), ping('beat'), frame('c')]));
    it.client.send(answer('beat'));
    expect(it.tap.received).toEqual([2]);
    expect(got(it)).toEqual(['10:beat']);
  });

  it('do not when the payload is shorter than 4 bytes', async () => {
    const it = await spliced();
    it.upstream.send(Buffer.concat([frame('a'), ping('hey')]));
    it.client.send(answer('hey'));
    expect(it.tap.received).toEqual([]);
  });

  it('prove no more than the earliest ping with the same payload, however many were answered since', async () => {
    const it = await spliced();
    it.upstream.send(ping('same'));
    it.upstream.send(Buffer.concat([frame('a'), ping('same')]));
    it.client.send(answer('same'));
    expect(it.tap.received).toEqual([0]);
    for (let n = 0; n < 100; n++) {
      it.upstream.send(Buffer.concat([frame('b'), ping('same')]));
      it.client.send(answer('same'));
    }
    expect(Math.max(...it.tap.received)).toBe(0);
    it.upstream.send(ping('other'));
    it.client.send(answer('other'));
    expect(it.tap.received.at(-1)).toBe(101);
  });

  it('prove no more than the earliest ping with the same payload, however many others came between', async () => {
    const it = await spliced();
    const round = () => Array.from({ length: 60 }, (_, second) => ping(`sec:${second}`));
    it.upstream.send(Buffer.concat([frame('a'), ...round(), frame('b'), ping('sec:0'), frame('c')]));
    it.client.send(answer('sec:0'));
    expect(Math.max(0, ...it.tap.received)).toBeLessThanOrEqual(1);
    it.upstream.send(Buffer.concat([...round(), ping('never before')]));
    it.client.send(answer('sec:59'));
    expect(Math.max(0, ...it.tap.received)).toBeLessThanOrEqual(1);
    it.client.send(answer('never before'));
    expect(it.tap.received.at(-1)).toBe(3);
  });

  it('do not from a client that sends pongs of its own accord, which may come to equal a ping', async () => {
    const it = await spliced();
    it.client.send(answer('1764146341'));
    it.upstream.send(Buffer.concat([frame('a'), ping('1764146342')]));
    it.client.send(answer('1764146342'));
    expect(it.tap.received).toEqual([]);
    expect(got(it)).toEqual(['10:1764146341', '10:1764146342']);
  });

  it('[E1] do not from a client that has answered a ping that nobody sent, while other pings were out', async () => {
    const it = await spliced();
    it.upstream.send(ping('beat'));
    it.client.send(answer('mine'));
    it.upstream.send(Buffer.concat([frame('event'), ping('next')]));
    it.client.send(answer('next'));
    expect(it.tap.received).toEqual([]);
  });

  it('[E1] do from a client that answers nothing but pings, however long ago they were', async () => {
    const it = await spliced();
    for (let n = 100; n < 200; n++) it.upstream.send(ping(`beat ${n}`));
    it.client.send(answer('beat 100'));
    it.upstream.send(frame('event'));
    it.upstream.send(ping('next'));
    it.client.send(answer('next'));
    expect(it.tap.received).toEqual([1]);
  });

  it('do from a client whose own pongs are empty: those equal no ping that proves something', async () => {
    const it = await spliced();
    it.client.send(answer(''));
    it.upstream.send(Buffer.concat([frame('a'), ping('beat')]));
    it.client.send(answer(''));
    it.client.send(answer('beat'));
    expect(it.tap.received).toEqual([1]);
  });

  it('do not when nobody asked, or something else was asked', async () => {
    const it = await spliced();
    it.client.send(answer('beat'));
    it.upstream.send(Buffer.concat([frame('a'), ping('beat')]));
    it.client.send(answer('beaT'));
    it.client.send(answer('beat '));
    expect(it.tap.received).toEqual([]);
    expect(got(it)).toEqual(['10:beat', '10:beaT', '10:beat ']);
  });
});
