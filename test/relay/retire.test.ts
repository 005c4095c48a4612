// A client that is asked to come again: what it hears and may still say, what the upstream sees of it (nothing), and when it is parked.
import { expect, it, vi } from 'vitest';
import { CLOSE, PING, PONG } from '../../src/relay/frames.ts';
import { fakeTimers } from '../support/fake-timers.ts';
import { clientFrame, closePayload, frame, readFrames } from '../support/raw-frames.ts';
import { MemorySocket, settle } from '../support/socket-pair.ts';
import { ParkingTap, type Spliced, spliced } from '../support/spliced.ts';

type Retiring = Spliced<ParkingTap>;
const joined = (): Promise<Retiring> => spliced<ParkingTap>({ tap: new ParkingTap() });

/** What a far end got, as `opcode:text`; a Close frame as its code. Our pings are left out. */
const heard = (socket: MemorySocket): string[] =>
  readFrames(socket.taken())
    .filter(({ opcode, payload }) => opcode !== PING || payload.length !== 14)
    .map(
      ({ opcode, payload }) => `${opcode}:${opcode === CLOSE ? payload.readUInt16BE() : payload.toString('latin1')}`,
    );

const answer = (code = 1012): Buffer => clientFrame(closePayload(code), { opcode: CLOSE });

it('[W23] hears a Close frame and nothing more; its answer parks it, proves what came before, and is kept from the upstream', async () => {
  const { client, upstream, splice, tap } = await joined();
  upstream.send(frame('first'));
  await settle();
  expect(splice.retire(1012, 'old')).toBe(true);
  upstream.send(frame('second'));
  await settle();
  expect(heard(client)).toEqual(['1:first', '8:1012']);
  // The second message is told: a tap that keeps it sends it when the client is back.
  expect(tap.messages).toEqual(['1:first', '2:second']);
  client.send(answer());
  await settle();
  expect([splice.audience, tap.lost, tap.ends]).toEqual(['absent', [1006], []]);
  expect(tap.received).toEqual([1]);
  expect(upstream.taken()).toHaveLength(0);
  expect([upstream.finished, upstream.destroyed]).toEqual([false, false]);
});

it('[D24] is not told of it before the Close frame has left the process', async () => {
  const { client, upstream, splice } = await joined();
  client.stall();
  upstream.send(frame('x'.repeat(40_000)));
  await settle();
  splice.retire(1012, 'old');
  expect(splice.closedBehind).toBeUndefined();
  client.unstall();
  await settle();
  expect(heard(client).at(-1)).toBe('8:1012');
  expect(splice.closedBehind).toBeDefined();
});

it('[W23] [D15] its answer proves no later message, when the sidecar ends the connection meanwhile with the same code', async () => {
  const { client, upstream, splice, tap } = await joined();
  upstream.send(frame('first'));
  await settle();
  splice.retire(1012, 'old');
  splice.close(1012, 'service restart', true);
  upstream.send(Buffer.concat([frame('second'), frame(closePayload(1012), { opcode: CLOSE })]));
  await settle();
  client.send(answer());
  await settle();
  expect(heard(client)).toEqual(['1:first', '8:1012']);
  expect(Math.max(...tap.received)).toBe(1);
});

it('[W23] what the client still says before its answer reaches the upstream', async () => {
  const { client, upstream, splice } = await joined();
  splice.retire(1012, 'old');
  client.send(Buffer.concat([clientFrame('one more thing'), answer()]));
  await settle();
  expect(heard(upstream)).toEqual(['1:one more thing']);
  expect(splice.audience).toBe('absent');
});

it('[W23] a ping of the upstream meanwhile is answered from here', async () => {
  const { upstream, splice } = await joined();
  splice.retire(1012, 'old');
  upstream.send(frame('are you there', { opcode: PING }));
  await settle();
  expect(heard(upstream)).toEqual([`${PONG}:are you there`]);
});

it('[W23] it comes back over the same upstream, before or after its old connection has answered', async () => {
  for (const answers of [true, false]) {
    const { client, upstream, splice, tap } = await joined();
    splice.retire(1012, 'old');
    if (answers) client.send(answer());
    await settle();
    const next = new MemorySocket();
    expect(splice.rejoinable).toBe(true);
    splice.rejoin(next, 4409, 'replaced');
    splice.startClient(Buffer.alloc(0));
    upstream.send(frame('for the new one'));
    next.send(clientFrame('hello again'));
    await settle();
    expect(heard(next)).toEqual(['1:for the new one']);
    expect(heard(upstream)).toEqual(['1:hello again']);
    // One Close frame, not two.
    expect(heard(client)).toEqual(['8:1012']);
    expect(tap.ends).toEqual([]);
  }
});

it.each(['reset', 'fin'] as const)(
  '[W23] one that goes by %s instead of an answer is parked like any other',
  async (how) => {
    const { client, upstream, splice, tap } = await joined();
    splice.retire(1012, 'old');
    client[how]();
    await settle();
    expect([splice.audience, tap.lost, tap.ends]).toEqual(['absent', [1006], []]);
    expect(tap.wereAsked).toEqual([true]);
    expect(upstream.finished).toBe(false);
    expect(splice.rejoinable).toBe(true);
  },
);

