// Pages of lists: a cursor leads on from any number that a record can have.
import { expect, it } from 'vitest';
import { readPage } from '../../src/admin/page.ts';
import { createQuery } from '../../src/admin/query.ts';

it.each([1, 2 ** 32, 2 ** 52, Number.MAX_SAFE_INTEGER])('a cursor after number %d asks for what is below it', (seq) => {
  const startedAt = Date.UTC(2026, 10, 27);
  const cursor = readPage(createQuery(''), startedAt).cursorAfter(seq);
  const query = createQuery(`cursor=${cursor}`);
  expect(readPage(query, startedAt).below).toBe(seq);
  expect(query.faults()).toEqual([]);
});
