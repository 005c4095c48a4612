// The pure parts of the hooks: signature, back-off, breaker, waiting room, addresses.
import { describe, expect, test } from 'vitest';
import { backoffMs, retryAfterMs } from '../../src/hooks/backoff.ts';
import { Breaker } from '../../src/hooks/breaker.ts';
import { createHooks } from '../../src/hooks/hooks.ts';
import { Notice } from '../../src/hooks/notice.ts';
import { readSecret, sign } from '../../src/hooks/signature.ts';
import { resolveTarget } from '../../src/hooks/target.ts';
import { WaitingRoom } from '../../src/hooks/waiting-room.ts';
import { eventType, facts, session, Walk } from '../support/deliveries.ts';
import { silentObserver } from '../support/silent-observer.ts';
import { SECRET } from './receiver.ts';

describe('signature', () => {
  test('the reference vector of Standard Webhooks', () => {
    const key = readSecret(SECRET)!;
    const text = sign([key], 'msg_p5jXN8AQM9LWM0D4loKWxJek', 1614265330, '{"test": 2432232314}');
    expect(text).toBe('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
  });

  test.each([
    ['', 'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'],
    ['whsec_', ''],
    ['whsec_', Buffer.alloc(23).toString('base64')],
    ['whsec_', Buffer.alloc(65).toString('base64')],
    ['whsec_', 'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n'],
    ['whsec_', 'not base64 at all, however long it may be'],
  ])('%s%s is no secret', (prefix, rest) => {
    expect(readSecret(prefix + rest)).toBeUndefined();
  });

  test('hooks without a secret, or with one that is none, are refused without printing it', () => {
    const make = (secrets: string[]) =>
      createHooks({
        target: resolveTarget('http://localhost/', {} as never),
        secrets,
        kinds: ['failed'],
        source: 'urn:x',
        userAgent: 'x',
        payload: false,
        now: () => 0,
        wallOf: (at) => at,
        random: () => 0,
        report() {},
      });
    expect(() => make([])).toThrow('hooks need a secret: notices are always signed');
    expect(() => make([SECRET, 'hunter2'])).toThrow('hook secret 2 is not whsec_<base64 of 24 to 64 bytes>');
  });
});

describe('back-off', () => {
  test('gaps double up to the longest, spread over their upper half', () => {
    const options = { firstMs: 1000, longestMs: 10_000 };
    expect([1, 2, 3, 4, 5, 6].map((tries) => backoffMs(tries, 0, options))).toEqual([
      500, 1000, 2000, 4000, 5000, 5000,
    ]);
    expect(backoffMs(2, 0.999999, options)).toBeCloseTo(2000, 1);
    expect(backoffMs(5000, 0, options)).toBe(5000);
  });

  test('Retry-After in seconds, as a date, and as nonsense', () => {
    const now = Date.parse('2025-09-11T19:50:11Z');
    expect(retryAfterMs('120', now)).toBe(120_000);
    expect(retryAfterMs('Thu, 11 Sep 2025 19:50:21 GMT', now)).toBe(10_000);
    expect(retryAfterMs('Thu, 11 Sep 2025 19:00:00 GMT', now)).toBe(0);
    expect(retryAfterMs('86400', now)).toBe(300_000);
    expect([undefined, '', 'soon', '-5', '1e9999'].map((header) => retryAfterMs(header, now))).toEqual([0, 0, 0, 0, 0]);
  });
});

describe('breaker', () => {
  const options = { failures: 3, cooldownMs: 1000 };

  test('opens after failures in a row; an answer in between starts the count anew', () => {
    const breaker = new Breaker(options);
    expect([breaker.failed(0), breaker.failed(0)]).toEqual([false, false]);
    breaker.succeeded();
    expect([breaker.failed(0), breaker.failed(0), breaker.failed(0)]).toEqual([false, false, true]);
    expect([breaker.state, breaker.admit(999), breaker.admitsAt]).toEqual(['open', false, 1000]);
  });

  test('half-open lets one through: its failure opens it again, its success closes it', () => {
    const breaker = new Breaker(options);
    for (let i = 0; i < 3; i++) breaker.failed(0);
    expect([breaker.admit(1000), breaker.state, breaker.admit(1000)]).toEqual([true, 'half-open', false]);
    expect(breaker.admitsAt).toBe(Number.POSITIVE_INFINITY);
    expect(breaker.failed(1500)).toBe(true);
    expect([breaker.admit(2400), breaker.admit(2500)]).toEqual([false, true]);
    breaker.succeeded();
    expect([breaker.state, breaker.admit(2500), breaker.admit(2500), breaker.opened]).toEqual([
      'closed',
      true,
      true,
      2,
    ]);
  });

  test('requests that were under way when it opened say nothing new', () => {
    const breaker = new Breaker(options);
    for (let i = 0; i < 3; i++) breaker.failed(0);
    expect(breaker.failed(900)).toBe(false);
    expect(breaker.admit(1000)).toBe(true);
  });
});

describe('waiting room', () => {
  const notice = (id: string, due = 0): Notice => {
    const { delivery } = new Walk(silentObserver, session(), facts({ type: eventType('t'), id }), 0);
    return Object.assign(new Notice('failed', delivery, 0, undefined), { due });
  };
  const idOf = (taken: Notice | undefined) => taken?.delivery.eventId;

  test('what came first goes first; what failed comes back when it is due, before the rest', () => {
    const room = new WaitingRoom(10);
    for (const id of ['a', 'b', 'c', 'd', 'e']) room.add(notice(id));
    expect([idOf(room.take(0)), idOf(room.take(0)), idOf(room.take(0))]).toEqual(['a', 'b', 'c']);
    room.putBack(notice('c', 30));
    room.putBack(notice('a', 10));
    room.putBack(notice('b', 20));
    expect([room.nextAt, idOf(room.take(5)), idOf(room.take(10)), idOf(room.take(10))]).toEqual([0, 'd', 'a', 'e']);
    expect([room.nextAt, idOf(room.take(19)), room.held]).toEqual([20, undefined, 5]);
    expect([idOf(room.take(50)), idOf(room.take(50)), room.nextAt]).toEqual(['b', 'c', Number.POSITIVE_INFINITY]);
  });
});

describe('addresses', () => {
  const upstream = {
    secure: true,
    host: '::1',
    port: 8443,
    socketPath: undefined,
    basePath: '/api',
    verifyTls: false,
    ca: 'PEM',
  };

  test('a path is one of the upstream, reached as the relay reaches it', () => {
    expect(resolveTarget('/hooks?a=b', upstream)).toEqual({
      secure: true,
      host: '::1',
      port: 8443,
      socketPath: undefined,
      path: '/api/hooks?a=b',
      authority: '[::1]:8443',
      verifyTls: false,
      ca: 'PEM',
    });
  });

  test('an address of its own always has its certificate checked', () => {
    expect(resolveTarget('https://example.org/x?y', upstream)).toEqual({
      secure: true,
      host: 'example.org',
      port: 443,
      socketPath: undefined,
      path: '/x?y',
      authority: 'example.org',
      verifyTls: true,
      ca: undefined,
    });
  });

  test.each(['', 'example.org', 'ftp://example.org/', 'https://user:pass@example.org/', '/a b', '/a\r\nx: y'])(
    '%j is refused',
    (url) => {
      expect(() => resolveTarget(url, upstream)).toThrow(RangeError);
    },
  );
});
