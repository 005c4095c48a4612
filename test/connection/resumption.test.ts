// Sessions and the requests that ask for them: which request gets a session, over which connection it goes on, and which session gives way.
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { ResumableSession } from '../../src/connection/resumable-session.ts';
import { createResumption, type SessionRequest } from '../../src/connection/resumption.ts';
import type { SessionConnection } from '../../src/connection/session-connection.ts';
import { Owner } from '../../src/delivery/session.ts';
import { Tracker } from '../../src/delivery/tracker.ts';
import { createSessionCounters } from '../../src/resume/counters.ts';
import { createRegistry } from '../../src/resume/registry.ts';
import { createTokens } from '../../src/resume/token.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { facts, THINKING } from '../delivery/harness.ts';
import { FACTS } from '../support/bare-connection.ts';
import { silentObserver } from '../support/silent-observer.ts';

afterEach(() => {
  vi.useRealTimers();
});

/** A connection of which the test reads what the session did to it. */
function connection(rejoinable = false): SessionConnection & { readonly did: string[] } {
  const did: string[] = [];
  return {
    ...{ id: 'c', facts: FACTS, messages: 0, attended: false, rejoinable, answerable: true, did },
    probe: () => 'failed',
    resend: () => 'failed',
    sendMessage: (data) => void did.push(Buffer.from(data).toString()),
    rejoin: (facts) => void did.push(`joined by ${facts.id}`),
    replaceBy: (code) => void did.push(`replaced ${code}`),
    close: (code, reason) => void did.push(`closed ${code} ${reason}`),
    yieldPlace: (code, reason) => void did.push(`closed ${code} ${reason}`),
  };
}

function setUp({ limit = 10, ttlMs = 1000 } = {}) {
  const counters = createSessionCounters();
  const tracker = new Tracker({
    ...{ store: createMemoryStore({ history: 10 }), observer: silentObserver, now: 1, random: () => 0.5 },
    limits: { pending: 10, pendingPerUser: 10 },
  });
  const ended: string[] = [];
  const clock = { now: 1 };
  const registry = createRegistry<ResumableSession>(createTokens(['key'], 60_000), limit, counters.resume);
  const resumption = createResumption({
    ...{ registry, tracker, counters, ttlMs, reloadMs: ttlMs, silenceMs: 0 },
    ended: (session) => void ended.push(session.key),
    now: () => clock.now,
    report: ({ error }) => expect.fail(String(error)),
  });
  const request = (from?: ResumableSession, user?: string, last = 0): SessionRequest => {
    const token = from === undefined ? '' : registry.token(from, 1);
    return { optIn: { session: from?.id, token, last }, user, claim: undefined };
  };
  /** A new session with its first connection. */
  const begin = (user?: string) => {
    const { resumable, begin: start } = resumption.open(request(undefined, user), new Owner(user), '')!;
    const first = connection();
    start(first);
    return { resumable, first };
  };
  return { counters, registry, resumption, request, begin, ended, tracker, clock };
}

describe('a request for a session', () => {
  it('without the opt-in gets none', () => {
    const { resumption } = setUp();
    expect(
      resumption.open({ optIn: undefined, user: undefined, claim: undefined }, new Owner(undefined), ''),
    ).toBeUndefined();
  });

  it('is judged once, at the door: what the door said holds when the upstream has answered', () => {
    const { resumption, request, begin, counters } = setUp();
    const { resumable } = begin();
    const asked = request(resumable);
    expect(resumption.rejoin({ headers: {} } as never, asked)).toBeUndefined();
    expect(asked.claim).toMatchObject({ resumable, number: 1 });
    const opening = resumption.open(asked, new Owner(undefined), '')!;
    expect([opening.resumable, opening.recovered, counters.resume.recovered]).toEqual([resumable, true, 1]);
    const forged = { ...request(resumable), optIn: { session: resumable.id, token: 'x', last: 0 } };
    resumption.rejoin({ headers: {} } as never, forged);
    expect(resumption.open(forged, new Owner(undefined), '')!.recovered).toBe(false);
    expect([forged.claim, counters.resume.forged]).toEqual(['none', 1]);
  });

  it('is judged by the user that the session began with, also when an event has named one since', () => {
    const { resumption, request, begin } = setUp();
    const { resumable } = begin();
    resumable.session.owner = new Owner('ann');
    const opens = (user?: string) => resumption.open(request(resumable, user), new Owner(user), '')!.recovered;
    expect([opens(), opens('ann'), opens()]).toEqual([true, false, true]);
  });

  it('[R10] of two, the newer one wins, whichever upstream answers first', () => {
    const { resumption, request, begin, counters } = setUp();
    const { resumable, first } = begin();
    const [older, newer] = [request(resumable), request(resumable)];
    for (const asked of [older, newer]) resumption.rejoin({ headers: {} } as never, asked);
    const second = connection();
    resumption.open(newer, new Owner(undefined), '')!.begin(second);
    expect([resumable.connection, first.did]).toEqual([second, ['replaced 4409']]);
    const late = resumption.open(older, new Owner(undefined), '')!;
    expect([late.recovered, late.resumable === resumable, counters.resume.stale]).toEqual([false, false, 1]);
  });

  it('finds its upstream connection: the client joins it, and its session is told up to where the client has it', () => {
    const { resumption, request, begin, counters } = setUp();
    const { resumable } = begin();
    const there = connection(true);
    resumable.goOn(there, resumable.claim(0));
    const headers = { 'sec-websocket-version': '13' };
    expect(resumption.rejoin({ url: '/elsewhere', headers } as never, request(resumable))).toBeUndefined();
    const returning = resumption.rejoin({ url: '/?ackspan=1', headers } as never, request(resumable))!;
    const socket = { cork() {}, uncork() {} };
    returning.join({ ...FACTS, id: 'c-2' }, socket as never, Buffer.alloc(0));
    expect([there.did, counters.resume.rejoined]).toEqual([['joined by c-2'], 1]);
    resumable.greet(true, 1);
    expect(JSON.parse(there.did[1]!)).toMatchObject({ ackspan: 'welcome', recovered: true, rejoined: true });
    resumable.greet(true, 1);
    expect(JSON.parse(there.did[2]!)).toMatchObject({ recovered: false });
  });
});

