// The judge itself: for each promise a history written by hand that breaks it, and its neighbour that does not.
import { describe, expect, test } from 'vitest';
import { type Evidence, emptyHistory, type History, type Link, type Message, type Told } from './history.ts';
import { judge } from './oracle.ts';

const LINK: Link = {
  id: 1,
  client: 0,
  user: undefined,
  sdk: false,
  parsed: [{ uid: 8, at: 120 }],
  evidence: [],
  left: { arrivedAt: 0, readAt: 0 },
  leftAt: 0,
  closedAt: 5000,
  overAt: 0,
  supersededAt: 0,
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
  timeoutMs: 1000,
  outcomes: 1,
  status: 'confirmed',
  errorType: '',
  level: 'received',
  settledAt: 140,
  upgradedAt: 0,
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
    links: links.map((link, i) => ({ ...LINK, id: i + 1, ...link })),
    upstreams: [{ id: 1, client: 0, closedAt: 5000, goneAt: 0, overAt: 0 }],
    messages: [{ ...MESSAGE, ...message }],
    deliveries: [{ ...TOLD, ...told }],
    ...more,
  };
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

  test('a word said before the message came is no word on it, until its receipt is proven', () => {
    const told = { level: 'processed' };
    const early = { ...WORD, sentAt: 110, most: 0, sure: 0 };
    expect(kinds({ told, links: [{ evidence: [early] }] })).toEqual(['false confirm']);
    expect(kinds({ told, links: [{ evidence: [early, PONG] }] })).toEqual([]);
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
    expect(kinds({ told, links: [{ evidence: [{ ...PONG, arrivedAt: 400, readAt: 0 }] }] })).toEqual([]);
  });

  test('a client that had it and closed in good order is not lost', () => {
    const told = { ...timeout, status: 'failed', errorType: 'disconnected', settledAt: 300 };
    const links = [{ leftAt: 125, left: { arrivedAt: 200, readAt: 200 } }];
    expect(kinds({ told, links })).toEqual(['false loss']);
    expect(kinds({ told: { ...told, status: 'unverifiable', errorType: '' }, links })).toEqual([]);
  });

  test('a sidecar that closes the connection over a pong that is on its way owes patience', () => {
    const told = { ...timeout, status: 'failed', errorType: 'disconnected', settledAt: 130 };
    const opening = { ...PONG, most: 0, sure: 0, sentAt: 50, arrivedAt: 60, readAt: 60 };
    const links = [{ closedAt: 130, evidence: [opening, { ...PONG, arrivedAt: 140, readAt: 0 }] }];
    const died = (overAt: number) => ({ upstreams: [{ id: 1, client: 0, closedAt: 130, goneAt: 0, overAt }] });
    expect(kinds({ told, links, with: died(129) })).toEqual(['false loss']);
    expect(kinds({ told: { ...told, errorType: 'shutdown' }, links, with: died(129) })).toEqual([]);
  });

  test('what must be processed needs the word, and gets its due when that came', () => {
    const message = { confirm: 'processed' as const };
    expect(kinds({ told: timeout, message })).toEqual([]);
    expect(kinds({ told: timeout, message, links: [{ evidence: [WORD] }] })).toEqual(['false loss']);
    expect(kinds({ told: timeout, message, links: [{ evidence: [{ ...WORD, moot: true }] }] })).toEqual([]);
  });

  test('a rejection needs somebody who rejects', () => {
    const told = { ...timeout, status: 'failed', errorType: 'rejected', settledAt: 150 };
    expect(kinds({ told })).toEqual(['false loss']);
    expect(kinds({ told, links: [{ evidence: [{ ...WORD, rejected: true }] }] })).toEqual([]);
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
    const upstreams = [{ id: 1, client: 0, closedAt: 9000, goneAt: 200, overAt: 0 }];
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
