// The wall clock is set while notices wait: receivers check the age of a signature, and answer with dates.
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createHooks, type Hooks } from '../../src/hooks/hooks.ts';
import { resolveTarget } from '../../src/hooks/target.ts';
import { now } from '../../src/time/clock.ts';
import { STEPS } from '../support/clocks.ts';
import { facts, session, Walk } from '../support/deliveries.ts';
import { type CloudEvent, type Received, SECRET, startReceiver, status, verifies } from './receiver.ts';

const UPSTREAM = { secure: false, host: '127.0.0.1', port: 9, socketPath: undefined, basePath: '', verifyTls: true };
/** What receivers commonly allow (Standard Webhooks), s. */
const TOLERANCE = 300;

/** How far the wall clock is from the one that the process started with, ms. */
let offset = 0;
const wall = (at: number) => at + offset;
const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  offset = 0;
  for (const end of ends.splice(0).reverse()) await end();
});

async function start() {
  const to = await startReceiver();
  ends.push(() => to.close());
  const hooks = createHooks({
    target: resolveTarget(to.url, { ...UPSTREAM, ca: undefined }),
    secrets: [SECRET],
    kinds: ['timeout'],
    source: 'urn:ackspan:test',
    userAgent: 'ackspan/test',
    payload: false,
    limits: { firstRetryMs: 2, longestRetryMs: 10, breakerFailures: 1000 },
    now,
    wallOf: wall,
    random: () => 0.5,
    report() {},
  });
  ends.push(() => hooks.stop(0));
  return { to, hooks };
}

function timeOut(hooks: Hooks): number {
  const at = now();
  new Walk(hooks.observer, session('u1'), facts(), at - 30_000).ended('timeout', 'timeout', at);
  return at;
}

/** What a receiver does whose clock is right. */
function accepts(received: Received): boolean {
  const age = (received.at + offset) / 1000 - Number(received.headers['webhook-timestamp']);
  return verifies(received, SECRET) && Math.abs(age) < TOLERANCE;
}

function expectTimes(body: string, settledAt: number): void {
  const { time, data } = JSON.parse(body) as CloudEvent;
  const iso = (at: number) => new Date(wall(at)).toISOString();
  expect(time).toBe(iso(settledAt));
  expect(data).toMatchObject({
    sent_at: iso(settledAt - 30_000),
    deadline_at: iso(settledAt),
    settled_at: iso(settledAt),
  });
}

describe.each(STEPS)('[D18] a wall clock set %s', (_, step) => {
  it('is the clock of signatures and of the times inside', async () => {
    const { to, hooks } = await start();
    offset = step;
    const at = timeOut(hooks);
    const [first] = await to.arrived(1);
    expect(accepts(first!)).toBe(true);
    expectTimes(first!.body, at);
  });

  it('while a notice is tried again corrects its times; the id stays', async () => {
    const { to, hooks } = await start();
    to.behave((response, index) => {
      offset = step;
      status(index === 1 ? 503 : 204)(response, index);
    });
    const at = timeOut(hooks);
    const [first, second] = await to.arrived(2);
    expect(second!.headers['webhook-id']).toBe(first!.headers['webhook-id']);
    expect(accepts(second!)).toBe(true);
    expectTimes(second!.body, at);
  });

  it('is the clock that a date in Retry-After means', async () => {
    const { to, hooks } = await start();
    offset = step;
    let date = '';
    to.behave((response, index) => {
      date ||= new Date(Date.now() + offset + 1500).toUTCString();
      status(index === 1 ? 503 : 204, { 'retry-after': date })(response, index);
    });
    timeOut(hooks);
    // Neither at once nor after the 5 minutes that are the most a receiver can ask for.
    const [, second] = await to.arrived(2);
    expect(second!.at + offset).toBeGreaterThanOrEqual(Date.parse(date));
    await vi.waitFor(() => expect(hooks.counters.delivered).toBe(1));
  });
});
