// Short storms: the sidecar as a process, between bad networks, bad clients and bad backends, and not one false word.
import { expect, test } from 'vitest';
import { block } from '../../bench/storm/report.ts';
import { type RoundResult, runRound } from '../../bench/storm/round.ts';
import { loadSdk } from '../../bench/storm/sdk-client.ts';
import { chosenSeed, withSeed } from '../support/chance.ts';

/** What waits on the network's worst needs its time, on a busy machine too. */
const PATIENCE = { timeout: 300_000 };

async function storm(openMs: number, shutdown: boolean): Promise<RoundResult> {
  const seed = chosenSeed();
  console.log(`storm seed ${seed}`);
  let result: RoundResult | undefined;
  await withSeed(seed, async () => {
    const options = { seed, first: 0, openMs, crowd: 80, runSdk: await loadSdk(), shutdown };
    result = await runRound(options, () => {});
    expect(result.violations.map((each) => block(each, result!.notes)).join('\n')).toBe('');
    expect(result.account.rows.length).toBeGreaterThan(0);
  });
  return result!;
}

test('what the sidecar says of every delivery is what happened', PATIENCE, async () => {
  const { account } = await storm(10_000, false);
  expect(account.stats).toMatchObject({ tracked: account.rows.length, pending: 0 });
});

test('so it is when it is stopped in the middle of things, and it ends with 0', PATIENCE, async () => {
  const { remarks } = await storm(6_000, true);
  expect(remarks.filter((text) => text.startsWith('SIGTERM'))).toEqual([]);
});
