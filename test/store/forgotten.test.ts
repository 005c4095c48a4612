// What has left the books is still known by owner and id, as far back as promised, and nothing else is.
import { describe, expect, it } from 'vitest';
import { Forgotten, markOf } from '../../src/store/forgotten.ts';
import { chosenSeed, createChance, withSeed } from '../support/chance.ts';

const [A, B] = [markOf('a'), markOf('b')];

describe('[D13] forgotten events', () => {
  it('are known for their owner only', () => {
    const forgotten = new Forgotten();
    expect(forgotten.has(1, A, 7)).toBe(false);
    forgotten.add(1, A, 7);
    expect([forgotten.has(1, A, 7), forgotten.has(1, A, 8), forgotten.has(1, B, 7)]).toEqual([true, false, false]);
  });

  it('are known of anybody, but not where a client only says so', () => {
    const forgotten = new Forgotten();
    forgotten.add(1, A, 7);
    forgotten.claim(2, B, 7);
    expect([forgotten.ofAnybody(1, A), forgotten.ofAnybody(2, B), forgotten.ofAnybody(1, B)]).toEqual([
      true,
      false,
      false,
    ]);
    expect([forgotten.has(2, B, 7), forgotten.has(2, B, 8)]).toEqual([true, false]);
    expect([forgotten.claims(2, B, 7), forgotten.claims(2, B, 8), forgotten.claims(1, A, 7)]).toEqual([
      true,
      false,
      false,
    ]);
  });

  it('the latest 32,768 are known, and of as many others none is taken for one, although their hashes collide', async () => {
    await withSeed(chosenSeed(), async (chance) => {
      const forgotten = new Forgotten();
      const hash = createChance(chance.between(1, 2 ** 30));
      const ids = Array.from({ length: 400_000 }, (_, n) => ({
        mark: markOf(`e-${n}`),
        other: markOf(`e-${n}x`),
        hash: Math.floor(hash.next() * 2 ** 32) | 1,
      }));
      for (const { mark, hash } of ids) forgotten.add(hash, mark, 3);
      const latest = ids.slice(-32_768);
      expect(latest.every(({ mark, hash }) => forgotten.has(hash, mark, 3))).toBe(true);
      expect(latest.filter(({ other, hash }) => forgotten.has(hash, other, 3))).toEqual([]);
      expect(latest.filter(({ mark, hash }) => forgotten.has(hash, mark, 4))).toEqual([]);
    });
  });

  it('the latest 32,768 pairs of event and owner are known, to however many owners an event went', async () => {
    await withSeed(chosenSeed(), async (chance) => {
      const forgotten = new Forgotten();
      const pairs: [event: number, owner: number][] = [];
      for (let n = 0; n < 300_000; n++) {
        // Most events are new, some are those of a while ago, and owners are few for some and many
        // for others.
        const event = chance.between(1, 4) === 1 ? Math.max(1, n - chance.between(0, 50_000)) : n + 1;
        pairs.push([event, chance.between(1, event % 3 === 0 ? 2 : 500)]);
      }
      const hashOf = (event: number) => Math.imul(event, 0x9e3779b1) | 0 || 1;
      for (const [event, owner] of pairs) forgotten.add(hashOf(event), event, owner);
      const latest = pairs.slice(-32_768);
      expect(latest.filter(([event, owner]) => !forgotten.has(hashOf(event), event, owner))).toEqual([]);
      expect(latest.filter(([event]) => forgotten.has(hashOf(event), event, 501))).toEqual([]);
    });
  });
});
