// Every way in which a connection ends, and back-pressure: nothing is torn, nobody waits for ever, the tap hears of it once.
import { afterEach, describe, expect, it, vi } from 'vitest';
import { CLOSE, CONTINUATION, PING, PONG } from '../../src/relay/frames.ts';
import { clientFrame, closePayload, frame, readFrames } from '../support/raw-frames.ts';
import { settle } from '../support/socket-pair.ts';
import { RecordingTap, spliced } from '../support/spliced.ts';

const close = (code: number) => frame(closePayload(code), { opcode: CLOSE });
const clientClose = (code: number) => clientFrame(closePayload(code), { opcode: CLOSE });

afterEach(() => {
  vi.useRealTimers();
});

describe('an end of the upstream', () => {
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
    '[E2] by %s without a Close frame: the client gets a last barrier, is told 1013 and gets FIN; its pong still counts',
    async (how) => {
      const { client, upstream, tap } = await spliced();
      tap.wantsBarrier = () => false;
      upstream.send(frame('last'));
      upstream[how]();
      await settle();
      const [, ping, told] = readFrames(client.taken());
      expect(told).toMatchObject({ opcode: CLOSE, masked: false });
      expect(told!.payload).toEqual(closePayload(1013, 'upstream closed without a close frame'));
      expect(client.finished).toBe(true);
      client.send(clientFrame(ping!.payload, { opcode: PONG }));
      expect(tap.received).toEqual([1]);
      client.fin();
      await settle();
      expect(tap.ends).toEqual(['upstream 1006']);
    },
  );

  it('in the middle of a frame or of its header: the client is destroyed, never told into the frame', async () => {
    for (const cut of [1, 5]) {
      const { client, upstream, tap } = await spliced();
      upstream.send(frame('0123456789').subarray(0, cut));
      upstream.fin();
      await settle();
      expect(client.taken()).toEqual(frame('0123456789').subarray(0, cut));
      expect(client.destroyed).toBe(true);
      expect(tap.ends).toEqual(['upstream 1006']);
    }
  });

  it('between fragments tells 1013: a Close may stand there', async () => {
    const { client, upstream } = await spliced();
    upstream.send(frame('part', { fin: false }));
    upstream.fin();
    await settle();
    expect(readFrames(client.taken()).at(-1)!.opcode).toBe(CLOSE);
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

describe('an end of the client', () => {
  it('by FIN: the upstream gets FIN and may still send', async () => {
    const { client, upstream, tap } = await spliced();
    client.send(clientFrame('bye'));
    client.fin();
    await settle();
    expect(upstream.finished).toBe(true);
    expect(tap.ends).toEqual(['client 1006']);
    upstream.send(frame('still here'));
    expect(client.taken()).toEqual(frame('still here'));
    expect(tap.messages).toEqual([]);
    upstream.send(close(1000));
    upstream.fin();
    await settle();
    expect(client.finished).toBe(true);
    expect([client.closed, upstream.closed]).toEqual([true, true]);
    expect(tap.ends).toHaveLength(1);
  });

  it('by reset: the upstream is destroyed', async () => {
    const { client, upstream, tap } = await spliced();
    client.reset();
    await settle();
    expect(upstream.destroyed).toBe(true);
    expect(tap.ends).toEqual(['client 1006']);
  });

  it('by reset while it took no more: what the upstream still sends goes nowhere', async () => {
    const { client, upstream, tap } = await spliced();
    client.stall();
    upstream.send(frame('x'.repeat(40_000)));
    expect(upstream.isPaused()).toBe(true);
    client.reset();
    await settle();
    expect(upstream.closed).toBe(true);
    expect(tap.ends).toEqual(['client 1006']);
  });
});

describe('close()', () => {
  it('sends Close to both sides, masked to the upstream, then FIN; the peers answers end there', async () => {
    const { client, upstream, splice, tap } = await spliced();
    splice.close(1012, 'restarting');
    await settle();
    expect(readFrames(client.taken())).toMatchObject([{ opcode: CLOSE, masked: false }]);
    expect(readFrames(upstream.taken())).toMatchObject([{ opcode: CLOSE, masked: true }]);
    for (const side of [client, upstream]) {
      expect(readFrames(side.taken())[0]!.payload).toEqual(closePayload(1012, 'restarting'));
      expect(side.finished).toBe(true);
    }
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
    const { client, upstream, splice } = await spliced();
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

describe('what does not end by itself', () => {
  it.each(['client', 'upstream'] as const)('is destroyed lingerMs after the %s has ended', async (first) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const it = await spliced({ limits: { lingerMs: 500 } });
    it[first].fin();
    await settle();
    vi.advanceTimersByTime(499);
    expect([it.client.destroyed, it.upstream.destroyed]).toEqual([false, false]);
    vi.advanceTimersByTime(1);
    await settle();
    expect([it.client.closed, it.upstream.closed]).toEqual([true, true]);
    expect(it.tap.ends).toEqual([`${first} 1006`]);
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
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { client, upstream } = await spliced();
    client.fin();
    upstream.fin();
    await settle();
    expect([client.closed, upstream.closed]).toEqual([true, true]);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('back-pressure', () => {
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
