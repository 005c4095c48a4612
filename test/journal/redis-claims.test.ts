// Sessions that move between instances, where the instance that is asked for one cannot answer.
import { describe, expect, it } from 'vitest';
import { Claims } from '../../src/journal/redis/claims.ts';
import { keysOf } from '../../src/journal/redis/keys.ts';
import { Wire } from '../../src/journal/redis/wire.ts';

it('a session that is asked for while the connection to Redis goes is given back, and the process goes on', async () => {
  const unhandled: unknown[] = [];
  const listener = (error: unknown): void => void unhandled.push(error);
  process.on('unhandledRejection', listener);
  const asked: string[] = [];
  const keys = keysOf('test');
  const link = {
    send: () => Promise.reject(new Error('there is no connection to Redis')),
    publish() {},
    write() {},
  } as never;
  const wire = new Wire(link, keys);
  const deps = {
    link,
    keys,
    wire,
    members: {} as never,
    instance: 'a',
    lifeMs: 1,
    patienceMs: 1,
    ready: () => true,
    keeps: () => false,
    whenClear: (_: string, next: () => void) => next(),
    adopt: () => true,
    refused() {},
  };
  new Claims({ ...deps, giveBack: (session) => asked.push(session) > 0 });
  wire.heard(JSON.stringify({ kind: 'release', session: 's-1', from: 'b' }));
  // Rejections that nobody handles are told of between two turns.
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
  process.off('unhandledRejection', listener);
  expect(asked).toEqual(['s-1']);
  expect(unhandled).toEqual([]);
});

/**
 * Claims of instance `b`, whose Redis gives these answers to claims, and tells instances what it is
 * told.
 */
function claimsOf(answers: readonly string[][], keeps = false) {
  const keys = keysOf('test');
  const said: { to: string; notice: Record<string, unknown> }[] = [];
  const claims: string[][] = [];
  const givenBack: string[] = [];
  const say = (to: string, text: string): void => void said.push({ to, notice: JSON.parse(text) });
  let round = 0;
  let heard = (): void => {};
  const link = {
    async send(command: string, args: string[]) {
      if (command === 'publish') {
        say(args[0]!, args[1]!);
        setImmediate(() => heard());
      }
      return 1;
    },
    async run(_: unknown, __: unknown, args: string[]) {
      claims.push(args);
      return answers[round++]!.map((text) => Buffer.from(text));
    },
    publish: say,
    read: async () => {},
    write() {},
  } as never;
  const wire = new Wire(link, keys);
  let redisNow = 5000;
  let whenClear = (next: () => void): void => next();
  const members = { away: async () => ({ ms: 0, dead: false }), redisNow: () => redisNow } as never;
  const made = new Claims({
    ...{ link, keys, wire, members, instance: 'b', lifeMs: 1, patienceMs: 60_000, ready: () => true },
    ...{ keeps: () => keeps, giveBack: (id: string, at = 0) => at !== 1 && givenBack.push(id) > 0, adopt: () => true },
    whenClear: (_, next) => whenClear(next),
    refused(error) {
      throw error;
    },
  });
  /** What the instance that is asked answers. */
  const holder = (kind: 'released' | 'kept') => {
    heard = () => wire.heard(JSON.stringify({ kind, session: 's-1' }));
  };
  const later = (ms: number): void => {
    redisNow += ms;
  };
  /** Whether this instance has what it had is not clear. Answers a function that makes it clear. */
  const unclear = (): (() => void) => {
    const waiting: (() => void)[] = [];
    whenClear = (next) => void waiting.push(next);
    return () => {
      for (const next of waiting) next();
    };
  };
  return { claims: made, wire, said, asked: claims, givenBack, holder, later, unclear };
}

const RELEASE = { kind: 'release', session: 's-1', from: 'a' };

