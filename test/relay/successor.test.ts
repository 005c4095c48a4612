// A client that takes the place of another: what the old one leaves behind, and what holds for the new one as for the first.
import { describe, expect, it } from 'vitest';
import { BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT } from '../../src/relay/frames.ts';
import { clientFrame, closePayload, frame, readFrames } from '../support/raw-frames.ts';
import { MemorySocket, settle } from '../support/socket-pair.ts';
import { ParkingTap, type Spliced, spliced } from '../support/spliced.ts';

type Parking = Spliced<ParkingTap>;

const parking = (): Promise<Parking> => spliced<ParkingTap>({ tap: new ParkingTap() });

/** What a far end got, as `opcode:text`, with `~` where the frame is masked. */
const heard = (socket: MemorySocket): string[] =>
  readFrames(socket.taken()).map(
    ({ opcode, payload, masked }) =>
      `${masked ? '~' : ''}${opcode}:${opcode === CLOSE ? payload.readUInt16BE() : payload.toString('latin1')}`,
  );

/** Brings a new client, in place of one that has gone or is still there. */
function joins({ splice }: Parking): MemorySocket {
  const client = new MemorySocket();
  splice.rejoin(client, 4409, 'replaced');
  splice.startClient(Buffer.alloc(0));
  return client;
}

describe('[W12] a client that is replaced', () => {
  it('gets an unmasked Close frame at a boundary, and none inside a frame', async () => {
    const between = await parking();
    joins(between);
    await settle();
    expect(heard(between.client)).toEqual([`${CLOSE}:4409`]);
    const inside = await parking();
    const bytes = frame('a message').subarray(0, 5);
    inside.upstream.send(bytes);
    joins(inside);
    await settle();
    expect(inside.client.taken()).toEqual(bytes);
    expect(inside.client.finished).toBe(true);
  });

  it('[W9] leaves a ping of the upstream unanswered: it is answered from here', async () => {
    const here = await parking();
    here.upstream.send(frame('for the old one', { opcode: PING }));
    joins(here);
    expect(heard(here.upstream)).toEqual([`~${PONG}:for the old one`]);
  });

  it('takes the texts along that waited for it, and the barrier', async () => {
    const here = await parking();
    here.upstream.send(frame('one', { fin: false }));
    here.splice.sendMessage(Buffer.from('for the old one'));
    here.upstream.send(frame('two', { opcode: CONTINUATION, fin: false }).subarray(0, 3));
    here.splice.ping();
    const next = joins(here);
    here.upstream.send(frame('two', { opcode: CONTINUATION, fin: false }).subarray(3));
    here.upstream.send(frame('.', { opcode: CONTINUATION }));
    here.upstream.send(frame('next'));
    expect(heard(next)).toEqual([`${TEXT}:next`]);
  });

  it('in the middle of a message: the next one is heard from its first byte, also where that came in one chunk with the rest', async () => {
    const here = await parking();
    const next = frame('the next message');
    here.upstream.send(frame('one', { fin: false }));
    const client = joins(here);
    here.upstream.send(Buffer.concat([frame('two', { opcode: CONTINUATION }), next.subarray(0, 4)]));
    here.upstream.send(next.subarray(4));
    expect(client.taken()).toEqual(next);
  });

  it('leaves nothing held back', async () => {
    const here = await parking();
    here.client.send(clientFrame('fourteen bytes', { opcode: PONG }).subarray(0, 15));
    joins(here);
    here.client.fin();
    await settle();
    expect(here.counters.heldBytes).toBe(0);
  });
});

describe('[W10] a client that goes away', () => {
  it.each(['reset', 'fin'] as const)('by %s with half a frame leaves nothing held back', async (how) => {
    const { client, upstream, splice, counters } = await parking();
    client.send(clientFrame('fourteen bytes', { opcode: PONG }).subarray(0, 15));
    client[how]();
    await settle();
    expect([splice.audience, counters.heldBytes]).toEqual(['absent', 0]);
    expect(upstream.taken()).toHaveLength(0);
  });

  it('[W2] with Close 1001 in the middle of a frame gets nothing of ours into that frame', async () => {
    const { client, upstream, splice } = await parking();
    const bytes = frame('a message').subarray(0, 5);
    upstream.send(bytes);
    client.send(clientFrame(closePayload(1001), { opcode: CLOSE }));
    await settle();
    expect(splice.audience).toBe('absent');
    expect(client.taken()).toEqual(bytes);
  });

  it('with Close 1001 gets an unmasked answer', async () => {
    const { client } = await parking();
    client.send(clientFrame(closePayload(1001), { opcode: CLOSE }));
    await settle();
    expect(heard(client)).toEqual([`${CLOSE}:1001`]);
  });

  it('[W11] and whose upstream closes without a code: the answer has a masked 1000', async () => {
    const { client, upstream } = await parking();
    client.reset();
    await settle();
    upstream.send(frame('', { opcode: CLOSE }));
    expect(heard(upstream)).toEqual([`~${CLOSE}:1000`]);
  });
});

describe('[W12] the new client', () => {
  const returned = async (): Promise<Parking & { next: MemorySocket }> => {
    const here = await parking();
    here.client.reset();
    await settle();
    const next = joins(here);
    await settle();
    return { ...here, next };
  };

  it('[W8] has its pongs to our pings and its words cut out, and held while they may be some', async () => {
    const { next, upstream, splice, tap } = await returned();
    upstream.send(frame('first'));
    splice.ping();
    const ping = readFrames(next.taken()).at(-1)!;
    next.send(clientFrame(ping.payload, { opcode: PONG }));
    next.send(clientFrame('{"type":"event_confirmation"}'));
    expect([tap.received, tap.offered]).toEqual([[1], ['{"type":"event_confirmation"}']]);
    expect(upstream.taken()).toHaveLength(0);
  });

  it('[W9] that goes in its turn leaves a ping unanswered: it is answered from here', async () => {
    const { next, upstream } = await returned();
    upstream.send(frame('for the new one', { opcode: PING }));
    next.reset();
    await settle();
    expect(heard(upstream)).toEqual([`~${PONG}:for the new one`]);
  });

  it('[W13] that takes no more stops the reading of the upstream', async () => {
    const { next, upstream } = await returned();
    next.stall();
    upstream.send(frame('x'.repeat(20_000)));
    await settle();
    expect(upstream.isPaused()).toBe(true);
    next.unstall();
    await settle();
    expect(upstream.isPaused()).toBe(false);
  });

  it('[W8] may send a message in parts, like the first', async () => {
    const { next, upstream } = await returned();
    next.send(clientFrame('one', { opcode: BINARY, fin: false }));
    next.send(clientFrame('two', { opcode: CONTINUATION }));
    expect(heard(upstream)).toEqual([`~${BINARY}:one`, `~${CONTINUATION}:two`]);
  });
});
