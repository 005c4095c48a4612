// A real browser on a real page behind the sidecar: plain HTTP, cookies and compression pass, and events are confirmed without a line of code in the page.
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { atEnd, closeAll } from '../support/backends.ts';
import { eventually } from '../support/child.ts';
import { findProgram, missing } from '../support/component.ts';
import { expectHealthyLog, startSidecar } from '../support/sidecar-process.ts';
import { event } from '../support/ws-peers.ts';

const EVENTS = 30;

const PAGE = `<!doctype html>
<title>Agent</title>
<ol id="events"></ol>
<script>
  const confirms = new URLSearchParams(location.search).has('confirm');
  const socket = new WebSocket(location.origin.replace('http', 'ws') + '/events' + location.search, ['agent.v1']);
  window.socket = socket;
  socket.onmessage = ({ data }) => {
    const item = document.createElement('li');
    item.textContent = JSON.parse(data).event_id;
    document.getElementById('events').append(item);
    if (confirms) socket.send(JSON.stringify({ type: 'event_confirmation', event_id: item.textContent, status: 'confirmed' }));
  };
</script>`;

interface Visit {
  readonly socket: WebSocket;
  readonly request: IncomingMessage;
  readonly heard: string[];
  readonly closed: Promise<number>;
}

/**
 * A site: the page with a cookie, and a WebSocket that compresses everything. `?stream` never stops
 * by itself.
 */
async function startSite(): Promise<{ address: string; visits: Visit[] }> {
  const server = createServer((request, response) => {
    if (request.url?.startsWith('/page') !== true) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { 'Content-Type': 'text/html', 'Set-Cookie': 'sid=from-the-backend; HttpOnly' }).end(PAGE);
  });
  const sockets = new WebSocketServer({ server, perMessageDeflate: { threshold: 0 } });
  const visits: Visit[] = [];
  sockets.on('connection', (socket, request) => {
    const heard: string[] = [];
    socket.on('message', (data) => heard.push(String(data)));
    const closed = new Promise<number>((resolve) => socket.once('close', resolve));
    visits.push({ socket, request, heard, closed });
    for (let n = 1; n <= EVENTS; n++) socket.send(JSON.stringify(event(`e-${n}`)));
    if (request.url?.includes('stream') !== true) return;
    let n = EVENTS;
    const timer = setInterval(() => socket.send(JSON.stringify(event(`e-${++n}`))), 5);
    socket.once('close', () => clearInterval(timer));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  atEnd(() => {
    for (const { socket } of visits) socket.terminate();
    sockets.close();
    server.close();
    server.closeAllConnections();
  });
  return { address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, visits };
}

describe.skipIf(missing('chromium'))('Chromium', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({
      executablePath: findProgram('chromium')!,
      args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
    });
  });
  afterAll(() => browser.close());
  afterEach(closeAll);

  async function open(query = '', config: object = {}) {
    const site = await startSite();
    const sidecar = await startSidecar({ upstream: site.address, config });
    const context = await browser.newContext();
    atEnd(() => context.close());
    const page = await context.newPage();
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(String(error)));
    await page.goto(`${sidecar.http}/page${query}`);
    const events = page.locator('#events li');
    await eventually(async () => expect(await events.count()).toBeGreaterThanOrEqual(EVENTS));
    expect(errors).toEqual([]);
    return { site, visit: site.visits[0]!, sidecar, page, events };
  }

  it('confirms every event as received with no code, over the compression it negotiated; cookie and subprotocol pass', async () => {
    const { visit, sidecar, page, events } = await open();
    await sidecar.reach({ tracked: EVENTS, confirmed: EVENTS, pending: 0 });
    expect(await sidecar.sum('ackspan_delivery_duration_seconds_count', { level: 'received' })).toBe(EVENTS);
    expect(await events.allTextContents()).toEqual(Array.from({ length: EVENTS }, (_, i) => `e-${i + 1}`));
    expect(await page.evaluate('socket.extensions')).toContain('permessage-deflate');
    expect(await page.evaluate('socket.extensions')).toContain('client_no_context_takeover');
    expect(await page.evaluate('socket.protocol')).toBe('agent.v1');
    expect(visit.request.headers.cookie).toBe('sid=from-the-backend');
    expect(visit.request.headers['sec-websocket-extensions']).toContain('permessage-deflate');
    expect(visit.heard).toEqual([]);

    // A message of the page still reaches the backend, and its own ping is answered by the browser.
    await page.evaluate(`socket.send(JSON.stringify({ type: 'user_message', text: 'hello' }))`);
    await eventually(() => expect(visit.heard).toEqual([JSON.stringify({ type: 'user_message', text: 'hello' })]));
    const pong = once(visit.socket, 'pong');
    visit.socket.ping('from the backend');
    expect(String((await pong)[0])).toBe('from the backend');
    await page.evaluate(`socket.close(4000, 'enough')`);
    expect(await visit.closed).toBe(4000);
    await sidecar.idle();
    expectHealthyLog(sidecar);
  });

  it('a page that confirms: every event ends at level processed, and the backend hears none of it', async () => {
    const rules = [{ match: '*', confirm: 'processed' }];
    const { visit, sidecar, page } = await open('?confirm', { events: { rules } });
    await sidecar.reach({ tracked: EVENTS, confirmed: EVENTS, pending: 0 });
    expect(await sidecar.sum('ackspan_delivery_duration_seconds_count', { level: 'processed' })).toBe(EVENTS);
    expect(await sidecar.sum('ackspan_relay_consumed_total', { kind: 'confirmation' })).toBe(EVENTS);
    expect(await sidecar.sum('ackspan_confirmation_unmatched_total')).toBe(0);
    // Compressed messages on both sides of the ones taken out are read right.
    await page.evaluate(`socket.send('after all confirmations')`);
    await eventually(() => expect(visit.heard).toEqual(['after all confirmations']));
    expectHealthyLog(sidecar);
  });

  it('a tab that is closed in mid-stream: every delivery has an outcome', async () => {
    const { visit, sidecar, page } = await open('?stream');
    await eventually(async () => expect((await sidecar.stats()).confirmed).toBeGreaterThan(EVENTS + 20));
    await page.close();
    expect([1001, 1006]).toContain(await visit.closed);
    await sidecar.idle();
    const { tracked, confirmed, failed, timeout, unverifiable } = await sidecar.stats();
    // What the page had and had not spoken of is no loss (D24).
    expect(confirmed + failed + unverifiable).toBe(tracked);
    expect(timeout).toBe(0);
    expectHealthyLog(sidecar);
  });
});
