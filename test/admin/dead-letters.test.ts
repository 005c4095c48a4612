// Dead letters over HTTP: listed in pages that outlive a restart, exported no faster than they are read, purged with an audit line.
import { readdirSync } from 'node:fs';
import { request } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import type { AuditLine } from '../../src/admin/audit.ts';
import type { DeadLetterJson } from '../../src/admin/dead-letter-shapes.ts';
import type { DeadLetter } from '../../src/delivery/dead-letters.ts';
import { openFileLetters } from '../../src/journal/file-letters.ts';
import { closeAll } from '../support/backends.ts';
import { KEEP_MS, LOST_AT, letterOf } from '../support/letters-contract.ts';
import { newDirectory } from '../support/store-directory.ts';
import { breaches, specOf } from './described.ts';
import { NOON, SETTINGS, type Served, serve } from './fixture.ts';

afterEach(closeAll);

const MESSAGE = Buffer.from('{"type":"tool_completed","token":"abc","text":"done"}');

/** An admin server over real files. Letters that end in an even second have a message. */
async function served(letters: readonly DeadLetter[], payloads = false) {
  const directory = newDirectory();
  const audited: AuditLine[] = [];
  const open = () => {
    const box = openFileLetters({
      ...{ directory, names: readdirSync(directory), keepMs: KEEP_MS, limitBytes: 1 << 30, segmentBytes: 1 << 16 },
      ...{ now: () => 1, wall: () => NOON + 60_000, report: () => undefined, purged: () => undefined },
    });
    return box;
  };
  const box = open();
  for (const letter of letters) box.add(letter, letter.seq % 2 === 0 ? MESSAGE : undefined);
  box.handOver();
  const admin = await serve({
    deadLetters: box,
    settings: { ...SETTINGS, payloads },
    audit: (line) => void audited.push(line),
    now: () => NOON,
  });
  return { ...admin, audited, again: () => serve({ deadLetters: open() }) };
}

interface LettersPage {
  readonly dead_letters: readonly DeadLetterJson[];
  readonly next_cursor: string | null;
}
const page = async ({ get }: Pick<Served, 'get'>, search = '') => {
  const { body } = await get(`/api/v1/dead-letters${search}`);
  return body as unknown as LettersPage;
};
const ids = ({ dead_letters }: LettersPage) => dead_letters.map(({ id }) => id);

const FOUR = [
  letterOf(1),
  letterOf(2, { user: 'bob', type: 'run_end', priority: 'low', session: 's-2' }),
  letterOf(3, { user: undefined, claimedUser: 'ann' }),
  letterOf(4, {
    status: 'failed',
    errorType: 'rejected',
    errorText: 'no room',
    level: 'received',
    receivedAt: LOST_AT,
  }),
];

describe('the list', () => {
  it('says everything about a loss, newest first, and no message', async () => {
    const admin = await served(FOUR, true);
    const [newest] = (await page(admin)).dead_letters;
    expect(newest).toEqual({
      ...{ id: 'd-4', instance: null, event_id: 'e-4', type: 'tool_completed', priority: 'high' },
      ...{ status: 'failed', error_type: 'rejected', error_text: 'no room', level: 'received', required: 'received' },
      ...{ capability: 'received', session: 's-1', user: 'ann', claimed_user: null, connection: 'c-1', run: 'run-1' },
      ...{ tool: null, tool_call: null, ordinal: 4, bytes: 40, sent_at: '2026-03-01T11:59:30.000Z' },
      ...{ lost_at: '2026-03-01T12:00:04.000Z', received_ms: 30_000, lost_ms: 34_000, trace_id: null },
      attempts: [
        {
          ...{ step: 'probe', at: '2026-03-01T11:59:59.000Z', after_ms: 29_000, number: 2, delay_ms: 1000 },
          result: 'sent',
        },
      ],
      message_bytes: MESSAGE.length,
    });
  });

  it.each([
    ['', ['d-4', 'd-3', 'd-2', 'd-1']],
    ['?user=ann', ['d-4', 'd-1']],
    ['?claimed_user=ann', ['d-3']],
    ['?session=s-2', ['d-2']],
    ['?event_id=e-1', ['d-1']],
    ['?type=run_end,other', ['d-2']],
    ['?priority=low', ['d-2']],
    ['?reason=rejected,shutdown', ['d-4']],
    ['?since=2026-03-01T12:00:03Z', ['d-4', 'd-3']],
    ['?until=2026-03-01T12:00:03Z', ['d-2', 'd-1']],
    ['?user=ann&reason=timeout', ['d-1']],
  ])('%s selects %j', async (search, expected) => {
    expect(ids(await page(await served(FOUR), search))).toEqual(expected);
  });

  it('goes on behind a cursor, also in the next process', async () => {
    const admin = await served(FOUR);
    const first = await page(admin, '?limit=3');
    expect(ids(first)).toEqual(['d-4', 'd-3', 'd-2']);
    const rest = await page(await admin.again(), `?limit=3&cursor=${first.next_cursor}`);
    expect([ids(rest), rest.next_cursor]).toEqual([['d-1'], null]);
  });

  it('refuses what it does not know, with what there is, and has the shape that is described', async () => {
    const admin = await served(FOUR);
    const { status, body } = await admin.get('/api/v1/dead-letters?reason=lost&cursor=%2F&wat=1&limit=0');
    expect([status, body.errors.map(({ parameter }) => parameter).sort()]).toEqual([
      400,
      ['cursor', 'limit', 'reason', 'wat'],
    ]);
    const spec = await specOf(admin);
    expect(breaches(spec, { $ref: '#/components/schemas/DeadLetterPage' }, await page(admin))).toEqual([]);
  });

  it('without a store there are none, and the answer says what is needed', async () => {
    const { get, post } = await serve();
    for (const path of ['/api/v1/dead-letters', '/api/v1/dead-letters/export']) {
      const { status, body } = await get(path);
      expect([status, body.code]).toEqual([404, 'no_store']);
    }
    expect((await post('/api/v1/dead-letters/purge', { user: 'ann', reason: 'x' })).status).toBe(404);
  });
});

