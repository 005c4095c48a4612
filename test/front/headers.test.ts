// Heads on their way through: what is removed, added and left alone.
import { describe, expect, it } from 'vitest';
import {
  addForwarded,
  formatHead,
  hasToken,
  headerValues,
  isTraceparent,
  plainAddress,
  setTraceparent,
  traceparentOf,
  withoutHopByHop,
} from '../../src/front/headers.ts';
import { setHost, targetOf } from '../../src/front/target.ts';
import { parseUpstream } from '../../src/front/upstream.ts';

const VALID = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00';

describe('hop-by-hop headers (RFC 9110 §7.6.1)', () => {
  it('go, with those that Connection nominates; order, case and duplicates of the rest stay', () => {
    const raw = [
      ...['X-B', '1', 'Connection', 'close, X-Private', 'x-private', 'p', 'Keep-Alive', 'timeout=5', 'x-b', '2'],
      ...['Proxy-Connection', 'x', 'TE', 'gzip', 'Transfer-Encoding', 'chunked', 'Upgrade', 'h2c', 'Trailer', 'X-T'],
    ];
    expect(withoutHopByHop(raw)).toEqual(['X-B', '1', 'x-b', '2', 'Trailer', 'X-T']);
  });

  it('a nomination cannot remove framing, routing, the handshake or forwarding headers', () => {
    const raw = ['Connection', 'content-length, host, sec-websocket-key, x-forwarded-for, traceparent'];
    const kept = [
      'Content-Length',
      '3',
      'Host',
      'a',
      'Sec-WebSocket-Key',
      'k',
      'X-Forwarded-For',
      'b',
      'traceparent',
      't',
    ];
    expect(withoutHopByHop([...raw, ...kept])).toEqual(kept);
  });

  it('an upgrade keeps Upgrade, and one Connection line in its place', () => {
    const raw = [
      'A',
      '1',
      'connection',
      'keep-alive, Upgrade, X-P',
      'X-P',
      'p',
      'upgrade',
      'websocket',
      'Connection',
      'x',
    ];
    expect(withoutHopByHop(raw, 'Upgrade')).toEqual(['A', '1', 'connection', 'Upgrade', 'upgrade', 'websocket']);
    expect(withoutHopByHop(['A', '1'], 'close')).toEqual(['A', '1', 'Connection', 'close']);
  });
});

describe('forwarding headers', () => {
  it('are added when there are none', () => {
    const headers = ['Host', 'app.example'];
    addForwarded(headers, { remoteAddress: '10.0.0.9', proto: 'http', trusted: false });
    expect(headers.slice(2)).toEqual([
      ...['X-Forwarded-For', '10.0.0.9', 'X-Forwarded-Proto', 'http', 'X-Forwarded-Host', 'app.example'],
    ]);
  });

  it('of a trusted peer: append to the last X-Forwarded-For and Forwarded line and leave proto and host of an earlier hop; another spelling goes', () => {
    const earlier = ['X-Forwarded-Proto', 'https', 'X-Forwarded-Host', 'public.example', 'Forwarded', 'for=a, for=b'];
    const headers = ['Host', 'b', 'x-forwarded-for', '1.1.1.1', 'X-Forwarded-For', '2.2.2.2', ...earlier];
    headers.push('X_Forwarded_For', '3.3.3.3');
    addForwarded(headers, { remoteAddress: '', proto: 'http', trusted: true });
    expect(headers).toEqual([
      ...['Host', 'b', 'x-forwarded-for', '1.1.1.1', 'X-Forwarded-For', '2.2.2.2, unknown', ...earlier.slice(0, -1)],
      'for=a, for=b, for=unknown',
    ]);
  });

  it.each([
    ['10.0.0.9', 'for=10.0.0.9'],
    ['2001:db8::1', 'for="[2001:db8::1]"'],
  ])(
    'the trusted peer %s is %s in Forwarded (RFC 7239 §6), and in no Forwarded that nobody sent',
    (address, element) => {
      const hop = { remoteAddress: address, proto: 'http', trusted: true } as const;
      const sent = ['forwarded', ''];
      addForwarded(sent, hop);
      expect(sent.slice(0, 2)).toEqual(['forwarded', element]);
      const unsent: string[] = [];
      addForwarded(unsent, hop);
      expect(unsent).toEqual(['X-Forwarded-For', address, 'X-Forwarded-Proto', 'http']);
    },
  );

  it('[D19] of any other peer: what it says is replaced, on every line and in every spelling', () => {
    const said = ['X-Forwarded-Proto', 'https', 'X-FORWARDED-host', 'public.example', 'Forwarded', 'for=1.2.3.4'];
    const headers = ['Host', 'b', 'x-forwarded-for', '1.1.1.1', 'X_Forwarded_For', '2.2.2.2', ...said];
    addForwarded(headers, { remoteAddress: '10.0.0.9', proto: 'http', trusted: false });
    expect(headers).toEqual([
      ...['Host', 'b', 'X-Forwarded-For', '10.0.0.9', 'X-Forwarded-Proto', 'http', 'X-Forwarded-Host', 'b'],
    ]);
  });

  it('an IPv4-mapped address is written as IPv4', () => {
    expect(plainAddress('::ffff:10.1.2.3')).toBe('10.1.2.3');
    expect(plainAddress('2001:db8::1')).toBe('2001:db8::1');
    expect(plainAddress(undefined)).toBe('');
  });
});

