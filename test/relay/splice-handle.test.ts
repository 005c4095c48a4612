// What other rooms ask of a splice: what has gone over it, what its client can answer, and when it may be asked to come again.
import { describe, expect, it } from 'vitest';
import { READ_BYTES } from '../../src/relay/direct.ts';
import { CLOSE, CONTINUATION, PING, TEXT } from '../../src/relay/frames.ts';
import type { Leave } from '../../src/relay/tap.ts';
import { clientFrame, closePayload, frame, readFrames } from '../support/raw-frames.ts';
import { MemorySocket, settle } from '../support/socket-pair.ts';
import { ParkingTap, spliced } from '../support/spliced.ts';

const ANSWER_BACKLOG_BYTES = 256 * 1024;
const NOTHING = Buffer.alloc(0);

/** Notes when the client could prove nothing more, and when the connection was over. */
class DatingTap extends ParkingTap {
  readonly dates: number[] = [];
  override clientOver(by: string, code: number, leave: Leave, now?: number): void {
    super.clientOver(by, code, leave);
    this.dates.push(now!);
  }
  override closed(by: string, code: number, now?: number): void {
    super.closed(by, code);
    this.dates.push(now!);
  }
}

const parking = <T extends ParkingTap>(tap: T) => spliced<T>({ tap });

describe('what came with the upgrade', () => {
  it('[W1] of the client reaches the upstream once, and is read', async () => {
    const { upstream, tap } = await spliced({ clientHead: clientFrame('{"with":"the request"}') });
    expect(readFrames(upstream.taken()).map(({ payload }) => `${payload}`)).toEqual(['{"with":"the request"}']);
    expect(tap.offered).toEqual(['{"with":"the request"}']);
  });
});

describe('traffic', () => {
  it('changes with every message, either way, and with no ping, pong or barrier', async () => {
    const { client, upstream, splice } = await spliced();
    const seen = [splice.traffic];
    upstream.send(frame('pushed'));
    seen.push(splice.traffic);
    client.send(clientFrame('said'));
    seen.push(splice.traffic);
    expect(new Set(seen).size).toBe(3);
    upstream.send(frame('are you there', { opcode: PING }));
    client.send(clientFrame('yes', { opcode: 10 }));
    splice.ping();
    expect(splice.traffic).toBe(seen[2]);
  });

  it.each([
    'a long message of the upstream',
    'a long message of the client',
    'a stream of no frames',
    'bytes that pass unread',
  ])('changes with every chunk of %s', async (what) => {
    const { client, upstream, splice } = await spliced({ opaque: what.endsWith('unread') });
    const [from, bytes] = what.endsWith('client')
      ? [client, clientFrame('x'.repeat(9000))]
      : [upstream, what.includes('no frames') ? Buffer.alloc(9000, 0xff) : frame('x'.repeat(9000))];
    const seen: number[] = [];
    for (let at = 0; at < 3000; at += 1000) {
      from.send(bytes.subarray(at, at + 1000));
      seen.push(splice.traffic);
    }
    expect(new Set(seen).size).toBe(3);
  });
});

describe('what is read', () => {
  it('is counted on both sides, whatever it holds', async () => {
    const { client, upstream, splice, counters } = await spliced();
    upstream.send(frame('four'));
    client.send(clientFrame('', { opcode: 10 }));
    expect([splice.bytesToClient, splice.bytesToUpstream]).toEqual([6, 6]);
    expect([counters.bytesToClient, counters.bytesToUpstream]).toEqual([6, 6]);
  });

  it('[D14] of the client in one turn may be less than has come: then the splice is blind, until less is read', async () => {
    const { client, splice, time } = await spliced({ opaque: true });
    expect(splice.blind(time.now)).toBe(false);
    client.send(Buffer.alloc(READ_BYTES));
    expect(splice.blind(time.now)).toBe(true);
    client.send(Buffer.alloc(READ_BYTES - 1));
    expect(splice.blind(time.now)).toBe(false);
  });
});

