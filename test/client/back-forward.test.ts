// The SDK in a real Chromium with its back/forward cache: an earlier page comes back after a later one has gone on with its session.
import { resolve } from 'node:path';
import { build } from 'esbuild';
import { type Browser, chromium } from 'playwright-core';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { findProgram, missing } from '../support/component.ts';
import { type Served, serve } from './serve.ts';

const WAIT = { timeout: 60_000, interval: 20 };

describe.skipIf(missing('chromium'))('in Chromium', () => {
  let browser: Browser;
  let served: Served;

  beforeEach(async () => {
    const built = await build({
      entryPoints: [resolve(import.meta.dirname, 'page.ts')],
      bundle: true,
      write: false,
      target: 'es2022',
    });
    const page = '<script src="/page.js"></script>';
    served = await serve(false, { '/': page, '/later': page, '/page.js': built.outputFiles[0]!.text });
    browser = await chromium.launch({
      executablePath: findProgram('chromium')!,
      ignoreDefaultArgs: ['--disable-back-forward-cache'],
      args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'],
    });
  });
  afterEach(async () => {
    await browser.close();
    await served.stop();
  });

  test('a page that comes back begins anew where the later page ended, as docs/client.md has it', async () => {
    const page = await browser.newPage();
    const http = served.url.replace(/^ws/, 'http').replace('/chat', '');
    const shows = (log: string[]) => vi.waitFor(async () => expect(await page.evaluate('test.log')).toEqual(log), WAIT);
    await page.goto(`${http}/`);
    await shows(['open']);
    const { session } = served.sidecar;
    session.push('1');
    await shows(['open', '1']);
    await page.goto(`${http}/later`);
    await shows(['open', 'resumed true']);
    session.push('2');
    await shows(['open', 'resumed true', '2']);
    await vi.waitFor(() => expect(session.open).toEqual([]), WAIT);
    // Nothing is awaited: a page out of the cache is not loaded.
    await page.evaluate('setTimeout(() => history.back())');
    await vi.waitFor(async () => expect(await page.evaluate('location.pathname')).toBe('/'), WAIT);
    await shows(['open', 'resumed true']);
    session.push('3');
    await shows(['open', 'resumed true', '3']);
    await vi.waitFor(() => expect([...session.confirmed]).toEqual([1, 2, 3]), WAIT);
    expect(served.sidecar.sessions).toHaveLength(1);
    expect(session.faults).toEqual([]);
  });
});
