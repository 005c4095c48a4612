// The summary as a reader gets it: every part of it is of the moment of the question.
import { expect, it } from 'vitest';
import type { SummaryJson } from '../../src/admin/stats-shapes.ts';
import { noTotals, serve } from './fixture.ts';

it('[D9] counts what happened since the last second was told: nothing is tracked, not open and not settled', async () => {
  const totals = noTotals();
  const { get } = await serve({ statistics: { totals: () => totals, latencyMs: (bucket) => bucket } });
  totals.byPriority.critical.tracked++;
  totals.byPriority.critical.failed++;
  totals.losses.disconnected++;
  const { windows } = (await get('/api/v1/summary')).body as unknown as SummaryJson;
  for (const name of ['5m', '1h', 'start'] as const) {
    expect(windows[name]).toMatchObject({ tracked: 1, failed: 1, rate: 0, losses: { disconnected: 1 } });
    expect(windows[name].by_priority.critical).toMatchObject({ tracked: 1, failed: 1 });
  }
});
