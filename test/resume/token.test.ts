// Resume tokens: signed, bound to session and user, limited in time, and their keys can be changed while clients hold them.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createTokens } from '../../src/resume/token.ts';
import { anyText } from '../support/any-text.ts';
import { propertyOptions } from '../support/seed.ts';

const NOW = 1_750_000_000_000;
const LIFE = 60_000;

describe('a token', () => {
  const tokens = createTokens(['a key of the operator'], LIFE);

  it('says its number to whoever signed it', () => {
    for (const serial of [1, 255, 2 ** 40]) {
      expect(tokens.verify(tokens.sign('S', 'ann', serial, NOW), 'S', 'ann', NOW)).toEqual({ serial });
    }
  });

  it('is for one session and one user; nobody is a user of its own', () => {
    const token = tokens.sign('S', 'ann', 1, NOW);
    for (const [session, user] of [
      ['R', 'ann'],
      ['S', 'bob'],
      ['S', undefined],
      ['S', ''],
    ] as const) {
      expect(tokens.verify(token, session, user, NOW)).toEqual({ fault: 'forged' });
    }
    const nobodys = tokens.sign('S', undefined, 1, NOW);
    expect(tokens.verify(nobodys, 'S', undefined, NOW)).toEqual({ serial: 1 });
    expect(tokens.verify(nobodys, 'S', 'null', NOW)).toEqual({ fault: 'forged' });
    expect(tokens.verify(tokens.sign('S","ann', undefined, 1, NOW), 'S', 'ann', NOW).fault).toBe('forged');
  });

  it('expires, to the second', () => {
    const token = tokens.sign('S', 'ann', 1, NOW);
    expect(tokens.verify(token, 'S', 'ann', NOW + LIFE)).toEqual({ serial: 1 });
    expect(tokens.verify(token, 'S', 'ann', NOW + LIFE + 1000)).toEqual({ fault: 'expired' });
  });

  it('holds no word of the session, the user or the key', () => {
    const bytes = Buffer.from(tokens.sign('session-id', 'ann', 1, NOW), 'base64url').toString('latin1');
    for (const word of ['session-id', 'ann', 'operator']) expect(bytes).not.toContain(word);
  });

  it('with any bit turned is forged', () => {
    const good = Buffer.from(tokens.sign('S', 'ann', 3, NOW), 'base64url');
    for (let bit = 0; bit < good.length * 8; bit++) {
      const bad = Buffer.from(good);
      bad[bit >> 3]! ^= 1 << (bit & 7);
      expect(tokens.verify(bad.toString('base64url'), 'S', 'ann', NOW)).toEqual({ fault: 'forged' });
    }
  });

  it('that somebody made up is forged, whatever it is', () => {
    fc.assert(
      fc.property(anyText({ maxLength: 200 }), (text) => {
        expect(tokens.verify(text, 'S', 'ann', NOW)).toEqual({ fault: 'forged' });
      }),
      propertyOptions(300),
    );
  });
});

describe('keys', () => {
  it('rotate: the new one signs, the old one is still accepted, until it is taken out', () => {
    const before = createTokens(['old key'], LIFE);
    const during = createTokens(['new key', 'old key'], LIFE);
    const after = createTokens(['new key'], LIFE);
    const old = before.sign('S', 'ann', 1, NOW);
    expect(during.verify(old, 'S', 'ann', NOW)).toEqual({ serial: 1 });
    expect(after.verify(old, 'S', 'ann', NOW)).toEqual({ fault: 'forged' });
    const fresh = during.sign('S', 'ann', 2, NOW);
    expect(after.verify(fresh, 'S', 'ann', NOW)).toEqual({ serial: 2 });
    expect(before.verify(fresh, 'S', 'ann', NOW)).toEqual({ fault: 'forged' });
  });

  it('are random per process when none is given', () => {
    const token = createTokens([], LIFE).sign('S', 'ann', 1, NOW);
    expect(createTokens([], LIFE).verify(token, 'S', 'ann', NOW)).toEqual({ fault: 'forged' });
  });
});
