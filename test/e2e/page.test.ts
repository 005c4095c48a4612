// The live page as an engineer uses it: a real Chromium, a real sidecar, a backend and clients of which one falls silent.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { closeAll } from '../support/backends.ts';
import { builtCli } from '../support/build.ts';
import { missing } from '../support/component.ts';
import { expectAccessible, expectNoSideways, keepPicture, openPage, startChromium } from '../support/live-page.ts';
import { expectHealthyLog, type SidecarProcess, startSidecar } from '../support/sidecar-process.ts';
import { event, openClient, startWsBackend, tell } from '../support/ws-peers.ts';

const TOKEN = 'a-token-for-the-live-page';
const RULES = [
  { match: 'agent_error', priority: 'critical', timeout: '1500ms', attempts: ['300ms'] },
  // Long enough that a busy machine's browser is there before the attempt, and between attempt and
  // end.
  { match: 'agent_halted', priority: 'critical', timeout: '9s', attempts: ['4s'] },
  { match: 'tool_*', confirm: 'processed', resend: true, timeout: '1h', attempts: ['30m'] },
  { match: '*', timeout: '30s' },
];

/**
 * A backend with two clients: the first reads everything, the second has answered once and then
 * stopped reading.
 */
async function stage(config: object = {}, env: Record<string, string> = {}) {
  const backend = await startWsBackend();
  const sidecar = await startSidecar({
    upstream: backend.address,
    config: { events: { rules: RULES }, ...config },
    env,
  });
  const client = await openClient(`${sidecar.ws}/ws/reader`);
  const reader = await backend.peer(0);
  const silent = await openClient(`${sidecar.ws}/ws/silent`);
  const lost = await backend.peer(1);
  for (let n = 1; n <= 5; n++) tell(reader, event(`seen-${n}`));
  tell(lost, event('seen-by-the-second'));
  return {
    sidecar,
    client,
    reader,
    lost,
    /** From now on the second client takes nothing from its socket. */
    freeze: () => silent.socket.pause(),
  };
}

/** The rows of the table, by event. */
const rowOf = (page: Page, id: string) => page.locator('tr[data-row]').filter({ hasText: id });
const badge = (page: Page) => page.locator('.title-row .badge');

