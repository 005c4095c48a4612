// [D8] A tap that throws degrades to a pass-through: reported once, nothing lost or changed.
import { describe, expect, it } from 'vitest';
import { PING, PONG } from '../../src/relay/frames.ts';
import type { Tap } from '../../src/relay/tap.ts';
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
