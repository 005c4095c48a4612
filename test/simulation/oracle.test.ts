// The judge itself: for each promise a history written by hand that breaks it, and its neighbour that does not.
import { describe, expect, test } from 'vitest';
import {
  type Evidence,
  emptyHistory,
  type History,
  type Link,
  type Message,
  type Told,
  type Upstream,
} from './history.ts';
import { judge } from './oracle.ts';

const LINK: Link = {
  id: 1,
  client: 0,
  user: undefined,
  sdk: false,
  upstream: 1,
  joinedAt: 50,
  parsed: [{ uid: 8, at: 120 }],
  evidence: [],
  left: { arrivedAt: 0, readAt: 0 },
  leftAt: 0,
  leftCode: 0,
  streamEnd: undefined,
  closedAt: 5000,
  overAt: 0,
  overReadAt: 0,
  closeSentAt: 0,
  brokenAt: 0,
  supersededAt: 0,
  supersededAnew: false,
  vanishedAt: 0,
  pauses: [],
  arrivals: [],
  broke: false,
  cutShort: false,
};
const PONG: Evidence = { kind: 'pong', sentAt: 121, arrivedAt: 140, readAt: 140, most: 1, sure: 1 };
const WORD: Evidence = { ...PONG, kind: 'word', eventId: 'e1' };
const MESSAGE: Message = {
  uid: 8,
  client: 0,
  upstream: 1,
  eventId: 'e1',
  tracked: true,
  confirm: 'received',
  low: false,
  compressed: false,
  sentAt: 90,
  arrivedAt: 100,
  readAt: 100,
};
const TOLD: Told = {
  uid: 8,
  seq: 1,
  session: 's',
  ordinal: 1,
  eventId: 'e1',
  required: 'received',
  sentAt: 100,
  trackedAt: 100,
  timeoutMs: 1000,
  outcomes: 1,
  status: 'confirmed',
  errorType: '',
  unverified: '',
  level: 'received',
  settledAt: 140,
  upgradedAt: 0,
  rejectedAt: 0,
  reemittedAt: 0,
};
const UP: Upstream = {
  id: 1,
  client: 0,
  joined: true,
  closedAt: 5000,
  closedUnread: false,
  goneAt: 0,
  overAt: 0,
  close: { arrivedAt: 0, readAt: 0 },
};

interface Parts {
  readonly told?: Partial<Told>;
  readonly message?: Partial<Message>;
  readonly links?: readonly Partial<Link>[];
  readonly with?: Partial<History>;
}

/** The kinds of failure of a history of one message. */
function kinds({ told, message, links = [{ evidence: [PONG] }], with: more }: Parts): string[] {
  const history: History = {
    ...emptyHistory(),
    links: links.map((link, i) => ({ ...LINK, id: i + 1, upstream: i + 1, ...link })),
    upstreams: [UP],
    messages: [{ ...MESSAGE, ...message }],
    deliveries: [{ ...TOLD, ...told }],
    ...more,
  };
  for (const one of history.messages) history.byUid.set(one.uid, one);
  return judge(history).map(({ kind }) => kind);
}

describe('false confirm', () => {
  test('a pong to a ping behind the message confirms it', () => expect(kinds({})).toEqual([]));

  test('not before it is read', () =>
    expect(kinds({ links: [{ evidence: [{ ...PONG, readAt: 150 }] }] })).toEqual(['false confirm']));

  test('nor where the stack had not parsed the message when it answered', () =>
    expect(kinds({ links: [{ evidence: [{ ...PONG, most: 0, sure: 0 }] }] })).toEqual(['false confirm']));

  test("nor on another client's evidence", () =>
    expect(kinds({ links: [{ evidence: [] }, { client: 1, evidence: [PONG] }] })).toEqual(['false confirm']));

  test('a level needs the word of the application', () => {
    const told = { level: 'processed' };
    expect(kinds({ told })).toEqual(['false confirm']);
    expect(kinds({ told, links: [{ evidence: [WORD] }] })).toEqual([]);
    expect(kinds({ told: { upgradedAt: 200 } })).toEqual(['false confirm']);
  });

  test('a word said before the message came is no word on it, whatever is proven later', () => {
    const told = { level: 'processed' };
    const early = { ...WORD, sentAt: 110, most: 0, sure: 0 };
    expect(kinds({ told, links: [{ evidence: [early] }] })).toEqual(['false confirm']);
    expect(kinds({ told, links: [{ evidence: [early, PONG] }] })).toEqual(['false confirm']);
  });

  test("a word of the user's other tab raises only what is proven received", () => {
    const told = { level: 'processed' };
    const other = { client: 1, user: 'ann', parsed: [], evidence: [WORD] };
    expect(kinds({ told, links: [{ user: 'ann', evidence: [PONG] }, other] })).toEqual([]);
    expect(kinds({ told, links: [{ user: 'bob', evidence: [PONG] }, other] })).toEqual(['false confirm']);
    expect(kinds({ told, links: [{ user: 'ann', evidence: [] }, other] })).toEqual(['false confirm']);
  });

  test('what an SDK application rejected is not processed', () => {
    const told = { level: 'processed' };
    const links = [{ sdk: true, evidence: [{ ...PONG, kind: 'sdk' as const, through: 1 }] }];
    const handled = (ok: boolean) => ({ handled: [{ uid: 8, client: 0, at: 120, ok }] });
    expect(kinds({ told, links, with: handled(false) })).toEqual(['false confirm']);
    expect(kinds({ told, links, with: handled(true) })).toEqual([]);
  });
});

