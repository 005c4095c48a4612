// Random trouble: whatever the receiver does, every notice ends once, and what it accepted was genuine.
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { createHooks } from '../../src/hooks/hooks.ts';
import { HOOK_KINDS } from '../../src/hooks/notice.ts';
import { resolveTarget } from '../../src/hooks/target.ts';
import { eventType, facts, session, Walk } from '../support/deliveries.ts';
import { propertyOptions } from '../support/seed.ts';
import { SECRET, startReceiver, verifies } from './receiver.ts';

const BEHAVIOURS = ['204', '204', '204', '500', '429', '400', 'close', 'cut', 'hang'] as const;

test('[D1] every notice ends delivered or dropped, exactly once, and all that was sent is genuine', async () => {
  const plan = fc.record({
    behaviours: fc.array(fc.constantFrom(...BEHAVIOURS), { minLength: 1, maxLength: 40 }),
    notices: fc.integer({ min: 1, max: 60 }),
    concurrency: fc.integer({ min: 1, max: 5 }),
    tries: fc.integer({ min: 1, max: 6 }),
    queue: fc.integer({ min: 5, max: 100 }),
    breakerFailures: fc.integer({ min: 1, max: 8 }),
    stopEarly: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(plan, async ({ behaviours, notices, stopEarly, ...limits }) => {
      const receiver = await startReceiver();
      const accepted: string[] = [];
      receiver.behave((response, index) => {
        const what = behaviours[index % behaviours.length]!;
        const last = receiver.received.at(-1)!;
        expect(verifies(last, SECRET)).toBe(true);
        if (what === 'close') response.destroy();
        else if (what === 'cut')
          response.writeHead(200, { 'content-length': '10' }).write('x', () => response.destroy());
        else if (what !== 'hang') response.writeHead(Number(what)).end();
        if (what === '204' || what === 'cut') accepted.push(String(last.headers['webhook-id']));
      });
      const hooks = createHooks({
        target: resolveTarget(receiver.url, {} as never),
        secrets: [SECRET],
        kinds: HOOK_KINDS,
        source: 'urn:x',
        userAgent: 'x',
        payload: false,
        limits: { ...limits, timeoutMs: 40, firstRetryMs: 1, longestRetryMs: 4, breakerCooldownMs: 5, payloadBytes: 0 },
        now: () => performance.timeOrigin + performance.now(),
        wallOf: (at) => at,
        random: Math.random,
        report() {},
      });
      const type = eventType('t');
      const on = session('u');
      for (let i = 0; i < notices; i++) {
        new Walk(hooks.observer, on, facts({ type, id: `e-${i}` }), 1e12).ended('timeout', 'timeout', 1e12);
      }
      if (!stopEarly) await vi.waitFor(() => expect(hooks.waiting).toBe(0), { timeout: 60_000 });
      await hooks.stop(stopEarly ? 5 : 0);
      const { counters } = hooks;
      const dropped = Object.values(counters.dropped).reduce((sum, each) => sum + each, 0);
      expect([counters.noticed, hooks.waiting]).toEqual([notices, 0]);
      expect(counters.delivered + dropped).toBe(notices);
      expect(new Set(accepted).size).toBeGreaterThanOrEqual(counters.delivered);
      const requests = Object.values(counters.requests.timeout).reduce((sum, each) => sum + each, 0);
      expect(requests).toBeGreaterThanOrEqual(counters.delivered);
      await receiver.close();
    }),
    { ...propertyOptions(30), interruptAfterTimeLimit: 25_000 },
  );
});
