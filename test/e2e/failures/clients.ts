// Test support: failures whose fault is a client's, or of what stands right in front of it.
import { createServer } from 'node:http';
import { type Browser, chromium } from 'playwright-core';
import { WebSocketServer } from 'ws';
import { atEnd, listenOn } from '../../support/backends.ts';
import { eventually } from '../../support/child.ts';
import { findProgram } from '../../support/component.ts';
import { startFaultProxy } from '../../support/fault-proxy.ts';
import { startSidecar } from '../../support/sidecar-process.ts';
import { confirmation, event, openClient, tell } from '../../support/ws-peers.ts';
import { answering, PROCESSED, rules, type Stage, staged } from './scene.ts';

/** An edge in between lets no pong through. */
export const muteEdge: Stage = async (watchers) => {
  const { backend, sidecar, scene } = await staged(watchers, rules());
  await openClient(sidecar.ws, { autoPong: false });
  tell(await backend.peer(0), event('missed'));
  await sidecar.reach({ unverifiable: 1, pending: 0 });
  return scene('missed');
};

const PAGE = `<!doctype html><title>Agent</title><script>
  const socket = new WebSocket(location.origin.replace('http', 'ws') + '/events');
  socket.onmessage = ({ data }) => {
    const { event_id } = JSON.parse(data);
    // The page hangs in the handler of one event.
    if (event_id === 'missed') for (const end = performance.now() + 60000; performance.now() < end; );
    socket.send(JSON.stringify({ type: 'event_confirmation', event_id, status: 'confirmed' }));
  };
</script>`;

/** A real browser whose page hangs: its WebSocket stack goes on answering pings. */
export const frozenTab: Stage = async (watchers) => {
  const server = createServer((_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end(PAGE));
  const sockets = new WebSocketServer({ server });
  const opened = new Promise<import('ws').WebSocket>((resolve) => sockets.once('connection', resolve));
  const upstream = `http://127.0.0.1:${await listenOn(server)}`;
  const sidecar = await startSidecar({ upstream, config: PROCESSED });
  await watchers.begin([sidecar.admin]);
  const browser: Browser = await chromium.launch({
    executablePath: findProgram('chromium')!,
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
  });
  atEnd(() => browser.close());
  const page = await (await browser.newContext()).newPage();
  await page.goto(`${sidecar.http}/page`);
  const socket = await opened;
  socket.send(JSON.stringify(event('seen')));
  await sidecar.reach({ confirmed: 1 });
  socket.send(JSON.stringify(event('missed')));
  await sidecar.reach({ timeout: 1, pending: 0 });
  return { admins: [sidecar.admin], event: 'missed' };
};

/** A network that lets through 200 KB a second, with a megabyte in front of the event. */
export const slowClient: Stage = async (watchers) => {
  const { backend, sidecar, scene } = await staged(watchers, rules());
  const network = await startFaultProxy(sidecar.port, () => ({ direction: 'down', frames: 0, bytes: 0, how: 'slow' }));
  await openClient(`ws://127.0.0.1:${network.port}`);
  await answering(sidecar);
  const peer = await backend.peer(0);
  for (let n = 0; n < 10; n++) tell(peer, event(`page-${n}`, 'page', { text: 'x'.repeat(100_000) }));
  tell(peer, event('missed'));
  await eventually(async () => {
    const late = await sidecar.sum('ackspan_confirmation_unmatched_total', { reason: 'late' });
    const { pending } = await sidecar.stats();
    if (late < 1 || pending > 0) throw new Error(`${late} late, ${pending} pending`);
    const missed = (await sidecar.deliveries()).find(({ event_id }) => event_id === 'missed');
    const detail = await (await fetch(`${sidecar.admin}/api/v1/deliveries/${missed?.id}`)).json();
    if ((detail as { received_ms: number | null }).received_ms === null) throw new Error('not yet there');
  });
  return scene('missed');
};

/** An application that does not know the event. */
export const rejected: Stage = async (watchers) => {
  const { backend, sidecar, scene } = await staged(watchers, PROCESSED);
  const client = await openClient(sidecar.ws);
  client.socket.on('message', (text) => {
    const { event_id } = JSON.parse(String(text));
    tell(client, confirmation(event_id, { status: 'failed', error: 'unknown field "chart"' }));
  });
  tell(await backend.peer(0), event('missed'));
  await sidecar.reach({ failed: 1, pending: 0 });
  return scene('missed');
};

/** Somebody confirms what another session was sent. */
export const foreignConfirmations: Stage = async (watchers) => {
  const { backend, sidecar, scene } = await staged(watchers, PROCESSED);
  await openClient(sidecar.ws);
  const other = await openClient(sidecar.ws);
  await answering(sidecar, 2);
  tell(await backend.peer(0), event('missed'));
  await eventually(async () => {
    // Not before the event is known: it would be an unknown one.
    if ((await sidecar.stats()).tracked !== 1) throw new Error('not sent yet');
  });
  tell(other, confirmation('missed'));
  await sidecar.reach({ timeout: 1, pending: 0 });
  return scene('missed');
};
