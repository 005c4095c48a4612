// The SDK in a real Chromium: a page, a worker, the network off and on, a frozen tab and a reload.
import { resolve } from 'node:path';
import { build } from 'esbuild';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { findProgram, missing } from '../support/component.ts';
import { type Served, serve } from './serve.ts';

const WAIT = { timeout: 60_000, interval: 20 };

describe.skipIf(missing('chromium'))('in Chromium', () => {
  let browser: Browser;
  let script: string;
  let served: Served;
  let context: BrowserContext;
  let page: Page;
  const errors: string[] = [];

  beforeAll(async () => {
    const built = await build({
      entryPoints: [resolve(import.meta.dirname, 'page.ts')],
      bundle: true,
      minify: true,
      write: false,
      target: 'es2022',
    });
    script = built.outputFiles[0]!.text;
    browser = await chromium.launch({
      executablePath: findProgram('chromium')!,
      args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'],
    });
  });
  afterAll(() => browser?.close());

  beforeEach(async () => {
    served = await serve(false, { '/': '<script src="/page.js"></script>', '/empty': '<p>empty', '/page.js': script });
    context = await browser.newContext();
    page = await context.newPage();
    errors.length = 0;
    page.on('pageerror', (error) => errors.push(error.message));
  });
  afterEach(async () => {
    await context.close();
    await served.stop();
  });

  const http = (path = '/') => served.url.replace(/^ws/, 'http').replace('/chat', path);
  const log = (): Promise<string[]> => page.evaluate('test.log');
  const session = () => served.sidecar.session;

  async function load(): Promise<void> {
    await page.goto(http());
    await vi.waitFor(async () => expect(await page.evaluate('test.socket.resumption')).not.toBeNull(), WAIT);
  }

  test('text, binary and a failing handler: each is told as what became of it, and errors are uncaught errors', async () => {
    await load();
    session().push('one');
    session().push(Uint8Array.of(1, 2));
    session().push('broken');
    session().push('last');
    await vi.waitFor(() => expect([...session().confirmed]).toEqual([1, 2, 4]), WAIT);
    expect([...session().rejected]).toEqual([[3, 'Error: broken']]);
    expect(await log()).toEqual(['open', 'one', 'bytes 1,2', 'last']);
    expect(errors).toEqual(['broken']);
    expect(await page.evaluate('test.socket.url')).toBe(served.url);
    expect(session().faults).toEqual([]);
  });

  test('a bad URL, an early send and a bad close code throw what WebSocket throws', async () => {
    await load();
    const names = await page.evaluate(`(() => {
      const { socket } = test, Socket = socket.constructor;
      const name = (act) => { try { act(); return 'nothing'; } catch (error) { return error.name; } };
      const both = (act) => [name(() => act(Socket)), name(() => act(WebSocket))];
      return [
        both((Class) => new Class('http://%')),
        both((Class) => new Class(socket.url, ['a', 'a'])),
        both((Class) => new Class(socket.url).send('early')),
        both((Class) => new Class(socket.url).close(1001)),
      ];
    })()`);
    expect(names).toEqual([
      ['SyntaxError', 'SyntaxError'],
      ['SyntaxError', 'SyntaxError'],
      ['InvalidStateError', 'InvalidStateError'],
      ['InvalidAccessError', 'InvalidAccessError'],
    ]);
  });

  test('offline and online again, and the connection answers: it is kept, and what was sent in between arrives once and in order', async () => {
    await load();
    const mine = session();
    mine.push('1');
    await vi.waitFor(async () => expect(await log()).toContain('1'), WAIT);
    await vi.waitFor(() => expect(mine.open).toEqual([]), WAIT);
    await context.setOffline(true);
    await vi.waitFor(async () => expect(await page.evaluate('navigator.onLine')).toBe(false), WAIT);
    const before = mine.heard;
    await context.setOffline(false);
    // It asks.
    await vi.waitFor(() => expect(mine.heard).toBeGreaterThan(before), WAIT);
    for (const text of ['2', '3', '4']) mine.push(text);
    await vi.waitFor(() => expect(mine.open).toEqual([]), WAIT);
    expect(await log()).toEqual(['open', '1', '2', '3', '4']);
    expect(mine.faults).toEqual([]);
  });

  test('offline and online again, and nobody answers: another connection goes on with the session', async () => {
    await load();
    const mine = session();
    mine.push('1');
    await vi.waitFor(() => expect(mine.open).toEqual([]), WAIT);
    served.sidecar.mute = true;
    await context.setOffline(true);
    await vi.waitFor(async () => expect(await page.evaluate('navigator.onLine')).toBe(false), WAIT);
    await context.setOffline(false);
    await vi.waitFor(async () => expect(await log()).toContain('resumed true'), WAIT);
    mine.push('2');
    await vi.waitFor(() => expect(mine.open).toEqual([]), WAIT);
    expect((await log()).filter((line) => /^\d$/.test(line))).toEqual(['1', '2']);
    expect(served.sidecar.sessions).toHaveLength(1);
    expect(mine.faults).toEqual([]);
  });

  test('the connection cut while offline: tried again until it is back', async () => {
    await load();
    const mine = session();
    await context.setOffline(true);
    mine.link = undefined;
    served.sockets[0]!.terminate();
    mine.push('missed');
    await vi.waitFor(
      async () => expect((await log()).filter((line) => line === 'reconnecting').length).toBeGreaterThan(1),
      WAIT,
    );
    await context.setOffline(false);
    await vi.waitFor(() => expect([...mine.confirmed]).toEqual([1]), WAIT);
    expect(await log()).not.toContain('close');
  });

  test('a tab frozen and woken: everything is handled once, in order', async () => {
    await load();
    const cdp = await context.newCDPSession(page);
    await cdp.send('Page.setWebLifecycleState', { state: 'frozen' });
    for (let n = 0; n < 50; n++) session().push(String(n));
    await cdp.send('Page.setWebLifecycleState', { state: 'active' });
    await vi.waitFor(() => expect(served.sidecar.sessions[0]!.open).toEqual([]), WAIT);
    expect((await log()).filter((line) => /^\d+$/.test(line))).toEqual(Array.from({ length: 50 }, (_, n) => String(n)));
    expect(served.sidecar.sessions[0]!.faults).toEqual([]);
  });

  test('leaving the page says the rest; a reload resumes, and unfinished messages come again', async () => {
    await load();
    const mine = session();
    mine.push('done');
    mine.push('hang');
    await vi.waitFor(async () => expect(await log()).toEqual(['open', 'done', 'hang']), WAIT);
    await page.reload();
    await vi.waitFor(async () => expect(await log()).toEqual(['open', 'resumed true', 'hang']), WAIT);
    expect([...mine.confirmed]).toEqual([1]);
    expect(served.sidecar.queries[1]!.get('ackspan_last')).toBe('1');
  });

  test('in a worker', async () => {
    await page.goto(http('/empty'));
    const got = page.evaluate(`new Promise((resolve) => {
      const worker = new Worker('/page.js');
      worker.onmessage = ({ data }) => resolve(data);
    })`);
    await vi.waitFor(() => expect(served.sockets).toHaveLength(1), WAIT);
    session().push('to the worker');
    expect(await got).toBe('to the worker');
    await vi.waitFor(() => expect([...session().confirmed]).toEqual([1]), WAIT);
  });
});
