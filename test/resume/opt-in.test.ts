// The query of an upgrade: what is ours is read and taken out, what is not keeps its bytes.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { readOptIn, withoutOptIn } from '../../src/resume/opt-in.ts';
import { propertyOptions } from '../support/seed.ts';

it.each(['/ws', '/ackspan', '/ws?', '/ws?a=1', '/ws?ackspan', '/ws?ackspan=0', '/ws?ackspan=2', '/ws?xackspan=1'])(
  '%s does not opt in',
  (url) => expect(readOptIn(url)).toBeUndefined(),
);

it.each([
  ['/ws?ackspan=1', { session: undefined, token: '', last: 0 }],
  ['/ws?a=1&ackspan=1&b', { session: undefined, token: '', last: 0 }],
  ['?ackspan=1&ackspan_session=S&ackspan_token=T&ackspan_last=7', { session: 'S', token: 'T', last: 7 }],
  ['/?ackspan_last=7&ackspan_token=a%2Bb&ackspan_session=S%20&ackspan=1', { session: 'S ', token: 'a+b', last: 7 }],
  ['/?ackspan=1&ackspan_session=&ackspan_token=T', { session: undefined, token: 'T', last: 0 }],
  [
    `/?ackspan=1&ackspan_session=${'S'.repeat(513)}&ackspan_token=${'T'.repeat(513)}`,
    { session: undefined, token: '', last: 0 },
  ],
])('%s', (url, ask) => expect(readOptIn(url)).toEqual(ask));

it.each(['-1', '1.5', 'NaN', '1e400', 'x', '', '9007199254740992', '0x'])('ackspan_last=%s counts as 0', (last) => {
  expect(readOptIn(`/?ackspan=1&ackspan_session=S&ackspan_last=${last}`)?.last).toBe(0);
});

it.each([
  ['/ws', '/ws'],
  ['/ws?', '/ws?'],
  ['/ws?ackspan=1', '/ws'],
  ['/ws?a=1&ackspan=1&a=2&ackspan_session=S&&b=%20&ackspan_token=T&ackspan_last=1', '/ws?a=1&a=2&&b=%20'],
  ['/ws?ackspan_x=1&ackspanish=2&x=ackspan', '/ws?ackspan_x=1&ackspanish=2&x=ackspan'],
  ['/ws?ackspan', '/ws'],
  ['/ws?ackspan=1&ackspan%5Ftoken=T&%61ckspan_session=S&x%5Fy=%5F', '/ws?x%5Fy=%5F'],
  ['/ws?%=1&%zz%5f=2&ackspan=1', '/ws?%=1&%zz%5f=2'],
])('%s goes to the upstream as %s', (path, rest) => expect(withoutOptIn(path)).toBe(rest));

it('nothing of ours is left, and the rest keeps its order', () => {
  const pair = fc.oneof(
    fc.constantFrom('ackspan=1', 'ackspan_session=S', 'ackspan_token=T', 'ackspan_last=3', 'ackspan'),
    fc.stringMatching(/^[a-z%0-9=+]{0,8}$/),
  );
  fc.assert(
    fc.property(fc.array(pair, { minLength: 1, maxLength: 9 }), (pairs) => {
      const rest = pairs.filter((one) => !/^ackspan(_(session|token|last))?(=|$)/.test(one));
      expect(withoutOptIn(`/p?${pairs.join('&')}`)).toBe(rest.length === 0 ? '/p' : `/p?${rest.join('&')}`);
      readOptIn(`/p?${pairs.join('&')}`);
    }),
    propertyOptions(300),
  );
});