describe('[R12] answerable', () => {
  it('is not said while a text of ours waits for the end of a message', async () => {
    const { upstream, splice } = await spliced();
    upstream.send(frame('one', { fin: false }));
    expect(splice.answerable).toBe(true);
    splice.sendMessage(Buffer.from('ours'));
    expect(splice.answerable).toBe(false);
    upstream.send(frame('two', { opcode: CONTINUATION }));
    expect(splice.answerable).toBe(true);
  });

  it('is not said to a client that leaves 256 KiB unread', async () => {
    const { client, upstream, splice } = await spliced();
    client.stall();
    upstream.send(frame('x'.repeat(ANSWER_BACKLOG_BYTES - 100)));
    expect(splice.answerable).toBe(true);
    splice.sendMessage(Buffer.alloc(200));
    expect(splice.answerable).toBe(false);
  });
});

describe('writtenThrough', () => {
  it('[D16] does not reach a message that came before a Close frame, and after the client had gone', async () => {
    const { client, upstream, splice } = await spliced();
    upstream.send(frame('heard'));
    client.reset();
    await settle();
    upstream.send(Buffer.concat([frame('unheard'), frame(closePayload(1000), { opcode: CLOSE })]));
    expect(splice.writtenThrough).toBe(1);
  });
});

describe('[W23] retire()', () => {
  it('sends an unmasked Close frame behind a last barrier', async () => {
    const tap = new ParkingTap();
    tap.lastBarrierAt = () => true;
    const { client, upstream, splice } = await parking(tap);
    upstream.send(frame('first'));
    splice.retire(1012, 'old');
    expect(readFrames(client.taken()).map(({ opcode }) => opcode)).toEqual([TEXT, PING, CLOSE]);
    expect(client.taken().subarray(-7)).toEqual(frame(closePayload(1012, 'old'), { opcode: CLOSE }));
  });

  it('is not possible while the client is away', async () => {
    const { client, splice } = await parking(new ParkingTap());
    client.reset();
    await settle();
    expect([splice.audience, splice.retire(1012, 'old')]).toEqual(['absent', false]);
  });

  it('is not possible while something of the client is half-way to the upstream', async () => {
    const { client, splice } = await parking(new ParkingTap());
    client.send(clientFrame('begun', { fin: false, opcode: 2 }));
    expect(splice.retire(1012, 'old')).toBe(false);
  });

  it('is not possible behind bytes that pass unread, and nobody joins their upstream', async () => {
    const { upstream, splice } = await parking(new ParkingTap());
    upstream.send(Buffer.alloc(20, 0xff));
    expect([splice.rejoinable, splice.retire(1012, 'old')]).toEqual([false, false]);
  });

  it('is not possible while the client waits for the message under way to end', async () => {
    const { client, upstream, splice } = await parking(new ParkingTap());
    upstream.send(frame('one', { fin: false }));
    client.reset();
    await settle();
    splice.rejoin(new MemorySocket(), 4409, 'replaced');
    splice.startClient(NOTHING);
    // Between the two fragments.
    expect([splice.audience, splice.retire(1012, 'old')]).toEqual(['arriving', false]);
  });
});

describe('[D14] dropClient()', () => {
  it('dates the end of a client that is not expected back at the decision', async () => {
    const tap = new DatingTap();
    tap.stays = false;
    const { client, upstream, splice, time } = await parking(tap);
    client.send(clientFrame('x'.repeat(9000)).subarray(0, 100));
    time.now = 5000;
    splice.dropClient(4000);
    upstream.fin();
    await settle();
    expect([client.destroyed, tap.dates]).toEqual([true, [4000, 4000]]);
  });

  it('decides on no end where the client is expected back', async () => {
    const tap = new DatingTap();
    const { client, upstream, splice, time } = await parking(tap);
    splice.dropClient(900);
    await settle();
    expect([client.destroyed, splice.audience]).toEqual([true, 'absent']);
    time.now = 7000;
    upstream.fin();
    await settle();
    expect(tap.dates).toEqual([7000]);
  });
});

describe('[D14] destroy()', () => {
  it('dates the end at the decision, which the last read may be behind', async () => {
    const tap = new DatingTap();
    const { splice, time } = await parking(tap);
    time.now = 5000;
    splice.destroy(4000);
    await settle();
    expect(tap.dates).toEqual([4000, 4000]);
  });
});
