// The live page in a headless Chromium as `npm run bench:page` opens it: when it painted, how long it blocked, how much it keeps.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';

/** What one visit showed. */
export interface Visit {
  /** First contentful and largest contentful paint after the navigation began, ms. */
  readonly firstPaintMs: number;
  readonly largestPaintMs: number;
  /** Tasks of the page's main thread above 50 ms (W3C Long Tasks), ms. */
  readonly longTasksMs: readonly number[];
  /**
   * CPU of the longest task of that thread, ms: what a busy machine makes the page wait for is not
   * its own work.
   */
  readonly longestCpuMs: number;
  /** Of the page's JavaScript after a collection, at its end. */
  readonly heapKiB: number;
}

/** Collects from the first moment on. */
const OBSERVED = `
  window.seen = { tasks: [], largest: 0 };
  new PerformanceObserver((list) => { for (const { duration } of list.getEntries()) seen.tasks.push(duration); })
    .observe({ type: 'longtask', buffered: true });
  new PerformanceObserver((list) => { for (const { startTime } of list.getEntries()) seen.largest = startTime; })
    .observe({ type: 'largest-contentful-paint', buffered: true });
`;

export function startChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
  });
}

/** Opens the page in a fresh profile. `leave` closes it and tells what was seen. */
export async function visit(browser: Browser, url: string): Promise<{ leave(): Promise<Visit> }> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  await page.addInitScript(OBSERVED);
  await browser.startTracing(page, { categories: ['toplevel', 'disabled-by-default-devtools.timeline'] });
  await page.goto(url);
  await page.locator('.live-badge.live').waitFor();
  return {
    async leave() {
      const [firstPaintMs, seen] = (await page.evaluate(
        `[performance.getEntriesByName('first-contentful-paint')[0].startTime, seen]`,
      )) as [number, { tasks: number[]; largest: number }];
      // Before the collection, which is a task of the benchmark's own.
      const traced = await browser.stopTracing();
      const session = await context.newCDPSession(page);
      await session.send('HeapProfiler.collectGarbage');
      const { usedSize } = await session.send('Runtime.getHeapUsage');
      const longestCpuMs = longestTask(traced);
      await context.close();
      const { largest: largestPaintMs, tasks: longTasksMs } = seen;
      return { firstPaintMs, largestPaintMs, longTasksMs, longestCpuMs, heapKiB: usedSize / 1024 };
    },
  };
}

interface TraceEvent {
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  /** CPU time of the thread within the event, µs. */
  readonly tdur?: number;
  readonly args?: { readonly name?: string };
}

/**
 * The most CPU time that one task of a renderer's main thread took, ms, by Chromium's own trace.
 */
function longestTask(trace: Buffer): number {
  const { traceEvents } = JSON.parse(trace.toString('utf8')) as { traceEvents: readonly TraceEvent[] };
  const mains = new Set(
    traceEvents
      .filter(({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain')
      .map(({ pid, tid }) => `${pid}.${tid}`),
  );
  const tasks = traceEvents.filter(({ name, pid, tid }) => /RunTask$/.test(name) && mains.has(`${pid}.${tid}`));
  if (tasks.length === 0) throw new Error('the trace of the browser has no task of the page');
  return tasks.reduce((most, { tdur = 0 }) => Math.max(most, tdur), 0) / 1000;
}

export interface Filtered {
  readonly cpuMs: number;
  readonly ms: number;
}

const MESSAGES = 100_000;
const TYPES = ['agent_thinking', 'tool_executing', 'tool_completed', 'agent_completed', 'token'];

/**
 * A HAR file with as many messages as a connection shows, each with a payload of about 200 bytes.
 */
function writeMessages(file: string): void {
  const message = (n: number): object => {
    const data = JSON.stringify({ type: TYPES[n % TYPES.length], event_id: `e-${n}`, text: 'An answer. '.repeat(14) });
    return { type: n % 7 === 0 ? 'send' : 'receive', time: 1_770_000_000 + n / 1000, opcode: 1, data };
  };
  const _webSocketMessages = Array.from({ length: MESSAGES }, (_, n) => message(n));
  fs.writeFileSync(file, JSON.stringify({ log: { entries: [{ request: { url: 'ws://x/' }, _webSocketMessages }] } }));
}

/** From a letter typed to the list that shows what was found. */
const TYPED = `async (text) => {
  const field = document.querySelector('.filters input[type=search]');
  const count = document.querySelector('.filters [role=status]');
  const begun = performance.now();
  const shown = new Promise((resolve) => {
    new MutationObserver((_, observer) => { observer.disconnect(); resolve(); })
      .observe(count, { characterData: true, childList: true, subtree: true });
  });
  field.value = text;
  field.dispatchEvent(new InputEvent('input', { bubbles: true }));
  await shown;
  const ms = performance.now() - begun;
  return [ms, count.textContent];
}`;

/**
 * For every text: CPU of the page's main thread, and the time that passed, from the letter to the
 * filtered list, ms.
 */
export async function filterTimes(browser: Browser, admin: string): Promise<readonly Filtered[]> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'ackspan-bench-page-'));
  try {
    const file = path.join(folder, 'many.har');
    writeMessages(file);
    const page = await browser.newPage();
    await page.goto(`${admin}/#/case`);
    await page.locator('input[type=file]').setInputFiles(file);
    await page.locator('.filters [role=status]', { hasText: '100,000 of 100,000' }).waitFor({ timeout: 60_000 });
    const session = await page.context().newCDPSession(page);
    // Time of the thread, not of the clock: what a busy machine makes the page wait for is not its
    // own.
    await session.send('Performance.enable', { timeDomain: 'threadTicks' });
    const cpuMs = async (): Promise<number> => {
      const { metrics } = await session.send('Performance.getMetrics');
      return (metrics.find(({ name }) => name === 'TaskDuration')?.value ?? Number.NaN) * 1000;
    };
    const times: Filtered[] = [];
    for (const text of [
      'tool',
      'e-9',
      'nothing has this',
      'THINKING',
      'e-12345',
      'answer',
      'token',
      'e-99999',
      'completed',
    ]) {
      const before = await cpuMs();
      const ms = await typed(page, text);
      times.push({ cpuMs: (await cpuMs()) - before, ms });
    }
    await page.close();
    return times;
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

async function typed(page: Page, text: string): Promise<number> {
  const [ms, shown] = (await page.evaluate(`(${TYPED})(${JSON.stringify(text)})`)) as [number, string];
  if (!/ of 100,000$/.test(shown)) throw new Error(`the list shows "${shown}"`);
  return ms;
}
