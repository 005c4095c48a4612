// Examples: the page with the SDK as its README starts it, reloaded in the middle of a build.
import { afterEach, describe, expect, it } from 'vitest';
import { closeAll } from '../support/backends.ts';
import { eventually } from '../support/child.ts';
import { missing } from '../support/component.ts';
import { expectHealthyLog } from '../support/sidecar-process.ts';
import { openPage, startExample } from './start.ts';

const STEPS = ['checkout', 'install', 'compile', 'test', 'package', 'publish'].map((name) => `build 1: ${name}`);

/**
 * The page reloads itself when it has shown two steps, however busy the machine is, and leaves them
 * to the page after it.
 */
const RELOAD_AT_SECOND = `new MutationObserver(() => {
  const shown = [...document.querySelectorAll('#steps li')].map((item) => item.textContent);
  if (shown.length !== 2) return;
  sessionStorage.setItem('shown', JSON.stringify(shown));
  location.reload();
}).observe(document.getElementById('steps'), { childList: true })`;

describe.skipIf(missing('chromium'))('examples/browser-page', () => {
  afterEach(closeAll);

  it('every step is confirmed as processed, and a reload in the middle of the build loses none', async () => {
    const example = await startExample('browser-page', { ACKSPAN_SESSIONS_RELOAD: '1m' });
    const page = await openPage(example);
    const state = page.locator('#state');
    const steps = page.locator('#steps li');
    await eventually(async () => expect(await state.textContent()).toBe('open'));
    await page.evaluate(RELOAD_AT_SECOND);
    await page.locator('#start').click();
    await eventually(async () => expect(await state.textContent()).toBe('resumed, nothing is missing'));
    await eventually(async () => expect(await steps.last().textContent()).toBe(STEPS.at(-1)));
    const before = JSON.parse(await page.evaluate(`sessionStorage.getItem('shown')`)) as string[];
    expect(before).toEqual(STEPS.slice(0, 2));
    const after = await steps.allTextContents();
    // A step whose confirmation was still under way may be shown by both pages; none is shown by
    // neither.
    expect([...new Set([...before, ...after])]).toEqual(STEPS);
    await example.sidecar.reach({ tracked: 6, confirmed: 6, pending: 0 });
    const shown = await example.sidecar.deliveries();
    expect(new Set(shown.map(({ type, level }) => `${type} ${level}`))).toEqual(new Set(['build_step processed']));
    expectHealthyLog(example.sidecar);
  });
});
