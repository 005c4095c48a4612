// docs: `npm run screenshots`: runs the demo, opens its page in a headless Chromium, and puts what a browser showed into docs/images.
import { spawn } from 'node:child_process';
import { mkdirSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { chromium } from 'playwright-core';

const FOLDER = process.argv[2] ?? 'docs/images';
const WIDE = { width: 1280, height: 800 };
const NARROW = { width: 360, height: 740 };

/** Pictures: where each is taken, at what size, in which colours, and what must be seen before it is taken. */
const PICTURES = [
  { name: 'overview', place: '#/', view: WIDE, theme: 'light', seen: '.hero.good, .hero.bad' },
  { name: 'delivery', place: 'LOST', view: WIDE, theme: 'dark', seen: '.picture' },
  { name: 'phone', place: 'LOST', view: NARROW, theme: 'light', seen: '.picture' },
];

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** The page of the demo as soon as a delivery has timed out there; answers that delivery's place. */
async function lost(page, admin) {
  await page.goto(`${admin}/#/deliveries?status=timeout`);
  const link = page.locator('tr[data-row].timeout .row-link').first();
  // The demo's clients fall ill half-way, and what they miss times out 3 s later.
  await link.waitFor({ timeout: 60_000 });
  return link.getAttribute('href');
}

async function take(browser, admin, place, { name, view, theme, seen }) {
  const context = await browser.newContext({ viewport: view, colorScheme: theme });
  const page = await context.newPage();
  await page.goto(`${admin}/${place}`);
  await page.locator(seen).first().waitFor();
  await page.locator('.live-badge.live').waitFor();
  // Charts are drawn with the second line of statistics.
  if (place === '#/') await page.locator('.plot canvas').first().waitFor();
  const path = join(FOLDER, `${name}.png`);
  await page.screenshot({ path });
  await context.close();
  console.log(`${path}: ${Math.ceil(statSync(path).size / 1000)} kB`);
}

const admin = `http://127.0.0.1:${await freePort()}`;
const words = ['dist/cli/main.js', 'demo', '--duration', '40s', '--admin', new URL(admin).host];
const demo = spawn(process.execPath, words, { stdio: ['ignore', 'ignore', 'inherit'] });
const ended = new Promise((resolve) => demo.once('exit', resolve));
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
});
try {
  mkdirSync(FOLDER, { recursive: true });
  const page = await browser.newPage({ viewport: WIDE });
  while (!(await fetch(`${admin}/healthz`).catch(() => undefined))?.ok) {
    if (demo.exitCode !== null) throw new Error(`the demo ended with ${demo.exitCode}`);
    await sleep(100);
  }
  const place = await lost(page, admin);
  await page.close();
  for (const picture of PICTURES) {
    rmSync(join(FOLDER, `${picture.name}.png`), { force: true });
    await take(browser, admin, picture.place === 'LOST' ? place : picture.place, picture);
  }
} finally {
  await browser.close();
  demo.kill('SIGINT');
  await ended;
}
