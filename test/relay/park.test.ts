// A client that goes and one that takes its place: what the upstream sees of it (nothing), what the new client hears, and when it cannot be done.
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT } from '../../src/relay/frames.ts';
import { DEFAULT_RELAY_LIMITS } from '../../src/relay/tap.ts';
import { fakeTimers } from '../support/fake-timers.ts';
import { clientFrame, closePayload, frame, readCompleteFrames, readFrames } from '../support/raw-frames.ts';
import { propertyOptions } from '../support/seed.ts';
import { MemorySocket, settle } from '../support/socket-pair.ts';
import { ParkingTap, type Spliced, spliced } from '../support/spliced.ts';

type Parking = Spliced<ParkingTap>;

const park = (): Promise<Parking> => spliced<ParkingTap>({ tap: new ParkingTap() });

/** What a far end got, as `opcode:text`. Our pings are left out. */
function heard(socket: MemorySocket): string[] {
  return readFrames(socket.taken())
    .filter(({ opcode, payload }) => opcode !== PING || payload.length !== 14)
    .map(
      ({ opcode, payload }) => `${opcode}:${opcode === CLOSE ? payload.readUInt16BE() : payload.toString('latin1')}`,
    );
}

async function gone(parking: Parking): Promise<void> {
  parking.client.reset();
  await settle();
  expect(parking.splice.audience).toBe('absent');
}

/** Brings a new client. */
async function comesBack({ splice }: Parking, head: Buffer = Buffer.alloc(0)): Promise<MemorySocket> {
  const client = new MemorySocket();
  expect(splice.rejoinable).toBe(true);
  splice.rejoin(client, 4409, 'replaced');
  splice.startClient(head);
  await settle();
  return client;
}

