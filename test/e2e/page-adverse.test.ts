// The live page on a bad day: very many users with very long names, another clock, a sidecar that goes and comes back, a token that is changed, a second tab.
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Owner, Session } from '../../src/delivery/session.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { eventType, NOON, serve, settle, track } from '../admin/fixture.ts';
import { closeAll } from '../support/backends.ts';
import { missing } from '../support/component.ts';
import { expectAccessible, expectNoSideways, openPage, startChromium } from '../support/live-page.ts';
import { startSidecar } from '../support/sidecar-process.ts';
import { event, openClient, startWsBackend, tell } from '../support/ws-peers.ts';

const TOKEN = 'a-token-for-the-live-page';
const PAGE = fileURLToPath(new URL('../../dist/page', import.meta.url));
const HOUR = 3_600_000;
/** Names that go on, run from right to left, have no place to break, or are taller than a line. */
const NAMES = [
  (n: number) => `user-${n}-${'x'.repeat(490)}`,
  (n: number) => `مستخدم ${n} ${'طويل '.repeat(60)}`,
  (n: number) => `${n} ${'שם '.repeat(100)}`,
  (n: number) => `${n}${'\u202e'.repeat(3)}gnp.exe`,
  (n: number) => `${n} z${'\u0301'.repeat(200)}`,
  (n: number) => `${n} ${'👩‍👩‍👧‍👦'.repeat(40)}`,
];

/** A real admin server and page over a store with 10,000 users. */
async function crowded() {
  const store = createMemoryStore({ history: 20_000 });
  const types = Array.from({ length: 30 }, (_, n) => eventType(`type-${n}-${'y'.repeat(490)}`));
  for (let n = 1; n <= 10_000; n++) {
    const session = new Session(`session-${n}`, new Owner(NAMES[n % NAMES.length]!(n)));
    const delivery = track(store, {
      seq: n,
      session,
      id: `event-${n}-${'z'.repeat(400)}`,
      type: types[n % 30]!,
      at: NOON - n,
    });
    if (n % 3 > 0) settle(store, delivery, n % 3 === 1 ? 'timeout' : 'confirmed', NOON);
  }
  const { address } = await serve({ store, pageFolder: PAGE });
  return `http://127.0.0.1:${address.port}`;
}

