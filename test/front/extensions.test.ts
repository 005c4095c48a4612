// Which extensions get through, and what the 101 says of permessage-deflate (RFC 7692).
import { expect, it } from 'vitest';
import { filterOffers, readAgreement } from '../../src/front/extensions.ts';

const NAME = 'Sec-WebSocket-Extensions';

it.each([
  [
    'only permessage-deflate: untouched',
    ['permessage-deflate;client_max_window_bits'],
    ['permessage-deflate;client_max_window_bits'],
  ],
  [
    'several offers of it: untouched',
    ['permessage-deflate; x=1, permessage-deflate'],
    ['permessage-deflate; x=1, permessage-deflate'],
  ],
  [
    'others go',
    ['foo; a=1, permessage-deflate; client_max_window_bits, bar'],
    ['permessage-deflate; client_max_window_bits'],
  ],
  [
    'over several lines',
    ['foo', 'permessage-deflate; server_max_window_bits="10"'],
    ['permessage-deflate; server_max_window_bits=10'],
  ],
  ['nothing readable left: no header', ['x-webkit-deflate-frame'], []],
  ['unparsable: for the upstream to refuse', ['permessage-deflate; ; ='], ['permessage-deflate; ; =']],
])('offers: %s', (_, offered, expected) => {
  const raw = ['A', '1', ...offered.flatMap((value) => [NAME, value]), 'B', '2'];
  expect(filterOffers(raw)).toEqual(['A', '1', ...expected.flatMap((value) => [NAME, value]), 'B', '2']);
});

it('no answer: nothing agreed, nothing changed', () => {
  expect(readAgreement(['A', '1'])).toEqual({ headers: ['A', '1'], deflate: undefined, opaque: false });
});

const PLAIN = {
  serverNoContextTakeover: false,
  serverMaxWindowBits: 15,
  clientNoContextTakeover: true,
  clientMaxWindowBits: 15,
};

it.each([
  ['permessage-deflate', 'permessage-deflate; client_no_context_takeover', {}],
  [
    'permessage-deflate; client_no_context_takeover; server_no_context_takeover',
    'permessage-deflate; client_no_context_takeover; server_no_context_takeover',
    { serverNoContextTakeover: true },
  ],
  [
    'permessage-deflate; server_max_window_bits=12; client_max_window_bits="9"',
    'permessage-deflate; server_max_window_bits=12; client_max_window_bits="9"; client_no_context_takeover',
    { serverMaxWindowBits: 12, clientMaxWindowBits: 9 },
  ],
])('agreed: %s', (answered, told, changed) => {
  const agreed = readAgreement(['A', '1', NAME, answered, 'B', '2']);
  expect(agreed).toEqual({
    headers: ['A', '1', NAME, told, 'B', '2'],
    deflate: { ...PLAIN, ...changed },
    opaque: false,
  });
});

it.each([
  'foo',
  'permessage-deflate, foo',
  'permessage-deflate, permessage-deflate',
  'permessage-deflate; server_max_window_bits=7',
  'permessage-deflate; server_max_window_bits',
  'permessage-deflate; client_max_window_bits=16',
  'permessage-deflate; surprise',
  'permessage-deflate; surprise=10',
  'permessage-deflate; server_no_context_takeover=1',
  'permessage-deflate; client_no_context_takeover=1',
  'permessage-deflate; server_no_context_takeover; server_no_context_takeover',
  '; =',
])('not readable, so opaque and untouched: %s', (answered) => {
  const raw = [NAME, answered];
  expect(readAgreement(raw)).toEqual({ headers: raw, deflate: undefined, opaque: true });
});

it.each(['', ' ', ',', ' , ,'])('a list of nothing (%j) agrees on nothing', (answered) => {
  const raw = [NAME, answered, 'A', '1'];
  expect(readAgreement(raw)).toEqual({ headers: raw, deflate: undefined, opaque: false });
});
