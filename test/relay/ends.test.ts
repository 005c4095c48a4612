// Every way in which a connection ends, and back-pressure: nothing is torn, nobody waits for ever, the tap hears of it once.
import { describe, expect, it, vi } from 'vitest';
import { CLOSE, CONTINUATION, PING, PONG } from '../../src/relay/frames.ts';
import { fakeTimers } from '../support/fake-timers.ts';
import { clientFrame, closePayload, frame, readCompleteFrames, readFrames } from '../support/raw-frames.ts';
import { settle } from '../support/socket-pair.ts';
import { RecordingTap, spliced } from '../support/spliced.ts';

const close = (code: number) => frame(closePayload(code), { opcode: CLOSE });
const clientClose = (code: number) => clientFrame(closePayload(code), { opcode: CLOSE });

describe('[W24] an end that heeds the upstream', () => {
  const ours = (): Buffer => frame(closePayload(1012, 'restart'), { opcode: CLOSE });

  it.each([1012, 1000, 1005])(
    'the upstream hears of it first; what it sends until its Close %i reaches the client, and ours follows',
    async (code) => {
      const { client, upstream, splice, tap } = await spliced();
      splice.close(1012, 'restart', true);
      await settle();
      expect(readFrames(upstream.taken()).map(({ opcode }) => opcode)).toEqual([CLOSE]);
      expect(client.taken()).toHaveLength(0);
      upstream.send(Buffer.concat([frame('last'), code === 1005 ? frame('', { opcode: CLOSE }) : close(code)]));
      upstream.fin();
      await settle();
      const seen = readFrames(client.taken());
      expect(seen.map(({ opcode }) => opcode)).toEqual([1, PING, CLOSE]);
      expect(client.taken().subarray(-ours().length)).toEqual(ours());
      expect(tap.messages).toEqual(['1:last']);
      client.send(clientClose(1012));
      client.fin();
      await settle();
      expect([tap.received, tap.ends]).toEqual([[1], ['sidecar 1012']]);
      expect([client.closed, upstream.closed]).toEqual([true, true]);
    },
  );

  it('a Close frame that comes in two pieces gives way to ours as well', async () => {
    const { client, upstream, splice } = await spliced();
    splice.close(1012, 'restart', true);
    const bytes = Buffer.concat([frame('last'), close(1000)]);
    upstream.send(bytes.subarray(0, bytes.length - 1));
    await settle();
    upstream.send(bytes.subarray(-1));
    await settle();
    expect(client.taken().subarray(-ours().length)).toEqual(ours());
    expect(readFrames(client.taken()).filter(({ opcode }) => opcode === CLOSE)).toHaveLength(1);
  });

  it.each(['fin', 'reset'] as const)(
    'one that goes by %s instead: the client gets our Close frame all the same',
    async (how) => {
      const { client, upstream, splice } = await spliced();
      splice.close(1012, 'restart', true);
      upstream.send(frame('last'));
      await settle();
      upstream[how]();
      await settle();
      expect(readFrames(client.taken()).map(({ opcode }) => opcode)).toEqual([1, PING, CLOSE]);
      expect(client.taken().subarray(-ours().length)).toEqual(ours());
    },
  );

  it('one that does not answer holds our Close frame up for 500 ms', async () => {
    const { client, upstream, splice } = await spliced();
    fakeTimers();
    splice.close(1012, 'restart', true);
    upstream.send(frame('going on'));
    await vi.advanceTimersByTimeAsync(300);
    expect(readFrames(client.taken()).map(({ opcode }) => opcode)).not.toContain(CLOSE);
    await vi.advanceTimersByTimeAsync(400);
    await settle();
    expect(client.taken().subarray(-ours().length)).toEqual(ours());
  });

  it('where the client takes no more, the upstream cannot be read, and nothing is waited for', async () => {
    const { client, upstream, splice } = await spliced();
    client.stall();
    upstream.send(frame('x'.repeat(20_000)));
    await settle();
    splice.close(1012, 'restart', true);
    client.unstall();
    await settle();
    expect(client.taken().subarray(-ours().length)).toEqual(ours());
  });
});

