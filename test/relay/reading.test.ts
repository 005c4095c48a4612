// Reads that are held up: what comes meanwhile is told in order when they go on, and nothing ends for that reason.
import { describe, expect, it, vi } from 'vitest';
import { CLOSE, PONG } from '../../src/relay/frames.ts';
import { Reading } from '../../src/relay/reading.ts';
import { fakeTimers } from '../support/fake-timers.ts';
import { clientFrame, closePayload, frame, readFrames } from '../support/raw-frames.ts';
import { settle } from '../support/socket-pair.ts';
import { spliced } from '../support/spliced.ts';

/** A splice whose client has been sent one message and a barrier. */
async function held() {
  const reading = new Reading(
    () => false,
    () => {},
  );
  const made = await spliced({ reading });
  made.upstream.send(frame('one'));
  await settle();
  const ping = readFrames(made.client.taken()).at(-1)!.payload;
  reading.hold();
  return { ...made, reading, pong: clientFrame(ping, { opcode: PONG }) };
}

describe('[W25] while reads are held up', () => {
  it('what clients send waits, and passes in order when they go on; backends are read', async () => {
    const { client, upstream, splice, tap, reading, pong } = await held();
    client.send(pong);
    client.send(clientFrame('hello'));
    upstream.send(frame('two'));
    await settle();
    expect([tap.messages, tap.received]).toEqual([['1:one', '2:two'], []]);
    expect([upstream.taken().length, splice.blind(5000)]).toEqual([0, true]);
    reading.goOn();
    await settle();
    expect([tap.messages, tap.received]).toEqual([['1:one', '2:two'], [1]]);
    expect(readFrames(upstream.taken()).map(({ payload }) => String(payload))).toEqual(['hello']);
    expect(splice.blind(5000)).toBe(false);
  });

  it.each(['fin', 'reset'] as const)('the end of a client by %s is told behind what it has said', async (how) => {
    const { client, tap, reading, pong } = await held();
    client.send(pong);
    client[how]();
    await settle();
    expect([tap.received, tap.overs]).toEqual([[], []]);
    reading.goOn();
    await settle();
    expect([tap.received, tap.overs]).toEqual([[1], ['client 1006']]);
  });

  it('a Close frame waits as well, and what the upstream sends in the end is told', async () => {
    const { client, upstream, tap, reading, pong } = await held();
    client.send(pong);
    client.send(clientFrame(closePayload(1000), { opcode: CLOSE }));
    upstream.send(frame('last'));
    upstream.fin();
    await settle();
    expect([tap.messages, tap.overs]).toEqual([['1:one', '2:last'], []]);
    reading.goOn();
    await settle();
    expect([tap.messages, tap.received]).toEqual([['1:one', '2:last'], [1]]);
  });

  it('no connection is destroyed before what lies unread has been read', async () => {
    fakeTimers();
    const { client, splice, tap, reading, pong } = await held();
    client.send(pong);
    splice.destroy();
    await settle();
    expect([client.closed, tap.received, tap.ends]).toEqual([false, [], []]);
    reading.goOn();
    await settle();
    expect(tap.received).toEqual([1]);
    await vi.advanceTimersByTimeAsync(5000);
    await settle();
    expect([client.closed, tap.ends]).toEqual([true, ['sidecar 1006']]);
  });

  it('a side that takes no more is still not read when they go on', async () => {
    const { client, upstream, splice, reading } = await held();
    upstream.stall();
    const long = clientFrame('x'.repeat(60_000));
    client.send(long);
    await settle();
    reading.goOn();
    await settle();
    client.send(clientFrame('more'));
    await settle();
    expect(splice.bytesToUpstream).toBe(long.length);
    upstream.unstall();
    await settle();
    expect(splice.bytesToUpstream).toBeGreaterThan(long.length);
  });
});
