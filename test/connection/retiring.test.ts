// A connection that is asked to end or to yield its place: whether its client may come again, and who waits for what.
import { describe, expect, it } from 'vitest';
import { CLOSE } from '../../src/relay/frames.ts';
import { openOptedIn as open } from '../support/opted-in-connection.ts';
import { readFrames } from '../support/raw-frames.ts';
import { settle } from '../support/socket-pair.ts';

describe('retire()', () => {
  it('ends the connection of a client whose session waits for nobody', async () => {
    const { client, upstream, connection, parked, told } = await open({ ttlMs: 0, reloadMs: 0 });
    expect(connection.retire(1012, 'old')).toBe(true);
    upstream.fin();
    client.fin();
    await settle();
    expect([parked.count, told.at(-1)]).toEqual([0, 'closed by sidecar 1012 at 10000']);
  });

  it('[R10] is nothing for a connection that another one has replaced', async () => {
    const { connection, resumable } = await open();
    Object.defineProperty(resumable, 'connection', { value: {} });
    expect(connection.retire(1012, 'old')).toBe(false);
  });
});

it('[R11] yields its place while its client is away: the newcomer waits for the end of its upstream connection', async () => {
  const { client, upstream, connection, resumable } = await open();
  client.reset();
  await settle();
  let gone = 0;
  connection.yieldPlace(1001, 'the place is needed', () => gone++);
  await settle();
  expect([gone, readFrames(upstream.taken()).map(({ opcode }) => opcode)]).toEqual([0, [CLOSE]]);
  upstream.fin();
  await settle();
  expect([gone, resumable.waits]).toEqual([1, true]);
});
