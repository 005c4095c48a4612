// When the operator is told that messages hold no event, and what.
import { expect, test } from 'vitest';
import { UnreadNotice } from '../../src/sidecar/unread-notice.ts';

function noticeOf(tracked = true) {
  const unread = { text: 0, binary: 0 };
  const said: string[] = [];
  const notice = new UnreadNotice({ unread, messages: () => 80, tracked, say: (text) => void said.push(text) });
  return { notice, unread, said };
}

test('[D21] fifty are said at once, with their share, and once only', () => {
  const { notice, unread, said } = noticeOf();
  unread.text = 49;
  notice.look(1);
  expect(said).toEqual([]);
  unread.binary = 1;
  notice.look(2);
  unread.text = 500;
  notice.look(60_000);
  notice.end();
  expect(said).toHaveLength(1);
  expect(said[0]).toContain('no event could be read in 50 of 80 messages (text 49, binary 1)');
  for (const key of ['events.type', 'events.rules', 'events.unread: count']) expect(said[0]).toContain(key);
});

test('[D21] a few are said after ten seconds or at the end; a handful never', () => {
  const { notice, unread, said } = noticeOf(false);
  unread.text = 10;
  notice.look(1000);
  notice.look(10_999);
  expect(said).toEqual([]);
  notice.look(11_000);
  expect(said).toHaveLength(1);
  expect(said[0]).toContain('they are counted only');
  const few = noticeOf();
  few.unread.text = 9;
  few.notice.look(1);
  few.notice.look(100_000);
  few.notice.end();
  expect(few.said).toEqual([]);
  const short = noticeOf();
  short.unread.text = 12;
  short.notice.end();
  expect(short.said).toHaveLength(1);
});