it('[W23] one that answers nothing is let go after the patience', async () => {
  const { client, splice, tap } = await joined();
  fakeTimers();
  splice.retire(1012, 'old');
  await vi.advanceTimersByTimeAsync(1500);
  expect([client.destroyed, tap.lost]).toEqual([false, []]);
  await vi.advanceTimersByTimeAsync(1000);
  await settle();
  expect([client.destroyed, tap.lost]).toEqual([true, [1006]]);
  expect(splice.audience).toBe('absent');
});

it('[W23] the wait for an answer ends with it: the client that comes next is left alone', async () => {
  const { client, splice, tap } = await joined();
  fakeTimers();
  splice.retire(1012, 'old');
  client.send(answer());
  await settle();
  const next = new MemorySocket();
  splice.rejoin(next, 4409, 'replaced');
  splice.startClient(Buffer.alloc(0));
  await vi.advanceTimersByTimeAsync(5000);
  await settle();
  expect([next.destroyed, splice.audience, tap.lost]).toEqual([false, 'present', [1006]]);
  // It may be asked in its turn.
  expect(splice.retire(1012, 'old')).toBe(true);
});

it('[W2] [W23] nothing of ours follows the Close frame', async () => {
  const { client, splice } = await joined();
  splice.retire(1012, 'old');
  splice.sendMessage(Buffer.from('again'));
  splice.ping();
  await settle();
  expect(heard(client)).toEqual(['8:1012']);
});

it('[W23] one that is not read for a while, and answers nothing after that, is let go in the end', async () => {
  const { client, upstream, splice, time } = await joined();
  fakeTimers();
  splice.retire(1012, 'old');
  upstream.stall();
  client.send(clientFrame('x'.repeat(20_000)));
  await settle();
  await vi.advanceTimersByTimeAsync(2500);
  expect(client.destroyed).toBe(false);
  upstream.unstall();
  await settle();
  time.now += 5000;
  await vi.advanceTimersByTimeAsync(2500);
  await settle();
  expect([client.destroyed, splice.audience]).toEqual([true, 'absent']);
});

it('[W23] not while the upstream takes no more, so that the client is not read; where that begins later, its answer is waited for', async () => {
  const { client, upstream, splice, tap, time } = await joined();
  fakeTimers();
  upstream.stall();
  client.send(clientFrame('x'.repeat(20_000)));
  await settle();
  expect(client.isPaused()).toBe(true);
  expect(splice.retire(1012, 'old')).toBe(false);
  upstream.unstall();
  await settle();
  time.now += 5000;
  expect(splice.retire(1012, 'old')).toBe(true);
  upstream.stall();
  client.send(clientFrame('x'.repeat(20_000)));
  await settle();
  client.send(answer());
  time.now += 5000;
  await vi.advanceTimersByTimeAsync(5000);
  // The wait ends behind the reads.
  await settle();
  expect([client.destroyed, tap.lost, tap.received]).toEqual([false, [], []]);
  upstream.unstall();
  await settle();
  expect([tap.lost, tap.received]).toEqual([[1006], [0]]);
});

it('[W23] one that is not expected back after all ends, and so does its upstream connection', async () => {
  const { client, upstream, splice, tap } = await joined();
  tap.stays = false;
  splice.retire(1012, 'old');
  client.send(answer());
  upstream.fin();
  client.fin();
  await settle();
  expect(tap.ends).toHaveLength(1);
  expect(heard(upstream)).toEqual(['8:1012']);
});

it('[W23] one that closes by itself at the same time ends, and an upstream that was not read for it is read again', async () => {
  const { client, upstream, splice, tap } = await joined();
  client.stall();
  upstream.send(frame('x'.repeat(20_000)));
  await settle();
  expect(upstream.isPaused()).toBe(true);
  expect(splice.retire(1012, 'old')).toBe(true);
  client.send(answer(1000));
  await settle();
  client.reset();
  upstream.send(frame('behind'));
  upstream.fin();
  await settle();
  expect([tap.lost, tap.received, tap.ends.length]).toEqual([[], [], 1]);
  expect(tap.messages).toHaveLength(2);
  expect(upstream.finished).toBe(true);
});

it('[W2] [W23] one that goes away by itself at the same time is parked, and gets no second Close frame', async () => {
  const { client, splice, tap } = await joined();
  splice.retire(1012, 'old');
  client.send(answer(1001));
  await settle();
  expect([splice.audience, tap.lost, tap.wereAsked]).toEqual(['absent', [1001], [false]]);
  expect(heard(client)).toEqual(['8:1012']);
});

it('[W23] not in the middle of a message, not twice, and not when an end has begun', async () => {
  const { upstream, client, splice } = await joined();
  const long = frame('a long message');
  upstream.send(long.subarray(0, 6));
  await settle();
  expect(splice.retire(1012, 'old')).toBe(false);
  upstream.send(long.subarray(6));
  await settle();
  expect(splice.retire(1012, 'old')).toBe(true);
  expect(splice.retire(1012, 'old')).toBe(false);
  expect(heard(client)).toEqual(['1:a long message', '8:1012']);
  const other = await joined();
  other.splice.close(1000, 'over');
  expect(other.splice.retire(1012, 'old')).toBe(false);
});

it('[W23] an upstream that ends meanwhile ends the connection, and no timer is left', async () => {
  const { client, upstream, splice, tap } = await joined();
  splice.retire(1012, 'old');
  upstream.fin();
  await settle();
  client.send(answer());
  client.fin();
  await settle();
  expect(tap.ends).toHaveLength(1);
});
