// Test support: the live page in a headless Chromium: what it complains about, and what axe finds wrong with it.
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { expect } from 'vitest';
import { atEnd } from './backends.ts';
import { findProgram } from './component.ts';

export function startChromium(...more: readonly string[]): Promise<Browser> {
  return chromium.launch({
    executablePath: findProgram('chromium')!,
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', ...more],
  });
}

export interface LivePage {
  readonly page: Page;
  /** Errors on the console, uncaught ones and refusals of the content security policy, in order. */
  readonly errors: string[];
}

/**
 * Opens an address in a browser profile of its own. Requests that leave the page's own host fail
 * the test.
 */
export async function openPage(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<LivePage> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  atEnd(() => context.close());
  const page = await context.newPage();
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') errors.push(message.text());
  });
  page.on('request', (request) => {
    const { protocol, host } = new URL(request.url());
    if (protocol !== 'blob:' && protocol !== 'data:' && host !== new URL(url).host)
      errors.push(`asked ${request.url()}`);
  });
  await page.goto(url);
  return { page, errors };
}

/** Folder of the pictures that the tests take, for a person to look at. */
const PICTURES = '.cache/page';

/** Keeps a picture of the whole page as it is now. */
export async function keepPicture(page: Page, name: string): Promise<void> {
  mkdirSync(PICTURES, { recursive: true });
  await page.screenshot({ path: join(PICTURES, `${name}.png`), fullPage: true });
}

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/**
 * Every rule of WCAG 2.2 A and AA and of good practice that axe can check holds for what is shown
 * now.
 */
export async function expectAccessible(page: Page): Promise<void> {
  // Evaluated by the debugger, which the page's policy does not bind.
  if (!(await page.evaluate("'axe' in window"))) await page.evaluate(AXE);
  const found = (await page.evaluate('axe.run()')) as {
    violations: { id: string; nodes: { html: string; failureSummary: string }[] }[];
    passes: unknown[];
  };
  expect(found.passes.length).toBeGreaterThan(10);
  expect(
    found.violations.flatMap(({ id, nodes }) => nodes.map((node) => [id, node.html, node.failureSummary])),
  ).toEqual([]);
}

/** What of the page reaches beyond the window's right edge, as far as nothing around it scrolls. */
const OUTSIDE = `[...document.querySelectorAll('body *')]
  .filter((each) => each.getBoundingClientRect().right > innerWidth && !each.closest('.messages'))
  .map((each) => each.outerHTML.slice(0, 160))`;

/** The page does not scroll sideways. */
export async function expectNoSideways(page: Page): Promise<void> {
  const { scrollWidth, clientWidth, outside } = (await page.evaluate(
    `({ scrollWidth: document.documentElement.scrollWidth, clientWidth: document.documentElement.clientWidth, outside: ${OUTSIDE} })`,
  )) as { scrollWidth: number; clientWidth: number; outside: string[] };
  expect(scrollWidth, outside.join('\n')).toBeLessThanOrEqual(clientWidth);
}
