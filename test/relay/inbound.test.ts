// Client → upstream: bytes go on as they came, less our pongs and confirmations; small frames wait until they are whole.
import { describe, expect, it } from 'vitest';
import { BINARY, CLOSE, CONTINUATION, PING, PONG } from '../../src/relay/frames.ts';
import { clientFrame, closePayload, frame, readFrames } from '../support/raw-frames.ts';
import { type MemorySocket, settle } from '../support/socket-pair.ts';
import { spliced } from '../support/spliced.ts';

const CONFIRMATION = '{"type":"event_confirmation","event_id":"E"}';

/** Our pongs to the barriers that the client has got, newest last. */
function pongs(client: MemorySocket): Buffer[] {
  return readFrames(client.taken())
    .filter(({ opcode, payload }) => opcode === PING && payload.length === 14)
    .map(({ payload }) => clientFrame(payload, { opcode: PONG }));
}

describe('[W8] pongs', () => {
  it('with our nonce are cut, and confirm through the ordinal that they carry', async () => {
    const { client, upstream, splice, tap, counters } = await spliced();
    upstream.send(readyMessages(3));
    splice.ping();
    for (const pong of pongs(client)) client.send(pong);
    expect(tap.received).toEqual([3, 3]);
    expect(upstream.taken()).toHaveLength(0);
    expect(counters).toMatchObject({ barriersSent: 2, barriersAnswered: 2 });
  });

  it('of the client itself, of another connection, or for barriers never sent pass on', async () => {
    const mine = await spliced();
    const other = await spliced();
    mine.splice.ping();
    other.splice.ping();
    const ours = readFrames(mine.client.taken())[0]!.payload;
    const changed = (at: number) => {
      const payload = Buffer.from(ours);
      payload[at]! += 1;
      return clientFrame(payload, { opcode: PONG });
    };
    const strangers = [
      clientFrame('', { opcode: PONG }),
      clientFrame('fourteen bytes', { opcode: PONG }),
      pongs(other.client)[0]!,
      changed(0),
      changed(5),
      changed(7),
      changed(13),
      clientFrame(ours.subarray(0, 13), { opcode: PONG }),
      clientFrame(ours, { opcode: PING }),
    ];
    for (const pong of strangers) mine.client.send(pong);
    expect(mine.upstream.taken()).toEqual(Buffer.concat(strangers));
    expect(mine.tap.received).toEqual([]);
  });

  it('are cut out from between other frames of the same chunk', async () => {
    const { client, upstream, splice, tap } = await spliced();
    splice.ping();
    const [pong] = pongs(client);
    const before = clientFrame('before', { opcode: BINARY });
    const after = clientFrame('after'.repeat(2000));
    client.send(Buffer.concat([before, pong!, after.subarray(0, 50)]));
    client.send(Buffer.concat([after.subarray(50), pong!, pong!]));
    expect(upstream.taken()).toEqual(Buffer.concat([before, after]));
    expect(tap.received).toEqual([0, 0, 0]);
  });

  it('are found again after 65,536 barriers', async () => {
    const { client, splice, tap, upstream } = await spliced({ highWaterMark: 1 << 22 });
    for (let i = 0; i < 65_540; i++) splice.ping();
    const all = pongs(client);
    client.send(all[3]!);
    client.send(all.at(-1)!);
    expect(tap.received).toEqual([0, 0]);
    expect(upstream.taken()).toHaveLength(0);
  });
});

function readyMessages(count: number): Buffer {
  return Buffer.concat(Array.from({ length: count }, () => Buffer.from([0x81, 1, 0x78])));
}