describe.skipIf(missing('chromium'))('the live page on a bad day', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startChromium();
  });
  afterAll(() => browser.close());
  afterEach(closeAll);

  async function stage(config: object = {}, env: Record<string, string> = {}) {
    const backend = await startWsBackend();
    const options = { upstream: backend.address, config, env };
    const sidecar = await startSidecar(options);
    await openClient(`${sidecar.ws}/ws`);
    const peer = await backend.peer(0);
    for (let n = 1; n <= 3; n++) tell(peer, event(`e-${n}`));
    // With a token only the page is let in.
    if (env.ACKSPAN_ADMIN_TOKEN === undefined) await sidecar.reach({ confirmed: 3, pending: 0 });
    const { host } = new URL(sidecar.admin);
    /** The same addresses, another process. */
    const restarted = (more: object = {}) => startSidecar({ ...options, ...more, admin: host, port: sidecar.port });
    return { backend, sidecar, restarted };
  }

  const liveBadge = (page: Page, state: string) => page.locator(`.live-badge.${state}`);

  it.each([360, 1440])('10,000 users with endless names, and types of 500 characters, at %i px', async (width) => {
    const admin = await crowded();
    const { page, errors } = await openPage(browser, `${admin}/`, { viewport: { width, height: 800 } });
    for (const [place, ready] of [
      ['', '.card:has(#top-user) tbody tr'],
      ['deliveries', 'tr[data-row]'],
      ['deliveries/d-2s', '.timeline, .track'],
      [`deliveries?q=${'z'.repeat(180)}`, 'tr[data-row]'],
      [`deliveries?user=${encodeURIComponent(NAMES[1]!(7))}`, 'tr[data-row]'],
    ] as const) {
      await page.goto(`${admin}/#/${place}`);
      await page.locator(ready).first().waitFor();
      await expectNoSideways(page);
      // A name may not cover what stands around it.
      const tallest = (await page.evaluate(
        `Math.max(0, ...[...document.querySelectorAll('tbody tr')].map((row) => row.getBoundingClientRect().height))`,
      )) as number;
      expect([place, tallest < 160]).toEqual([place, true]);
      await expectAccessible(page);
    }
    // This process relays nothing: it has no stream, and says so with 404.
    expect(errors.filter((each) => !each.includes('404'))).toEqual([]);
  });

  it.each([
    ['three hours ahead', 3 * HOUR],
    ['a day behind', -24 * HOUR],
    ['ten years ahead', 87_600 * HOUR],
  ])('a browser whose clock is %s is live, and shows the sidecar’s times', async (_name, skew) => {
    const { sidecar } = await stage();
    const context = await browser.newContext();
    const page = await context.newPage();
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(String(error)));
    await page.addInitScript(`{
      const Real = Date, skew = ${skew};
      globalThis.Date = class extends Real {
        constructor(...all) { if (all.length === 0) super(Real.now() + skew); else super(...all); }
        static now() { return Real.now() + skew; }
      };
    }`);
    await page.goto(`${sidecar.admin}/`);
    await liveBadge(page, 'live').waitFor();
    await page.locator('.hero.good', { hasText: '3 of 3 deliveries' }).waitFor();
    expect(await page.locator('.stale').count()).toBe(0);
    await page.goto(`${sidecar.admin}/#/deliveries`);
    const row = page.locator('tr[data-row]').first();
    await row.waitFor();
    const [newest] = (await (await fetch(`${sidecar.admin}/api/v1/deliveries?limit=1`)).json()).deliveries as {
      sent_at: string;
    }[];
    const minute = new Date(newest!.sent_at).toISOString().slice(14, 19);
    expect(await row.innerText()).toContain(minute);
    expect(errors).toEqual([]);
    await context.close();
  });

  it('a sidecar that goes shows what there is as old; one that comes back is live with what is true then', async () => {
    const { sidecar, restarted, backend } = await stage();
    const { page } = await openPage(browser, `${sidecar.admin}/`);
    await page.locator('.hero.good', { hasText: '3 of 3 deliveries' }).waitFor();
    await liveBadge(page, 'live').waitFor();
    await sidecar.kill();
    await liveBadge(page, 'lost').waitFor();
    await page.locator('.stale', { hasText: 'This is as of' }).first().waitFor();
    // The number stays, and is said to be old.
    await page.locator('.big', { hasText: '100' }).waitFor();
    await expectAccessible(page);
    const again = await restarted({ config: { objective: { all: 0.995 } } });
    await liveBadge(page, 'live').waitFor({ timeout: 20_000 });
    await page.locator('.stale').first().waitFor({ state: 'detached', timeout: 20_000 });
    await openClient(`${again.ws}/ws`);
    tell(await backend.peer(1), event('after'));
    await page.locator('.hero.good', { hasText: '1 of 1 deliveries' }).waitFor({ timeout: 20_000 });
    await page.locator('.hero-verdict', { hasText: 'objective of 99.5 %' }).waitFor();
  });

  it('an answer that breaks off is said to be none, and the page asks again', async () => {
    const { sidecar } = await stage();
    const { page } = await openPage(browser, `${sidecar.admin}/`);
    await page.locator('.hero.good', { hasText: '3 of 3 deliveries' }).waitFor();
    await page.route('**/api/v1/summary', (route) =>
      route.fulfill({ contentType: 'application/json', body: '{"at":"2026' }),
    );
    await page.locator('.stale', { hasText: 'This is as of' }).first().waitFor();
    await page.unroute('**/api/v1/summary');
    await page.locator('.stale').first().waitFor({ state: 'detached' });
  });

  it('a token that is changed while the page is open leads to the log-in, and from there back', async () => {
    const { sidecar, restarted } = await stage({}, { ACKSPAN_ADMIN_TOKEN: TOKEN });
    const { page } = await openPage(browser, `${sidecar.admin}/#/deliveries`);
    const logIn = async (token: string): Promise<void> => {
      await page.getByLabel('Admin token').fill(token);
      await page.keyboard.press('Enter');
    };
    await logIn(TOKEN);
    await page.locator('tr[data-row]').first().waitFor();
    await sidecar.kill();
    await restarted({ env: { ACKSPAN_ADMIN_TOKEN: 'quite-another-token' } });
    await page.getByLabel('Admin token').waitFor({ timeout: 20_000 });
    // Nothing of what was seen before stands beside the log-in.
    expect(await page.locator('tr[data-row]').count()).toBe(0);
    await logIn('quite-another-token');
    await liveBadge(page, 'live').waitFor();
  });

  it('a log-out in one tab is one in the other', async () => {
    const { sidecar } = await stage({}, { ACKSPAN_ADMIN_TOKEN: TOKEN });
    const { page } = await openPage(browser, `${sidecar.admin}/`);
    await page.getByLabel('Admin token').fill(TOKEN);
    await page.keyboard.press('Enter');
    await liveBadge(page, 'live').waitFor();
    const second = await page.context().newPage();
    await second.goto(`${sidecar.admin}/#/connections`);
    await second.locator('tr[data-row]').first().waitFor();
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByLabel('Admin token').waitFor();
    await second.getByLabel('Admin token').waitFor({ timeout: 20_000 });
  });

  it('what nobody knows has a heading, and says why that may be', async () => {
    const { sidecar } = await stage();
    const { page } = await openPage(browser, `${sidecar.admin}/#/deliveries/d-nobody`);
    await page.getByRole('heading', { level: 1, name: 'Delivery d-nobody' }).waitFor();
    await page.getByText('The history is bounded').waitFor();
    await expectAccessible(page);
    await page.goto(`${sidecar.admin}/#/connections/${'c'.repeat(500)}`);
    await page.getByRole('heading', { level: 1, name: /^Connection c+$/ }).waitFor();
    await expectNoSideways(page);
    await expectAccessible(page);
  });
});
