// Debian's Prometheus, told to ask for native histograms, scrapes a running sidecar.
import { afterEach, describe, expect, it } from 'vitest';
import { closeAll } from '../support/backends.ts';
import { eventually } from '../support/child.ts';
import { missing } from '../support/component.ts';
import { startSidecar } from '../support/sidecar-process.ts';
import { event, openClient, startWsBackend, tell } from '../support/ws-peers.ts';
import { startPrometheus } from './prometheus.ts';

afterEach(closeAll);

const DURATION = 'ackspan_delivery_duration_seconds';

describe.skipIf(missing('prometheus'))('a Prometheus that asks for native histograms', () => {
  it('stores one series for each histogram, which counts what the sidecar counts, and its quantiles', async () => {
    const backend = await startWsBackend();
    const sidecar = await startSidecar({ upstream: backend.address });
    await openClient(`${sidecar.ws}/ws`);
    const peer = await backend.peer(0);
    for (let i = 1; i <= 40; i++) tell(peer, event(`e-${i}`, 'answer'));
    await sidecar.reach({ confirmed: 40 });
    const prometheus = await startPrometheus({ targets: [new URL(sidecar.admin).host], native: true });
    const value = async (query: string) => Number((await prometheus.query(query))[0]?.points[0]?.[1]);
    const received = `${DURATION}{level="received",error_type=""}`;
    await eventually(async () => expect(await value(`histogram_count(${received})`)).toBe(40));
    const [text, sum] = [await sidecar.scrape(), await value(`histogram_sum(${received})`)];
    const exact = [...text.get(DURATION)!.samples].find(
      ({ name, labels }) => name.endsWith('_sum') && labels.level === 'received',
    );
    expect(sum).toBeCloseTo(exact!.value, 9);
    const median = await value(`histogram_quantile(0.5, ${received})`);
    expect(median).toBeGreaterThan(0);
    expect(median).toBeLessThanOrEqual(await value(`histogram_quantile(1, ${received})`));
    // What has not gone wrong yet is native too, from 0.
    expect(await value(`histogram_count(${DURATION}{error_type="timeout"})`)).toBe(0);
    expect((await prometheus.query(`${DURATION}_bucket`)).length).toBe(0);
    expect(await value('ackspan_delivery_tracked_total')).toBe(40);
    expect((await prometheus.query('target_info')).length).toBe(1);
  });
});