describe('[W8] confirmations', () => {
  it('are swallowed; other messages pass on, and only those that may be a JSON object are offered', async () => {
    const { client, upstream, tap, counters } = await spliced();
    const chat = clientFrame('{"type":"user_message","text":"hi"}');
    const plain = clientFrame('ping');
    const others = Buffer.concat([clientFrame('[1]'), clientFrame(''), clientFrame(' \t')]);
    client.send(Buffer.concat([chat, clientFrame(CONFIRMATION), plain, others, clientFrame(` \r\n\t${CONFIRMATION}`)]));
    expect(upstream.taken()).toEqual(Buffer.concat([chat, plain, others]));
    expect(tap.offered).toEqual(['{"type":"user_message","text":"hi"}', CONFIRMATION, ` \r\n\t${CONFIRMATION}`]);
    expect(counters).toMatchObject({ confirmationsSwallowed: 2, messagesToUpstream: 7 });
  });

  it('of up to confirmationBytes are looked at, in text and in binary frames; larger ones are not', async () => {
    const { client, upstream, tap } = await spliced({ limits: { confirmationBytes: 50 } });
    const fits = CONFIRMATION.padEnd(50);
    const larger = clientFrame(CONFIRMATION.padEnd(51));
    const binary = clientFrame(CONFIRMATION, { opcode: BINARY });
    client.send(Buffer.concat([larger, clientFrame(fits), binary]));
    expect(upstream.taken()).toEqual(larger);
    expect(tap.offered).toEqual([fits, CONFIRMATION]);
  });

  it('are recognised under any mask, zero included', async () => {
    const { client, upstream, tap } = await spliced();
    const masks = [Buffer.alloc(4), Buffer.from([255, 255, 255, 255]), Buffer.from([0x80, 0, 0, 1])];
    for (const mask of masks)
      for (let pad = 0; pad < 4; pad++) client.send(clientFrame(CONFIRMATION + ' '.repeat(pad), { mask }));
    expect(tap.offered).toHaveLength(12);
    expect(new Set(tap.offered.map((text) => text.trim()))).toEqual(new Set([CONFIRMATION]));
    expect(upstream.taken()).toHaveLength(0);
  });

  it('are swallowed wherever chunks are cut, and nothing of them leaks', async () => {
    const before = clientFrame('before');
    const after = clientFrame('after', { opcode: BINARY });
    const bytes = Buffer.concat([before, clientFrame(CONFIRMATION), after]);
    for (let cut = 1; cut < bytes.length; cut++) {
      const { client, upstream, tap, counters } = await spliced();
      client.send(bytes.subarray(0, cut));
      const sofar = upstream.taken();
      expect(Buffer.concat([before, after]).subarray(0, sofar.length), `cut at ${cut}`).toEqual(sofar);
      client.send(bytes.subarray(cut));
      expect(upstream.taken(), `cut at ${cut}`).toEqual(Buffer.concat([before, after]));
      expect(tap.offered).toEqual([CONFIRMATION]);
      expect(counters.heldBytes).toBe(0);
    }
  });

  it('in fragments are swallowed whole, byte by byte too', async () => {
    const { client, upstream, tap, counters } = await spliced();
    const fragments = Buffer.concat([
      clientFrame('', { fin: false }),
      clientFrame(CONFIRMATION.slice(0, 10), { opcode: CONTINUATION, fin: false }),
      clientFrame(CONFIRMATION.slice(10), { opcode: CONTINUATION }),
    ]);
    const after = clientFrame('after');
    client.send(Buffer.concat([fragments, after]));
    for (const byte of Buffer.concat([fragments, after])) client.send(Buffer.from([byte]));
    expect(upstream.taken()).toEqual(Buffer.concat([after, after]));
    expect(tap.offered).toEqual([CONFIRMATION, CONFIRMATION]);
    expect(counters.confirmationsSwallowed).toBe(2);
  });

  it('with a control frame of the client between their fragments are read but pass on, in order', async () => {
    const { client, upstream, tap, counters } = await spliced();
    const bytes = Buffer.concat([
      clientFrame(CONFIRMATION.slice(0, 10), { fin: false }),
      clientFrame('beat', { opcode: PING }),
      clientFrame(CONFIRMATION.slice(10), { opcode: CONTINUATION }),
    ]);
    for (const byte of bytes) client.send(Buffer.from([byte]));
    client.send(bytes);
    expect(upstream.drain()).toEqual(Buffer.concat([bytes, bytes]));
    expect(tap.offered).toEqual([CONFIRMATION, CONFIRMATION]);
    expect(counters).toMatchObject({ confirmationsSwallowed: 0, confirmationsForwarded: 2, heldBytes: 0 });
    const start = clientFrame('{', { fin: false });
    const beat = clientFrame('beat', { opcode: PING });
    const middle = clientFrame('"a"', { opcode: CONTINUATION, fin: false });
    for (const part of [start, beat, middle]) client.send(part);
    expect(upstream.taken()).toEqual(Buffer.concat([start, beat, middle]));
  });

  it('with a pong of ours between their fragments are swallowed all the same', async () => {
    const { client, upstream, splice, tap } = await spliced();
    splice.ping();
    const bytes = Buffer.concat([
      clientFrame(CONFIRMATION.slice(0, 10), { fin: false }),
      pongs(client)[0]!,
      clientFrame(CONFIRMATION.slice(10), { opcode: CONTINUATION }),
    ]);
    for (const byte of bytes) client.send(Buffer.from([byte]));
    client.send(bytes);
    expect(upstream.taken()).toHaveLength(0);
    expect(tap.received).toEqual([0, 0]);
    expect(tap.offered).toEqual([CONFIRMATION, CONFIRMATION]);
  });

  it('are not waited for when the first fragment is no object, or when there is too much', async () => {
    const { client, upstream, tap, counters } = await spliced({ limits: { confirmationBytes: 64 } });
    const noObject = clientFrame('hello', { fin: false });
    client.send(noObject);
    expect(upstream.taken()).toEqual(noObject);
    const end = clientFrame(' world', { opcode: CONTINUATION });
    client.send(end);
    const late = [clientFrame('   ', { fin: false }), clientFrame('x', { opcode: CONTINUATION, fin: false })];
    client.send(late[0]!);
    expect(counters.heldBytes).toBe(late[0]!.length);
    client.send(late[1]!);
    expect(counters.heldBytes).toBe(0);
    client.send(end);
    const large = [clientFrame('{'.padEnd(40), { fin: false }), clientFrame(''.padEnd(40), { opcode: CONTINUATION })];
    for (const part of large) client.send(part);
    expect(upstream.taken()).toEqual(Buffer.concat([noObject, end, ...late, end, ...large]));
    expect(tap.offered).toEqual([]);
  });

  it('in a flood of empty fragments are not waited for', async () => {
    const { client, upstream, counters } = await spliced();
    const flood = [clientFrame('{', { fin: false })];
    for (let i = 0; i < 200; i++) flood.push(clientFrame('', { opcode: CONTINUATION, fin: false }));
    for (const part of flood) client.send(part);
    expect(counters.heldBytes).toBe(0);
    expect(upstream.taken()).toEqual(Buffer.concat(flood));
  });
});