describe('[W10] a client that goes', () => {
  it.each(['reset', 'fin'] as const)(
    'by %s leaves the upstream as it is; its messages go on being told',
    async (how) => {
      const { client, upstream, tap, splice } = await park();
      client[how]();
      await settle();
      expect([splice.audience, tap.lost, tap.ends]).toEqual(['absent', [1006], []]);
      expect(tap.wereAsked).toEqual([false]);
      upstream.send(frame('while away'));
      expect(tap.messages).toEqual(['1:while away']);
      expect(upstream.taken()).toHaveLength(0);
      expect([upstream.finished, upstream.destroyed]).toEqual([false, false]);
    },
  );

  it('with Close 1001 and half a frame behind it leaves nothing held back, also where the Close itself came in parts', async () => {
    for (const cut of [0, 3]) {
      const { client, splice, counters } = await park();
      const bytes = Buffer.concat([
        clientFrame(closePayload(1001), { opcode: CLOSE }),
        clientFrame('fourteen bytes', { opcode: PONG }).subarray(0, 15),
      ]);
      if (cut > 0) client.send(bytes.subarray(0, cut));
      client.send(bytes.subarray(cut));
      await settle();
      expect([splice.audience, counters.heldBytes]).toEqual(['absent', 0]);
    }
  });

  it.each([
    ['a whole message', clientFrame('behind the Close')],
    ['the beginning of a large message', clientFrame('x'.repeat(5000)).subarray(0, 100)],
    ['the beginning of a fragmented one', clientFrame('part', { opcode: BINARY, fin: false })],
    ['bytes that are no frame', Buffer.alloc(20, 0xff)],
  ])('with Close 1001 and %s behind it: the upstream goes on between two frames', async (_, behind) => {
    for (const cut of [0, 3]) {
      const parking = await park();
      const { client, upstream, counters } = parking;
      const close = clientFrame(closePayload(1001), { opcode: CLOSE });
      if (cut > 0) client.send(close.subarray(0, cut));
      client.send(Buffer.concat([close.subarray(cut), behind]));
      await settle();
      const next = await comesBack(parking);
      next.send(clientFrame('here again'));
      expect(heard(upstream)).toEqual([`${TEXT}:here again`]);
      expect(counters.heldBytes).toBe(0);
    }
  });

  it('with Close 1001 gets its Close answered, and the upstream does not see it', async () => {
    const { client, upstream, tap, splice } = await park();
    client.send(Buffer.concat([clientFrame('bye'), clientFrame(closePayload(1001), { opcode: CLOSE })]));
    await settle();
    expect(heard(client)).toEqual([`${CLOSE}:1001`]);
    expect(client.finished).toBe(true);
    expect([splice.audience, tap.lost]).toEqual(['absent', [1001]]);
    expect(heard(upstream)).toEqual([`${TEXT}:bye`]);
  });

  it.each([1000, 1005, 4000])('with Close %i ends the connection', async (code) => {
    const { client, upstream, splice } = await park();
    client.send(clientFrame(code === 1005 ? '' : closePayload(code), { opcode: CLOSE }));
    await settle();
    expect(splice.audience).toBe('present');
    expect(readFrames(upstream.taken())[0]!.opcode).toBe(CLOSE);
  });

  it('is not parked when nobody expects it back', async () => {
    const { client, upstream, tap, splice } = await park();
    tap.stays = false;
    client.reset();
    await settle();
    expect([splice.audience, upstream.finished, tap.overs]).toEqual(['present', true, ['client 1006']]);
  });

  it('after the upstream has begun to close is not asked for', async () => {
    const { client, upstream, tap } = await park();
    upstream.send(frame(closePayload(1000), { opcode: CLOSE }));
    client.reset();
    await settle();
    expect([tap.lost, tap.overs]).toEqual([[], ['upstream 1000 told']]);
  });

  it('[D24] was not told of an end that came before it heard anything of the upstream', async () => {
    const parking = await park();
    const { upstream, tap, splice } = parking;
    await gone(parking);
    upstream.send(frame('half of', { fin: false }));
    const client = await comesBack(parking);
    upstream.send(frame(closePayload(1012), { opcode: CLOSE }));
    expect([splice.audience, splice.closedBehind, client.taken().length]).toEqual(['arriving', undefined, 0]);
    upstream.fin();
    await settle();
    expect([client.finished, tap.overs]).toEqual([true, []]);
    // What it has said by its own end still counts [D14].
    client.send(clientFrame('{"its":1}'));
    client.fin();
    await settle();
    expect([tap.offered, tap.overs]).toEqual([['{"its":1}'], ['upstream 1012']]);
  });

  const text = clientFrame('x'.repeat(5000));
  it.each([
    ['in the middle of a frame that is forwarded piece by piece', text.subarray(0, 4000), false],
    ['at its end', text, true],
    ['between fragments', clientFrame('part', { fin: false }), false],
    [
      'after the last fragment',
      Buffer.concat([clientFrame('a', { fin: false }), clientFrame('b', { opcode: CONTINUATION })]),
      true,
    ],
    ['in the middle of a small frame, which is held', clientFrame('{"small":1}').subarray(0, 9), true],
    ['in the middle of a header', clientFrame('{"small":1}').subarray(0, 3), true],
    ['in the middle of a ping', clientFrame('ping!', { opcode: PING }).subarray(0, 8), true],
  ] as const)('%s', async (_, bytes, severable) => {
    const { client, upstream, tap, splice } = await park();
    client.send(Buffer.from(bytes));
    expect(splice.rejoinable).toBe(severable);
    client.reset();
    await settle();
    expect([splice.audience, tap.lost.length]).toEqual(severable ? ['absent', 1] : ['present', 0]);
    // What went on is whole, or its connection is over.
    if (severable) expect(readCompleteFrames(upstream.taken()).rest).toBe(0);
    else expect(upstream.finished).toBe(true);
  });

  it('that did not read is let go of, and the upstream is read again', async () => {
    const parking = await park();
    const { client, upstream, tap } = parking;
    client.stall();
    upstream.send(frame('y'.repeat(40_000)));
    expect(upstream.isPaused()).toBe(true);
    await gone(parking);
    expect(upstream.isPaused()).toBe(false);
    upstream.send(frame('next'));
    expect(tap.messages[1]).toBe('2:next');
  });
});

describe('[W11] while nobody is there', () => {
  it("the upstream's pings are answered, also the one that the client had not got to", async () => {
    const parking = await park();
    const { upstream } = parking;
    upstream.send(frame('first', { opcode: PING }));
    await gone(parking);
    upstream.send(Buffer.concat([frame('message'), frame('second', { opcode: PING })]));
    expect(heard(upstream)).toEqual([`${PONG}:first`, `${PONG}:second`]);
    for (const { masked } of readFrames(upstream.taken())) expect(masked).toBe(true);
  });

  it('a Close of the upstream is answered, and that is the end', async () => {
    const parking = await park();
    const { upstream, tap } = parking;
    await gone(parking);
    upstream.send(frame(closePayload(4321, 'done'), { opcode: CLOSE }));
    await settle();
    expect(heard(upstream)).toEqual([`${CLOSE}:4321`]);
    expect([upstream.finished, tap.ends, parking.splice.rejoinable]).toEqual([true, [], false]);
    upstream.fin();
    await settle();
    expect(tap.ends).toEqual(['upstream 4321']);
  });

  it.each(['fin', 'reset'] as const)(
    'an end of the upstream by %s is told at once, and nothing is left open',
    async (how) => {
      const parking = await park();
      const { upstream, tap, splice } = parking;
      await gone(parking);
      upstream[how]();
      await settle();
      expect([tap.ends, splice.rejoinable, upstream.closed]).toEqual([['upstream 1006'], false, true]);
    },
  );

  it('a close from here says so to the upstream', async () => {
    const parking = await park();
    const { upstream, tap, splice } = parking;
    await gone(parking);
    splice.close(1001, 'did not come back');
    await settle();
    expect(heard(upstream)).toEqual([`${CLOSE}:1001`]);
    expect(tap.ends).toEqual([]);
    upstream.fin();
    await settle();
    expect([upstream.closed, tap.ends]).toEqual([true, ['sidecar 1001']]);
  });

  it('an upstream that does not end after that is cut off', async () => {
    fakeTimers();
    const parking = await park();
    await gone(parking);
    parking.splice.close(1001, '');
    vi.advanceTimersByTime(30_001);
    await settle();
    expect(parking.upstream.destroyed).toBe(true);
  });
});

