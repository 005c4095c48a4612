// What earlier versions wrote into files and into Redis, as text: it is read, taken over and told apart from what is newer.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { Batch } from '../../src/journal/codec.ts';
import { readState } from '../../src/journal/read-state.ts';
import { readOpenText, readSession } from '../../src/journal/redis/fields.ts';
import { CLAIM, PUT } from '../../src/journal/redis/scripts.ts';
import { segmentName, writeHeader } from '../../src/journal/segment.ts';
import { atEnd, closeAll } from '../support/backends.ts';
import { missing } from '../support/component.ts';
import { startRedis } from '../support/redis-server.ts';
import { newDirectory } from '../support/store-directory.ts';

afterEach(closeAll);

const NONCE = 1_679_164_687;
const MESSAGE = '{"type":"tool_completed","event_id":"u-2","n":2}';

/** Records of the first version with files: no clocks, and states whose usual values are there. */
const RECORDS: readonly (readonly [json: string, message?: string])[] = [
  ['{"kind":"reserved","through":1000000,"previous":0}'],
  [
    '{"kind":"session","session":{"key":"s-1","traceparent":"","ordinal":0,"capability":"none","serial":0,"used":0,"heard":0}}',
  ],
  ['{"kind":"changed","key":"s-1","changes":{"serial":1,"used":0}}'],
  ['{"kind":"changed","key":"s-1","changes":{"capability":"processed","heard":3}}'],
  [
    '{"kind":"tracked","delivery":{"seq":1,"session":"s-1","capability":"received","connection":"c-1","ordinal":1,"type":"tool_executing","eventId":"u-1","run":"u","bytes":85,"required":"processed","sentAt":1795889357136.906}}',
    MESSAGE,
  ],
  ['{"kind":"settled","seq":1,"outcome":{"status":"confirmed","level":"processed","settledAt":1795889357269.31}}'],
  [
    '{"kind":"tracked","delivery":{"seq":3,"session":"s-1","capability":"processed","connection":"c-1","ordinal":2,"type":"tool_completed","eventId":"u-2","run":"u","bytes":85,"required":"processed","sentAt":1795889357353.798}}',
    MESSAGE,
  ],
  [
    '{"kind":"state","seq":3,"state":{"receivedAt":1795889357590.4219,"attempts":[{"kind":"resend","at":1795889358348.4443,"result":"sent"}],"word":"","errorText":"","missed":false,"kept":true}}',
  ],
  [
    '{"kind":"tracked","delivery":{"seq":4,"session":"c-2","capability":"received","connection":"c-2","ordinal":2,"type":"tool_completed","eventId":"o-2","run":"o","bytes":85,"required":"processed","sentAt":1795889357419.9417},"state":{"receivedAt":1795889357430.2847,"attempts":[],"word":"","errorText":"","missed":false,"kept":false}}',
  ],
];

/** A session in Redis, as the first version with Redis wrote it. */
const SESSION: Readonly<Record<string, string>> = {
  begun: '{"traceparent":""}',
  epoch: '1',
  owner: 'vm-47ee9b2f',
  serial: '1',
  used: '0',
  heard: '5',
  capability: 'processed',
  ordinal: '4',
  d4294967299:
    '{"seq":4294967299,"session":"s-1","capability":"processed","connection":"c-1","ordinal":2,"type":"tool_completed","eventId":"u-2","run":"u","bytes":85,"required":"processed","sentAt":1795889353229.7666}',
  x4294967299:
    '{"receivedAt":1795889353552.0073,"attempts":[{"kind":"resend","at":1795889354334.6187,"result":"sent"}],"word":"","errorText":"","missed":false,"kept":true}',
  m4294967299: MESSAGE,
};

const flat = (fields: Readonly<Record<string, string>>): Buffer[] =>
  Object.entries(fields).flatMap((pair) => pair.map((text) => Buffer.from(text)));

/** A directory with one file of these records. */
function directory(records: readonly (readonly [json: string, message?: string])[], format = 1): string {
  const batch = new Batch();
  for (const [json, message] of records)
    batch.add(JSON.parse(json), message === undefined ? undefined : Buffer.from(message), NONCE);
  const path = newDirectory();
  const header = writeHeader({ format, nonce: NONCE, createdAt: 1_795_889_356_302 });
  writeFileSync(join(path, segmentName('state', 1)), Buffer.concat([header, batch.bytes]));
  return path;
}

