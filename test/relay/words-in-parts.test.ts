// Client → upstream, in parts: words and pongs that come in several fragments or chunks, and what stands between them.
import { describe, expect, it } from 'vitest';
import { BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT } from '../../src/relay/frames.ts';
import { clientFrame, closePayload, frame, readFrames } from '../support/raw-frames.ts';
import { MemorySocket, settle } from '../support/socket-pair.ts';
import { ParkingTap, spliced } from '../support/spliced.ts';

const WORD = '{"type":"event_confirmation","event_id":"E"}';

/** A word in two fragments, with `between` between them. */
function inParts(between: Buffer = Buffer.alloc(0)): Buffer[] {
  return [
    clientFrame(WORD.slice(0, 10), { fin: false }),
    between,
    clientFrame(WORD.slice(10), { opcode: CONTINUATION }),
  ];
}

/** Our pong to the barrier that the client was sent last. */
function pong(client: MemorySocket): Buffer {
  const pings = readFrames(client.taken()).filter(({ opcode, payload }) => opcode === PING && payload.length === 14);
  return clientFrame(pings.at(-1)!.payload, { opcode: PONG });
}

describe('[W8] a word in fragments', () => {
  it('with a frame between them that goes on is read and goes on; the next word is cut again', async () => {
    const { client, upstream, tap } = await spliced();
    const first = inParts(clientFrame('mine', { opcode: PING }));
    client.send(Buffer.concat(first));
    expect(tap.offered).toEqual([WORD]);
    expect(upstream.drain()).toEqual(Buffer.concat(first));
    client.send(Buffer.concat(inParts()));
    expect(tap.offered).toEqual([WORD, WORD]);
    expect(upstream.taken()).toHaveLength(0);
  });

  it('is read however many came before it', async () => {
    const { client, upstream, tap } = await spliced();
    for (let i = 0; i < 100; i++) client.send(Buffer.concat(inParts()));
    expect(tap.offered).toHaveLength(100);
    expect(upstream.taken()).toHaveLength(0);
  });

  it('of which one is too long is no word, whatever the others say', async () => {
    const { client, upstream, tap } = await spliced({ limits: { confirmationBytes: 100 } });
    const bytes = Buffer.concat([
      clientFrame('{"type":"event_confirmation",', { fin: false }),
      clientFrame(`"not":"${'x'.repeat(200)}",`, { opcode: CONTINUATION, fin: false }),
      clientFrame('"event_id":"E"}', { opcode: CONTINUATION }),
    ]);
    client.send(bytes);
    expect(tap.offered).toEqual([]);
    expect(upstream.taken()).toEqual(bytes);
  });

  it('is read in 64 of them, and not in 65', async () => {
    for (const [count, offered] of [
      [64, 1],
      [65, 0],
    ] as const) {
      const { client, tap } = await spliced();
      client.send(clientFrame(WORD, { fin: false }));
      for (let i = 2; i < count; i++) client.send(clientFrame('', { opcode: CONTINUATION, fin: false }));
      client.send(clientFrame('', { opcode: CONTINUATION }));
      expect(tap.offered).toHaveLength(offered);
    }
  });

  it('stays whole where a pong of ours in two chunks is cut out from between them', async () => {
    const { client, upstream, splice, tap } = await spliced();
    tap.isConfirmation = () => false;
    upstream.send(frame('first'));
    splice.ping();
    const [begin, , end] = inParts();
    const ours = pong(client);
    client.send(Buffer.concat([begin!, ours.subarray(0, 9)]));
    client.send(ours.subarray(9));
    client.send(end!);
    expect(tap.received).toEqual([1]);
    expect(upstream.taken()).toEqual(Buffer.concat([begin!, end!]));
  });

  it('[W10] of which the beginning has gone on: a client that goes in the last fragment is not parked', async () => {
    for (const cut of [2, 8, 15]) {
      const { client, splice, tap } = await spliced<ParkingTap>({ tap: new ParkingTap() });
      const [begin, between, end] = inParts(clientFrame('mine', { opcode: PING }));
      client.send(Buffer.concat([begin!, between!, end!.subarray(0, cut)]));
      expect(splice.rejoinable).toBe(false);
      client.reset();
      await settle();
      expect([tap.lost, tap.overs]).toEqual([[], ['client 1006']]);
    }
  });
});

