// The chain of alerts for people who cannot connect: real sidecars → Prometheus → Alertmanager → webhook, and back when they can.
import { createServer } from 'node:http';
import { afterAll, describe, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { atEnd, closeAll, listenOn } from '../support/backends.ts';
import { eventually } from '../support/child.ts';
import { missing } from '../support/component.ts';
import { type SidecarProcess, startSidecar } from '../support/sidecar-process.ts';
import { openClient } from '../support/ws-peers.ts';
import { type Alerting, expectRunbook, fastRules, startAlerting } from './alerting.ts';
import { startPrometheus } from './prometheus.ts';

afterAll(closeAll);

/** A backend that takes upgrades or, while it is not `well`, answers them 503. */
async function startMoodyBackend(): Promise<{ address: string; well: boolean }> {
  const http = createServer();
  const sockets = new WebSocketServer({ noServer: true });
  const backend = { address: '', well: true };
  http.on('upgrade', (request, socket, head) => {
    if (backend.well) sockets.handleUpgrade(request, socket, head, () => {});
    else socket.end('HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n');
  });
  atEnd(() => {
    for (const peer of sockets.clients) peer.terminate();
  });
  backend.address = `http://127.0.0.1:${await listenOn(http)}`;
  return backend;
}

/** Clients who come and, if they are let in, go again: one every so often to each sidecar. */
function comeAndGo(sidecars: readonly SidecarProcess[]): void {
  const timer = setInterval(() => {
    for (const { ws } of sidecars) {
      const socket = new WebSocket(ws);
      socket.on('error', () => {});
      socket.once('open', () => socket.close());
    }
  }, 100);
  atEnd(() => clearInterval(timer));
}

/** Sidecars in front of one backend, scraped by a Prometheus with the rules. */
async function start(config: object) {
  const alerting = await startAlerting();
  const backend = await startMoodyBackend();
  const sidecars = await Promise.all([1, 2].map(() => startSidecar({ upstream: backend.address, config })));
  const targets = sidecars.map(({ admin }) => new URL(admin).host);
  await startPrometheus({ targets, rules: fastRules(), alerting });
  return { alerting, backend, sidecars };
}

/** The page of the alert, which must say where its runbook is. */
async function paged(alerting: Alerting): Promise<void> {
  const notice = await alerting.notice('AckspanCannotConnect', 'firing');
  expect(notice).toMatchObject({ path: '/page', receiver: 'pages' });
  const [alert] = notice.alerts;
  expect(alert!.labels).toMatchObject({ severity: 'page', job: 'ackspan' });
  expect(alert!.annotations.summary).toMatch(/^\d+(\.\d+)?% of WebSocket handshakes fail$/);
  await expectRunbook(alert!, alerting);
}

describe.skipIf(missing('prometheus', 'prometheus-alertmanager'))('nobody can connect', { concurrent: true }, () => {
  test('because the backend answers with errors: a page, which resolves when it is well', {
    timeout: 240_000,
  }, async () => {
    const { alerting, backend, sidecars } = await start({});
    comeAndGo(sidecars);
    await eventually(async () => expect(await sidecars[0]!.sum('ackspan_connection_opened_total')).toBeGreaterThan(10));
    backend.well = false;
    await paged(alerting);
    backend.well = true;
    await alerting.notice('AckspanCannotConnect', 'resolved');
  });

  test('because a limit is reached: a page, and a ticket that names the limit', { timeout: 240_000 }, async () => {
    const { alerting, sidecars } = await start({ limits: { connections: 1 } });
    await Promise.all(sidecars.map(({ ws }) => openClient(ws)));
    comeAndGo(sidecars);
    await paged(alerting);
    const ticket = await alerting.notice('AckspanConnectionLimit', 'firing');
    expect(ticket).toMatchObject({ path: '/ticket', receiver: 'tickets' });
    expect(ticket.alerts.map(({ labels }) => labels.reason)).toEqual(['connections']);
    await expectRunbook(ticket.alerts[0]!, alerting);
  });
});
