// A real Prometheus that scrapes every 5 s, as slowly as it would in the field, sees what a sidecar lost when it was stopped.
import { afterEach, describe, expect, it } from 'vitest';
import { startPrometheus } from '../pack/prometheus.ts';
import { closeAll } from '../support/backends.ts';
import { eventually, exitOf } from '../support/child.ts';
import { missing } from '../support/component.ts';
import { startSidecar } from '../support/sidecar-process.ts';
import { event, openClient, startWsBackend, tell } from '../support/ws-peers.ts';

afterEach(closeAll);

const SCRAPE_S = 5;
const LOST = 'sum(last_over_time(ackspan_delivery_duration_seconds_count{error_type="shutdown"}[5m]))';

describe.skipIf(missing('prometheus'))('[D10] Prometheus', () => {
  it('sees every delivery that ended failed: shutdown', {
    timeout: 120_000,
  }, async () => {
    const backend = await startWsBackend();
    const rules = [{ match: 'app_*', confirm: 'processed', timeout: '60s', attempts: [] }];
    const sidecar = await startSidecar({ upstream: backend.address, config: { events: { rules } } });
    await openClient(sidecar.ws);
    const peer = await backend.peer(0);
    const prometheus = await startPrometheus({ targets: [new URL(sidecar.admin).host], everyS: SCRAPE_S });
    await eventually(async () =>
      expect((await prometheus.query('count_over_time(up[1m])'))[0]!.points[0]![1]).toBeGreaterThan(1),
    );
    for (let n = 1; n <= 37; n++) tell(peer, event(`e${n}`, 'app_event'));
    await sidecar.reach({ tracked: 37, pending: 37 });
    const stopped = Date.now();
    sidecar.signal('SIGTERM');
    expect(await exitOf(sidecar)).toEqual({ code: 0, signal: null });
    console.info(`stopped in ${Date.now() - stopped} ms`);
    await eventually(async () => expect((await prometheus.query(LOST))[0]?.points[0]?.[1]).toBe(37));
    expect(sidecar.lines.map(({ msg }) => String(msg)).filter((msg) => msg.includes('before a scrape'))).toEqual([]);
  });

  it('is not waited for where nothing was lost', { timeout: 120_000 }, async () => {
    const backend = await startWsBackend();
    const sidecar = await startSidecar({ upstream: backend.address });
    await openClient(sidecar.ws);
    tell(await backend.peer(0), event('e1'));
    await sidecar.reach({ confirmed: 1 });
    const prometheus = await startPrometheus({ targets: [new URL(sidecar.admin).host], everyS: SCRAPE_S });
    await eventually(async () =>
      expect((await prometheus.query('count_over_time(up[1m])'))[0]!.points[0]![1]).toBeGreaterThan(1),
    );
    sidecar.signal('SIGTERM');
    expect(await exitOf(sidecar)).toEqual({ code: 0, signal: null });
    expect((await prometheus.query(LOST))[0]?.points[0]?.[1]).toBe(0);
  });
});
