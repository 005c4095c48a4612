// Ledgers that wait: each once, in the order in which they came, whatever is added, put off and taken out in between.
import { expect, it } from 'vitest';
import { Ledger } from '../../src/journal/redis/ledger.ts';
import { Waiting } from '../../src/journal/redis/waiting.ts';
import { chosenSeed, withSeed } from '../support/chance.ts';

it('ledgers are taken once, in order, those that may wait for the beat behind the others', async () => {
  await withSeed(chosenSeed(), async (chance) => {
    for (let round = 0; round < 100; round++) {
      const waiting = new Waiting(
        () => {},
        () => {},
      );
      const ledgers = Array.from({ length: chance.between(1, 8) }, () => new Ledger());
      const [soon, late] = [new Set<Ledger>(), new Set<Ledger>()];
      const taken = (sets: readonly Set<Ledger>[], count: number): Ledger[] => {
        const first = sets.flatMap((set) => [...set]).slice(0, count);
        for (const each of first) for (const set of sets) set.delete(each);
        return first;
      };
      const indexes = (some: readonly Ledger[]): number[] => some.map((each) => ledgers.indexOf(each));
      for (let n = 0; n < 60; n++) {
        const ledger = chance.of(ledgers);
        const count = chance.of([1, 3, 100]);
        const what = chance.of(['add', 'add', 'late', 'late', 'remove', 'remove', 'take', 'soon']);
        if (what === 'add') {
          waiting.add(ledger);
          late.delete(ledger);
          soon.add(ledger);
        } else if (what === 'late') {
          waiting.add(ledger, true);
          if (!soon.has(ledger)) late.add(ledger);
        } else if (what === 'remove') expect(waiting.remove(ledger)).toBe(soon.delete(ledger) || late.delete(ledger));
        else if (what === 'take') expect(indexes(waiting.take(count))).toEqual(indexes(taken([soon, late], count)));
        else expect(indexes(waiting.takeSoon(count))).toEqual(indexes(taken([soon], count)));
        expect(waiting.size).toBe(soon.size + late.size);
      }
      waiting.take();
      waiting.settled();
    }
  });
});