it('[W8] what is no word goes on at once, also where its header came in two chunks', async () => {
  const { client, upstream } = await spliced();
  const bytes = clientFrame('x'.repeat(5000));
  client.send(bytes.subarray(0, 3));
  client.send(bytes.subarray(3, 100));
  expect(upstream.taken()).toEqual(bytes.subarray(0, 100));
});

it('[W19] a pong of ours that breaks the framing rules itself proves nothing, and goes on', async () => {
  const { client, upstream, splice, tap } = await spliced();
  upstream.send(frame('first'));
  splice.ping();
  const [, ping] = readFrames(client.taken());
  // A control frame has no fragments.
  const odd = clientFrame(ping!.payload, { opcode: PONG, fin: false });
  const bytes = Buffer.concat([clientFrame('mine', { opcode: PONG }), odd]);
  client.send(bytes);
  expect([tap.received, upstream.taken()]).toEqual([[], bytes]);
});

it('[W6] of binary messages in parts that are not read, each has its true size', async () => {
  const { upstream, tap } = await spliced();
  for (let i = 0; i < 2; i++) {
    upstream.send(frame(Buffer.alloc(300, 1), { opcode: BINARY, fin: false }));
    upstream.send(frame(Buffer.alloc(100, 1), { opcode: CONTINUATION }));
  }
  expect([tap.messages, tap.passedBytes]).toEqual([
    ['1!binary', '2!binary'],
    [400, 400],
  ]);
});

it('[W10] a client that broke the framing rules is not parked', async () => {
  const { client, splice, tap } = await spliced<ParkingTap>({ tap: new ParkingTap() });
  // Not masked.
  client.send(frame('odd'));
  expect(splice.rejoinable).toBe(false);
  client.reset();
  await settle();
  expect(tap.lost).toEqual([]);
});

describe('[W9] the pong that is owed for a ping of the upstream', () => {
  it.each([1, 5, 6, 12, 19])('goes out where ours came in two chunks, cut at %i', async (cut) => {
    const { client, upstream, splice } = await spliced();
    upstream.send(frame('are you there', { opcode: PING }));
    splice.ping();
    const ours = pong(client);
    client.send(ours.subarray(0, cut));
    expect(upstream.taken()).toHaveLength(0);
    client.send(ours.subarray(cut));
    expect(readFrames(upstream.taken()).map(({ opcode, payload }) => `${opcode}:${payload}`)).toEqual([
      `${PONG}:are you there`,
    ]);
  });
});

describe('[W12] what a replaced client still says', () => {
  it('never parks the client that has taken its place, be it a Close 1001 or an answer to ours', async () => {
    for (const code of [1001, 4409]) {
      const { client, upstream, splice, tap } = await spliced<ParkingTap>({ tap: new ParkingTap() });
      const next = new MemorySocket();
      splice.rejoin(next, 4409, 'replaced');
      splice.startClient(Buffer.alloc(0));
      client.send(clientFrame(closePayload(code), { opcode: CLOSE }));
      await settle();
      upstream.send(frame('for the new one'));
      expect([splice.audience, tap.lost]).toEqual(['present', []]);
      expect(readFrames(next.taken()).map(({ payload }) => `${payload}`)).toEqual(['for the new one']);
    }
  });
});

it('[W8] a message that begins like a word and turns out to be none goes on whole, in any number of fragments', async () => {
  const { client, upstream, tap } = await spliced();
  const bytes = Buffer.concat([
    clientFrame('{"type', { fin: false }),
    clientFrame('":"else', { opcode: CONTINUATION, fin: false }),
    clientFrame('"}', { opcode: CONTINUATION }),
    clientFrame('plain', { opcode: TEXT }),
    clientFrame('bytes', { opcode: BINARY }),
  ]);
  for (const byte of bytes) client.send(Buffer.from([byte]));
  expect(upstream.taken()).toEqual(bytes);
  expect(tap.offered).toEqual(['{"type":"else"}']);
});
