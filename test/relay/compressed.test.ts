// permessage-deflate passes end to end; messages are read on the side, in order, whatever their size, and never at the relay's cost.
import { randomBytes } from 'node:crypto';
import { deflateRawSync, constants as zlib } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { BINARY, CONTINUATION, PING } from '../../src/relay/frames.ts';
import { clientFrame, createDeflater, decodeWithWs, frame, readFrames } from '../support/raw-frames.ts';
import { settle } from '../support/socket-pair.ts';
import { DEFLATE, type RecordingTap, type Spliced, spliced } from '../support/spliced.ts';

const STANDALONE = { ...DEFLATE, serverNoContextTakeover: true };
const CONFIRMATION = '{"type":"event_confirmation","event_id":"E"}';

const event = (n: number) => `{"type":"agent_thinking","run_id":"run_1","step_number":${n}}`;
const compressed = (data: Buffer, opcode = 1) => frame(data, { rsv1: true, opcode });

/** Waits until the side reader has nothing left. */
async function decoded({ tap }: Spliced<RecordingTap>): Promise<void> {
  while (tap.waiting > 0) await settle();
}

/** Opcode and barrier-free bytes of what the client got. */
function relayed({ client }: Spliced<RecordingTap>): Buffer {
  const own = readFrames(client.taken()).filter(({ opcode, payload }) => opcode !== PING || payload.length !== 14);
  return Buffer.concat(own.map(({ raw }) => raw));
}

