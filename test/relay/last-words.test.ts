// A Close frame behind messages of which the application still has something to say: it waits, for a bounded time (SPEC W22).
import { describe, expect, it, vi } from 'vitest';
import { CLOSE, PING } from '../../src/relay/frames.ts';
import { fakeTimers } from '../support/fake-timers.ts';
import { clientFrame, closePayload, frame, readCompleteFrames } from '../support/raw-frames.ts';
import { type MemorySocket, settle } from '../support/socket-pair.ts';
import { RecordingTap, spliced } from '../support/spliced.ts';

/** An application that owes words until `due` is false. */
class WordyTap extends RecordingTap {
  due = true;
  wordsDue(): boolean {
    return this.due;
  }
}

const open = () => spliced<WordyTap>({ tap: new WordyTap(), limits: { patienceMs: 700 } });
const close = (code: number) => frame(closePayload(code), { opcode: CLOSE });
const answer = (code: number) => clientFrame(closePayload(code), { opcode: CLOSE });
/** What the client got: texts, `ping`, `close 1000`. */
const got = (client: MemorySocket) =>
  readCompleteFrames(client.taken()).frames.map(({ opcode, payload }) =>
    opcode === PING ? 'ping' : opcode === CLOSE ? `close ${payload.readUInt16BE()}` : payload.toString(),
  );

describe('[W22] the Close frame of the backend', () => {
  it.each(['in one chunk', 'in a chunk of its own', 'byte by byte'])(
    '%s waits until the words are there',
    async (how) => {
      const { client, upstream, tap } = await open();
      const bytes = close(1000);
      if (how === 'in one chunk') upstream.send(Buffer.concat([frame('answer'), bytes]));
      else {
        upstream.send(frame('answer'));
        if (how === 'in a chunk of its own') upstream.send(bytes);
        else for (const byte of bytes) upstream.send(Buffer.from([byte]));
      }
      upstream.fin();
      await settle();
      expect([got(client), client.finished]).toEqual([['answer', 'ping'], false]);
      client.send(clientFrame('{"event_confirmation": 1}'));
      expect(got(client)).toEqual(['answer', 'ping']);
      tap.due = false;
      client.send(clientFrame('{"event_confirmation": 2}'));
      await settle();
      expect(got(client)).toEqual(['answer', 'ping', 'close 1000']);
      expect(tap.offered).toHaveLength(2);
      client.send(answer(1000));
      client.fin();
      await settle();
      expect([client.finished, tap.overs, tap.ends]).toEqual([true, ['upstream 1000 orderly'], ['upstream 1000']]);
    },
  );

  it('goes out after patienceMs, with or without a backend that is still there', async () => {
    for (const stays of [true, false]) {
      fakeTimers();
      const { client, upstream } = await open();
      upstream.send(Buffer.concat([frame('answer'), close(4000)]));
      if (!stays) upstream.fin();
      await settle();
      vi.advanceTimersByTime(690);
      await settle();
      expect(got(client)).toEqual(['answer', 'ping']);
      vi.advanceTimersByTime(20);
      await settle();
      expect([got(client), client.finished]).toEqual([['answer', 'ping', 'close 4000'], !stays]);
      vi.useRealTimers();
    }
  });

  it('that has not gone out is no proof when the client closes with the same code, and answers it', async () => {
    const { client, upstream, tap } = await open();
    tap.wantsBarrier = () => false;
    upstream.send(Buffer.concat([frame('answer'), close(4000)]));
    client.send(answer(4000));
    await settle();
    expect([tap.received, got(client)]).toEqual([[], ['answer', 'close 4000']]);
    expect(tap.overs).toEqual(['upstream 4000 orderly']);
  });

  it('ends with the client: nothing waits any more, and no timer is left', async () => {
    fakeTimers();
    const { client, upstream, tap } = await open();
    upstream.send(Buffer.concat([frame('answer'), close(1000)]));
    client.reset();
    upstream.fin();
    await settle();
    expect([tap.ends, vi.getTimerCount()]).toEqual([['upstream 1000'], 0]);
  });

  it('does not wait where no word is due, and bytes that are no frames never do', async () => {
    for (const bytes of [close(1000), Buffer.from([0xff, 0xff, 0xff])]) {
      const { client, upstream, tap } = await open();
      tap.due = bytes[0] === 0xff;
      upstream.send(bytes);
      await settle();
      expect(client.taken()).toEqual(bytes);
    }
  });

  it('keeps what wrongly follows it in order, and not without bound', async () => {
    const { client, upstream, tap } = await open();
    tap.wantsBarrier = () => false;
    upstream.send(Buffer.concat([frame('answer'), close(1000), frame('more')]));
    upstream.send(frame('and more'));
    await settle();
    expect(got(client)).toEqual(['answer']);
    upstream.send(frame('x'.repeat(70_000)));
    await settle();
    expect(got(client).map((text) => text.slice(0, 10))).toEqual([
      ...['answer', 'close 1000', 'more', 'and more', 'xxxxxxxxxx'],
    ]);
  });
});

describe('[W22] a Close frame of ours', () => {
  it('waits for the words; what the backend sends meanwhile reaches nobody', async () => {
    const { client, upstream, splice, tap } = await open();
    upstream.send(frame('answer'));
    splice.close(1012, 'service restart');
    upstream.send(frame('too late'));
    await settle();
    expect([got(client), splice.writtenThrough >= 1, splice.writtenThrough >= 2]).toEqual([
      ['answer', 'ping'],
      true,
      false,
    ]);
    tap.due = false;
    client.send(clientFrame('{"event_confirmation": 1}'));
    await settle();
    expect(got(client)).toEqual(['answer', 'ping', 'close 1012']);
    client.send(answer(1012));
    await settle();
    expect([tap.received, client.finished]).toEqual([[1], true]);
  });

  it('goes out after patienceMs, and its answer is still waited for', async () => {
    fakeTimers();
    const { client, upstream, splice, tap } = await open();
    tap.mayCome = () => tap.received.length === 0;
    upstream.send(frame('answer'));
    splice.close(1012, 'service restart');
    await settle();
    vi.advanceTimersByTime(710);
    await settle();
    expect([got(client), client.finished]).toEqual([['answer', 'ping', 'close 1012'], false]);
    client.send(answer(1012));
    await settle();
    expect([tap.received, client.finished]).toEqual([[1], true]);
  });
});
