// What has left the books is still known by owner and id, as far back as promised, and nothing else is.
import { describe, expect, it } from 'vitest';
import { Forgotten } from '../../src/store/forgotten.ts';
import { chosenSeed, createChance, withSeed } from '../support/chance.ts';

describe('[D13] forgotten events', () => {
  it('are known for their owner only', () => {
    const forgotten = new Forgotten();
    expect(forgotten.has('a', 1, 7)).toBe(false);
    forgotten.add('a', 1, 7);
    expect([forgotten.has('a', 1, 7), forgotten.has('a', 1, 8), forgotten.has('b', 1, 7)]).toEqual([
      true,
      false,
      false,
    ]);
  });

  it('are known of anybody, but not where a client only says so', () => {
    const forgotten = new Forgotten();
    forgotten.add('a', 1, 7);
    forgotten.claim('b', 2, 7);
    expect([forgotten.ofAnybody('a', 1), forgotten.ofAnybody('b', 2), forgotten.ofAnybody('c', 1)]).toEqual([
      true,
      false,
      false,
    ]);
    expect([forgotten.has('b', 2, 7), forgotten.has('b', 2, 8)]).toEqual([true, false]);
  });

  it('the latest 32,768 are known, and of as many others none is taken for one, although their hashes collide', async () => {
    await withSeed(chosenSeed(), async (chance) => {
      const forgotten = new Forgotten();
      const hash = createChance(chance.between(1, 2 ** 30));
      const ids = Array.from({ length: 400_000 }, (_, n) => ({
        id: `e-${n}`,
        hash: Math.floor(hash.next() * 2 ** 32) | 0,
      }));
      for (const { id, hash } of ids) forgotten.add(id, hash, 3);
      const latest = ids.slice(-32_768);
      expect(latest.every(({ id, hash }) => forgotten.has(id, hash, 3))).toBe(true);
      expect(latest.filter(({ id, hash }) => forgotten.has(`${id}x`, hash, 3))).toEqual([]);
    });
  });
});
