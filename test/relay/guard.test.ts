// [D8] A tap that throws degrades to a pass-through: reported once, nothing lost or changed.
import { describe, expect, it } from 'vitest';
import { PING, PONG } from '../../src/relay/frames.ts';
import { TapGuard } from '../../src/relay/guard.ts';
import { DEFAULT_RELAY_LIMITS, RelayCounters, type Tap } from '../../src/relay/tap.ts';
import { clientFrame, frame, readFrames } from '../support/raw-frames.ts';
import { settle } from '../support/socket-pair.ts';
import { RecordingTap, spliced } from '../support/spliced.ts';

const CONFIRMATION = clientFrame('{"type":"event_confirmation"}');

const METHODS = [
  'upstreamText',
  'upstreamSkipped',
  'writeFirst',
  'barrierAt',
  'receivedThrough',
  'clientText',
] as const;

describe('[W20][D8] a tap that throws', () => {
  it.each(METHODS)('in %s: is reported once and asked nothing more; every byte still passes', async (method) => {
    const tap = new RecordingTap();
    const it = await spliced({ tap });
    it.upstream.send(frame('before'));
    const pong = clientFrame(readFrames(it.client.drain())[1]!.payload, { opcode: PONG });
    let calls = 0;
    (tap as Tap)[method] = (): never => {
      calls++;
      throw new Error('bug');
    };
    const down = Buffer.concat([frame('a'), frame('b', { opcode: 2 }), frame('c')]);
    const alone = frame('alone');
    const up = Buffer.concat([CONFIRMATION, pong, clientFrame('chat')]);
    for (let i = 0; i < 3; i++) {
      it.upstream.send(down);
      it.upstream.send(alone);
      it.client.send(up);
    }
    const messages = readFrames(it.client.taken()).filter(({ opcode }) => opcode !== PING);
    expect(Buffer.concat(messages.map(({ raw }) => raw))).toEqual(
      Buffer.concat([down, alone, down, alone, down, alone]),
    );
    const chats = readFrames(it.upstream.taken()).filter(({ payload }) => payload.toString() === 'chat');
    expect(chats).toHaveLength(3);
    expect(calls).toBe(1);
    expect(it.faults).toEqual([{ stage: 'tap', error: new Error('bug') }]);
    expect(it.counters.tapFaults).toBe(1);
  });

  it('a tap at fault swallows no more confirmations, but is told of the end', async () => {
    const tap = new RecordingTap();
    const it = await spliced({ tap });
    tap.upstreamText = () => {
      throw new Error('bug');
    };
    it.upstream.send(frame('a'));
    it.client.send(CONFIRMATION);
    expect(it.upstream.taken()).toEqual(CONFIRMATION);
    it.client.fin();
    it.upstream.fin();
    await settle();
    expect([tap.overs, tap.ends]).toEqual([['client 1006'], ['client 1006']]);
    expect(it.counters.messagesUnwatched).toBe(1);
  });

  it('in closed: the sockets still end', async () => {
    const tap = new RecordingTap();
    const it = await spliced({ tap });
    tap.closed = () => {
      throw new Error('bug');
    };
    it.client.fin();
    it.upstream.fin();
    await settle();
    expect([it.client.closed, it.upstream.closed]).toEqual([true, true]);
    expect(it.faults).toHaveLength(1);
  });
});

describe('[W20] what a tap that throws is taken to say', () => {
  const QUESTIONS: readonly [keyof Tap, (guard: TapGuard) => unknown, unknown][] = [
    ['wants', (guard) => guard.wants(), 0],
    ['writeFirst', (guard) => guard.writeFirst(1), 'message'],
    ['barrierAt', (guard) => guard.barrierAt(1), false],
    ['lastBarrierAt', (guard) => guard.lastBarrierAt(1), false],
    ['awaits', (guard) => guard.awaits(0), false],
    ['wordsDue', (guard) => guard.wordsDue(0), false],
    ['clientText', (guard) => guard.clientText(Buffer.alloc(0), 0, 0, 0, false, false), false],
    ['clientLost', (guard) => guard.clientLost(1006, 0, false), false],
    ['undecoded', (guard) => guard.undecoded(1), undefined],
    ['writing', (guard) => guard.writing(), undefined],
    ['receivedThrough', (guard) => guard.receivedThrough(1, 0), undefined],
    ['clientMessage', (guard) => guard.clientMessage(true, 0, 0), undefined],
  ];

  it.each(QUESTIONS)('in %s, then and from then on; it is asked once', (method, ask, answer) => {
    let calls = 0;
    const faults: unknown[] = [];
    const bug = (): never => {
      calls++;
      throw new Error('bug');
    };
    const tap = { [method]: bug } as unknown as Tap;
    const report = (fault: unknown) => void faults.push(fault);
    const limits = DEFAULT_RELAY_LIMITS;
    const guard = new TapGuard(tap, { counters: new RelayCounters(), limits, now: () => 0, report });
    expect([ask(guard), ask(guard)]).toEqual([answer, answer]);
    expect([calls, faults.length]).toEqual([1, 1]);
  });
});