const read = (path: string) => readState(path, [segmentName('state', 1)]);

describe('[P2] a file of an earlier version', () => {
  it('holds its sessions, what is in flight, and the numbers that were given', () => {
    const { image, dropped, clocks } = read(directory(RECORDS));
    expect(dropped).toEqual({ files: [], bytes: 0, unknown: 0, sessions: 0, deliveries: 0 });
    expect([...image.sessions.values()]).toMatchObject([
      { key: 's-1', ordinal: 2, capability: 'processed', serial: 1, heard: 3 },
    ]);
    expect([...image.open.keys()]).toEqual([3, 4]);
    expect(String(image.open.get(3)!.message)).toBe(MESSAGE);
    expect(image.open.get(3)!.state.attempts).toHaveLength(1);
    // It does not say what its clock showed: the latest time in a record counts.
    expect(clocks).toMatchObject({ at: 1795889358348.4443, ahead: 0, away: 0 });
  });

  it('whose successor wrote kinds and members that this version does not know: they are counted, and nothing else is lost', () => {
    const [reserved, session, ...rest] = RECORDS;
    const later = JSON.stringify({ ...JSON.parse(session![0]), since: 'tomorrow' });
    const { image, dropped } = read(directory([reserved!, [later], ['{"kind":"tomorrow","seq":3}'], ...rest]));
    expect(dropped).toMatchObject({ unknown: 1, sessions: 0, deliveries: 0 });
    expect([[...image.sessions.keys()], [...image.open.keys()]]).toEqual([['s-1'], [3, 4]]);
  });

  it('of a format that is newer is refused, with what to do', () => {
    expect(() => read(directory(RECORDS, 2))).toThrow(/newer version of Ackspan.*start that version/);
  });
});

describe('[P7] a session in Redis of an earlier version', () => {
  it('is read as it was: no gaps, no farewell, and no earlier take-over', () => {
    const session = readSession('s-1', flat(SESSION))!;
    expect(session.dropped).toBe(0);
    expect(session.entry).toMatchObject({ ordinal: 4, serial: 1, heard: 5, goodbye: null, gaps: [] });
    expect(session.taken.size).toBe(0);
    expect(session.open).toHaveLength(1);
    expect(String(session.open[0]!.message)).toBe(MESSAGE);
  });

  it('is read beside fields of a later version, which mean nothing here', () => {
    const session = readSession('s-1', flat({ ...SESSION, tomorrow: '1', z4294967299: '{}' }))!;
    expect([session.dropped, session.open.length]).toEqual([0, 1]);
  });

  it('has deliveries of other clients that are read', () => {
    const text =
      '{"delivery":{"seq":4294967302,"session":"c-2","capability":"received","connection":"c-2","ordinal":3,"type":"agent_thinking","eventId":"o-3","run":"o","bytes":85,"required":"processed","sentAt":1795889353448.8274},"state":{"receivedAt":1795889353455.2012,"attempts":[],"word":"","errorText":"","missed":false,"kept":false}}';
    expect(readOpenText(text)).toMatchObject({
      delivery: { seq: 4294967302 },
      state: { receivedAt: 1795889353455.2012 },
    });
  });

  it.skipIf(missing('redis-server'))('is taken over, and its holder is refused from then on', async () => {
    const { client } = await startRedis();
    const key = 'ackspan:session:{s-1}';
    await client.hset(key, SESSION);
    const claimed = (await client.eval(
      CLAIM.text,
      1,
      key,
      'new',
      '1',
      'vm-47ee9b2f',
      'reaper',
      '60000',
      '4',
    )) as string[];
    expect(claimed.slice(0, 3)).toEqual(['yours', '2', 'vm-47ee9b2f']);
    const listener = client.duplicate();
    atEnd(() => listener.disconnect());
    await listener.subscribe('echo');
    const refused = new Promise((resolve) => listener.once('message', (_, text: string) => resolve(text)));
    await client.eval(PUT.text, 1, key, '1', '60000', '1', 'ordinal', '9', 'echo', '7');
    expect(await refused).toBe('r 7 -2 4');
    expect(await client.hget(key, 'ordinal')).toBe('4');
  });
});
