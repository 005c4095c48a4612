// An instance that has been drained and goes on for a while, and a Redis that fails in that time.
import { afterEach, describe, expect, it } from 'vitest';
import { openApp } from '../support/agent-runs.ts';
import { atEnd, closeAll } from '../support/backends.ts';
import { runCli } from '../support/build.ts';
import { eventually, exitOf } from '../support/child.ts';
import { missing } from '../support/component.ts';
import { startOtlpReceiver } from '../support/otlp-receiver.ts';
import { startShared } from '../support/shared-store.ts';

afterEach(closeAll);

describe.skipIf(missing('redis-server'))('a drained instance', () => {
  it('[D10] whose Redis is gone when it ends gives what it has in flight its outcome', async () => {
    const shared = await startShared();
    const collector = await startOtlpReceiver();
    atEnd(() => collector.close());
    const first = await shared.start({}, { OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint });
    shared.balancer.target = first.port;
    const app = openApp(shared.url('ann'), () => new Promise(() => {}));
    const run = await shared.runOf('ann');
    for (let i = 0; i < 3; i++) shared.backend.emit(run);
    await eventually(() => expect(app.numbers).toEqual([1, 2, 3]));
    await first.reach({ pending: 3 });
    shared.balancer.target = 0;
    const { code } = await runCli(['drain', '--admin', first.admin, '--why', 'roll-out 7']);
    expect(code).toBe(0);
    // They were left to the other instances.
    expect(await first.stats()).toMatchObject({ pending: 3 });
    await shared.redis.kill();
    await eventually(async () => expect(await first.sum('ackspan_store_degraded')).toBe(1));
    first.signal('SIGTERM');
    expect(await exitOf(first)).toEqual({ code: 0, signal: null });
    const ends = collector.spans.filter(({ name }) => name.startsWith('send '));
    expect(ends.map(({ attributes }) => attributes['ackspan.delivery.outcome'])).toEqual([
      ...['unverifiable', 'unverifiable', 'unverifiable'],
    ]);
  });
});