describe('[W7] upstream → client', () => {
  it.each([
    ['with context takeover', DEFLATE],
    ['without', STANDALONE],
  ])('small messages are read before they are written, %s', async (_name, deflate) => {
    const it = await spliced({ deflate });
    const pack = createDeflater(deflate.serverNoContextTakeover);
    const frames: Buffer[] = [];
    for (let n = 1; n <= 50; n++) {
      frames.push(compressed(await pack(Buffer.from(event(n)))));
      it.upstream.send(frames.at(-1)!);
      expect(it.tap.messages.at(-1)).toBe(`${n}:${event(n)}`);
    }
    expect(it.tap.waiting).toBe(0);
    expect(relayed(it)).toEqual(Buffer.concat(frames));
  });

  it('fragmented, cut and interleaved ones, and plain ones among them, keep their order', async () => {
    const it = await spliced({ deflate: DEFLATE });
    const pack = createDeflater(false);
    const one = await pack(Buffer.from(event(1)));
    const three = await pack(Buffer.from(event(3)));
    const bytes = Buffer.concat([
      frame(one.subarray(0, 5), { rsv1: true, fin: false }),
      frame('beat', { opcode: PING }),
      frame(one.subarray(5), { opcode: CONTINUATION }),
      frame(event(2)),
      compressed(three),
      frame('binary', { opcode: BINARY }),
    ]);
    for (const byte of bytes) it.upstream.send(Buffer.from([byte]));
    expect(it.tap.messages).toEqual([`1:${event(1)}`, `2:${event(2)}`, `3:${event(3)}`, '4!binary']);
    expect(relayed(it)).toEqual(bytes);
  });

  it('a large one is read in slices; what follows waits its turn, and nothing waits on the wire', async () => {
    const it = await spliced({ deflate: DEFLATE });
    const pack = createDeflater(false);
    const big = Buffer.alloc(1_000_000, 'abcdefghij');
    const bytes = Buffer.concat([
      compressed(await pack(Buffer.from(event(1)))),
      compressed(await pack(big)),
      frame(event(3)),
      frame('x', { opcode: BINARY }),
      compressed(await pack(Buffer.from(event(5)))),
    ]);
    it.time.now = 5_000;
    it.upstream.send(bytes);
    it.time.now = 9_000;
    expect(it.tap.messages).toEqual([`1:${event(1)}`]);
    expect(it.tap.waiting).toBe(4);
    expect(relayed(it)).toEqual(bytes);
    await decoded(it);
    expect(it.tap.messages).toEqual([
      `1:${event(1)}`,
      `2:${big.toString('latin1')}`,
      `3:${event(3)}`,
      '4!binary',
      `5:${event(5)}`,
    ]);
    expect(new Set(it.tap.times)).toEqual(new Set([5_000]));
    expect(it.counters.undecoded).toBe(0);
  });

  it('binary ones move the window on', async () => {
    const it = await spliced({ deflate: DEFLATE });
    const pack = createDeflater(false);
    it.upstream.send(compressed(await pack(Buffer.from(`.${event(1)}`)), BINARY));
    it.upstream.send(compressed(await pack(Buffer.from(event(1)))));
    expect(it.tap.messages).toEqual(['1!binary', `2:${event(1)}`]);
  });

  it.each([DEFLATE, STANDALONE])('[D21] binary ones that may be JSON are told as that (%#)', async (deflate) => {
    const it = await spliced({ deflate });
    const pack = createDeflater(deflate.serverNoContextTakeover);
    const one = await pack(Buffer.from(event(1)));
    it.upstream.send(compressed(one, BINARY));
    for (const byte of compressed(await pack(Buffer.from(event(2))), BINARY)) it.upstream.send(Buffer.from([byte]));
    it.upstream.send(compressed(await pack(Buffer.from('no JSON')), BINARY));
    it.upstream.send(compressed(await pack(Buffer.from(event(4)))));
    expect(it.tap.messages).toEqual([`1~${event(1)}`, `2~${event(2)}`, '3!binary', `4:${event(4)}`]);
  });

  it('standalone binary ones that do not inflate, or are too long to look at, cost nothing but that', async () => {
    const it = await spliced({ deflate: STANDALONE, limits: { scanBytes: 300 } });
    const pack = createDeflater(true);
    const long = await pack(randomBytes(1000));
    it.upstream.send(compressed(Buffer.from('not deflate at all'), BINARY));
    it.upstream.send(compressed(long, BINARY));
    for (const byte of compressed(long, BINARY)) it.upstream.send(Buffer.from([byte]));
    it.upstream.send(compressed(await pack(Buffer.from(event(4)))));
    expect(it.tap.messages).toEqual(['1!binary', '2!binary', '3!binary', `4:${event(4)}`]);
    expect(it.tap.unseen).toEqual(['once', 'no', 'no']);
    expect(it.counters).toMatchObject({ collectedBytes: 0, messagesTooLarge: 0, messagesUnreadable: 0 });
  });

  it('one that does not inflate is unreadable, and with context takeover so is every later one', async () => {
    for (const deflate of [DEFLATE, STANDALONE]) {
      const it = await spliced({ deflate });
      const pack = createDeflater(deflate.serverNoContextTakeover);
      const bytes = Buffer.concat([
        compressed(await pack(Buffer.from(event(1)))),
        compressed(Buffer.from('\xff\xff\xff\xff', 'latin1')),
        compressed(await pack(Buffer.from(event(3)))),
        frame(event(4)),
      ]);
      it.upstream.send(bytes);
      const third = deflate === DEFLATE ? '3!unreadable' : `3:${event(3)}`;
      expect(it.tap.messages).toEqual([`1:${event(1)}`, '2!unreadable', third, `4:${event(4)}`]);
      expect(relayed(it)).toEqual(bytes);
      // Where the window is lost, a copy can be read over another connection only.
      expect(it.tap.unseen).toEqual(deflate === DEFLATE ? ['here', 'here'] : ['once']);
      // A lost window is said once.
      expect(it.faults.map(({ stage }) => stage)).toEqual(deflate === DEFLATE ? ['inflate'] : []);
    }
  });

  it('[D16] one that is too large, and no bomb, does not blind the connection: later ones are read', async () => {
    for (const deflate of [DEFLATE, STANDALONE]) {
      const it = await spliced({ deflate, limits: { messageBytes: 200_000 } });
      const pack = createDeflater(deflate.serverNoContextTakeover);
      const large = JSON.stringify({ type: 'large', data: 'abcdefgh'.repeat(125_000) });
      for (const text of [event(1), large, event(3), large, event(5)])
        it.upstream.send(compressed(await pack(Buffer.from(text))));
      await decoded(it);
      expect(it.tap.messages).toEqual([
        `1:${event(1)}`,
        '2!too_large',
        `3:${event(3)}`,
        '4!too_large',
        `5:${event(5)}`,
      ]);
      expect(it.faults).toEqual([]);
    }
  });

  it('a zip bomb is given up at messageBytes; the relay goes on', async () => {
    for (const deflate of [DEFLATE, STANDALONE]) {
      const it = await spliced({ deflate, limits: { messageBytes: 200_000 } });
      const pack = createDeflater(deflate.serverNoContextTakeover);
      const bytes = Buffer.concat([
        compressed(await pack(Buffer.alloc(50_000_000))),
        compressed(await pack(Buffer.from(event(2)))),
      ]);
      it.upstream.send(bytes);
      expect(relayed(it)).toEqual(bytes);
      await decoded(it);
      const second = deflate === DEFLATE ? '2!unreadable' : `2:${event(2)}`;
      expect(it.tap.messages).toEqual(['1!too_large', second]);
      expect(it.tap.unseen).toEqual(deflate === DEFLATE ? ['here', 'here'] : ['once']);
    }
  });

  it('one whose compressed form is larger than messageBytes passes unread', async () => {
    const it = await spliced({ deflate: STANDALONE, limits: { messageBytes: 50 } });
    const noise = Buffer.from(Array.from({ length: 99 }, (_, i) => (i * 97 + i * i * 31) & 255));
    it.upstream.send(compressed(await createDeflater(true)(noise)));
    it.upstream.send(compressed(await createDeflater(true)(Buffer.from('aa'))));
    expect(it.tap.messages).toEqual(['1!too_large', '2:aa']);
  });

  it('a queue that grows beyond its bound is given up, in order', async () => {
    const it = await spliced({ deflate: DEFLATE, highWaterMark: 1 << 30 });
    const pack = createDeflater(false);
    const big = compressed(await pack(Buffer.alloc(10_000_000)));
    const small = compressed(await pack(Buffer.from(event(2))));
    it.upstream.send(big);
    const filler = frame('x'.repeat(60_000));
    let sent = 1;
    for (; sent < 1000 && it.tap.messages.length === 0; sent++) it.upstream.send(sent === 1 ? small : filler);
    expect(it.tap.messages.slice(0, 3).map((message) => message.slice(0, 14))).toEqual([
      '1!too_large',
      '2!unreadable',
      '3:xxxxxxxxxxxx',
    ]);
    expect(it.tap.messages).toHaveLength(sent);
    expect(sent * 60_000).toBeLessThan(20_000_000);
    await settle();
    it.upstream.send(frame('after'));
    expect(it.tap.messages.at(-1)).toBe(`${sent + 1}:after`);
    expect(it.tap.waiting).toBe(0);
  });

  it('the end is told only when everything relayed has been read', async () => {
    const it = await spliced({ deflate: DEFLATE });
    it.upstream.send(compressed(await createDeflater(false)(Buffer.alloc(2_000_000, 'ab'))));
    it.client.reset();
    it.upstream.fin();
    await settle();
    while (it.tap.ends.length === 0) await settle();
    expect(it.tap.messages).toHaveLength(1);
    expect(it.tap.waiting).toBe(0);
    expect(it.tap.ends).toEqual(['client 1006']);
  });

  it('a sender that ends its deflate stream (BFINAL) is read on', async () => {
    const it = await spliced({ deflate: DEFLATE });
    const final = (text: string) => Buffer.concat([deflateRawSync(text), Buffer.alloc(1)]);
    it.upstream.send(compressed(final(event(1))));
    it.upstream.send(compressed(final(event(2))));
    expect(it.tap.messages).toEqual([`1:${event(1)}`, `2:${event(2)}`]);
  });

  it('windows of every negotiable size are understood', async () => {
    for (let bits = 9; bits <= 15; bits++) {
      const it = await spliced({ deflate: { ...DEFLATE, serverMaxWindowBits: bits } });
      const text = Array.from({ length: 600 }, (_, i) => event(i)).join('');
      const options = { windowBits: bits, finishFlush: zlib.Z_SYNC_FLUSH };
      it.upstream.send(compressed(deflateRawSync(text, options).subarray(0, -4)));
      await decoded(it);
      expect(it.tap.messages, `${bits} bits`).toEqual([`1:${text}`]);
    }
  });
});