describe('false loss', () => {
  const timeout = { status: 'timeout', errorType: 'timeout', level: '', settledAt: 1110 };

  test('a time-out is one when the pong had arrived before the deadline', () => {
    expect(kinds({ told: timeout })).toEqual(['false loss']);
    expect(kinds({ told: timeout, links: [{ evidence: [{ ...PONG, arrivedAt: 1105, readAt: 1105 }] }] })).toEqual([]);
  });

  test('unread counts: it was in the kernel', () =>
    expect(kinds({ told: timeout, links: [{ evidence: [{ ...PONG, readAt: 0 }] }] })).toEqual(['false loss']));

  test('time in which the sidecar stood still is no time', () => {
    const late = [{ evidence: [{ ...PONG, arrivedAt: 3000, readAt: 0 }] }];
    const told = { ...timeout, settledAt: 4000 };
    expect(kinds({ told, links: late })).toEqual([]);
    expect(kinds({ told, links: late, with: { standstills: [{ from: 500, to: 3500 }] } })).toEqual(['false loss']);
  });

  test('a disconnect is one when the proof came first', () => {
    const told = { ...timeout, status: 'failed', errorType: 'disconnected', settledAt: 300 };
    expect(kinds({ told })).toEqual(['false loss']);
    const late = { evidence: [{ ...PONG, arrivedAt: 400, readAt: 0 }] };
    expect(kinds({ told, links: [{ ...late, overAt: 300 }] })).toEqual([]);
    // Nobody had gone: it was given up too early.
    expect(kinds({ told, links: [late] })).toEqual(['false loss']);
  });

  test('a sidecar that closes the connection over a pong that is on its way owes patience', () => {
    const told = { ...timeout, status: 'failed', errorType: 'disconnected', settledAt: 130 };
    const opening = { ...PONG, most: 0, sure: 0, sentAt: 50, arrivedAt: 60, readAt: 60 };
    const late = [opening, { ...PONG, arrivedAt: 140, readAt: 0 }];
    const died = (overAt: number) => ({ upstreams: [{ ...UP, closedAt: 130, overAt }] });
    expect(kinds({ told, links: [{ closedAt: 130, evidence: late }], with: died(129) })).toEqual(['false loss']);
    expect(kinds({ told, links: [{ closedAt: 130, overAt: 128, evidence: late }], with: died(129) })).toEqual([]);
  });

  test('one that stops owes it too, to the time by which it closes', () => {
    const told = { ...timeout, status: 'failed', errorType: 'shutdown', settledAt: 200 };
    const opening = { ...PONG, most: 0, sure: 0, sentAt: 50, arrivedAt: 60, readAt: 60 };
    const links = [{ closedAt: 900, evidence: [opening, { ...PONG, arrivedAt: 500, readAt: 500 }] }];
    expect(kinds({ told, links, with: { stopAt: 150, closeBy: 900 } })).toEqual(['false loss']);
  });

  test('a client that is not read for its backend has more time', () => {
    const told = { ...timeout, settledAt: 1150 };
    const late = { ...PONG, arrivedAt: 1120, readAt: 0 };
    expect(kinds({ told, links: [{ evidence: [late] }] })).toEqual([]);
    expect(kinds({ told, links: [{ evidence: [late], pauses: [{ from: 200, to: 1000 }] }] })).toEqual(['false loss']);
  });

  test('what must be processed needs the word, and gets its due when that came', () => {
    const message = { confirm: 'processed' as const };
    expect(kinds({ told: timeout, message })).toEqual([]);
    expect(kinds({ told: timeout, message, links: [{ evidence: [WORD] }] })).toEqual(['false loss']);
    expect(kinds({ told: timeout, message, links: [{ evidence: [{ ...WORD, moot: true }] }] })).toEqual([]);
  });

  test("another tab's word before it may be about a message that could not be read, if it had got one", () => {
    const unread = { ...MESSAGE, uid: 9, client: 1, upstream: 2, eventId: 'e9', arrivedAt: 60, readAt: 60 };
    const early = { ...WORD, sentAt: 70, arrivedAt: 80, readAt: 80, most: 0, sure: 0 };
    const own = { user: 'ann', evidence: [WORD] };
    const found = (second: Message, user = 'ann', got?: Message) => {
      const parsed = got === undefined ? [] : [{ uid: got.uid, at: got.readAt }];
      const links = [own, { client: 1, user, parsed, evidence: [{ ...early, most: 1, sure: 1 }] }];
      const messages = [MESSAGE, second, ...(got === undefined ? [] : [got])];
      const deliveries = [{ ...TOLD, ...timeout }, ...(got === undefined ? [] : [{ ...TOLD, uid: got.uid, seq: 2 }])];
      const upstreams = [UP, { ...UP, id: 2, client: 1 }];
      return kinds({ told: timeout, links, with: { messages, deliveries, upstreams, untracked: 1 } });
    };
    expect(found(unread)).toEqual([]);
    expect(found({ ...unread, arrivedAt: 90, readAt: 90 })).toEqual(['false loss']);
    expect(found(unread, 'bob')).toEqual(['false loss']);
    expect(found(unread, 'ann', { ...unread, uid: 10, eventId: 'e1', readAt: 65 })).toEqual(['false loss']);
  });

  test('a rejection needs somebody who rejects', () => {
    const told = { ...timeout, status: 'failed', errorType: 'rejected', settledAt: 150 };
    expect(kinds({ told })).toEqual(['false loss']);
    const word = { ...WORD, rejected: true };
    expect(kinds({ told, links: [{ evidence: [word] }] })).toEqual([]);
    const read = { ...word, arrivedAt: 149, readAt: 149 };
    expect(kinds({ told, links: [{ evidence: [PONG, read] }] })).toEqual(['false loss']);
  });

  test('a confirmed copy ends what the backend was asked to emit again', () => {
    const copy = { ...TOLD, uid: 16, seq: 2, settledAt: 140 };
    const second = { ...MESSAGE, uid: 16 };
    const parsed = [...LINK.parsed, { uid: 16, at: 125 }];
    const links = [{ parsed, evidence: [{ ...PONG, most: 2, sure: 2 }] }];
    const with_ = (first: Partial<Told>) => ({
      deliveries: [{ ...TOLD, reemittedAt: 110, ...first }, copy],
      messages: [MESSAGE, second],
    });
    expect(kinds({ links, with: with_({}) })).toEqual([]);
    expect(kinds({ links, with: with_({ ...timeout, settledAt: 1110 }) })).toEqual(['false loss']);
  });
});