describe('[W15] an end of the upstream', () => {
  it('after a Close frame: the frame passes, then FIN', async () => {
    const { client, upstream, tap } = await spliced();
    upstream.send(close(1001));
    upstream.fin();
    await settle();
    expect(client.taken()).toEqual(close(1001));
    expect(client.finished).toBe(true);
    expect(tap.ends).toEqual([]);
    client.send(clientClose(1001));
    client.fin();
    await settle();
    expect(upstream.taken()).toEqual(clientClose(1001));
    expect(tap.ends).toEqual(['upstream 1001']);
    expect([client.closed, upstream.closed]).toEqual([true, true]);
  });

  it('without a code is 1005, and evidence still counts until the client has ended', async () => {
    const { client, upstream, tap } = await spliced();
    upstream.send(Buffer.concat([frame('last'), frame('', { opcode: CLOSE })]));
    upstream.fin();
    await settle();
    const ping = readFrames(client.taken())[1]!;
    client.send(clientFrame(ping.payload, { opcode: PONG }));
    expect(tap.received).toEqual([1]);
    client.fin();
    await settle();
    expect(tap.ends).toEqual(['upstream 1005']);
  });

  it.each(['fin', 'reset'] as const)(
    '[D15] by %s without a Close frame: the client gets a last barrier, FIN when its pong has come, and no Close frame of ours (D20)',
    async (how) => {
      const { client, upstream, tap } = await spliced();
      let open = true;
      tap.wantsBarrier = () => false;
      tap.lastBarrierAt = () => open;
      tap.mayCome = () => open;
      upstream.send(frame('last'));
      upstream[how]();
      await settle();
      const [event, last] = readFrames(client.taken());
      expect([event!.opcode, last!.opcode]).toEqual([1, PING]);
      expect([client.finished, tap.overs]).toEqual([false, []]);
      tap.receivedThrough = (through) => {
        tap.received.push(through);
        open = false;
      };
      client.send(clientFrame(last!.payload, { opcode: PONG }));
      await settle();
      expect([tap.received, client.finished, readFrames(client.taken()).length]).toEqual([[1], true, 2]);
      client.fin();
      await settle();
      expect(tap.ends).toEqual(['upstream 1006']);
    },
  );

  it('[D15] in the middle of a frame or of its header: nothing is added, and FIN waits for a pong that is on its way', async () => {
    for (const cut of [1, 5]) {
      const { client, upstream, tap } = await spliced();
      tap.mayCome = () => tap.received.length === 0;
      upstream.send(Buffer.concat([frame('event'), frame('0123456789').subarray(0, cut)]));
      upstream.reset();
      await settle();
      const [event, ping] = readCompleteFrames(client.taken()).frames;
      expect([event!.opcode, ping!.opcode]).toEqual([1, PING]);
      expect(client.taken().subarray(event!.raw.length + ping!.raw.length)).toEqual(
        frame('0123456789').subarray(0, cut),
      );
      expect(client.finished).toBe(false);
      client.send(clientFrame(ping!.payload, { opcode: PONG }));
      await settle();
      expect([tap.received, client.finished]).toEqual([[1], true]);
      client.fin();
      await settle();
      expect(tap.ends).toEqual(['upstream 1006']);
    }
  });

  it('[D15] a client that does not answer is waited for patienceMs, and no longer', async () => {
    fakeTimers();
    const { client, upstream, tap } = await spliced({ limits: { patienceMs: 700 } });
    tap.mayCome = () => true;
    upstream.send(frame('event'));
    upstream.fin();
    await settle();
    vi.advanceTimersByTime(699);
    await settle();
    expect(client.finished).toBe(false);
    vi.advanceTimersByTime(10);
    await settle();
    expect(client.finished).toBe(true);
  });

  it('of a client that speaks our protocol is told with 1013, also between fragments: a Close may stand there', async () => {
    for (const bytes of [frame('whole'), frame('part', { fin: false })]) {
      const { client, upstream } = await spliced({ announcesLoss: true });
      upstream.send(bytes);
      upstream.fin();
      await settle();
      const told = readFrames(client.taken()).at(-1)!;
      expect(told).toMatchObject({ opcode: CLOSE, masked: false });
      expect(told.payload).toEqual(closePayload(1013, 'upstream closed without a close frame'));
    }
  });

  it.each([
    ['with the frame in the same chunk', (event: Buffer, end: Buffer) => [Buffer.concat([event, end])]],
    ['with the frame by itself', (event: Buffer, end: Buffer) => [event, end]],
    [
      'with a frame whose payload comes later',
      (event: Buffer, end: Buffer) => [Buffer.concat([event, end.subarray(0, 3)]), end.subarray(3)],
    ],
  ])('[D15] %s: a last barrier precedes a Close frame', async (_, cut) => {
    const { client, upstream, tap } = await spliced();
    let asked = 0;
    tap.wantsBarrier = () => false;
    tap.lastBarrierAt = () => asked++ === 0;
    for (const chunk of cut(frame('event'), close(4401))) upstream.send(chunk);
    expect(readFrames(client.taken()).map(({ opcode }) => opcode)).toEqual([1, PING, CLOSE]);
  });

  it('[D15] a last barrier precedes what is no frame', async () => {
    const { client, upstream, tap } = await spliced();
    tap.wantsBarrier = () => false;
    tap.lastBarrierAt = () => true;
    upstream.send(Buffer.concat([frame('event'), Buffer.from([0xff, 0xff, 1, 2])]));
    const { frames, rest } = readCompleteFrames(client.taken());
    expect(frames.slice(0, 2).map(({ opcode }) => opcode)).toEqual([1, PING]);
    expect(client.taken().subarray(-4)).toEqual(Buffer.from([0xff, 0xff, 1, 2]));
    expect(rest).toBe(4);
  });

  it.each([
    [1012, 1012, [1]],
    [1013, 1013, [1]],
    [4401, 4401, []],
    [1011, 1011, []],
    [1009, 1009, []],
    [1000, 1000, []],
    [1001, 1001, []],
    [4401, 1000, []],
  ])('[D15] the answer to Close %i with %i proves %j', async (sent, answered, proven) => {
    const { client, upstream, tap } = await spliced();
    upstream.send(Buffer.concat([frame('event'), close(sent)]));
    client.send(clientClose(answered));
    expect(tap.received).toEqual(proven);
    expect(tap.overs).toEqual([`upstream ${sent} orderly`]);
  });

  it('after the client has sent Close tells nothing of its own', async () => {
    const { client, upstream, tap } = await spliced();
    client.send(clientClose(1000));
    upstream.fin();
    await settle();
    expect(client.taken()).toHaveLength(0);
    expect(client.finished).toBe(true);
    client.fin();
    await settle();
    expect(tap.ends).toEqual(['client 1000']);
  });

  it('while it took no more: the client is read on to its end', async () => {
    const { client, upstream, tap } = await spliced();
    upstream.stall();
    client.send(clientFrame('x'.repeat(40_000)));
    expect(client.isPaused()).toBe(true);
    upstream.reset();
    await settle();
    client.fin();
    await settle();
    expect(tap.ends).toEqual(['upstream 1006']);
    expect(client.closed).toBe(true);
  });
});