it.each([true, false])(
  '[D24] a Close frame is noted of a client that was there, not of one that was away: %s',
  (attended) => {
    const { begin } = setUp();
    const { resumable, first } = begin();
    Object.assign(first, { attended });
    const goodbye = { orderly: false, own: false, since: 0, through: 1 };
    resumable.closed('upstream', 1011, goodbye, 1);
    expect(resumable.session.goodbye).toBe(attended ? goodbye : undefined);
  },
);

describe('a session that waits for its client', () => {
  it('is over when its time is up, and its upstream connection with it', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'clearImmediate', 'performance'] });
    const { begin, counters, ended, registry } = setUp();
    const { resumable, first } = begin();
    expect([resumable.lost(1006, undefined, 1), resumable.waits, counters.waiting]).toEqual([true, true, 1]);
    await vi.advanceTimersByTimeAsync(990);
    // A client that is on its way is waited for anew.
    resumable.claim(0);
    await vi.advanceTimersByTimeAsync(990);
    expect(ended).toEqual([]);
    await vi.advanceTimersByTimeAsync(100);
    expect([ended, first.did]).toEqual([[resumable.id], ['closed 1001 the client did not come back']]);
    expect([registry.size, counters.waiting, counters.ended.expired]).toEqual([0, 0, 1]);
  });

  it('[R7] does not end while the user of a client that has its token is still being found out', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'clearImmediate', 'performance'] });
    const { begin, request, resumption, ended, counters } = setUp();
    const [{ resumable }, other] = [begin('ann'), begin('bob')];
    for (const each of [resumable, other.resumable]) each.lost(1006, undefined, 1);
    await vi.advanceTimersByTimeAsync(990);
    // The user is not known yet, and another session's token is none.
    const { optIn, ...rest } = request(resumable, undefined);
    const release = resumption.hold({ optIn, ...rest });
    resumption.hold({ ...rest, optIn: { ...optIn!, session: other.resumable.id } });
    await vi.advanceTimersByTimeAsync(9000);
    expect([ended, counters.resume]).toEqual([[other.resumable.id], { ...createSessionCounters().resume, fresh: 2 }]);
    expect(resumption.open({ ...rest, optIn, user: 'ann' }, new Owner('ann'), '')).toMatchObject({ recovered: true });
    release();
    await vi.advanceTimersByTimeAsync(1100);
    expect(ended).toEqual([other.resumable.id, resumable.id]);
  });

  it('[D14] and what it has in flight ends when the stop was decided or its client went, not when that is carried out', () => {
    const { begin, clock, tracker } = setUp();
    const inFlight = ({ session }: ResumableSession) => {
      session.capability = 'received';
      return tracker.track(session, facts(THINKING), 1, 1)!;
    };
    const [early, late] = [begin(), begin()];
    const [one, other] = [inFlight(early.resumable), inFlight(late.resumable)];
    early.resumable.lost(1006, undefined, 100);
    // Its backend crashed, and the sidecar cut its client off: what came up to then has been read.
    late.resumable.closed('upstream', 1006, undefined, 500);
    clock.now = 650;
    for (const { resumable } of [early, late]) resumable.stop(1012, 'over', 300);
    expect([one.settledAt, other.settledAt]).toEqual([300, 500]);
  });

  it('gives way to a new session of its user when there are too many, and to nobody else', () => {
    const { begin, counters, ended } = setUp({ limit: 2 });
    const [ann, bob] = [begin('ann'), begin('bob')];
    for (const { resumable } of [ann, bob]) resumable.lost(1006, undefined, 1);
    expect(begin().resumable.session.resumable).toBe(false);
    expect([ended, counters.refused]).toEqual([[], 1]);
    expect(begin('bob').resumable.session.resumable).toBe(false);
    expect([ended, counters.ended.evicted, counters.refused]).toEqual([[bob.resumable.id], 1, 2]);
    for (const one of [ann, bob]) one.resumable.stop(1012, 'over', 1);
  });

  it('longest gives up its upstream connection when the place is needed, and goes on waiting', () => {
    const { begin, resumption, counters } = setUp();
    const kept = [begin(), begin()].map(({ resumable }) => {
      const there = connection(true);
      resumable.goOn(there, resumable.claim(0));
      resumable.lost(1006, undefined, 1);
      return there;
    });
    expect(resumption.yieldUpstream(() => {})).toBe(true);
    expect([kept[0]!.did, kept[1]!.did, counters.waiting]).toEqual([['closed 1001 the place is needed'], [], 2]);
    resumption.close(1012, 'service restart', 1);
    expect([kept[1]!.did, counters.waiting, counters.ended.stopped]).toEqual([['closed 1012 service restart'], 0, 2]);
    expect(resumption.yieldUpstream(() => {})).toBe(false);
  });
});