describe('reasons', () => {
  const open = { ...TOLD, status: 'unverifiable', level: '', settledAt: 300 };
  const opening = { ...PONG, most: 1, sure: 1, sentAt: 90, arrivedAt: 95, readAt: 95 };

  test('never answered is one who never did', () => {
    const told = { ...open, unverified: 'never_answered' };
    expect(kinds({ told, links: [{ evidence: [] }] })).toEqual([]);
    const links = [{ parsed: [{ uid: 24, at: 80 }, ...LINK.parsed], evidence: [opening] }];
    expect(kinds({ told, links })).toEqual(['reason']);
  });

  test('left is one who closed in good order, and what was sent to it just before', () => {
    const told = { ...open, unverified: 'client_left' };
    const left = { leftAt: 125, leftCode: 1000, left: { arrivedAt: 300, readAt: 300 } };
    expect(kinds({ told, links: [left] })).toEqual([]);
    const complains = [{ ...left, leftCode: 1009 }];
    expect(kinds({ told, links: complains })).toEqual(['reason']);
    // What an SDK had, its application can say nothing of any more; the rest is lost.
    const had = { ...told, level: 'received' };
    expect(kinds({ told: had, links: complains })).toEqual(['reason']);
    expect(kinds({ told: had, links: [{ ...complains[0], sdk: true }] })).toEqual([]);
    expect(kinds({ told, links: [{ ...complains[0], sdk: true }] })).toEqual(['reason']);
    expect(kinds({ told, links: [{}] })).toEqual(['reason']);
    expect(kinds({ told, links: [left], with: { patienceMs: 100 } })).toEqual(['reason']);
    const lost = { ...told, status: 'failed', unverified: '', errorType: 'disconnected' };
    expect(kinds({ told: lost, links: [left] })).toEqual(['reason']);
    expect(kinds({ told: lost, links: [{ overAt: 300, overReadAt: 300 }] })).toEqual([]);
  });

  test('ambiguous needs a word, and something else that it may mean', () => {
    const told = { ...open, unverified: 'ambiguous' };
    const links = [{ evidence: [{ ...WORD, sure: 0 }] }];
    expect(kinds({ told, links })).toEqual(['reason']);
    const twin = { ...MESSAGE, uid: 16 };
    expect(kinds({ told, links, with: { messages: [twin, MESSAGE], shed: 1 } })).toEqual([]);
  });

  test('only LOW gives its place away', () => {
    const told = { ...open, unverified: 'limit' };
    expect(kinds({ told, links: [{ evidence: [] }] })).toEqual(['reason']);
    expect(kinds({ told, message: { low: true }, links: [{ evidence: [] }] })).toEqual([]);
  });

  test('what comes when its client has gone has failed, at once', () => {
    const gone = [{ parsed: [], overAt: 60, overReadAt: 60 }];
    const told = { ...TOLD, status: 'failed', errorType: 'disconnected', level: '', settledAt: 100 };
    expect(kinds({ told, links: gone })).toEqual([]);
    expect(kinds({ told: { ...told, settledAt: 400 }, links: gone })).toEqual(['reason']);
    expect(kinds({ told: { ...open, unverified: 'never_answered' }, links: gone })).toEqual(['reason']);
  });
});

