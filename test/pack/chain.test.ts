// The whole chain on real programs: clients freeze → sidecar → Prometheus rule → Alertmanager → webhook, and back when they thaw.
import { afterEach, describe, expect, test } from 'vitest';
import { closeAll } from '../support/backends.ts';
import { eventually } from '../support/child.ts';
import { missing } from '../support/component.ts';
import { startSidecar } from '../support/sidecar-process.ts';
import { expectRunbook, fastRules, startAlerting } from './alerting.ts';
import { startPrometheus } from './prometheus.ts';
import { startPushing } from './pushing.ts';

afterEach(closeAll);

describe.skipIf(missing('prometheus', 'prometheus-alertmanager'))('the chain of alerts', () => {
  test('frozen clients page within two minutes, and the page resolves when they thaw', {
    timeout: 240_000,
  }, async () => {
    const alerting = await startAlerting();
    const backend = await startPushing({ everyMs: 50 });
    const sidecar = await startSidecar({
      upstream: backend.url,
      config: { events: { rules: [{ match: '*', priority: 'high', timeout: '1s', attempts: ['300ms'] }] } },
    });
    const clients = backend.startClients([sidecar.ws], 4);
    await clients.line(({ received }) => Number(received) >= 40);
    await startPrometheus({ targets: [new URL(sidecar.admin).host], rules: fastRules(), alerting });
    await eventually(async () => expect((await sidecar.stats()).confirmed).toBeGreaterThan(200));
    expect(alerting.of('AckspanDeliveryOutage', 'firing')).toEqual([]);

    const frozenAt = performance.now();
    clients.signal('SIGSTOP');
    const notice = await alerting.notice('AckspanDeliveryOutage', 'firing');
    console.info(`paged ${((performance.now() - frozenAt) / 1000).toFixed(1)} s after the clients froze`);
    expect(notice).toMatchObject({ path: '/page', receiver: 'pages' });
    const [alert] = notice.alerts;
    expect(alert!.labels).toMatchObject({ severity: 'page', job: 'ackspan', priority: 'all' });
    await expectRunbook(alert!, alerting);

    clients.signal('SIGCONT');
    await alerting.notice('AckspanDeliveryOutage', 'resolved');
  });
});
