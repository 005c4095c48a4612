// Lines to a descriptor whose reader is slow, full, or gone: nothing waits for it, and what is lost is said.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { openLogStream } from '../../src/log/log-stream.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A descriptor that takes `room` more bytes and then says `code`. */
function descriptor(room = Number.POSITIVE_INFINITY, code = 'EAGAIN') {
  const laments: string[] = [];
  const state = { room, code, out: '', calls: 0 };
  const stream = openLogStream({
    fd: 1,
    write(_, bytes) {
      state.calls++;
      const taken = Math.min(state.room, bytes.length);
      if (taken === 0) throw Object.assign(new Error(state.code), { code: state.code });
      state.room -= taken;
      state.out += Buffer.from(bytes.subarray(0, taken)).toString();
      return taken;
    },
    lament: (text) => laments.push(text),
  });
  const recovered: number[] = [];
  stream.onRecovered = (lost) => recovered.push(lost);
  return { stream, state, laments, recovered };
}

test('a line is out when write returns', () => {
  const { stream, state } = descriptor();
  stream.write('a\n');
  stream.write('b\n');
  expect(state.out).toBe('a\nb\n');
});

test('a full pipe takes the rest later, in order, a line that went out in part first', () => {
  const { stream, state, recovered } = descriptor(3);
  stream.write('aa\n');
  stream.write('bb\n');
  stream.write('cc\n');
  state.room = 1;
  vi.advanceTimersByTime(50);
  expect(state.out).toBe('aa\nb');
  stream.write('dd\n');
  state.room = 100;
  vi.advanceTimersByTime(50);
  expect(state.out).toBe('aa\nbb\ncc\ndd\n');
  stream.write('ee\n');
  expect(state.out).toBe('aa\nbb\ncc\ndd\nee\n');
  expect(recovered).toEqual([]);
});

test('what waits is bounded; lines beyond it are counted and told when somebody reads again', () => {
  const { stream, state, recovered } = descriptor(0);
  const line = `${'x'.repeat(1023)}\n`;
  for (let i = 0; i < 1030; i++) stream.write(line);
  expect(state.out).toBe('');
  state.room = 1e9;
  vi.advanceTimersByTime(50);
  expect(state.out.length).toBe(1024 * 1024);
  expect(recovered).toEqual([6]);
  vi.advanceTimersByTime(500);
  expect(recovered).toEqual([6]);
});

test.each(['EPIPE', 'EIO', 'EBADF'])(
  '%s: the reader has gone; that is said once elsewhere, and nothing is tried again',
  (code) => {
    const { stream, state, laments } = descriptor(0, code);
    for (let i = 0; i < 100; i++) stream.write('a\n');
    vi.advanceTimersByTime(5000);
    stream.flushSync();
    expect(state.calls).toBe(1);
    expect(laments).toEqual([`ackspan: nobody reads stdout any more (${code}): the log is lost from here on\n`]);
  },
);

test('a full disk may have room again', () => {
  const { stream, state, laments } = descriptor(0, 'ENOSPC');
  stream.write('a\n');
  state.room = 10;
  vi.advanceTimersByTime(50);
  expect([state.out, laments]).toEqual(['a\n', []]);
});

test('at the end a reader that reads gets everything, and one that does not is left', () => {
  const slow = descriptor(0);
  slow.stream.write('a\n');
  slow.state.room = 10;
  slow.stream.flushSync();
  expect(slow.state.out).toBe('a\n');
  vi.useRealTimers();
  const stuck = descriptor(0);
  stuck.stream.write('a\n');
  stuck.stream.flushSync();
  expect(stuck.state.calls).toBeGreaterThan(1);
  expect(stuck.state.out).toBe('');
});
