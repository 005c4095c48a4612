// Who may have which session.
import { afterEach, describe, expect, it } from 'vitest';
import { createSessionCounters } from '../../src/resume/counters.ts';
import { isFinal } from '../../src/resume/final.ts';
import { createRegistry, type Registered } from '../../src/resume/registry.ts';
import { createTokens } from '../../src/resume/token.ts';
import { STEPS } from '../support/clocks.ts';

const NOW = 1_750_000_000_000;

/** How far the wall clock is from the monotonic one. */
let offset = 0;
afterEach(() => {
  offset = 0;
});

function setUp(limit = 10) {
  const counters = createSessionCounters().resume;
  const registry = createRegistry<Registered>(createTokens(['key'], 60_000), limit, counters, () => offset);
  const add = (user?: string) => {
    const session: Registered = { id: registry.newId(), user, serial: 0, used: 0, offset: 0 };
    registry.add(session);
    return session;
  };
  return { registry, counters, add };
}

describe('a claim', () => {
  it('with the right token and user gets its session', () => {
    const { registry, counters, add } = setUp();
    const session = add('ann');
    const token = registry.token(session, NOW);
    expect(registry.claim(session.id, token, 'ann', NOW)).toBe(session);
    expect(Object.values(counters)).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
  });

  it('is refused for a reason that only the counters know', () => {
    const { registry, counters, add } = setUp();
    const session = add('ann');
    const token = registry.token(session, NOW);
    const claim = (id: string, given: string, user: string | undefined, now: number) =>
      registry.claim(id, given, user, now);
    const { id } = session;
    expect([
      claim('nobody', token, 'ann', NOW),
      claim(
        id,
        token.replace(/^./, (first) => (first === 'A' ? 'B' : 'A')),
        'ann',
        NOW,
      ),
      claim(id, registry.token(add('bob'), NOW), 'ann', NOW),
      claim(id, token, 'bob', NOW),
      claim(id, token, undefined, NOW),
      claim(id, token, 'ann', NOW + 120_000),
    ]).toEqual([undefined, undefined, undefined, undefined, undefined, undefined]);
    expect(counters).toMatchObject({ unknown: 1, forged: 2, foreign: 2, expired: 1, stale: 0 });
  });

  it('shows the token before it has a user: that counts nothing, and uses nothing up', () => {
    const { registry, counters, add } = setUp();
    const session = add('ann');
    const [older, newer] = [registry.token(session, NOW), registry.token(session, NOW)];
    const has = (token: string, now = NOW, id = session.id) => registry.hasToken(id, token, now);
    expect([has(newer), has(older)]).toEqual([session, session]);
    registry.claim(session.id, newer, 'ann', NOW);
    expect([has(newer), has(older), has('x'), has(newer, NOW + 120_000), has(newer, NOW, 'nobody')]).toEqual([
      session,
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    expect(Object.values(counters)).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
  });

  it('may use any token that is not older than the newest that was used', () => {
    const { registry, counters, add } = setUp();
    const session = add();
    const [one, two, three] = [1, 2, 3].map(() => registry.token(session, NOW));
    const claim = (token: string) => registry.claim(session.id, token, undefined, NOW) === session;
    expect([claim(one!), claim(one!), claim(two!), claim(one!), claim(three!), claim(two!), claim(three!)]).toEqual([
      ...[true, true, true, false, true, false, true],
    ]);
    expect(counters.stale).toBe(2);
  });
});

describe.each(STEPS)('[D18] a wall clock set %s', (_, step) => {
  it('ends no token before its time, and keeps none', () => {
    const { registry, counters, add } = setUp();
    const session = add('ann');
    const token = registry.token(session, NOW);
    const claim = (given: string, now: number) => registry.claim(session.id, given, 'ann', now) === session;
    offset = step;
    expect(claim(token, NOW + 59_000)).toBe(true);
    expect(claim(token, NOW + 62_000)).toBe(false);
    const next = registry.token(session, NOW + 62_000);
    offset = 0;
    expect(claim(next, NOW + 121_000)).toBe(true);
    expect(claim(next, NOW + 124_000)).toBe(false);
    expect(counters).toMatchObject({ expired: 2, forged: 0, stale: 0 });
  });

  it('dates the tokens that are made from then on', () => {
    const { registry, add } = setUp();
    const session = add();
    offset = step;
    const expiry = Buffer.from(registry.token(session, NOW), 'base64url').readUIntBE(6, 6);
    expect(expiry).toBe(Math.ceil((NOW + step + 60_000) / 1000));
  });
});

describe('the registry', () => {
  it('knows when it is full, what it has, and forgets once', () => {
    const { registry, add } = setUp(2);
    const first = add();
    expect([registry.full, registry.size]).toEqual([false, 1]);
    const second = add();
    expect([registry.full, registry.size]).toEqual([true, 2]);
    expect([registry.remove(first), registry.remove(first)]).toEqual([true, false]);
    expect([registry.has(first), registry.has(second), registry.full]).toEqual([false, true, false]);
    expect(registry.claim(first.id, registry.token(first, NOW), undefined, NOW)).toBeUndefined();
  });

  it('gives ids of 128 random bits', () => {
    const { registry } = setUp();
    const ids = new Set(Array.from({ length: 1000 }, () => registry.newId()));
    expect(ids.size).toBe(1000);
    for (const id of ids) expect(Buffer.from(id, 'base64url')).toHaveLength(16);
  });
});

it('a session ends with the codes after which the SDK stays away, and only with those', () => {
  const comesBack = [1001, 1005, 1006, 1011, 1012, 1013, 1014];
  for (const code of [...comesBack, 1015, 5000]) expect(isFinal(code), `${code}`).toBe(false);
  for (const code of [1000, 1002, 1003, 1007, 1008, 1009, 1010, 3000, 3999, 4000, 4409, 4999])
    expect(isFinal(code), `${code}`).toBe(true);
});
