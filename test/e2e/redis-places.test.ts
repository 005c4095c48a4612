// Where Redis may be: behind TLS and a password, and behind Sentinels that make a replica the master.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterEach, describe, expect, it } from 'vitest';
import { openApp } from '../support/agent-runs.ts';
import { atEnd, closeAll } from '../support/backends.ts';
import { selfSigned } from '../support/certificate.ts';
import { eventually } from '../support/child.ts';
import { findProgram, missing } from '../support/component.ts';
import { freePort } from '../support/free-port.ts';
import { startRedis } from '../support/redis-server.ts';
import { startShared } from '../support/shared-store.ts';
import { expectHealthyLog } from '../support/sidecar-process.ts';
import { tied } from '../support/tied.ts';

afterEach(closeAll);

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ackspan-redis-'));
  atEnd(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Programs other than Debian's come without it. */
const withoutTls = process.env.ACKSPAN_TEST_REDIS !== undefined;

describe.skipIf(missing('redis-server', 'redis-sentinel'))('where Redis may be', () => {
  it.skipIf(withoutTls)(
    'behind TLS, with a user and a password: sessions move as elsewhere, and the log names no password',
    async () => {
      const folder = newFolder();
      const { key, cert } = selfSigned();
      const [keyFile, certFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
      writeFileSync(keyFile, key);
      writeFileSync(certFile, cert);
      const port = await freePort();
      const shared = await startShared({}, [
        ...['--tls-port', String(port), '--tls-cert-file', certFile, '--tls-key-file', keyFile],
        ...['--tls-auth-clients', 'no'],
      ]);
      const password = 'p@ss word:1';
      const rights = ['~chat:*', '&chat:*', '+@all', '-@dangerous', '+info'];
      await shared.redis.client.acl('SETUSER', 'ackspan', 'on', `>${password}`, ...rights);
      const at = `rediss://ackspan:${encodeURIComponent(password)}@localhost:${port}`;
      const store = { at, ca: certFile, prefix: 'chat' };
      const [first, second] = [await shared.start(store), await shared.start(store)];
      shared.balancer.target = first.port;
      const app = openApp(shared.url('ann'));
      const run = await shared.runOf('ann');
      shared.backend.emit(run);
      await first.reach({ confirmed: 1 });
      shared.balancer.target = second.port;
      shared.balancer.cut();
      await eventually(() => expect(app.resumed).toEqual([{ recovered: true, rejoined: false }]));
      await shared.runOf('ann');
      shared.backend.emit(run);
      await eventually(() => expect(app.numbers).toEqual(upTo(2)));
      for (const each of [first, second]) {
        expectHealthyLog(each);
        expect(await each.sum('ackspan_store_degraded')).toBe(0);
        expect(JSON.stringify(each.lines)).not.toContain(password);
      }
    },
  );

  it.skipIf(withoutTls)(
    'behind TLS with a certificate that is renewed: it is trusted when store.ca says so, without a restart',
    async () => {
      const folder = newFolder();
      const place = (name: string): string => join(folder, name);
      const [old, renewed] = [selfSigned(), selfSigned()];
      for (const [name, { key, cert }] of Object.entries({ old, renewed })) {
        writeFileSync(place(`${name}-key.pem`), key);
        writeFileSync(place(`${name}-cert.pem`), cert);
      }
      writeFileSync(place('ca.pem'), old.cert);
      const port = await freePort();
      const shared = await startShared({}, [
        ...[
          '--tls-port',
          String(port),
          '--tls-cert-file',
          place('old-cert.pem'),
          '--tls-key-file',
          place('old-key.pem'),
        ],
        ...['--tls-auth-clients', 'no'],
      ]);
      const first = await shared.start({ at: `rediss://localhost:${port}`, ca: place('ca.pem') });
      const degraded = () => first.sum('ackspan_store_degraded');
      expect(await degraded()).toBe(0);
      const { client } = shared.redis;
      await client.call('CONFIG', [
        'SET',
        'tls-cert-file',
        place('renewed-cert.pem'),
        'tls-key-file',
        place('renewed-key.pem'),
      ]);
      await client.call('CLIENT', ['KILL', 'SKIPME', 'yes']);
      await eventually(async () => expect(await degraded()).toBe(1));
      writeFileSync(place('ca.pem'), renewed.cert);
      await first.line(({ msg }) => String(msg).startsWith('store.ca was read again'));
      await eventually(async () => expect(await degraded()).toBe(0));
    },
  );

  it('a wrong password: said, and the sidecar goes on', async () => {
    const shared = await startShared();
    await shared.redis.client.config('SET', 'requirepass', 'right');
    const first = await shared.start({ at: `redis://:wrong@127.0.0.1:${shared.redis.port}` });
    const health = await (await fetch(`${first.admin}/readyz`)).text();
    expect(health).toContain('WRONGPASS');
    expect(health).not.toContain('wrong@');
  });

  it('[P10] behind Sentinels: the master dies, a replica takes its place, and what is in flight is told to it', async () => {
    const shared = await startShared();
    const replica = await startRedis(['--replicaof', '127.0.0.1', String(shared.redis.port)]);
    const sentinel = await startSentinel(shared.redis.port);
    const store = { at: `redis+sentinel://127.0.0.1:${sentinel}/main`, lease: '3s' };
    await eventually(async () => expect(await replica.client.info('replication')).toContain('master_link_status:up'));
    const first = await shared.start(store);
    shared.balancer.target = first.port;
    const app = openApp(shared.url('ann'), () => new Promise(() => {}));
    const run = await shared.runOf('ann');
    for (let i = 0; i < 3; i++) shared.backend.emit(run);
    await eventually(() => expect(app.numbers).toEqual(upTo(3)));
    const asks = new Redis({ port: sentinel, host: '127.0.0.1' });
    atEnd(() => asks.disconnect());
    await eventually(async () =>
      expect(JSON.stringify(await asks.call('sentinel', ['replicas', 'main']))).toContain(`${replica.port}`),
    );
    await shared.redis.kill();
    await eventually(async () => expect(await replica.client.info('replication')).toContain('role:master'));
    shared.backend.emit(run);
    await eventually(async () => expect(await first.sum('ackspan_store_degraded')).toBe(0));
    const second = await shared.start(store);
    shared.balancer.target = second.port;
    await first.kill();
    await eventually(() => expect(app.resumed.at(-1)).toEqual({ recovered: true, rejoined: false }));
    await eventually(() => expect(app.numbers).toEqual(upTo(4)));
    expectHealthyLog(second);
  });
});

/**
 * One Sentinel that watches that master and decides alone. A Sentinel that finds that the machine
 * stood still decides nothing for 30 s.
 */
async function startSentinel(master: number): Promise<number> {
  const port = await freePort();
  const file = join(newFolder(), 'sentinel.conf');
  writeFileSync(
    file,
    [
      ...[`port ${port}`, 'bind 127.0.0.1', `sentinel monitor main 127.0.0.1 ${master} 1`],
      ...['sentinel down-after-milliseconds main 500', 'sentinel failover-timeout main 3000'],
    ].join('\n'),
  );
  const child = spawn(...tied(findProgram('redis-sentinel')!, [file]), { stdio: 'ignore' });
  const gone = once(child, 'exit');
  atEnd(async () => {
    child.kill('SIGKILL');
    await gone;
  });
  return port;
}
