// Confirmations that changed nothing: the latest are remembered with who said them, whatever a client says and however often.
import { describe, expect, it } from 'vitest';
import { createUnmatchedBook } from '../../src/admin/unmatched-book.ts';
import { ada, bob, NOON, serve } from './fixture.ts';

describe('the book', () => {
  it('keeps the latest and counts the rest', () => {
    const book = createUnmatchedBook(3);
    for (let n = 1; n <= 5; n++) book.add('unknown', ada, `e-${n}`, NOON + n);
    expect([...book.all()].map(({ eventId }) => eventId)).toEqual(['e-5', 'e-4', 'e-3']);
    expect(book.forgotten).toBe(2);
  });

  it('cuts a long id', () => {
    const book = createUnmatchedBook();
    book.add('unknown', ada, 'x'.repeat(1000), NOON);
    expect([...book.all()][0]?.eventId).toHaveLength(256);
  });
});

describe('GET /api/v1/unmatched', () => {
  function book() {
    const book = createUnmatchedBook();
    book.add('late', ada, 'e-1', NOON);
    book.add('foreign', bob, 'e-1', NOON + 1);
    book.add('foreign', bob, 'e-2', NOON + 2);
    return book;
  }

  it('says who said what, when and why it changed nothing', async () => {
    const { get } = await serve({ unmatched: book() });
    const { body } = await get('/api/v1/unmatched?event_id=e-1&reason=foreign');
    expect(body).toEqual({
      unmatched: [
        {
          at: '2026-03-01T12:00:00.001Z',
          reason: 'foreign',
          event_id: 'e-1',
          session: 'session-bob',
          user: 'bob',
          connection: null,
        },
      ],
      forgotten: 0,
    });
  });

  it.each([
    ['', ['e-2', 'e-1', 'e-1']],
    ['user=ada', ['e-1']],
    ['session=session-bob', ['e-2', 'e-1']],
    ['reason=late,foreign&limit=1', ['e-2']],
    ['event_id=nothing', []],
  ])('?%s selects %j', async (search, ids) => {
    const { get } = await serve({ unmatched: book() });
    const { body } = await get(`/api/v1/unmatched?${search}`);
    expect(body.unmatched.map(({ event_id }) => event_id)).toEqual(ids);
  });

  it('bad parameters are 400, and a process that remembers none is 404', async () => {
    const { get } = await serve({ unmatched: book() });
    expect((await get('/api/v1/unmatched?reason=odd')).status).toBe(400);
    expect((await get('/api/v1/unmatched?limit=501')).status).toBe(400);
    const none = await serve();
    expect((await none.get('/api/v1/unmatched')).status).toBe(404);
  });
});