describe.skipIf(missing('chromium'))('the live page', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startChromium();
  });
  afterAll(() => browser.close());
  afterEach(closeAll);

  const settled = async (sidecar: SidecarProcess, confirmed: number) => sidecar.reach({ confirmed, pending: 0 });

  it('opens with one number, is live at once, and asks nobody but its own server', async () => {
    const { sidecar } = await stage();
    await settled(sidecar, 6);
    const { page, errors } = await openPage(browser, `${sidecar.admin}/`);
    await page.locator('.big', { hasText: '100' }).waitFor();
    await page.locator('.hero.good', { hasText: '6 of 6 deliveries proven received' }).waitFor();
    await page.locator('.live-badge.live', { hasText: '0 in flight' }).waitFor();
    await page.locator('.plot canvas').first().waitFor();
    await expectAccessible(page);
    expect(errors).toEqual([]);
    expectHealthyLog(sidecar);
  });

  it('filters by status chip and by id; the address carries the filter to a colleague', async () => {
    const { sidecar, reader } = await stage();
    await settled(sidecar, 6);
    tell(reader, event('call-1', 'tool_executing'));
    const { page, errors } = await openPage(browser, `${sidecar.admin}/#/deliveries`);
    await rowOf(page, 'call-1').waitFor();
    expect(await page.locator('tr[data-row]').count()).toBe(7);
    await page.getByRole('button', { name: 'confirmed', exact: true }).click();
    await rowOf(page, 'call-1').waitFor({ state: 'detached' });
    await rowOf(page, 'seen-5').waitFor();
    expect(new URL(page.url()).hash).toBe('#/deliveries?status=confirmed');
    await page.getByLabel('Any id').fill('seen-3');
    await page.getByLabel('Any id').press('Enter');
    await rowOf(page, 'seen-5').waitFor({ state: 'detached' });
    await rowOf(page, 'seen-3').waitFor();
    const shared = await openPage(browser, page.url());
    await rowOf(shared.page, 'seen-3').waitFor();
    expect(await shared.page.locator('tr[data-row]').count()).toBe(1);
    await page.getByRole('button', { name: 'Clear all' }).click();
    await rowOf(page, 'call-1').waitFor();
    await expectAccessible(page);
    expect([...errors, ...shared.errors]).toEqual([]);
  });

  it('follows a failure live: pending, an attempt, the time-out, its cause and what to do', async () => {
    const { sidecar, lost, freeze } = await stage();
    await settled(sidecar, 6);
    const { page, errors } = await openPage(browser, `${sidecar.admin}/#/deliveries`);
    await rowOf(page, 'seen-by-the-second').waitFor();
    await page.locator('.live-badge.live').waitFor();
    freeze();
    tell(lost, event('never-arrives', 'agent_halted'));
    await rowOf(page, 'never-arrives').locator('.badge.pending').waitFor();
    await rowOf(page, 'never-arrives').locator('.row-link').click();
    await badge(page).filter({ hasText: 'retrying' }).waitFor();
    await page.locator('.steps li', { hasText: 'probe' }).waitFor();
    await badge(page).filter({ hasText: 'timeout' }).waitFor();
    await page.locator('.steps li', { hasText: 'timed out' }).waitFor();
    expect(await page.locator('.steps li .step-name').allTextContents()).toEqual([
      expect.stringMatching(/^sent/),
      expect.stringMatching(/^probe/),
      expect.stringMatching(/^timed out/),
    ]);
    await page.locator('.todo li').first().waitFor();
    expect(await page.locator('.sentence').textContent()).toMatch(
      /^No proof of the level “received” within [\d.]+ s, in 2 attempts\.$/,
    );
    await page.getByRole('link', { name: 'Overview' }).click();
    await page.locator('.hero-facts .bad', { hasText: 'Lost' }).waitFor();
    expect(errors).toEqual([]);
    expectHealthyLog(sidecar);
  });

  it('the head of the overview names a loss as soon as its charts do, not with its next look', async () => {
    const { sidecar, lost, freeze } = await stage();
    await settled(sidecar, 6);
    freeze();
    const { page, errors } = await openPage(browser, `${sidecar.admin}/`);
    // The look that comes every five seconds never comes here.
    await page.addInitScript(`const set = window.setTimeout;
      window.setTimeout = (then, ms, ...more) => (ms === 5000 ? 0 : set(then, ms, ...more));`);
    await page.reload();
    await page.locator('.hero.good', { hasText: '6 of 6 deliveries' }).waitFor();
    await page.locator('.live-badge.live').waitFor();
    tell(lost, event('never-arrives', 'agent_error'));
    await page.locator('.hero.bad', { hasText: '6 of 7 deliveries' }).waitFor();
    await page.locator('.hero-facts .bad', { hasText: 'Lost' }).waitFor();
    expect(errors).toEqual([]);
  });

  it('sends again after asking why, and the change is in the log with who and why', async () => {
    const { sidecar, client, reader } = await stage();
    await settled(sidecar, 6);
    tell(reader, event('call-1', 'tool_executing'));
    await sidecar.reach({ pending: 1 });
    const { page, errors } = await openPage(browser, `${sidecar.admin}/#/deliveries?q=call-1`);
    await rowOf(page, 'call-1').locator('.row-link').click();
    await page.getByRole('button', { name: 'Send again…' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.waitFor();
    await expectAccessible(page);
    await keepPicture(page, 'send-again');
    await dialog.getByLabel(/^Why/).fill('user 4711 called');
    await dialog.getByLabel(/^Your name/).fill('Ada');
    const arrives = new Promise((resolve) => client.socket.once('message', resolve));
    await dialog.getByRole('button', { name: 'Send again' }).click();
    await arrives;
    expect(client.texts.filter((text) => text.includes('call-1'))).toHaveLength(2);
    await page.locator('.steps li', { hasText: 'sent again' }).waitFor();
    const line = await sidecar.line((each) => JSON.stringify(each).includes('user 4711 called'));
    expect(JSON.stringify(line)).toContain('Ada');
    expect(errors).toEqual([]);
  });

  it('asks for the token, refuses a wrong one, stays logged in over a reload, and logs out', async () => {
    const { sidecar } = await stage({}, { ACKSPAN_ADMIN_TOKEN: TOKEN });
    const { page, errors } = await openPage(browser, `${sidecar.admin}/`);
    const field = page.getByLabel('Admin token');
    await field.waitFor();
    await expectAccessible(page);
    await field.fill('not-the-token-at-all');
    await field.press('Enter');
    await page.locator('#login-error', { hasText: 'not the admin token' }).waitFor();
    await field.fill(TOKEN);
    await field.press('Enter');
    await page.locator('.big').waitFor();
    const [cookie, ...others] = await page.context().cookies();
    expect(others).toEqual([]);
    expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Strict' });
    expect(JSON.stringify(cookie)).not.toContain(TOKEN);
    expect(await page.evaluate('document.cookie + JSON.stringify(localStorage)')).not.toContain(TOKEN);
    await page.reload();
    await page.locator('.big').waitFor();
    await page.getByRole('button', { name: 'Log out' }).click();
    await field.waitFor();
    await page.reload();
    await field.waitFor();
    // Chromium itself writes each 401 on the console.
    expect(errors.filter((each) => !/status of 401/.test(each))).toEqual([]);
  });

  it.each([
    ['light', 1440],
    ['dark', 1440],
    ['light', 360],
    ['dark', 360],
  ] as const)(
    '%s at %i px: every view is readable and fits, and a picture of it is kept',
    async (colorScheme, width) => {
      const { sidecar, lost, freeze } = await stage();
      await settled(sidecar, 6);
      freeze();
      tell(lost, event('never-arrives', 'agent_error'));
      await sidecar.reach({ timeout: 1 });
      const viewport = { width, height: width === 360 ? 740 : 900 };
      const { page, errors } = await openPage(browser, `${sidecar.admin}/`, { colorScheme, viewport });
      await page.locator('.plot canvas').first().waitFor();
      const look = async (view: string) => {
        await expectAccessible(page);
        await expectNoSideways(page);
        await keepPicture(page, `${view}-${colorScheme}-${width}`);
      };
      await look('overview');
      const dark = await page.evaluate('getComputedStyle(document.documentElement).colorScheme');
      expect(dark).toBe(colorScheme);
      await page.getByRole('link', { name: 'Deliveries', exact: true }).click();
      await page.locator('tr[data-row].timeout').waitFor();
      await look('deliveries');
      await page.locator('tr[data-row].timeout .row-link').click();
      await page.locator('.picture').waitFor();
      await page.locator('.todo li').first().waitFor();
      await look('delivery');
      await page.getByRole('link', { name: 'Connections', exact: true }).click();
      await page.locator('tr[data-row]').first().waitFor();
      await look('connections');
      await page.locator('tr[data-row] .row-link').first().click();
      await page.locator('.messages tbody tr').first().waitFor();
      await look('connection');
      expect(errors).toEqual([]);
    },
  );

  it.each([
    ['light', 1440],
    ['dark', 360],
  ] as const)('%s at %i px: the door and a sidecar that has seen nothing yet', async (colorScheme, width) => {
    const backend = await startWsBackend();
    const sidecar = await startSidecar({ upstream: backend.address, env: { ACKSPAN_ADMIN_TOKEN: TOKEN } });
    const viewport = { width, height: width === 360 ? 740 : 900 };
    const { page, errors } = await openPage(browser, `${sidecar.admin}/`, { colorScheme, viewport });
    const look = async (view: string) => {
      await expectAccessible(page);
      await expectNoSideways(page);
      await keepPicture(page, `${view}-${colorScheme}-${width}`);
    };
    const field = page.getByLabel('Admin token');
    await field.waitFor();
    await look('login');
    await field.fill(TOKEN);
    await field.press('Enter');
    await page.locator('.live-badge.live').waitFor();
    await look('overview-empty');
    for (const name of ['Deliveries', 'Connections']) {
      await page.getByRole('link', { name, exact: true }).click();
      await page.getByRole('heading', { name, exact: true }).waitFor();
      await page.locator('.empty').first().waitFor();
      await look(`${name.toLowerCase()}-empty`);
    }
    expect(errors.filter((each) => !/status of 401/.test(each))).toEqual([]);
  });

  it('the colours can be chosen by hand, and are remembered', async () => {
    const { sidecar } = await stage();
    const { page } = await openPage(browser, `${sidecar.admin}/`, { colorScheme: 'light' });
    await page.getByLabel('Colours').selectOption('dark');
    await page.reload();
    await page.locator('.big').waitFor();
    expect(await page.evaluate('getComputedStyle(document.documentElement).colorScheme')).toBe('dark');
  });

  it('what is loaded takes less than 80 kB gzipped', () => {
    const folder = join(dirname(builtCli()), '../page');
    const loaded = readdirSync(folder).filter((name) => /\.(?:html|js|css|svg)$/.test(name));
    expect(loaded.length).toBeGreaterThanOrEqual(4);
    const bytes = loaded.map((name) => gzipSync(readFileSync(join(folder, name)), { level: 9 }).length);
    expect(bytes.reduce((sum, each) => sum + each, 0)).toBeLessThan(80_000);
  });
});
