// Instances that share a Redis and were given different leases, as during a roll-out that changes `store.lease`.
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { hold, openApp } from '../support/agent-runs.ts';
import { closeAll } from '../support/backends.ts';
import { eventually } from '../support/child.ts';
import { missing } from '../support/component.ts';
import { startShared } from '../support/shared-store.ts';
import { expectHealthyLog } from '../support/sidecar-process.ts';

afterEach(closeAll);

describe.skipIf(missing('redis-server'))('[P8] instances with different leases', () => {
  it('one that says every ten seconds that it is there is not dead for one that looks after a second', async () => {
    const shared = await startShared({ events: { rules: [{ match: '*', confirm: 'processed', timeout: '60s' }] } });
    const patient = await shared.start({ lease: '30s' });
    const hasty = await shared.start();
    shared.balancer.target = patient.port;
    const { handle, release } = hold();
    const app = openApp(shared.url('ann'), handle);
    const run = await shared.runOf('ann');
    for (let i = 0; i < 3; i++) shared.backend.emit(run);
    await eventually(() => expect(app.numbers).toEqual([1, 2, 3]));
    // A client without a session: what it has in flight ends with its instance.
    const plain = new WebSocket(shared.url('bob'));
    const other = await shared.runOf('bob');
    shared.backend.emit(other);
    await eventually(async () => expect(await shared.redis.client.keys('*:open')).toHaveLength(1));
    const { client } = shared.redis;
    /** How long ago the more silent one of the two said that it is there, by the clock of Redis, ms. */
    const silence = async () => {
      const [seconds, micros] = await client.time();
      const [, at] = await client.zrange('ackspan:{instances}:leases', '0', '0', 'WITHSCORES');
      return Number(seconds) * 1000 + Number(micros) / 1000 - Number(at);
    };
    // The hasty one says twice in a second that it is there, and looks who is not.
    await eventually(async () => expect(await silence()).toBeGreaterThan(4000));
    const beat = await hasty.sum('ackspan_store_operations_total');
    await eventually(async () => expect(await hasty.sum('ackspan_store_operations_total')).toBeGreaterThan(beat + 8));
    expect(await hasty.stats()).toMatchObject({ failed: 0, unverifiable: 0, pending: 0 });
    expect(await patient.stats()).toMatchObject({ failed: 0, unverifiable: 0, pending: 4 });
    expect(app.resumed).toEqual([]);
    release();
    await patient.reach({ confirmed: 3, pending: 1 });
    plain.terminate();
    expectHealthyLog(patient);
  });
});
