// How the sidecar ends a connection where one side cannot be heard or reached: nothing is waited for in vain, and no word is lost.
import { describe, expect, it, vi } from 'vitest';
import { CLOSE, CONTINUATION, PING, PONG } from '../../src/relay/frames.ts';
import { fakeTimers } from '../support/fake-timers.ts';
import { clientFrame, closePayload, frame, readCompleteFrames, readFrames } from '../support/raw-frames.ts';
import { MemorySocket, settle } from '../support/socket-pair.ts';
import { ParkingTap, RecordingTap, spliced } from '../support/spliced.ts';

const opcodes = (socket: MemorySocket): number[] => readFrames(socket.taken()).map(({ opcode }) => opcode);
const clientClose = (code: number): Buffer => clientFrame(closePayload(code), { opcode: CLOSE });

describe('[W24] our Close frame goes to the client at once', () => {
  it('where the upstream takes no more', async () => {
    const { client, upstream, splice } = await spliced();
    upstream.stall();
    client.send(clientFrame('x'.repeat(20_000)));
    await settle();
    splice.close(1012, 'restart', true);
    await settle();
    expect(opcodes(client)).toEqual([CLOSE]);
  });

  it('where the client has closed before', async () => {
    const { client, splice } = await spliced();
    client.send(clientClose(1000));
    splice.close(1012, 'restart', true);
    await settle();
    expect(client.finished).toBe(true);
  });

  it('where bytes pass unread: it is left out, and FIN is not waited for', async () => {
    const { client, splice } = await spliced({ opaque: true });
    splice.close(1012, 'restart', true);
    await settle();
    expect([client.taken().length, client.finished]).toEqual([0, true]);
  });

  it('where the client waits for the message under way to end', async () => {
    const { client, upstream, splice } = await spliced<ParkingTap>({ tap: new ParkingTap() });
    upstream.send(frame('one', { fin: false }));
    client.reset();
    await settle();
    const next = new MemorySocket();
    splice.rejoin(next, 4409, 'replaced');
    splice.startClient(Buffer.alloc(0));
    splice.close(1012, 'restart', true);
    await settle();
    expect(opcodes(next)).toEqual([CLOSE]);
  });

  it('after `patienceMs`, where that is less than 500 ms', async () => {
    const { client, splice } = await spliced({ limits: { patienceMs: 100 } });
    fakeTimers();
    splice.close(1012, 'restart', true);
    await vi.advanceTimersByTimeAsync(200);
    await settle();
    expect(opcodes(client)).toEqual([CLOSE]);
  });
});

describe('[W17] close()', () => {
  it('[D14] while the upstream takes no more: what the client says from then on still counts', async () => {
    const { client, upstream, splice, tap } = await spliced();
    upstream.send(frame('first'));
    const ping = readFrames(client.taken()).find(({ opcode }) => opcode === PING)!;
    upstream.stall();
    client.send(clientFrame('x'.repeat(20_000)));
    await settle();
    expect(client.isPaused()).toBe(true);
    client.send(clientFrame(ping.payload, { opcode: PONG }));
    splice.close(1012, 'restart');
    await settle();
    expect(tap.received).toEqual([1]);
  });

  it('[D14] while the upstream takes no more of a message: what the client says behind it still counts', async () => {
    const { client, upstream, splice, tap } = await spliced();
    upstream.send(frame('first'));
    const ping = readFrames(client.taken()).find(({ opcode }) => opcode === PING)!;
    const long = clientFrame('x'.repeat(40_000));
    upstream.stall();
    client.send(long.subarray(0, 20_000));
    client.send(long.subarray(20_000));
    client.send(clientFrame(ping.payload, { opcode: PONG }));
    await settle();
    expect([client.isPaused(), tap.received]).toEqual([true, []]);
    splice.close(1012, 'restart');
    await settle();
    expect(tap.received).toEqual([1]);
  });

  it('[W18] ends both sides after `lingerMs`, where neither ends by itself', async () => {
    const { client, upstream, splice, tap } = await spliced();
    fakeTimers();
    splice.close(1012, 'restart');
    await vi.advanceTimersByTimeAsync(31_000);
    await settle();
    expect([client.destroyed, upstream.destroyed, tap.ends]).toEqual([true, true, ['sidecar 1012']]);
  });

  it.each(['sidecar', 'upstream', 'client'])(
    '[W14] the tap is told the text of the Close frame with which the %s began the end',
    async (by) => {
      class ReasonTap extends RecordingTap {
        readonly reasons: string[] = [];
        override closed(by: string, code: number, _now?: number, reason = ''): void {
          super.closed(by, code);
          this.reasons.push(reason);
        }
      }
      const tap = new ReasonTap();
      const { client, upstream, splice } = await spliced<ReasonTap>({ tap });
      const payload = closePayload(1000, 'that is all');
      if (by === 'sidecar') splice.close(1000, 'that is all');
      else if (by === 'upstream') upstream.send(frame(payload, { opcode: CLOSE }));
      else client.send(clientFrame(payload, { opcode: CLOSE }));
      client.fin();
      upstream.fin();
      await settle();
      expect([tap.ends, tap.reasons]).toEqual([[`${by} 1000`], ['that is all']]);
    },
  );
});