describe('traceparent (W3C Trace Context §3.2)', () => {
  it.each([
    [VALID, true],
    ['cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-comes-later', true],
    [`${VALID}-more`, false],
    ['ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', false],
    ['00-00000000000000000000000000000000-00f067aa0ba902b7-01', false],
    ['00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01', false],
    ['00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01', false],
    ['', false],
  ])('%s is valid: %s', (value, valid) => expect(isTraceparent(value)).toBe(valid));

  it('is the trace of a head when it is single and valid', () => {
    expect(traceparentOf(['Traceparent', VALID])).toBe(VALID);
    expect(traceparentOf(['traceparent', VALID, 'traceparent', VALID])).toBeUndefined();
    expect(traceparentOf(['traceparent', 'nonsense'])).toBeUndefined();
    expect(traceparentOf([])).toBeUndefined();
  });

  it('takes the place of what named no trace, and of its tracestate', () => {
    for (const present of [['Traceparent', 'nonsense'], ['traceparent', VALID, 'traceparent', VALID], []]) {
      const headers = ['A', '1', ...present, 'TraceState', 'a=1', 'B', '2'];
      setTraceparent(headers, VALID);
      expect(headers).toEqual(['A', '1', 'B', '2', 'traceparent', VALID]);
    }
  });
});

it('list headers are searched by token, over several lines, without regard to case', () => {
  const raw = ['Connection', 'keep-alive', 'CONNECTION', ' Upgrade '];
  expect(hasToken(raw, 'connection', 'upgrade')).toBe(true);
  expect(hasToken(raw, 'connection', 'up')).toBe(false);
  expect(headerValues(raw, 'connection')).toEqual(['keep-alive', ' Upgrade ']);
});

it('a head is written as it was given', () => {
  expect(formatHead('GET / HTTP/1.1', ['a', '1', 'A', ''])).toBe('GET / HTTP/1.1\r\na: 1\r\nA: \r\n\r\n');
});

describe('request targets (RFC 9112 §3.2)', () => {
  it.each([
    ['GET', '/a//b/../%2e?x=1?y', '', '/a//b/../%2e?x=1?y', undefined],
    ['GET', '/a?', '/base', '/base/a?', undefined],
    ['GET', 'http://u@other.example:81/p?q', '', '/p?q', 'other.example:81'],
    ['GET', 'http://other.example', '/base', '/base/', 'other.example'],
    ['GET', 'http://other.example?q', '', '/?q', 'other.example'],
    ['OPTIONS', '*', '/base', '*', undefined],
    ['OPTIONS', 'http://other.example', '', '*', 'other.example'],
  ])('%s %s behind %j asks for %s', (method, url, base, path, host) => {
    expect(targetOf({ method, url }, base)).toEqual({ path, host });
  });

  it('an absolute form replaces the Host header in place', () => {
    const headers = ['A', 'host', 'hOsT', 'old'];
    setHost(headers, 'new');
    expect(headers).toEqual(['A', 'host', 'hOsT', 'new']);
    setHost(headers, undefined);
    expect(headers).toEqual(['A', 'host', 'hOsT', 'new']);
  });
});

describe('upstream addresses', () => {
  it.each([
    ['http://127.0.0.1:8000', { host: '127.0.0.1', port: 8000, secure: false, basePath: '' }],
    ['http://backend', { host: 'backend', port: 80 }],
    ['https://[::1]/api//', { host: '::1', port: 443, secure: true, basePath: '/api' }],
    ['unix:/run/app.sock', { host: '/run/app.sock', port: 0, socketPath: '/run/app.sock' }],
    ['unix:///run/app.sock', { socketPath: '/run/app.sock' }],
  ])('%s', (address, expected) => expect(parseUpstream(address).upstream).toMatchObject({ address, ...expected }));

  it.each([
    [
      'localhost:8000',
      'upstream "localhost:8000" has the scheme "localhost:": use http://host:port, https://host:port or unix:/path/to.sock',
    ],
    ['8000', 'upstream "8000" is not an address: use http://host:port, https://host:port or unix:/path/to.sock'],
    ['unix:app.sock', 'upstream "unix:app.sock" needs an absolute path: unix:/path/to.sock'],
    ['http://a?b', 'upstream "http://a?b" must not hold a query or a fragment'],
    ['http://user:pass@a', 'upstream must not hold a user name or password'],
  ])('%s is a fault', (address, fault) => expect(parseUpstream(address)).toEqual({ fault }));
});
