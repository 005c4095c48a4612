// What Redis notes of a session that is taken over: an instance that wakes is told what the others had of it by then.
import { afterEach, describe, expect, it } from 'vitest';
import { readSession } from '../../src/journal/redis/fields.ts';
import { CLAIM, END, PUT, type Script, WRITE } from '../../src/journal/redis/scripts.ts';
import { atEnd, closeAll } from '../support/backends.ts';
import { missing } from '../support/component.ts';
import { startRedis } from '../support/redis-server.ts';

afterEach(closeAll);

const KEY = 'ackspan:session:{s-1}';
const LIFE = '60000';

/** A session of instance `a` with five messages, epoch 1, and the words of Redis about writes. */
async function session() {
  const { client } = await startRedis();
  const listener = client.duplicate();
  atEnd(() => listener.disconnect());
  await listener.subscribe('echo');
  const heard: string[] = [];
  let wake = (): void => {};
  listener.on('message', (_, text: string) => {
    heard.push(text);
    wake();
  });
  let number = 0;
  const run = ({ text }: Script, ...args: string[]) => client.eval(text, 1, KEY, ...args, 'echo', String(++number));
  /** What Redis answers to a write that it refuses. */
  const refusal = async (script: Script, ...args: string[]): Promise<string> => {
    const before = heard.length;
    await run(script, ...args);
    while (heard.length === before)
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    return heard.at(-1)!.replace(/^r \d+ /, '');
  };
  const write = (epoch: string, owner: string, ordinal: number) =>
    [WRITE, epoch, LIFE, owner, 'begun', '{"traceparent":""}', 'ordinal', String(ordinal)] as const;
  const claim = (taker: string, owner: string, by: string) =>
    client.eval(CLAIM.text, 1, KEY, taker, '-1', owner, by, LIFE, '0') as Promise<string[]>;
  const put = (epoch: string, ordinal: number) => [PUT, epoch, LIFE, '1', 'ordinal', String(ordinal)] as const;
  await run(...write('1', 'a', 5));
  return { client, run, refusal, write, claim, put };
}

describe.skipIf(missing('redis-server'))('[P8] a write of an instance that has lost its session', () => {
  it('is told who took it, and how many messages it had then', async () => {
    const { run, refusal, claim, put, write } = await session();
    await claim('b', 'a', 'reaper');
    await run(...put('2', 9));
    expect(await refusal(...put('1', 7))).toBe('-2 5');
    await claim('c', 'b', 'client');
    expect(await refusal(...put('1', 7))).toBe('0 5');
    expect(await refusal(...write('2', 'b', 12))).toBe('0 9');
  });

  it('is told so, too, where the one that took it has written it whole, or it is over', async () => {
    const { run, refusal, claim, put, write } = await session();
    await claim('b', 'a', 'reaper');
    await run(...write('2', 'b', 8));
    expect(await refusal(...put('1', 7))).toBe('-2 5');
    await run(END, '2', LIFE);
    expect(await refusal(...put('1', 7))).toBe('-2 5');
  });

  it('is told no number where it was taken too often since', async () => {
    const { client, refusal, claim, put } = await session();
    for (let i = 0; i < 60; i++) await claim('b', i === 0 ? 'a' : 'b', 'client');
    expect(await refusal(...put('1', 7))).toBe('0 ');
    expect(await refusal(...put('60', 7))).toBe('0 5');
    expect((await client.hget(KEY, 'taken'))!.length).toBeLessThanOrEqual(200);
  });

  it('is read back by the one that takes it, by epoch', async () => {
    const { client, run, claim, put } = await session();
    await client.hset(KEY, 'capability', 'none', 'serial', '1', 'used', '0', 'heard', '0');
    await claim('b', 'a', 'reaper');
    await run(...put('2', 9));
    await claim('a', 'b', 'client');
    const read = readSession('s-1', await client.hgetall(KEY).then((all) => Object.entries(all).flat().map(bytes)));
    expect(read?.taken).toEqual(new Map(Object.entries({ 1: 5, 2: 9 })));
  });
});

const bytes = (text: string): Buffer => Buffer.from(text);
