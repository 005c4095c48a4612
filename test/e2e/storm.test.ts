// A short storm: the sidecar as a process, between bad networks, bad clients and bad backends, and not one false word.
import { expect, test } from 'vitest';
import { block } from '../../bench/storm/report.ts';
import { runRound } from '../../bench/storm/round.ts';
import { loadSdk } from '../../bench/storm/sdk-client.ts';
import { chosenSeed, withSeed } from '../support/chance.ts';

test('what the sidecar says of every delivery is what happened', { timeout: 300_000 }, async () => {
  const seed = chosenSeed();
  console.log(`storm seed ${seed}`);
  await withSeed(seed, async () => {
    const options = { seed, first: 0, openMs: 12_000, crowd: 80, runSdk: await loadSdk() };
    const { account, violations, connections } = await runRound(options, () => {});
    expect(violations.map(block).join('\n')).toBe('');
    expect(connections).toBeGreaterThan(0);
    expect(account.rows.length).toBeGreaterThan(0);
  });
});
