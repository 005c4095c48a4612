// The live page shows what strangers wrote: types, ids, paths, reasons, cases and HAR files. None of it becomes markup, and none of it runs.
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { closeAll } from '../support/backends.ts';
import { missing } from '../support/component.ts';
import { openPage, startChromium } from '../support/live-page.ts';
import { expectHealthyLog, startSidecar } from '../support/sidecar-process.ts';
import { confirmation, event, openClient, startWsBackend, tell } from '../support/ws-peers.ts';

/** Whatever it is put into, it would leave a mark there. */
const EVIL = `"'><img src=x onerror="window.pwned=1"><script>window.pwned=1</script>\${pwned=1}`;
const CONFIG = {
  events: { rules: [{ match: '*', confirm: 'processed', timeout: '30s' }] },
  identity: { user: ['query:user'], trust: 'upstream' },
  admin: { payloads: true },
};

describe.skipIf(missing('chromium'))('the live page and hostile texts', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startChromium();
  });
  afterAll(() => browser.close());
  afterEach(closeAll);

  /**
   * A sidecar that has relayed the hostile text in every place that a backend or a client can write
   * to.
   */
  async function stage() {
    const backend = await startWsBackend();
    const sidecar = await startSidecar({ upstream: backend.address, config: CONFIG });
    const client = await openClient(`${sidecar.ws}/ws/${encodeURIComponent(EVIL)}?user=${encodeURIComponent(EVIL)}`);
    client.socket.on('message', (text) => {
      const { event_id } = JSON.parse(String(text));
      tell(client, confirmation(event_id, { status: 'failed', error: EVIL }));
    });
    const more = { run_id: EVIL, tool_name: EVIL, tool_call_id: EVIL, text: EVIL };
    tell(await backend.peer(0), event(EVIL, `evil ${EVIL}`, more));
    await sidecar.reach({ failed: 1, pending: 0 });
    return sidecar;
  }

  const expectHarmless = async (page: Page, errors: readonly string[]) => {
    expect(await page.evaluate('window.pwned')).toBeUndefined();
    expect(await page.locator('main img, main script, main iframe, main object').count()).toBe(0);
    expect(await page.locator('a[href^="javascript:" i]').count()).toBe(0);
    expect(errors).toEqual([]);
  };

  it('types, ids, users, paths, reasons and payloads are shown as they are, as text', async () => {
    const sidecar = await stage();
    const { page, errors } = await openPage(browser, `${sidecar.admin}/`);
    await page.locator('.hero-facts .bad', { hasText: 'Lost' }).waitFor();
    await page.locator('.card', { hasText: 'Users' }).getByText(EVIL).first().waitFor();
    await expectHarmless(page, errors);
    await page.getByRole('link', { name: 'Deliveries', exact: true }).click();
    await page.locator('td.type', { hasText: EVIL }).waitFor();
    await page.locator('td.user a').click();
    await page.locator('td.event', { hasText: EVIL }).waitFor();
    expect(await page.getByLabel('User', { exact: true }).inputValue()).toBe(EVIL);
    await page.locator('.row-link').first().click();
    await page.locator('.error-text', { hasText: EVIL }).waitFor();
    await expectHarmless(page, errors);
    await page.getByRole('link', { name: 'Connections', exact: true }).click();
    await page.locator('tr[data-row] .row-link').click();
    await page.locator('.message-type button', { hasText: EVIL }).click();
    await page.locator('.payload pre', { hasText: 'onerror' }).waitFor();
    await expectHarmless(page, errors);
    expectHealthyLog(sidecar);
  });

  it('a place that somebody sent as a link is shown as text too', async () => {
    const sidecar = await stage();
    const evil = encodeURIComponent(EVIL);
    const { page, errors } = await openPage(browser, `${sidecar.admin}/#/deliveries?session=${evil}&until=2100-01-01`);
    await page.locator('.fixed code', { hasText: EVIL }).waitFor();
    await expectHarmless(page, errors);
    for (const place of [`deliveries/${evil}`, `connections/${evil}`, evil, 'deliveries?reason=%3Cimg%3E']) {
      await page.goto(`${sidecar.admin}/#/${place}`);
      await page.locator('main h1, main .fault, main .stale').first().waitFor();
      expect(await page.evaluate('window.pwned')).toBeUndefined();
      expect(await page.locator('main img').count()).toBe(0);
    }
  });

  it('a shared case opens on another page, hostile texts and all; nothing can be changed there', async () => {
    const sidecar = await stage();
    const { page, errors } = await openPage(browser, `${sidecar.admin}/#/deliveries`);
    await page.locator('.row-link').first().click();
    await page.locator('.error-text').waitFor();
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Share this case' }).click();
    const file = await (await download).path();
    const other = await openPage(browser, `${(await startSidecar({ upstream: 'http://127.0.0.1:9' })).admin}/#/case`);
    await other.page.locator('input[type=file]').setInputFiles(file);
    await other.page.locator('.from-file', { hasText: 'This is how things stood then' }).waitFor();
    await other.page.locator('.error-text', { hasText: EVIL }).waitFor();
    expect(await other.page.getByRole('button', { name: /Send again|Give up/ }).count()).toBe(0);
    await expectHarmless(other.page, other.errors);
    await expectHarmless(page, errors);
  });

  it('a HAR file of strangers is shown as text', async () => {
    const sidecar = await stage();
    const { page, errors } = await openPage(browser, `${sidecar.admin}/#/case`);
    const data = JSON.stringify({ type: '<img src=x onerror=pwned=1>', text: EVIL });
    const _webSocketMessages = [{ type: 'receive', time: 1_770_000_000.5, opcode: 1, data }];
    const har = { log: { entries: [{ request: { url: `javascript:${EVIL}` }, _webSocketMessages }] } };
    const buffer = Buffer.from(JSON.stringify(har));
    const name = `${EVIL.replaceAll('/', '')}.har`;
    await page.locator('input[type=file]').setInputFiles({ name, mimeType: 'application/json', buffer });
    await page.locator('.message-type button', { hasText: 'onerror' }).click();
    await page.locator('.payload pre', { hasText: 'onerror' }).waitFor();
    await expectHarmless(page, errors);
  });
});