describe('[W16] an end of the client', () => {
  it('by FIN: the upstream gets FIN and may still send', async () => {
    const { client, upstream, tap, splice } = await spliced();
    client.send(clientFrame('bye'));
    client.fin();
    await settle();
    expect(upstream.finished).toBe(true);
    expect([tap.overs, tap.ends]).toEqual([['client 1006'], []]);
    tap.wantsBarrier = () => false;
    upstream.send(frame('still here'));
    expect(client.taken()).toEqual(frame('still here'));
    expect([tap.messages, splice.writtenThrough >= 1]).toEqual([['1:still here'], false]);
    upstream.send(close(1000));
    upstream.fin();
    await settle();
    expect(client.finished).toBe(true);
    expect([client.closed, upstream.closed]).toEqual([true, true]);
    expect([tap.overs.length, tap.ends]).toEqual([1, ['client 1006']]);
  });

  it('[D16] by reset: the upstream gets FIN; what it had sent is told to its end, as what reaches nobody', async () => {
    const { client, upstream, tap, splice } = await spliced();
    client.reset();
    await settle();
    expect([upstream.finished, tap.overs, tap.ends]).toEqual([true, ['client 1006'], []]);
    upstream.send(Buffer.concat([frame('a'), frame('b')]));
    expect([tap.messages, splice.writtenThrough >= 1]).toEqual([['1:a', '2:b'], false]);
    upstream.fin();
    await settle();
    expect([upstream.closed, tap.ends]).toEqual([true, ['client 1006']]);
  });

  it('by reset: an upstream that goes on is cut off after patienceMs', async () => {
    fakeTimers();
    const { client, upstream, tap } = await spliced({ limits: { patienceMs: 300 } });
    client.reset();
    await settle();
    upstream.send(frame('a'));
    vi.advanceTimersByTime(310);
    await settle();
    expect([upstream.destroyed, tap.ends]).toEqual([true, ['client 1006']]);
  });

  it('[D16] by reset while it took no more: what the upstream still sends is told and goes nowhere', async () => {
    const { client, upstream, tap } = await spliced();
    client.stall();
    upstream.send(frame('x'.repeat(40_000)));
    expect(upstream.isPaused()).toBe(true);
    client.reset();
    await settle();
    expect(upstream.isPaused()).toBe(false);
    upstream.send(frame('more'));
    upstream.fin();
    await settle();
    expect([upstream.closed, tap.messages.length]).toEqual([true, 2]);
    expect(tap.ends).toEqual(['client 1006']);
  });
});

