// The application's code that hears of a step (span processors, `report`) uses the tracker: each outcome stays one, and true.
import { expect, test } from 'vitest';
import type { EventTelemetry } from '../../src/embed/otel.ts';
import { type Harness, setUp } from './harness.ts';

const ignored = (): void => undefined;
const SILENT: EventTelemetry = {
  tracked: ignored,
  retried: ignored,
  settled: ignored,
  unmatched: ignored,
  shed: ignored,
};

/** A tracker whose telemetry does `once` at the first outcome that it hears of, once `arm` was called. */
function interrupted(once: (harness: Harness) => void, options?: Parameters<typeof setUp>[0]) {
  let armed = false;
  const settled = (): void => {
    if (!armed) return;
    armed = false;
    once(harness);
  };
  const harness = setUp(options, { ...SILENT, settled });
  return {
    ...harness,
    arm() {
      armed = true;
    },
  };
}

test('[D2] an event that is confirmed while a stop ends the others is confirmed, and not lost as well', async () => {
  const { tracker, arm } = interrupted((harness) => harness.tracker.confirm('e1'));
  for (const id of ['e1', 'e2', 'e3']) tracker.track({ type: 't', id });
  arm();
  await tracker.stop();
  expect(['e1', 'e2', 'e3'].map((id) => tracker.status(id)?.status)).toEqual(['confirmed', 'failed', 'failed']);
  expect(tracker.metrics()).toMatchObject({ tracked: 3, confirmed: 1, failed: 2, pending: 0 });
});

test('[D1] a stop inside a stop ends each event once', async () => {
  const { tracker, arm } = interrupted((harness) => void harness.tracker.stop());
  for (let i = 0; i < 3; i++) tracker.track({ type: 't' });
  arm();
  await tracker.stop();
  expect(tracker.metrics()).toMatchObject({ tracked: 3, failed: 3, pending: 0 });
});

test('[D1] an event that is tracked while an id is confirmed is not confirmed with it', () => {
  const { tracker, arm } = interrupted((harness) => harness.tracker.track({ type: 'next', id: 'n' }), {
    limits: { history: 1 },
  });
  tracker.track({ type: 't', id: 'e' });
  tracker.confirm('e');
  // The first copy of the id leaves the history while the others are being confirmed.
  for (let i = 0; i < 2; i++) tracker.track({ type: 't', id: 'e' });
  arm();
  expect(tracker.confirm('e')).toBe('confirmed');
  expect(tracker.status('n')?.status).toBe('pending');
  expect(tracker.metrics()).toMatchObject({ tracked: 4, confirmed: 3, pending: 1 });
});

test('[D4] a look at what has expired from inside a time-out comes to its end', async () => {
  const slots = 2048 * 25;
  const { tracker, arm, jump, pass } = interrupted((harness) => {
    harness.jump(25);
    harness.tracker.expired();
  });
  // Both are in one slot of the timing wheel, the first one for another turn of the wheel.
  tracker.track({ type: 'far', id: 'far', timeoutMs: 2 * slots });
  tracker.track({ type: 'near', timeoutMs: slots - 25 });
  jump(slots - 25);
  arm();
  expect(tracker.expired().map(({ type }) => type)).toEqual(['near']);
  expect(tracker.status('far')?.status).toBe('pending');
  await pass(slots + 100);
  expect(tracker.expired().map(({ type }) => type)).toEqual(['far', 'near']);
});
