// Which frames are the sidecar's: only those that are spelled and placed exactly so.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createFrameReader, optInQuery } from '../../src/client/protocol.ts';
import { propertyOptions } from '../support/seed.ts';

const WELCOME = '{"ackspan":"welcome","session":"s","token":"t","next":1,"recovered":false}';

describe('frames', () => {
  test('a welcome counts only as the very first frame', () => {
    const read = createFrameReader();
    expect(read(WELCOME)).toMatchObject({ session: 's', token: 't', next: 1 });
    expect(read(WELCOME)).toBe(0);
    const plain = createFrameReader();
    expect([plain('hello'), plain(WELCOME), plain('{"ackspan":"replay","n":3}')]).toEqual([0, 0, 0]);
  });

  test('heard is read where the sidecar says that it says it, and nowhere else', () => {
    const heard = '{"ackspan":"heard","s":3}';
    const read = createFrameReader();
    read(WELCOME.replace('}', ',"silence":0}'));
    expect([read(heard), read('x'), read(`${heard} `), read('{"ackspan":"heard","n":3}')]).toEqual([-3, 0, 0, 0]);
    // Announced: a message, whatever it says.
    expect([read('{"ackspan":"replay","n":7}'), read(heard), read(heard)]).toEqual([undefined, 7, -3]);
    // It acknowledges nothing, and is no message all the same: the numbering must not move.
    expect(read('{"ackspan":"heard","s":0}')).toBeUndefined();
    const older = createFrameReader();
    older(WELCOME);
    expect(older(heard)).toBe(0);
    const plain = createFrameReader();
    expect([plain('hello'), plain(heard)]).toEqual([0, 0]);
  });

  test('the frame after a notice is message n, also when it is spelled like a notice', () => {
    const read = createFrameReader();
    read(WELCOME);
    expect([read('{"ackspan":"replay","n":3}'), read('{"ackspan":"replay","n":4}'), read('x')]).toEqual([
      undefined,
      3,
      0,
    ]);
  });

  test.each([
    '{"ackspan":"replay","n":3} ',
    '{"ackspan": "replay","n":3}',
    '{"n":3,"ackspan":"replay"}',
    '{"ackspan":"replay","n":-1}',
  ])('spelled otherwise it is a message: %s', (text) => {
    const read = createFrameReader();
    read(WELCOME);
    expect(read(text)).toBe(0);
  });

  test.each(['{"ackspan":"welcome",', '{"ackspan":"welcome","next":0}', '{"ackspan":"welcome","session":"s"}'])(
    'a first message that only begins like a welcome is a message: %s',
    (text) => expect(createFrameReader()(text)).toBe(0),
  );

  test('nothing that arrives makes it throw', () => {
    const frame = fc.oneof(
      fc.string(),
      fc.json(),
      fc.uint8Array(),
      fc.constantFrom(
        WELCOME,
        '{"ackspan":"replay","n":1}',
        '{"ackspan":"heard","s":1}',
        '{"ackspan":"welcome",}',
        undefined,
        null,
      ),
      fc.string().map((text) => `{"ackspan":"welcome",${text}`),
    );
    fc.assert(
      fc.property(fc.array(frame), (frames) => {
        const read = createFrameReader();
        for (const one of frames) read(one);
      }),
      propertyOptions(300),
    );
  });

  test('session and token survive the query', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.nat(), (session, token, last) => {
        const query = new URL(`ws://x/?a=1&${optInQuery({ session, token, last })}`).searchParams;
        expect(Object.fromEntries(query)).toEqual({
          a: '1',
          ackspan: '1',
          ackspan_session: session,
          ackspan_token: token,
          ackspan_last: String(last),
        });
      }),
      propertyOptions(100),
    );
  });
});
