// One bad instance among ten real sidecars: Prometheus and Alertmanager name it, and say nothing of the nine.
import { afterEach, describe, expect, test } from 'vitest';
import { closeAll } from '../support/backends.ts';
import { eventually } from '../support/child.ts';
import { missing } from '../support/component.ts';
import { startSidecar } from '../support/sidecar-process.ts';
import { expectRunbook, fastRules, startAlerting } from './alerting.ts';
import { startPrometheus } from './prometheus.ts';
import { startPushing } from './pushing.ts';

const INSTANCES = 10;

afterEach(closeAll);

describe.skipIf(missing('prometheus', 'prometheus-alertmanager'))('ten sidecars behind a load balancer', () => {
  test('when the clients of one get nothing, a page names it, the nine stay silent, and it resolves', {
    timeout: 240_000,
  }, async () => {
    const alerting = await startAlerting();
    const backend = await startPushing({ everyMs: 200 });
    const config = { events: { rules: [{ match: '*', timeout: '3s', attempts: ['300ms'] }] } };
    const sidecars = await Promise.all(
      Array.from({ length: INSTANCES }, () => startSidecar({ upstream: backend.url, config })),
    );
    const hosts = sidecars.map(({ admin }) => new URL(admin).host);
    const [bad, ...good] = sidecars;
    const unlucky = backend.startClients([bad!.ws], 2);
    const lucky = backend.startClients(
      good.map(({ ws }) => ws),
      2,
    );
    const prometheus = await startPrometheus({ targets: hosts, rules: fastRules(), alerting });
    await eventually(async () => {
      const settled = await prometheus.query('sum by (instance) (ackspan_delivery_duration_seconds_count) > 20');
      expect(settled.length).toBe(INSTANCES);
    });

    unlucky.signal('SIGSTOP');
    const notice = await alerting.notice('AckspanBadInstance', 'firing');
    expect(notice).toMatchObject({ path: '/page', receiver: 'pages' });
    expect(notice.alerts.map(({ labels }) => labels)).toEqual([
      { alertname: 'AckspanBadInstance', severity: 'page', job: 'ackspan', instance: hosts[0] },
    ]);
    expect(notice.alerts[0]!.annotations.description).toContain(`${hosts[0]} of ackspan: `);
    await expectRunbook(notice.alerts[0]!, alerting);

    unlucky.signal('SIGCONT');
    await alerting.notice('AckspanBadInstance', 'resolved');
    // Up to here, the recovery included, nothing was ever said of another instance.
    const told = alerting.notices.flatMap(({ alerts }) => alerts.map(({ labels }) => labels.instance));
    expect(new Set(told.filter((instance) => instance !== undefined))).toEqual(new Set([hosts[0]]));
    const others = `last_over_time(ALERTS{alertstate="firing", instance!="", instance!="${hosts[0]}"}[10m])`;
    expect((await prometheus.query(others)).map(({ metric }) => metric)).toEqual([]);
    expect(lucky.lines.filter((line) => 'error' in line)).toEqual([]);
  });
});
