// The doors of the live page, tried by a real browser: under the mount of the public port, from a page of another origin, and by a rebound name.
import { createServer } from 'node:http';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { closeAll, listenOn } from '../support/backends.ts';
import { missing } from '../support/component.ts';
import { expectAccessible, openPage, startChromium } from '../support/live-page.ts';
import { expectHealthyLog, startSidecar } from '../support/sidecar-process.ts';
import { event, openClient, startWsBackend, tell } from '../support/ws-peers.ts';

const TOKEN = 'a-token-for-the-live-page';
const RULES = {
  events: { rules: [{ match: '*', confirm: 'processed', resend: true, timeout: '1h', attempts: ['30m'] }] },
};

/** A sidecar with one delivery in flight. */
async function stage(config: object = {}, env: Record<string, string> = {}) {
  const backend = await startWsBackend();
  const sidecar = await startSidecar({ upstream: backend.address, config: { ...RULES, ...config }, env });
  const client = await openClient(`${sidecar.ws}/ws`);
  const arrives = new Promise((resolve) => client.socket.once('message', resolve));
  tell(await backend.peer(0), event('e-1'));
  await arrives;
  return { sidecar, client };
}

/** What a page of another origin can try, each with its own means; answers what came of it. */
const ATTACK = `async (target) => {
  const fail = target + '/api/v1/deliveries/d-1/fail';
  const body = JSON.stringify({ reason: 'evil' });
  const tried = (one) => one.then((got) => got.type + ' ' + got.status, () => 'refused');
  const loaded = (tag, property, path) => new Promise((resolve) => {
    const element = document.createElement(tag);
    element.onload = () => resolve('loaded');
    element.onerror = () => resolve('refused');
    element[property] = target + path;
    document.body.append(element);
  });
  const form = document.createElement('form');
  const frame = document.createElement('iframe');
  frame.name = 'sink';
  document.body.append(frame, form);
  Object.assign(form, { action: fail, method: 'POST', enctype: 'text/plain', target: 'sink' });
  const field = document.createElement('input');
  Object.assign(field, { name: '{"reason":"evil","by":"', value: '"}' });
  form.append(field);
  const submitted = new Promise((resolve) => frame.addEventListener('load', resolve, { once: true }));
  form.submit();
  await submitted;
  const simple = { method: 'POST', mode: 'no-cors', credentials: 'include', body };
  const json = { 'Content-Type': 'application/json', 'X-Ackspan-Request': '1' };
  return {
    blind: await tried(fetch(fail, simple)),
    asJson: await tried(fetch(fail, { method: 'POST', credentials: 'include', headers: json, body })),
    beacon: navigator.sendBeacon(fail, new Blob([body], { type: 'text/plain' })),
    read: await tried(fetch(target + '/api/v1/deliveries', { credentials: 'include' })),
    stream: await new Promise((resolve) => {
      const source = new EventSource(target + '/api/v1/stream', { withCredentials: true });
      source.onopen = () => resolve('open');
      source.onerror = () => resolve('refused');
    }),
    image: await loaded('img', 'src', '/page/icon.svg'),
    script: await loaded('script', 'src', '/api/v1/deliveries'),
  };
}`;

describe.skipIf(missing('chromium'))('the doors of the live page', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startChromium(
      '--host-resolver-rules=MAP evil.test 127.0.0.1',
      // Newer browsers keep such pages from this machine by themselves; older ones do not.
      '--disable-features=LocalNetworkAccessChecks',
    );
  });
  afterAll(() => browser.close());
  afterEach(closeAll);

  it('under the mount of the public port it asks for the token, works whole, and logs out', async () => {
    const { sidecar, client } = await stage({ admin: { mount: '/.ackspan' } }, { ACKSPAN_ADMIN_TOKEN: TOKEN });
    const { page, errors } = await openPage(browser, `${sidecar.http}/.ackspan`);
    expect(new URL(page.url()).pathname).toBe('/.ackspan/');
    const field = page.getByLabel('Admin token');
    await field.fill('not-the-token-at-all');
    await field.press('Enter');
    await page.locator('#login-error', { hasText: 'not the admin token' }).waitFor();
    await expectAccessible(page);
    await field.fill(TOKEN);
    await field.press('Enter');
    await page.locator('.live-badge.live', { hasText: '1 in flight' }).waitFor();
    const [cookie] = await page.context().cookies();
    expect(cookie).toMatchObject({ path: '/.ackspan', httpOnly: true, sameSite: 'Strict' });
    await page.getByRole('link', { name: 'Deliveries', exact: true }).click();
    await page.locator('tr[data-row] .row-link').click();
    await page.getByRole('button', { name: 'Send again…' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel(/^Why/).fill('by way of the mount');
    const arrives = new Promise((resolve) => client.socket.once('message', resolve));
    await dialog.getByRole('button', { name: 'Send again' }).click();
    await arrives;
    await page.reload();
    await page.locator('.steps li', { hasText: 'sent again' }).waitFor();
    await page.getByRole('button', { name: 'Log out' }).click();
    await field.waitFor();
    await page.reload();
    await field.waitFor();
    // What the backend serves beside the mount never gets the cookie.
    expect((await page.context().cookies(`${sidecar.http}/other`)).length).toBe(0);
    expect(errors.filter((each) => !/status of 401/.test(each))).toEqual([]);
    expectHealthyLog(sidecar);
  });

  it.each([
    ['without a token', {}],
    ['whose reader is logged in', { ACKSPAN_ADMIN_TOKEN: TOKEN }],
  ] as const)('a page on another port of this host can do nothing to a sidecar %s', async (_, env) => {
    const { sidecar } = await stage({}, env);
    const { page } = await openPage(browser, `${sidecar.admin}/`);
    if ('ACKSPAN_ADMIN_TOKEN' in env) {
      await page.getByLabel('Admin token').fill(TOKEN);
      await page.getByLabel('Admin token').press('Enter');
    }
    await page.locator('.big').waitFor();
    const evil = createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>evil</title><body></body>');
    });
    const port = await listenOn(evil);
    // The same host: for cookies it is the same site, so that they go along.
    const attacker = await page.context().newPage();
    await attacker.goto(`http://127.0.0.1:${port}/`);
    expect(await attacker.evaluate(`(${ATTACK})('${sidecar.admin}')`)).toEqual({
      ...{ blind: expect.stringMatching(/^(?:opaque 0|refused)$/), asJson: 'refused', beacon: true, read: 'refused' },
      ...{ stream: 'refused', image: 'refused', script: 'refused' },
    });
    await page.reload();
    await page.locator('.live-badge.live', { hasText: '1 in flight' }).waitFor();
    expect(sidecar.lines.filter(({ stage }) => stage === 'audit')).toEqual([]);
  });

  it('a name that was rebound to this machine gets neither the page nor an answer', async () => {
    const { sidecar } = await stage();
    const { port } = new URL(sidecar.admin);
    const context = await browser.newContext();
    const page = await context.newPage();
    expect((await page.goto(`http://evil.test:${port}/`))?.status()).toBe(421);
    // The page that its server gave out before the name was rebound: what it asks now goes to this
    // machine, as its own origin.
    const html = { contentType: 'text/html', body: '<!doctype html><title>evil</title>' };
    await page.route('**/attack', (route) => route.fulfill(html));
    await page.goto(`http://evil.test:${port}/attack`);
    const ask = `Promise.all(['/', '/api/v1/about', '/api/v1/deliveries', '/metrics', '/healthz'].map(
      async (path) => (await fetch(path)).status))`;
    expect(await page.evaluate(ask)).toEqual([421, 421, 421, 421, 421]);
    await context.close();
  });
});
