// The short form of `npm run failures`: every cell of the failure table, with few clients and little time.
import { afterEach, expect, test } from 'vitest';
import { closeAll } from '../support/backends.ts';
import { builtCli } from '../support/build.ts';
import { missing } from '../support/component.ts';
import { playCell } from './cell.ts';
import { playFast } from './fast-cell.ts';
import { CELLS, TITLES } from './guarantee.ts';

afterEach(closeAll);

const SIZE = { clients: 3, wave: 60, idleMs: 600_000, cutMs: 300, stallMs: 2500, loadMs: 300 };
const ALL = CELLS.map((cell) => ({ ...cell, title: TITLES[cell.disaster] }));

test.skipIf(missing('redis-server', 'faketime')).each(ALL)('[P2] with the store $store: $title', async (cell) => {
  const { store, disaster } = cell;
  // Ten minutes of all clocks.
  const play = disaster === 'idle' ? playFast : playCell;
  const { wrong, sent, handed, outcomes } = await play(store, disaster, SIZE, builtCli());
  expect(wrong).toEqual([]);
  expect(handed).toBeGreaterThan(50);
  expect(sent).toBeGreaterThanOrEqual(handed);
  expect(outcomes.confirmed).toBeGreaterThan(50);
});