describe('last barriers', () => {
  const told = { ...TOLD, status: 'failed', errorType: 'disconnected', level: '', settledAt: 400 };
  const ended = { upstreams: [{ ...UP, overAt: 130 }] };
  const links = (covered: number) => [{ overAt: 400, overReadAt: 400, streamEnd: { parsed: 1, covered } }];

  test('one goes between the last message and the end of the stream', () => {
    expect(kinds({ told, links: links(0), with: ended })).toEqual(['barrier']);
    expect(kinds({ told, links: links(1), with: ended })).toEqual([]);
  });
});

describe('silence', () => {
  const quiet = { evidence: [PONG], closedAt: 4000 };

  test('whoever is cut off had answered, and then said nothing', () => {
    const with_ = { cuts: [4000], silenceMs: 1000 };
    expect(kinds({ links: [{ ...quiet, arrivals: [140] }], with: with_ })).toEqual([]);
    expect(kinds({ links: [{ ...quiet, arrivals: [140, 3500] }], with: with_ })).toEqual(['silence']);
    expect(kinds({ links: [{ ...quiet, joinedAt: 3500 }], with: with_ })).toEqual(['silence']);
    expect(kinds({ with: { ...with_, cuts: [3000] } })).toEqual(['silence']);
  });

  test('whoever has vanished is cut off', () => {
    const with_ = { silenceMs: 1000 };
    expect(kinds({ links: [{ ...quiet, vanishedAt: 1500 }], with: with_ })).toEqual([]);
    expect(kinds({ links: [{ ...quiet, vanishedAt: 150 }], with: with_ })).toEqual(['silence']);
    expect(kinds({ links: [{ ...quiet, vanishedAt: 150 }] })).toEqual([]);
  });
});

describe('figures, outcomes and what is left', () => {
  const second = { ...MESSAGE, uid: 16, eventId: 'e2' };

  test('a message that arrived on an open connection is in a figure', () => {
    expect(kinds({ with: { messages: [MESSAGE, second] } })).toEqual(['uncounted']);
    expect(kinds({ with: { messages: [MESSAGE, second], untracked: 1 } })).toEqual([]);
    expect(kinds({ with: { messages: [MESSAGE, second], shed: 1 } })).toEqual([]);
    expect(kinds({ with: { messages: [MESSAGE, { ...second, arrivedAt: 0, readAt: 0 }] } })).toEqual([]);
  });

  test('a figure has its message', () => expect(kinds({ with: { untracked: 1 } })).toEqual(['uncounted']));

  test('long after the client has gone nobody need count', () => {
    const upstreams = [{ ...UP, closedAt: 9000, goneAt: 200 }];
    const late = (arrivedAt: number) => [MESSAGE, { ...second, arrivedAt, readAt: 0 }];
    expect(kinds({ with: { messages: late(1000), upstreams } })).toEqual(['uncounted']);
    expect(kinds({ with: { messages: late(4000), upstreams } })).toEqual([]);
  });

  test('an outcome comes once', () => {
    expect(kinds({ told: { outcomes: 2 } })).toEqual(['outcomes']);
    expect(kinds({ told: { outcomes: 0 } })).toEqual(['outcomes']);
  });

  test('what is left, and what the sidecar complains of, fails', () =>
    expect(kinds({ with: { leaks: ['1 timers'], faults: ['tap: no'] } })).toEqual(['leak', 'fault']));
});