describe('[W17] close()', () => {
  it('sends Close to both sides, masked to the upstream, then FIN; the peers answers end there', async () => {
    const { client, upstream, splice, tap } = await spliced();
    splice.close(1012, 'restarting');
    await settle();
    expect(readFrames(client.taken())).toMatchObject([{ opcode: CLOSE, masked: false }]);
    expect(readFrames(upstream.taken())).toMatchObject([{ opcode: CLOSE, masked: true }]);
    expect(readFrames(client.taken())[0]!.payload).toEqual(closePayload(1012, 'restarting'));
    expect(readFrames(upstream.taken())[0]!.payload).toEqual(closePayload(1012, 'proxy: restarting'));
    expect([client.finished, upstream.finished]).toEqual([true, true]);
    upstream.send(close(1012));
    upstream.fin();
    client.send(clientClose(1012));
    client.fin();
    await settle();
    expect(readFrames(client.taken())).toHaveLength(1);
    expect(readFrames(upstream.taken())).toHaveLength(1);
    expect(tap.ends).toEqual(['sidecar 1012']);
    expect([client.closed, upstream.closed]).toEqual([true, true]);
  });

  it('waits for the end of a frame, both ways, and drops what follows', async () => {
    const { client, upstream, splice, tap } = await spliced();
    const down = frame('0123456789');
    const up = clientFrame('x'.repeat(5000));
    upstream.send(down.subarray(0, 4));
    client.send(up.subarray(0, 100));
    splice.close(1012, '');
    expect(client.taken()).toEqual(down.subarray(0, 4));
    expect(upstream.taken()).toEqual(up.subarray(0, 100));
    upstream.send(Buffer.concat([down.subarray(4), frame('partial').subarray(0, 4)]));
    client.send(Buffer.concat([up.subarray(100), clientFrame('more')]));
    await settle();
    expect(readFrames(client.taken()).map(({ opcode }) => opcode)).toEqual([1, PING, CLOSE]);
    expect(tap.messages).toEqual(['1:0123456789']);
    expect(readFrames(upstream.taken()).map(({ opcode }) => opcode)).toEqual([1, CLOSE]);
    expect([client.finished, upstream.finished]).toEqual([true, true]);
  });

  it('still takes evidence from the client, and forwards nothing of it', async () => {
    const { client, upstream, splice, tap } = await spliced();
    upstream.send(frame('event'));
    const barrier = readFrames(client.taken())[1]!;
    splice.close(1012, 'restarting');
    await settle();
    upstream.drain();
    client.send(clientFrame(barrier.payload, { opcode: PONG }));
    client.send(clientFrame('{"type":"event_confirmation"}'));
    client.send(clientFrame('chat'));
    expect(tap.received).toEqual([1]);
    expect(tap.offered).toEqual(['{"type":"event_confirmation"}']);
    expect(upstream.taken()).toHaveLength(0);
  });

  it('drops held bytes: the upstream stands between frames', async () => {
    const { client, upstream, splice, counters } = await spliced();
    client.send(clientFrame('{"a":1}', { fin: false }));
    client.send(clientFrame('{"b":2}', { opcode: CONTINUATION }).subarray(0, 9));
    splice.close(1012, '');
    await settle();
    expect(readFrames(upstream.taken()).map(({ opcode }) => opcode)).toEqual([CLOSE]);
    client.fin();
    upstream.fin();
    await settle();
    expect(counters.heldBytes).toBe(0);
  });

  it('adds nothing where a Close frame has passed already', async () => {
    const { client, upstream, splice, tap } = await spliced();
    client.send(clientClose(1000));
    upstream.send(close(1000));
    splice.close(1012, 'restarting');
    client.fin();
    upstream.fin();
    await settle();
    expect(client.taken()).toEqual(close(1000));
    expect(upstream.taken()).toEqual(clientClose(1000));
    expect(tap.ends).toEqual(['client 1000']);
  });

  it('cuts a reason of more than 123 bytes between characters', async () => {
    const { client, splice } = await spliced();
    splice.close(1012, 'é'.repeat(80));
    await settle();
    expect(readFrames(client.taken())[0]!.payload).toEqual(closePayload(1012, 'é'.repeat(61)));
  });

  it('called by the tap in the middle of a chunk keeps the streams whole', async () => {
    const tap = new RecordingTap();
    const it = await spliced({ tap });
    tap.isConfirmation = () => {
      it.splice.close(1012, '');
      return false;
    };
    it.client.send(Buffer.concat([clientFrame('one'), clientFrame('{}'), clientFrame('three')]));
    await settle();
    expect(readFrames(it.upstream.taken()).map(({ opcode }) => opcode)).toEqual([1, 1, CLOSE]);
  });
});