describe('[W8] holding', () => {
  it('an incomplete small frame is held, a large one and one that cannot be a confirmation stream through', async () => {
    const { client, upstream, counters } = await spliced();
    const small = clientFrame('{"a":1}');
    const large = clientFrame('{'.padEnd(5000));
    const plain = clientFrame('plain text');
    client.send(small.subarray(0, 9));
    expect(upstream.taken()).toHaveLength(0);
    expect(counters.heldBytes).toBe(9);
    client.send(small.subarray(9));
    client.send(large.subarray(0, 100));
    expect(upstream.drain()).toEqual(Buffer.concat([small, large.subarray(0, 100)]));
    client.send(Buffer.concat([large.subarray(100), plain.subarray(0, 8)]));
    expect(upstream.drain()).toEqual(Buffer.concat([large.subarray(100), plain.subarray(0, 8)]));
    client.send(plain.subarray(8));
    expect(upstream.drain()).toEqual(plain.subarray(8));
    expect(counters.heldBytes).toBe(0);
  });

  it('what is held goes on when the client ends', async () => {
    const { client, upstream, counters } = await spliced();
    const whole = clientFrame('{"a":1}', { fin: false });
    const partial = clientFrame(CONFIRMATION, { opcode: CONTINUATION }).subarray(0, 20);
    client.send(whole);
    client.send(partial);
    client.fin();
    await settle();
    expect(upstream.taken()).toEqual(Buffer.concat([whole, partial]));
    expect(upstream.finished).toBe(true);
    expect(counters.heldBytes).toBe(0);
  });

  it('what is held goes nowhere when the client is reset', async () => {
    const { client, upstream, counters } = await spliced();
    client.send(clientFrame(CONFIRMATION).subarray(0, 20));
    client.reset();
    upstream.fin();
    await settle();
    expect(upstream.taken()).toHaveLength(0);
    expect(upstream.destroyed).toBe(true);
    expect(counters.heldBytes).toBe(0);
  });

  it('multi-megabyte messages pass unchanged', async () => {
    const { client, upstream, tap } = await spliced();
    const bytes = Buffer.concat([
      clientFrame('{'.padEnd(3_000_000)),
      clientFrame(CONFIRMATION),
      clientFrame(Buffer.alloc(70_000, 7), { opcode: BINARY }),
    ]);
    for (let at = 0; at < bytes.length; at += 60_000) client.send(bytes.subarray(at, at + 60_000));
    await settle();
    const frames = readFrames(upstream.taken());
    expect(frames.map(({ payload }) => payload.length)).toEqual([3_000_000, 70_000]);
    expect(tap.offered).toEqual([CONFIRMATION]);
  });
});