describe('the export', () => {
  const lines = (text: string) =>
    text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line));

  it('is one letter a line, all that match, in the shape that is described', async () => {
    const admin = await served(Array.from({ length: 130 }, (_, i) => letterOf(i + 1)));
    const { status, headers, text } = await admin.get('/api/v1/dead-letters/export?user=ann');
    expect([status, headers['content-type']]).toEqual([200, 'application/x-ndjson']);
    expect(text.endsWith('\n')).toBe(true);
    const found = lines(text);
    expect(found.map(({ event_id }) => event_id)).toEqual(Array.from({ length: 130 }, (_, i) => `e-${130 - i}`));
    const spec = await specOf(admin);
    for (const each of found) expect(breaches(spec, { $ref: '#/components/schemas/DeadLetter' }, each)).toEqual([]);
  });

  it('shows messages only where payloads may be seen, and then without secrets', async () => {
    const hidden = lines((await (await served(FOUR)).get('/api/v1/dead-letters/export')).text);
    expect(hidden.map(({ message, message_bytes }) => [message, message_bytes > 0])).toEqual([
      [null, true],
      [null, false],
      [null, true],
      [null, false],
    ]);
    const shown = lines((await (await served(FOUR, true)).get('/api/v1/dead-letters/export')).text);
    expect(shown.map(({ message }) => message)).toEqual([
      '{"type":"tool_completed","token":"[redacted]","text":"done"}',
      null,
      '{"type":"tool_completed","token":"[redacted]","text":"done"}',
      null,
    ]);
  });

  it('a reader that stops reading holds nothing up, and one that goes away ends its export', async () => {
    const letters = Array.from({ length: 3000 }, (_, i) => letterOf(i + 1, { errorText: 'x'.repeat(200) }));
    const admin = await served(letters);
    const { port } = admin.address;
    const response = await new Promise<import('node:http').IncomingMessage>((resolve) => {
      request({ host: '127.0.0.1', port, path: '/api/v1/dead-letters/export' }, resolve).end();
    });
    response.pause();
    // Others are answered, the same letters included.
    expect(ids(await page(admin, '?limit=1'))).toEqual(['d-2bc']);
    response.destroy();
    expect((await admin.post('/api/v1/dead-letters/purge', { user: 'ann', reason: 'test' })).body).toEqual({
      purged: 3000,
    });
    expect(admin.faults).toEqual([]);
  });

  it('cut off by the end of the sidecar, it ends with a broken connection and does not pass for a whole one', async () => {
    const letters = Array.from({ length: 20_000 }, (_, i) => letterOf(i + 1, { errorText: 'x'.repeat(200) }));
    const admin = await served(letters);
    const { port } = admin.address;
    const response = await new Promise<import('node:http').IncomingMessage>((resolve) => {
      request({ host: '127.0.0.1', port, path: '/api/v1/dead-letters/export' }, resolve).end();
    });
    await new Promise((resolve) => response.once('readable', resolve));
    const broken = new Promise((resolve) => response.once('error', resolve));
    await admin.admin.close();
    response.resume();
    expect(await broken).toMatchObject({ code: 'ECONNRESET' });
    expect(response.complete).toBe(false);
  });
});

describe('the purge', () => {
  it('removes the letters of one user, and says in the audit who asked and why', async () => {
    const admin = await served(FOUR);
    const { status, body } = await admin.post('/api/v1/dead-letters/purge', {
      user: 'ann',
      reason: 'case 812',
      by: 'eve',
    });
    expect([status, body]).toEqual([200, { purged: 2 }]);
    expect(ids(await page(admin))).toEqual(['d-3', 'd-2']);
    expect(admin.audited).toEqual([
      { action: 'purge_dead_letters', reason: 'case 812', by: 'eve', via: 'open', remote: '127.0.0.1', user: 'ann' },
    ]);
    expect((await admin.post('/api/v1/dead-letters/purge', { claimed_user: 'ann', reason: 'x' })).body).toEqual({
      purged: 1,
    });
  });

  it.each([
    [{ reason: 'nobody named' }],
    [{ user: 'ann', claimed_user: 'ann', reason: 'two named' }],
    [{ user: 'ann' }],
    [{ user: '', reason: 'empty' }],
    [{ user: 'ann', reason: 'x', all: true }],
    [[]],
  ])('%j purges nothing', async (body) => {
    const admin = await served(FOUR);
    expect((await admin.post('/api/v1/dead-letters/purge', body)).status).toBe(400);
    expect(ids(await page(admin))).toHaveLength(4);
    expect(admin.audited).toEqual([]);
  });

  it('a read-only admin server purges nothing', async () => {
    const directory = newDirectory();
    const box = openFileLetters({
      ...{ directory, names: [], keepMs: KEEP_MS, limitBytes: 1 << 30, segmentBytes: 1 << 16 },
      ...{ now: () => 1, wall: () => NOON, report: () => undefined, purged: () => undefined },
    });
    const { post } = await serve({ deadLetters: box, settings: { ...SETTINGS, readOnly: true } });
    expect((await post('/api/v1/dead-letters/purge', { user: 'ann', reason: 'x' })).status).toBe(403);
  });
});