describe('[W12] a client that comes back', () => {
  it('hears what comes from now on; what it says goes to the upstream, also what came with its upgrade', async () => {
    const parking = await park();
    const { upstream, tap } = parking;
    await gone(parking);
    upstream.send(frame('missed'));
    const client = await comesBack(parking, clientFrame('early'));
    upstream.send(frame('live'));
    client.send(clientFrame('answer'));
    expect(heard(client)).toEqual([`${TEXT}:live`]);
    expect(heard(upstream)).toEqual([`${TEXT}:early`, `${TEXT}:answer`]);
    expect(tap.messages).toEqual(['1:missed', '2:live']);
    upstream.send(frame('p', { opcode: PING }));
    expect(heard(client)).toEqual([`${TEXT}:live`, `${PING}:p`]);
  });

  it('proves with a barrier of its own what it has; pongs of the old one prove nothing', async () => {
    const parking = await park();
    const { client: old, upstream, tap, splice } = parking;
    splice.ping();
    const before = readFrames(old.taken())[0]!.payload;
    await gone(parking);
    upstream.send(frame('one'));
    const client = await comesBack(parking);
    splice.ping();
    const [ping] = readFrames(client.taken());
    client.send(clientFrame(before, { opcode: PONG }));
    expect(tap.received).toEqual([]);
    client.send(clientFrame(ping!.payload, { opcode: PONG }));
    expect(tap.received).toEqual([1]);
  });

  it('may go and come again, and again', async () => {
    const parking = await park();
    await gone(parking);
    for (let round = 1; round <= 5; round++) {
      const client = await comesBack(parking);
      parking.upstream.send(frame(`round ${round}`));
      expect(heard(client)).toEqual([`${TEXT}:round ${round}`]);
      client.reset();
      await settle();
      expect(parking.splice.audience).toBe('absent');
    }
    expect(parking.tap.lost).toHaveLength(6);
    expect(parking.upstream.taken()).toHaveLength(0);
  });

  it('takes the place of one that is still there: that one gets the Close frame and is let go of', async () => {
    const parking = await park();
    const { client: old, upstream, tap } = parking;
    upstream.send(frame('to the old one'));
    const client = await comesBack(parking);
    expect(heard(old)).toEqual([`${TEXT}:to the old one`, `${CLOSE}:4409`]);
    expect([old.finished, tap.lost]).toEqual([true, []]);
    old.send(clientFrame('from the grave'));
    old.fin();
    await settle();
    upstream.send(frame('to the new one'));
    expect(heard(client)).toEqual([`${TEXT}:to the new one`]);
    expect(upstream.taken()).toHaveLength(0);
    expect([parking.splice.audience, tap.ends]).toEqual(['present', []]);
  });

  it('is not read while the upstream takes no more', async () => {
    const parking = await park();
    const { client: old, upstream } = parking;
    upstream.stall();
    old.send(clientFrame('z'.repeat(40_000)));
    expect(old.isPaused()).toBe(true);
    await gone(parking);
    const client = await comesBack(parking);
    expect(client.isPaused()).toBe(true);
    upstream.unstall();
    await settle();
    expect(client.isPaused()).toBe(false);
  });

  it('that has gone by the time it is joined is lost like any other', async () => {
    const parking = await park();
    await gone(parking);
    const client = new MemorySocket();
    client.destroy();
    await settle();
    parking.splice.rejoin(client, 4409, '');
    parking.splice.startClient(Buffer.alloc(0));
    await settle();
    expect([parking.splice.audience, parking.tap.lost]).toEqual(['absent', [1006, 1006]]);
  });

  it('when the upstream breaks the framing in the middle of what it waits for: it is turned away', async () => {
    const parking = await park();
    await gone(parking);
    parking.upstream.send(frame('half', { fin: false }));
    const client = await comesBack(parking);
    parking.upstream.send(Buffer.alloc(14, 0xff));
    await settle();
    expect([client.finished, client.destroyed]).toEqual([true, false]);
    client.send(clientFrame('{"its":1}'));
    client.fin();
    await settle();
    expect(parking.tap.offered).toEqual(['{"its":1}']);
    expect(client.taken()).toHaveLength(0);
  });

  it('[D14] and has to come again is read until its own FIN, and cut off when that does not come', async () => {
    fakeTimers();
    for (const answers of [true, false]) {
      const parking = await park();
      await gone(parking);
      parking.upstream.send(frame('half', { fin: false }));
      const client = await comesBack(parking);
      parking.splice.turnAway();
      await settle();
      expect([client.finished, client.destroyed]).toEqual([true, false]);
      client.send(clientFrame('{"its":1}'));
      if (answers) client.fin();
      else vi.advanceTimersByTime(DEFAULT_RELAY_LIMITS.patienceMs);
      for (let i = 0; i < 4; i++) await settle();
      expect(client.destroyed).toBe(true);
      expect([parking.tap.offered, parking.splice.audience, parking.tap.lost]).toEqual([
        ['{"its":1}'],
        'absent',
        [1006, 1006],
      ]);
    }
  });
});

