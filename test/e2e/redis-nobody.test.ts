// A time in which no instance runs at all, by the clock of Redis, between a SIGTERM and the next start.
import { afterEach, describe, expect, it } from 'vitest';
import { hold, openApp } from '../support/agent-runs.ts';
import { closeAll } from '../support/backends.ts';
import { eventually, exitOf } from '../support/child.ts';
import { missing } from '../support/component.ts';
import { startShared } from '../support/shared-store.ts';
import { wallClock } from '../support/wall-clock.ts';

afterEach(closeAll);

describe.skipIf(missing('redis-server', 'faketime'))('[P2] sessions that SIGTERM has left in Redis', () => {
  it('are not older when the next instance starts, and no deadline has passed', async () => {
    const clock = wallClock();
    const rules = [{ match: '*', confirm: 'processed', timeout: '60s' }];
    const shared = await startShared({ events: { rules } }, [], clock);
    const first = await shared.start();
    shared.balancer.target = first.port;
    const { handle, release } = hold();
    const app = openApp(shared.url('ann'), handle);
    const run = await shared.runOf('ann');
    for (let i = 0; i < 3; i++) shared.backend.emit(run);
    await eventually(() => expect(app.numbers).toEqual([1, 2, 3]));
    await first.reach({ pending: 3 });
    shared.balancer.target = 0;
    first.signal('SIGTERM');
    expect(await exitOf(first)).toEqual({ code: 0, signal: null });
    // An hour in which nobody runs: clients cannot come.
    clock.set(3600);
    const second = await shared.start();
    await second.reach({ pending: 3 });
    // The client comes to another one than that which found them.
    const third = await shared.start();
    shared.balancer.target = third.port;
    await eventually(() => expect(app.resumed).toEqual([{ recovered: true, rejoined: false }]));
    await third.reach({ pending: 3 });
    release();
    await third.reach({ confirmed: 3, pending: 0, timeout: 0, unverifiable: 0 });
    expect(await second.stats()).toMatchObject({ pending: 0, timeout: 0, unverifiable: 0 });
  });
});