describe('[W18] what does not end by itself', () => {
  it.each(['client', 'upstream'] as const)('is destroyed lingerMs after the %s has ended', async (first) => {
    fakeTimers();
    const it = await spliced({ limits: { lingerMs: 500 } });
    it[first].fin();
    await settle();
    vi.advanceTimersByTime(499);
    await settle();
    expect([it.client.destroyed, it.upstream.destroyed]).toEqual([false, false]);
    vi.advanceTimersByTime(1);
    await settle();
    expect([it.client.closed, it.upstream.closed]).toEqual([true, true]);
    expect(it.tap.ends).toEqual([`${first} 1006`]);
  });

  it('[D15] what either side sent while the other took no more is read first', async () => {
    fakeTimers();
    const it = await spliced({ limits: { lingerMs: 500, patienceMs: 300 } });
    it.upstream.send(frame('event'));
    const ping = readFrames(it.client.taken())[1]!;
    it.upstream.stall();
    it.client.send(clientFrame('x'.repeat(20_000)));
    it.client.send(clientFrame(ping.payload, { opcode: PONG }));
    it.upstream.fin();
    await settle();
    vi.advanceTimersByTime(500);
    await settle();
    expect([it.tap.received, it.client.destroyed]).toEqual([[1], false]);
    it.time.now += 300;
    vi.advanceTimersByTime(300);
    await settle();
    expect([it.client.closed, it.upstream.closed]).toEqual([true, true]);
  });

  it('[D15] a reset of a stream that was not read takes nothing that the stream had taken in', async () => {
    const { client, upstream, tap } = await spliced();
    upstream.send(frame('event'));
    const ping = readFrames(client.taken())[1]!;
    upstream.stall();
    client.send(clientFrame('x'.repeat(20_000)));
    client.send(clientFrame(ping.payload, { opcode: PONG }));
    expect(tap.received).toEqual([]);
    client.reset();
    await settle();
    expect(tap.received).toEqual([1]);
    expect(tap.overs).toHaveLength(1);
  });

  it('[D14] destroy() while the upstream takes no more: what the client has sent is read first', async () => {
    fakeTimers();
    const it = await spliced();
    it.upstream.send(frame('event'));
    const ping = readFrames(it.client.taken())[1]!;
    const long = clientFrame('x'.repeat(20_000));
    it.client.send(long.subarray(0, 100));
    it.splice.close(1012, 'restart');
    it.upstream.stall();
    it.client.send(long.subarray(100, 19_000));
    it.client.send(Buffer.concat([long.subarray(19_000), clientFrame(ping.payload, { opcode: PONG })]));
    await settle();
    expect(it.tap.received).toEqual([]);
    it.splice.destroy();
    await settle();
    expect([it.tap.received, it.client.destroyed]).toEqual([[1], false]);
    it.time.now += 120;
    vi.advanceTimersByTime(120);
    await settle();
    expect([it.client.closed, it.upstream.closed, it.tap.ends]).toEqual([true, true, ['sidecar 1012']]);
  });

  it('[D14] also a pong of which the beginning had been read before the upstream took no more', async () => {
    fakeTimers();
    const it = await spliced();
    it.upstream.send(frame('event'));
    const ping = readFrames(it.client.taken())[1]!;
    const pong = clientFrame(ping.payload, { opcode: PONG });
    for (const cut of [1, 3, 9]) {
      it.upstream.stall();
      it.client.send(Buffer.concat([clientFrame('x'.repeat(20_000)), pong.subarray(0, cut)]));
      it.client.send(pong.subarray(cut));
      await settle();
      it.upstream.unstall();
      await settle();
    }
    expect(it.tap.received).toEqual([1, 1, 1]);
    it.upstream.stall();
    it.client.send(Buffer.concat([clientFrame('x'.repeat(20_000)), pong.subarray(0, 9)]));
    it.client.send(pong.subarray(9));
    await settle();
    it.splice.destroy();
    await settle();
    expect(it.tap.received).toEqual([1, 1, 1, 1]);
  });

  it('destroy() ends both sides at once, and is told once', async () => {
    const { client, upstream, splice, tap } = await spliced();
    splice.destroy();
    splice.destroy();
    await settle();
    expect([client.closed, upstream.closed]).toEqual([true, true]);
    expect(tap.ends).toEqual(['sidecar 1006']);
  });

  it('no timer is left when both sides are gone', async () => {
    fakeTimers();
    const { client, upstream } = await spliced();
    client.fin();
    upstream.fin();
    await settle();
    expect([client.closed, upstream.closed]).toEqual([true, true]);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('[W13] back-pressure', () => {
  it('a client that takes no more stops the reading of its upstream, and the time is counted', async () => {
    const { client, upstream, counters, time } = await spliced();
    client.stall();
    const bytes = frame('x'.repeat(20_000));
    upstream.send(bytes);
    expect(upstream.isPaused()).toBe(true);
    upstream.send(bytes);
    expect(client.writableLength).toBeLessThan(2 * bytes.length);
    time.now += 250;
    client.unstall();
    await settle();
    expect(upstream.isPaused()).toBe(false);
    expect(readFrames(client.taken()).filter(({ opcode }) => opcode === 1)).toHaveLength(2);
    expect(counters).toMatchObject({ backpressureToClientMs: 250, backpressureToUpstreamMs: 0 });
  });

  it('an upstream that takes no more stops the reading of its client', async () => {
    const { client, upstream, counters, time } = await spliced();
    upstream.stall();
    client.send(clientFrame('x'.repeat(20_000)));
    expect(client.isPaused()).toBe(true);
    time.now += 40;
    upstream.unstall();
    await settle();
    expect(client.isPaused()).toBe(false);
    expect(counters).toMatchObject({ backpressureToClientMs: 0, backpressureToUpstreamMs: 40 });
  });
});
