// What sidecar and SDK say to each other, letter by letter.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createFrameReader } from '../../src/client/protocol.ts';
import { looksLikeNotice, readClientMessage, replayText, welcomeText } from '../../src/resume/messages.ts';
import { propertyOptions } from '../support/seed.ts';

const read = (text: string) => readClientMessage(Buffer.from(`.${text}.`), 1, Buffer.byteLength(text) + 1);

describe('what we say', () => {
  it('is what the SDK reads', () => {
    const reader = createFrameReader();
    const welcome = welcomeText('S', 'T', 7, true, true).toString();
    expect(reader(welcome)).toEqual({
      ...{ ackspan: 'welcome', session: 'S', token: 'T', next: 7, recovered: true, rejoined: true },
    });
    expect(reader(replayText(3).toString())).toBeUndefined();
    expect(reader('the message')).toBe(3);
    expect(reader('live')).toBe(0);
  });

  it('does not mention what is not so', () => {
    expect(welcomeText('S', 'T', 1, false, false).toString()).toBe(
      '{"ackspan":"welcome","session":"S","token":"T","next":1,"recovered":false}',
    );
  });
});

describe('what a client says', () => {
  it.each([
    ['{"ackspan":"confirm","through":0}', { kind: 'confirm', through: 0, also: [] }],
    ['{"ackspan":"confirm","through":7,"also":[9,12]}', { kind: 'confirm', through: 7, also: [9, 12] }],
    ['{"ackspan":"confirm","also":[9],"through":7}', { kind: 'confirm', through: 7, also: [9] }],
    ['{"ackspan":"reject","n":3,"reason":"no"}', { kind: 'reject', n: 3, reason: 'no' }],
    ['{"ackspan":"reject","n":3}', { kind: 'reject', n: 3, reason: '' }],
    ['{"ackspan":"reject","n":3,"reason":{"toString":1}}', { kind: 'reject', n: 3, reason: '' }],
    ['{"ackspan":"confirm","through":9007199254740991}', { kind: 'confirm', through: 2 ** 53 - 1, also: [] }],
  ])('%s', (text, message) => expect(read(text)).toEqual(message));

  it.each([
    '{"ackspan":"confirm"}',
    '{"ackspan":"confirm","through":"1"}',
    '{"ackspan":"confirm","through":1.5}',
    '{"ackspan":"confirm","through":-1}',
    '{"ackspan":"confirm","through":9007199254740992}',
    '{"ackspan":"confirm","through":1e308}',
    '{"ackspan":"confirm","through":null}',
    '{"ackspan":"confirm","through":1,"also":3}',
    '{"ackspan":"confirm","through":1,"also":[2,"3"]}',
    `{"ackspan":"confirm","through":1,"also":[${'2,'.repeat(1024)}2]}`,
    '{"ackspan":"reject"}',
    '{"ackspan":"reject","n":0}',
    '{"ackspan":"reject","n":1e99}',
  ])('%s is ours and says nothing', (text) => expect(read(text)).toEqual({ kind: 'invalid' }));

  it.each([
    '',
    '{}',
    '{"ackspan":',
    '{"ackspan":"confirm","through":1',
    '{"ackspan":"confirm","through":1}x',
    '{ "ackspan":"confirm","through":1}',
    '{"ackspan":"welcome"}',
    '{"ackspan":"confirmed","through":1}',
    '{"ackspan":1}',
    '{"type":"x","ackspan":"confirm","through":1}',
  ])('%s is for the upstream', (text) => expect(read(text)).toBeUndefined());

  it('whatever it is, reading it does not throw', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.json(), (junk, json) => {
        for (const text of [
          junk,
          `{"ackspan":${junk}`,
          `{"ackspan":${json}}`,
          `{"ackspan":"confirm","through":${json}}`,
        ])
          read(text);
      }),
      propertyOptions(500),
    );
  });
});

describe('a message of the upstream', () => {
  it('is mistakable for a notice exactly when it begins like one', () => {
    const looks = (text: string) => looksLikeNotice(Buffer.from(`.${text}.`), 1, Buffer.byteLength(text) + 1);
    expect(looks('{"ackspan":"replay","n":3}')).toBe(true);
    expect(looks('{"ackspan":"replay","x":3}')).toBe(true);
    for (const text of ['', '{', '{"ackspan":"replay"', '{"ackspan":"replax","n":3}', ' {"ackspan":"replay","n":3}'])
      expect(looks(text)).toBe(false);
  });

  it('that the SDK would swallow is always announced', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^\{"ackspan":"replay","n":\d+\}$/), (text) => {
        expect(looksLikeNotice(Buffer.from(text), 0, text.length)).toBe(true);
      }),
      propertyOptions(100),
    );
  });
});