it('[W15] an upstream that dies inside a frame leaves its client FIN, where a Close frame would tear the frame', async () => {
  const { client, upstream } = await spliced({ announcesLoss: true });
  const bytes = frame('a message').subarray(0, 5);
  upstream.send(bytes);
  upstream.reset();
  await settle();
  expect(client.taken()).toEqual(bytes);
  expect(client.finished).toBe(true);
});

describe('[W2] a text of ours', () => {
  it('[W19] is not added where bytes pass unread', async () => {
    for (const opaque of [true, false]) {
      const { client, upstream, splice } = await spliced({ opaque });
      upstream.send(Buffer.alloc(20, 0xff));
      splice.sendMessage(Buffer.from('ours'));
      expect(client.taken().subarray(-20)).toEqual(Buffer.alloc(20, 0xff));
    }
  });

  it('is not added behind a Close frame', async () => {
    const { client, upstream, splice } = await spliced();
    upstream.send(frame(closePayload(1000), { opcode: CLOSE }));
    splice.sendMessage(Buffer.from('ours'));
    expect(opcodes(client)).toEqual([CLOSE]);
  });

  it('stands between a message and the Close frame that came in one chunk', async () => {
    const { client, upstream, splice } = await spliced();
    upstream.send(frame('one', { fin: false }));
    splice.sendMessage(Buffer.from('ours'));
    const end = frame('two', { opcode: CONTINUATION });
    upstream.send(Buffer.concat([end, frame(closePayload(1000), { opcode: CLOSE })]));
    expect(opcodes(client).filter((opcode) => opcode !== PING)).toEqual([1, 0, 1, CLOSE]);
  });
});

describe('[W22] a Close frame that waits for words', () => {
  const waiting = async () => {
    const tap = Object.assign(new RecordingTap(), { wordsDue: () => true });
    const here = await spliced({ tap });
    here.upstream.send(Buffer.concat([frame('first'), frame(closePayload(1012), { opcode: CLOSE })]));
    expect(opcodes(here.client)).toEqual([1, PING]);
    return here;
  };

  it('[D15] is answered by nobody: a client that closes with its code by itself proves nothing', async () => {
    const { client, tap } = await waiting();
    client.send(clientClose(1012));
    await settle();
    expect([tap.received, tap.overs]).toEqual([[], ['upstream 1012 orderly']]);
  });

  it('is sent when the connection is destroyed', async () => {
    const { client, splice } = await waiting();
    splice.destroy();
    expect(opcodes(client)).toEqual([1, PING, CLOSE]);
  });

  it('[W18] leaves no timer when both sides are gone', async () => {
    fakeTimers();
    const timers = vi.getTimerCount();
    const { client, upstream } = await waiting();
    client.reset();
    upstream.reset();
    await settle();
    expect(vi.getTimerCount()).toBe(timers);
  });
});

describe('[W18] no timer outlives the two sockets', () => {
  it('nor does that of an end that heeds the upstream', async () => {
    fakeTimers();
    const timers = vi.getTimerCount();
    const { client, upstream, splice } = await spliced();
    splice.close(1012, 'restart', true);
    client.reset();
    upstream.reset();
    await settle();
    expect(vi.getTimerCount()).toBe(timers);
  });
});

it('[D16] a message of which the rest never comes leaves nothing collected behind', async () => {
  const { client, upstream, counters } = await spliced();
  upstream.send(frame(`{"long":"${'x'.repeat(5000)}"}`).subarray(0, 4000));
  expect(counters.collectedBytes).toBeGreaterThan(0);
  client.reset();
  upstream.reset();
  await settle();
  expect(counters.collectedBytes).toBe(0);
  expect(readCompleteFrames(client.taken()).frames).toEqual([]);
});
