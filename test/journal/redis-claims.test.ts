// Sessions that move between instances, where the instance that is asked for one cannot answer.
import { expect, it } from 'vitest';
import { Claims } from '../../src/journal/redis/claims.ts';
import { keysOf } from '../../src/journal/redis/keys.ts';
import { Wire } from '../../src/journal/redis/wire.ts';

it('a session that is asked for while the connection to Redis goes is given back, and the process goes on', async () => {
  const unhandled: unknown[] = [];
  const listener = (error: unknown): void => void unhandled.push(error);
  process.on('unhandledRejection', listener);
  const asked: string[] = [];
  const keys = keysOf('test');
  const link = {
    send: () => Promise.reject(new Error('there is no connection to Redis')),
    publish() {},
    write() {},
  } as never;
  const wire = new Wire(link, keys);
  const deps = {
    link,
    keys,
    wire,
    members: {} as never,
    instance: 'a',
    lifeMs: 1,
    patienceMs: 1,
    ready: () => true,
    adopt() {},
    refused() {},
  };
  new Claims({ ...deps, giveBack: (session) => void asked.push(session) });
  wire.heard(JSON.stringify({ kind: 'release', session: 's-1', from: 'b' }));
  // Rejections that nobody handles are told of between two turns.
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
  process.off('unhandledRejection', listener);
  expect(asked).toEqual(['s-1']);
  expect(unhandled).toEqual([]);
});