describe('[R10] [P8] a session that was taken from an instance with which a client has stayed', () => {
  it('is kept from that instance where a client has come for it, and not from a client', () => {
    const { wire, said, givenBack } = claimsOf([], true);
    wire.heard(JSON.stringify({ ...RELEASE, used: 1 }));
    expect([said, givenBack]).toEqual([[{ to: 'test:to:a', notice: { kind: 'kept', session: 's-1' } }], []]);
    wire.heard(JSON.stringify(RELEASE));
    expect(givenBack).toEqual(['s-1']);
    expect(said.at(-1)).toEqual({ to: 'test:to:a', notice: { kind: 'released', session: 's-1' } });
  });

  it('is not given back where a client has come for it since it was asked for', () => {
    const { wire, said, givenBack } = claimsOf([]);
    wire.heard(JSON.stringify({ ...RELEASE, at: 1 }));
    expect([said, givenBack]).toEqual([[], []]);
    wire.heard(JSON.stringify({ ...RELEASE, at: 2 }));
    expect(givenBack).toEqual(['s-1']);
  });

  it('is not given back where the one that asked waits no longer, which may be gone: nobody would have it', async () => {
    const { wire, said, givenBack, later } = claimsOf([]);
    later(60_001);
    wire.heard(JSON.stringify({ ...RELEASE, at: 5000 }));
    expect([said, givenBack]).toEqual([[], []]);
    wire.heard(JSON.stringify({ ...RELEASE, at: 5001 }));
    expect(givenBack).toEqual(['s-1']);
  });

  it('is not called lost while it is being claimed here: that claim is why older words are refused', async () => {
    const { claims } = claimsOf([['stale']]);
    const steps: string[] = [];
    claims.behind('s-1', () => steps.push('no claim'));
    const claimed = claims.takeBack('s-1', 7).then((result) => steps.push(result));
    claims.behind('s-1', () => steps.push('lost'));
    claims.behind('s-2', () => steps.push('another one'));
    await claimed;
    await new Promise((resolve) => setImmediate(resolve));
    expect(steps).toEqual(['no claim', 'another one', 'stale', 'lost']);
  });

  it('is given back behind the answer to the claim of this instance, which may lie in the socket', async () => {
    const { claims, wire, givenBack } = claimsOf([['stale']]);
    const claimed = claims.takeBack('s-1', 7).then(() => expect(givenBack).toEqual([]));
    wire.heard(JSON.stringify(RELEASE));
    await claimed;
    await new Promise((resolve) => setImmediate(resolve));
    expect(givenBack).toEqual(['s-1']);
  });

  it('is given back at once where this instance asks all, itself too: its claim waits for the answer', async () => {
    const { claims, wire, givenBack } = claimsOf([['stale']]);
    const claimed = claims.takeBack('s-1', 7);
    wire.heard(JSON.stringify({ ...RELEASE, from: 'b' }));
    expect(givenBack).toEqual(['s-1']);
    await claimed;
  });

  it('is given back when it is clear whether this instance has it, if the one that asked waits still', () => {
    const { wire, givenBack, unclear, later } = claimsOf([]);
    const clear = unclear();
    wire.heard(JSON.stringify({ ...RELEASE, at: 5000 }));
    wire.heard(JSON.stringify({ ...RELEASE, session: 's-2', at: 5001 }));
    expect(givenBack).toEqual([]);
    later(60_001);
    clear();
    expect(givenBack).toEqual(['s-2']);
  });

  it('is given back to that instance where no client has come for it', () => {
    const { wire, said, givenBack } = claimsOf([]);
    wire.heard(JSON.stringify({ ...RELEASE, used: 1 }));
    expect(givenBack).toEqual(['s-1']);
    expect(said).toEqual([{ to: 'test:to:a', notice: { kind: 'released', session: 's-1' } }]);
  });

  it('is asked for with the token that its client has used, and left where that one is kept from', async () => {
    const { claims, said, asked, holder } = claimsOf([['held', 'c']]);
    holder('kept');
    expect(await claims.takeBack('s-1', 7)).toBe('stale');
    expect(said).toEqual([
      { to: 'test:to:c', notice: { kind: 'release', session: 's-1', from: 'b', used: 7, at: 5000 } },
    ]);
    expect(asked.map((args) => args[1])).toEqual(['7']);
  });

  it('is had back from an instance of an earlier version, which gives it back whoever asks', async () => {
    const { claims, asked, holder } = claimsOf([['held', 'c'], ['stale']]);
    holder('released');
    expect(await claims.takeBack('s-1', 7)).toBe('stale');
    expect(asked).toHaveLength(2);
  });

  it('is asked for without a token by an instance to which a client has come', async () => {
    const { claims, said, holder } = claimsOf([['held', 'c'], ['stale']]);
    holder('released');
    await claims.claim('s-1', { serial: 7, last: 0 });
    expect(said[0]!.notice).toEqual({ kind: 'release', session: 's-1', from: 'b', at: 5000 });
  });
});
