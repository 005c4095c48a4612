// What sidecar and SDK say to each other, letter by letter.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createFrameReader } from '../../src/client/protocol.ts';
import {
  type Greeting,
  heardText,
  looksLikeNotice,
  readClientMessage,
  replayText,
  welcomeText,
} from '../../src/resume/messages.ts';
import { anyText } from '../support/any-text.ts';
import { propertyOptions } from '../support/seed.ts';

const read = (text: string) => readClientMessage(Buffer.from(`.${text}.`), 1, Buffer.byteLength(text) + 1);

const GREETING: Greeting = {
  ...{ session: 'S', token: 'T', next: 1, recovered: false, rejoined: false, heard: 0, silence: 60_000 },
};

describe('what we say', () => {
  it('is what the SDK reads', () => {
    const reader = createFrameReader();
    const welcome = { ...GREETING, next: 7, recovered: true, rejoined: true, heard: 5 };
    expect(reader(welcomeText(welcome).toString())).toEqual({ ackspan: 'welcome', ...welcome });
    expect(reader(replayText(3).toString())).toBeUndefined();
    expect(reader('the message')).toBe(3);
    expect(reader(heardText(12).toString())).toBe(-12);
    expect(reader('live')).toBe(0);
  });

  it('does not mention what is not so', () => {
    expect(welcomeText(GREETING).toString()).toBe(
      '{"ackspan":"welcome","session":"S","token":"T","next":1,"recovered":false,"silence":60000}',
    );
  });

  it('names no silence that a browser cannot time', () => {
    const welcome = welcomeText({ ...GREETING, silence: 1e12 }).toString();
    expect(4 * JSON.parse(welcome).silence).toBeLessThan(2 ** 31);
  });
});

describe('what a client says', () => {
  it.each([
    ['{"ackspan":"confirm","through":0}', { kind: 'confirm', through: 0, also: [], serial: 0 }],
    ['{"ackspan":"confirm","through":7,"also":[9,12]}', { kind: 'confirm', through: 7, also: [9, 12], serial: 0 }],
    ['{"ackspan":"confirm","also":[9],"through":7}', { kind: 'confirm', through: 7, also: [9], serial: 0 }],
    ['{"ackspan":"reject","n":3,"reason":"no"}', { kind: 'reject', n: 3, reason: 'no', serial: 0 }],
    ['{"ackspan":"reject","n":3}', { kind: 'reject', n: 3, reason: '', serial: 0 }],
    ['{"ackspan":"reject","n":3,"reason":{"toString":1}}', { kind: 'reject', n: 3, reason: '', serial: 0 }],
    [
      '{"ackspan":"confirm","through":9007199254740991}',
      { kind: 'confirm', through: 2 ** 53 - 1, also: [], serial: 0 },
    ],
    ['{"ackspan":"confirm","through":7,"s":1}', { kind: 'confirm', through: 7, also: [], serial: 1 }],
    ['{"ackspan":"reject","n":3,"reason":"no","s":9}', { kind: 'reject', n: 3, reason: 'no', serial: 9 }],
    ['{"ackspan":"still","s":2}', { kind: 'still', serial: 2 }],
    ['{"ackspan":"still","s":9007199254740991}', { kind: 'still', serial: 2 ** 53 - 1 }],
    // Read and wrong all the same: it need not be said again.
    ['{"ackspan":"confirm","through":-1,"s":4}', { kind: 'invalid', serial: 4 }],
    ['{"ackspan":"reject","n":0,"s":4}', { kind: 'invalid', serial: 4 }],
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
    '{"ackspan":"still"}',
    '{"ackspan":"still","s":0}',
    '{"ackspan":"still","s":1.5}',
  ])('%s is ours and says nothing', (text) => expect(read(text)).toEqual({ kind: 'invalid', serial: 0 }));

  it.each(['-1', '0', '1.5', '1e999', '9007199254740992', '"3"', 'null', '[1]', '{}', 'true'])(
    'the serial %s is none: the word counts and is not answered',
    (s) =>
      expect(read(`{"ackspan":"reject","n":3,"reason":"no","s":${s}}`)).toEqual({
        ...{ kind: 'reject', n: 3, reason: 'no', serial: 0 },
      }),
  );

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
      fc.property(anyText(), fc.json(), (junk, json) => {
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
    expect(looks('{"ackspan":"heard","s":3}')).toBe(true);
    for (const text of [
      '',
      '{',
      '{"ackspan":"replay"',
      '{"ackspan":"replax","n":3}',
      '{"ackspan":"heard"',
      ' {"ackspan":"replay","n":3}',
    ])
      expect(looks(text)).toBe(false);
  });

  it('that the SDK would swallow is always announced', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^\{"ackspan":"(replay","n|heard","s)":\d+\}$/), (text) => {
        expect(looksLikeNotice(Buffer.from(text), 0, text.length)).toBe(true);
      }),
      propertyOptions(100),
    );
  });
});
