// Examples: the FastAPI agent as its README starts it, asked by a real browser.
import { afterEach, describe, expect, it } from 'vitest';
import { closeAll } from '../support/backends.ts';
import { eventually } from '../support/child.ts';
import { missing } from '../support/component.ts';
import { expectHealthyLog } from '../support/sidecar-process.ts';
import { openPage, startExample } from './start.ts';

const ABSENT = missing('chromium', 'python:fastapi', 'python:uvicorn', 'python:websockets');

describe.skipIf(ABSENT)('examples/fastapi-agent', () => {
  afterEach(closeAll);

  it('all eleven steps of a run are confirmed as received, by a page that does nothing for it', async () => {
    const example = await startExample('fastapi-agent');
    const page = await openPage(example);
    await page.locator('#ask').click();
    await example.sidecar.reach({ tracked: 11, confirmed: 11, pending: 0 });
    const steps = page.locator('#steps li');
    await eventually(async () => expect(await steps.count()).toBe(11));
    expect(await steps.first().textContent()).toBe('agent_started');
    expect(await steps.last().textContent()).toBe('agent_completed: asia-south is cheapest.');
    const shown = await example.sidecar.deliveries();
    expect(shown.map(({ type }) => type).filter((type) => type === 'tool_completed')).toHaveLength(3);
    expect(new Set(shown.map(({ level }) => level))).toEqual(new Set(['received']));
    expectHealthyLog(example.sidecar);
  });
});