/**
 * A conversation of the upstream: messages of every kind with control frames in between; and which
 * message ends where.
 */
const message = fc.oneof(
  fc.record({ kind: fc.constant('text' as const), size: fc.constantFrom(0, 1, 30, 125, 126, 300) }),
  fc.record({ kind: fc.constant('binary' as const), size: fc.constantFrom(1, 126) }),
  fc.record({ kind: fc.constant('fragments' as const), size: fc.constantFrom(3, 150) }),
  fc.record({ kind: fc.constant('ping' as const), size: fc.constantFrom(0, 4) }),
);

function bytesOf({ kind, size }: { kind: string; size: number }, n: number): Buffer {
  const text = `${n}`.padEnd(size, '.').slice(0, size);
  if (kind === 'ping') return frame(text, { opcode: PING });
  if (kind === 'binary') return frame(text, { opcode: BINARY });
  if (kind === 'text') return frame(text);
  const [a, b] = [text.slice(0, size >> 1), text.slice(size >> 1)];
  return Buffer.concat([frame(a, { fin: false }), frame('!', { opcode: PING }), frame(b, { opcode: CONTINUATION })]);
}

it('[W12] at every offset of every stream: the old client got a prefix, the new one whole messages, and together with what it is sent again it misses none', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(message, { minLength: 1, maxLength: 5 }),
      fc.nat(),
      fc.nat(),
      async (messages, at, back) => {
        const parts = messages.map(bytesOf);
        const stream = Buffer.concat(parts);
        const cut = at % (stream.length + 1);
        const joint = cut + (back % (stream.length - cut + 1));
        const parking = await park();
        const { client: old, upstream, tap, splice } = parking;
        /**
         * As `Connection` does: what is told and not heard is sent by itself, binary messages
         * excepted.
         */
        const again: string[] = [];
        const upstreamText = tap.upstreamText.bind(tap);
        tap.upstreamText = (buf, start, end, ordinal, now, bytes, binary) => {
          upstreamText(buf, start, end, ordinal, now, bytes, binary);
          if (splice.audience === 'arriving') {
            again.push(`${ordinal}`);
            splice.sendMessage(Buffer.from(`again ${ordinal}`));
          }
        };
        let binaryLost = 0;
        const upstreamSkipped = tap.upstreamSkipped.bind(tap);
        tap.upstreamSkipped = (reason, ordinal, ...rest) => {
          upstreamSkipped(reason, ordinal, ...rest);
          if (splice.audience === 'arriving') binaryLost++;
        };
        upstream.send(stream.subarray(0, cut));
        expect(old.taken()).toEqual(stream.subarray(0, cut));
        await gone(parking);
        upstream.send(stream.subarray(cut, joint));
        const told = tap.messages.length;
        const client = await comesBack(parking);
        splice.ping();
        upstream.send(stream.subarray(joint));
        splice.ping();

        const data = messages.filter(({ kind }) => kind !== 'ping');
        expect(tap.messages).toHaveLength(data.length);
        const frames = readFrames(client.taken());
        const got = frames.filter(({ opcode, fin }) => opcode < CLOSE && fin).length;
        // All that were not told before it came, except binary ones of which it missed the
        // beginning: there it is made to come again.
        expect(got).toBe(data.length - told - binaryLost);
        // Pings that it did not hear were answered for it.
        const pings = messages.filter(({ kind }) => kind === 'ping' || kind === 'fragments').length;
        const toNew = frames.filter(({ opcode, payload }) => opcode === PING && payload.length !== 14).length;
        const toOld = readCompleteFrames(old.taken()).frames.filter(({ opcode }) => opcode === PING).length;
        const answered = readFrames(upstream.taken()).filter(({ opcode }) => opcode === PONG).length;
        expect(toNew + answered).toBe(pings - toOld + (toOld > 0 ? 1 : 0));
      },
    ),
    propertyOptions(400),
  );
});