describe('[W8] client → upstream', () => {
  it('confirmations are swallowed, and the upstream can still read everything else', async () => {
    const it = await spliced({ deflate: DEFLATE });
    const pack = createDeflater(true);
    const send = async (text: string) =>
      it.client.send(clientFrame(await pack(Buffer.from(text)), { rsv1: true, mask: Buffer.from([9, 8, 7, 6]) }));
    for (let n = 0; n < 20; n++) {
      await send(CONFIRMATION);
      await send(event(n));
    }
    const read = await decodeWithWs(it.upstream.taken(), { isServer: true, deflate: { noContextTakeover: true } });
    expect(read).toEqual(Array.from({ length: 20 }, (_, n) => `text:${Buffer.from(event(n)).toString('base64')}`));
    expect(it.counters.confirmationsSwallowed).toBe(20);
  });

  it('in fragments too', async () => {
    const it = await spliced({ deflate: DEFLATE });
    const packed = await createDeflater(true)(Buffer.from(CONFIRMATION));
    const bytes = Buffer.concat([
      clientFrame(packed.subarray(0, 7), { rsv1: true, fin: false }),
      clientFrame(packed.subarray(7), { opcode: CONTINUATION }),
    ]);
    for (const byte of bytes) it.client.send(Buffer.from([byte]));
    expect(it.upstream.taken()).toHaveLength(0);
    expect(it.tap.offered).toEqual([CONFIRMATION]);
  });

  it('what does not inflate, or to too much, or to no object, passes untouched; the next one is read', async () => {
    const it = await spliced({ deflate: DEFLATE });
    const pack = createDeflater(true);
    const packed = async (text: string) => clientFrame(await pack(Buffer.from(text)), { rsv1: true });
    const bytes = Buffer.concat([
      clientFrame(Buffer.from('\xff\xff\xff\xff', 'latin1'), { rsv1: true }),
      await packed(CONFIRMATION.padEnd(5000)),
      await packed(`"${CONFIRMATION}`),
      await packed(''),
      clientFrame('', { rsv1: true }),
    ]);
    it.client.send(bytes);
    it.client.send(await packed(CONFIRMATION));
    expect(it.upstream.taken()).toEqual(bytes);
    expect(it.tap.offered).toEqual([CONFIRMATION]);
  });

  it('binary ones are taken too', async () => {
    const it = await spliced({ deflate: DEFLATE });
    const bytes = clientFrame(await createDeflater(true)(Buffer.from(CONFIRMATION)), { rsv1: true, opcode: BINARY });
    it.client.send(bytes);
    expect(it.upstream.taken()).toHaveLength(0);
    expect(it.tap.offered).toEqual([CONFIRMATION]);
  });
});
