// The short form of `npm run failures`: every cell of the failure table, with few clients and little time.
import { afterEach, expect, test } from 'vitest';
import { closeAll } from '../support/backends.ts';
import { builtCli } from '../support/build.ts';
import { playCell } from './cell.ts';
import { DISASTERS, STORES, TITLES } from './guarantee.ts';

afterEach(closeAll);

const SIZE = { clients: 3, wave: 60, idleMs: 1000, cutMs: 300, loadMs: 300 };
const CELLS = STORES.flatMap((store) => DISASTERS.map((disaster) => ({ store, disaster, title: TITLES[disaster] })));

test.each(CELLS)('[P2] with the store $store: $title', async ({ store, disaster }) => {
  const { wrong, sent, handed, outcomes } = await playCell(store, disaster, SIZE, builtCli());
  expect(wrong).toEqual([]);
  expect(handed).toBeGreaterThan(50);
  expect(sent).toBeGreaterThanOrEqual(handed);
  expect(outcomes.confirmed).toBeGreaterThan(50);
});