describe('[W19] framing errors of the client', () => {
  it.each([
    ['an unmasked frame', Buffer.concat([Buffer.from([0x81, 1]), Buffer.from('x')])],
    ['a reserved opcode', clientFrame('x', { opcode: 5 })],
    ['RSV1 without permessage-deflate', clientFrame('x', { rsv1: true })],
    ['a continuation of nothing', clientFrame('x', { opcode: CONTINUATION })],
  ])(
    '[D14] %s passes as it is, one report; pongs behind it still count, and are kept from the upstream',
    async (_name, bad) => {
      const { client, upstream, splice, tap, faults } = await spliced();
      upstream.send(frame('ping', { opcode: PING }));
      splice.ping();
      const ours = readFrames(client.taken()).at(-1)!.payload;
      const before = Buffer.concat([clientFrame('good'), bad]);
      const pong = clientFrame(ours, { opcode: PONG });
      for (const byte of Buffer.concat([before, pong, bad, clientFrame('more')])) client.send(Buffer.from([byte]));
      // Nor is anything added: the upstream's ping is left to its own fate.
      expect(upstream.taken()).toEqual(Buffer.concat([before, bad, clientFrame('more')]));
      expect(tap.received).toEqual([0]);
      expect(faults).toHaveLength(1);
    },
  );

  it('a message inside another: the same, kept fragments first', async () => {
    const { client, upstream, faults } = await spliced();
    const bytes = Buffer.concat([clientFrame('{', { fin: false }), clientFrame('{}')]);
    client.send(bytes);
    expect(upstream.taken()).toEqual(bytes);
    expect(faults).toHaveLength(1);
  });
});

it('[W16] a close frame passes on, and its code is told at the end', async () => {
  const { client, upstream, tap } = await spliced();
  const close = clientFrame(closePayload(4001, 'bye'), { opcode: CLOSE });
  client.send(close);
  upstream.fin();
  client.fin();
  await settle();
  expect(upstream.taken()).toEqual(close);
  expect(client.taken()).toHaveLength(0);
  expect(tap.ends).toEqual(['client 4001']);
});

it('[W8] behind a close frame of the client nothing is evidence: our pongs are cut, everything else passes on', async () => {
  const { client, upstream, splice, tap } = await spliced();
  upstream.send(readyMessages(2));
  splice.ping();
  const ping = frame('of the upstream', { opcode: PING });
  upstream.send(ping);
  const close = clientFrame(closePayload(1000), { opcode: CLOSE });
  const rest = [clientFrame(CONFIRMATION), clientFrame('of the upstream', { opcode: PONG })];
  client.send(Buffer.concat([close, ...pongs(client), ...rest]));
  expect([tap.received, tap.offered]).toEqual([[], []]);
  expect(upstream.taken()).toEqual(Buffer.concat([close, ...rest]));
});
