// A connection saved as HAR, opened by Chrome itself: the network panel of its developer tools reads the file and lists the messages.
import { readFileSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { closeAll } from '../support/backends.ts';
import { missing } from '../support/component.ts';
import { openPage, startChromium } from '../support/live-page.ts';
import { startSidecar } from '../support/sidecar-process.ts';
import { event, openClient, startWsBackend, tell } from '../support/ws-peers.ts';

/**
 * Gives a file to the network panel as its button and a drop do; answers what the panel then knows.
 */
const IMPORT = `async (text) => {
  const at = (module) => import('devtools://devtools/bundled/' + module);
  const { ViewManager } = await at('ui/legacy/legacy.js');
  await ViewManager.ViewManager.instance().showView('network');
  const { NetworkPanel } = await at('panels/network/network.js');
  await NetworkPanel.NetworkPanel.instance().networkLogView.onLoadFromFile(new File([text], 'saved.har'));
  const { NetworkLog } = await at('models/logs/logs.js');
  return NetworkLog.NetworkLog.instance().requests().map((request) => ({
    url: request.url(),
    kind: request.resourceType().name(),
    status: request.statusCode,
    frames: request.frames().map(({ type, opCode, text, time }) => ({ type, opCode, text, time })),
  }));
}`;

interface Imported {
  readonly url: string;
  readonly kind: string;
  readonly status: number;
  readonly frames: readonly { type: string; opCode: number; text: string; time: number }[];
}

/** The developer tools that this Chromium brings along, with an empty network panel. */
async function openDevTools(browser: Browser): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
  await page.goto('devtools://devtools/bundled/devtools_app.html');
  await page.getByRole('tab', { name: 'Network' }).first().waitFor();
  return page;
}

describe.skipIf(missing('chromium'))('a HAR file of the page', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startChromium();
  });
  afterAll(() => browser.close());
  afterEach(closeAll);

  it.each([true, false])('opens in Chrome’s network panel with every message (payloads kept: %s)', async (payloads) => {
    const backend = await startWsBackend();
    const sidecar = await startSidecar({ upstream: backend.address, config: { admin: { payloads } } });
    const client = await openClient(`${sidecar.ws}/ws/room`);
    const peer = await backend.peer(0);
    tell(peer, event('e-1', 'tool_executing', { text: 'ä 名前 "quoted"' }));
    peer.socket.send(Buffer.from([0, 1, 2, 255]));
    tell(client, { type: 'question', text: 'why?' });
    await sidecar.reach({ confirmed: 2, pending: 0 });
    const { page } = await openPage(browser, `${sidecar.admin}/#/connections/c-1`);
    await page.locator('.messages tr[aria-rowindex="4"]').waitFor();
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Save as HAR' }).click();
    const saved = readFileSync(await (await download).path(), 'utf8');

    const devTools = await openDevTools(browser);
    const [request, ...others] = (await devTools.evaluate(`(${IMPORT})(${JSON.stringify(saved)})`)) as Imported[];
    expect(others).toEqual([]);
    expect(request).toMatchObject({ url: 'ws://ackspan.invalid/ws/room', kind: 'websocket', status: 101 });
    const frames = request!.frames;
    expect(frames.map(({ type }) => type).sort()).toEqual(['receive', 'receive', 'send']);
    expect(frames.every(({ time }) => Math.abs(time * 1000 - Date.now()) < 3_600_000)).toBe(true);
    expect(frames.map(({ time }) => time)).toEqual(frames.map(({ time }) => time).sort((a, b) => a - b));
    const told = frames.find(({ text }) => text.includes('tool_executing'));
    if (payloads) expect(JSON.parse(told!.text)).toMatchObject({ event_id: 'e-1', text: 'ä 名前 "quoted"' });
    else
      expect(JSON.parse(told!.text)).toMatchObject({
        'ackspan: payload not kept': { delivery: expect.stringMatching(/^d-\w+-1$/) },
      });
    await devTools.locator('td.name-column', { hasText: 'room' }).click();
    await devTools.getByRole('tab', { name: 'Messages' }).click();
    await devTools.locator('.data-column', { hasText: 'tool_executing' }).waitFor();
    await devTools.close();
  });
});
