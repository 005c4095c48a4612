// `ackspan check` on a real Redis: one that is fine, one that throws keys away, one that asks for a password, one that takes no writes, none at all.
import { afterEach, describe, expect, it } from 'vitest';
import { checkRedis, judgeRedis } from '../../src/cli/through/redis.ts';
import type { RedisPlace } from '../../src/journal/redis/client.ts';
import { closeAll } from '../support/backends.ts';
import { missing } from '../support/component.ts';
import { freePort } from '../support/free-port.ts';
import { startRedis } from '../support/redis-server.ts';

afterEach(closeAll);

const at = (port: number, more: Partial<RedisPlace> = {}): RedisPlace => ({
  ...{ nodes: [{ host: '127.0.0.1', port }], master: undefined, tls: false, username: undefined, password: undefined },
  ...{ database: 0, ca: undefined, ...more },
});
const grades = (findings: readonly { check: string; grade: string }[]) =>
  Object.fromEntries(findings.map(({ check, grade }) => [check, grade]));

describe.skipIf(missing('redis-server'))('a Redis', () => {
  it('that keeps what it takes, with and without a disk', async () => {
    const kept = await startRedis([], true);
    expect(grades(await checkRedis(at(kept.port)))).toEqual({
      store: 'good',
      store_policy: 'good',
      store_disk: 'good',
    });
    expect(await kept.client.keys('*')).toEqual([]);
    const memory = await startRedis();
    expect(grades(await checkRedis(at(memory.port)))).toMatchObject({ store: 'good', store_disk: 'note' });
  });

  it('that throws keys away is a problem where its memory is bounded, and worth a note where it is not', async () => {
    const bounded = await startRedis(['--maxmemory-policy', 'allkeys-lru', '--maxmemory', '50mb']);
    const [, policy] = await checkRedis(at(bounded.port));
    expect(policy).toMatchObject({ check: 'store_policy', grade: 'bad' });
    expect(policy?.seen).toContain('maxmemory-policy allkeys-lru');
    expect(policy?.advice).toContain('noeviction');
    const unbounded = await startRedis(['--maxmemory-policy', 'volatile-ttl']);
    expect(grades(await checkRedis(at(unbounded.port)))).toMatchObject({ store_policy: 'note' });
  });

  it('that asks for a password, takes no writes or is full says so, with what to do', async () => {
    const locked = await startRedis();
    await locked.client.config('SET', 'requirepass', 'secret');
    expect(await checkRedis(at(locked.port))).toMatchObject([
      { grade: 'bad', advice: expect.stringContaining('password') },
    ]);
    expect(grades(await checkRedis(at(locked.port, { password: 'secret' })))).toMatchObject({ store: 'good' });
    const lonely = await startRedis(['--min-replicas-to-write', '1']);
    expect(await checkRedis(at(lonely.port))).toMatchObject([
      { grade: 'bad', seen: expect.stringContaining('NOREPLICAS') },
    ]);
  });

  it('that does not let answers be turned off is worth a note', async () => {
    const strict = await startRedis();
    await strict.client.acl('SETUSER', 'default', '-client|reply');
    const findings = await checkRedis(at(strict.port));
    expect(grades(findings)).toMatchObject({ store: 'good', store_answers: 'note' });
    expect(findings.at(-1)?.seen).toContain('NOPERM');
  });

  it('that is not there', async () => {
    expect(await checkRedis(at(await freePort()))).toMatchObject([{ check: 'store', grade: 'bad' }]);
  });
});

it('a Redis that says nothing of its memory leaves that open', () => {
  expect(grades(judgeRedis('# Server\r\nredis_version:7\r\n'))).toEqual({ store: 'good', store_policy: 'unknown' });
});
