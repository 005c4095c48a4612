// The live table: it fits the terminal, shows the numbers of each priority, and is drawn over itself.
import { describe, expect, it, vi } from 'vitest';
import { createDisplay } from '../../src/demo/display.ts';
import { createScreen } from '../../src/demo/screen.ts';
import { drawLine, drawTable, type Shown } from '../../src/demo/table.ts';
import { statsOf } from './figures.ts';

const attempts = { send: 1_234_567, probe: 12_345, resend: 0, replay: 0, reemit: 0 };
const row = { tracked: 1_234_567, confirmed: 987_654, failed: 1234, timeout: 999, unverifiable: 4321, attempts };
const times = { p50_ms: 0.6, p95_ms: 598, p99_ms: 2_940 };
const shown: Shown = {
  stats: statsOf({ ...row, ...times, confirmation_rate: 0.9932, pending: 17 }, { low: { confirmation_rate: 0.5 } }),
  connections: { total: 51, byCapability: { received: 45, processed: 5, none: 1 } },
  unmatched: { late: 1, duplicate: 2, unknown: 3, foreign: 4 },
  phase: '3 s of 10s',
  adminUrl: 'http://127.0.0.1:40123',
  target: 0.95,
};

describe('table', () => {
  it.each([40, 78, 79, 80, 113, 114, 120, 200])('no line is wider than %i columns', (width) => {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are control sequences
    const lines = drawTable(shown, { width, colour: true }).map((line) => line.replace(/\x1b\[\d+m/g, ''));
    for (const line of lines) expect(line.length, line).toBeLessThanOrEqual(width);
  });

  it('shortens counts that would touch their neighbours', () => {
    const line = drawTable(shown, { width: 80, colour: false }).find((each) => each.startsWith('all'))!;
    expect(line).toBe('all         1.2M 987,654   99.3% 0.6ms 598ms  2.9s   12k 1,234   999 4,321   17');
  });

  it('spells the headings out where there is room', () => {
    const lines = drawTable(shown, { width: 120, colour: false });
    const fields = (name: string) => lines.find((line) => line.startsWith(name))!.split(/\s+/);
    expect(fields('        ')).toEqual([
      ...['', 'tracked', 'confirmed', 'rate', 'p50', 'p95', 'p99', 'retries', 'failed', 'time-outs'],
      ...['unverifiable', 'pending'],
    ]);
    const cells = ['1,234,567', '987,654', '99.3%', '0.6ms', '598ms', '2.9s', '12,345', '1,234', '999', '4,321', '17'];
    expect(fields('all')).toEqual(['all', ...cells]);
    expect(fields('high')).toEqual(['high', '0', '0', '–', '–', '–', '–', '0', '0', '0', '0', '0']);
    expect(lines).toContain('connections open: 51; best evidence so far: 1 none, 5 processed, 45 received');
    expect(lines).toContain('confirmations without effect: 1 late, 2 duplicate, 3 unknown, 4 foreign');
    expect(lines).toContain('admin http://127.0.0.1:40123   target 95.0% confirmed');
  });

  it('paints the rate green at the target and red below it', () => {
    const text = drawTable(shown, { width: 120, colour: true }).join('\n');
    expect(text).toContain('\x1b[32m    99.3%\x1b[0m');
    expect(text).toContain('\x1b[31m    50.0%\x1b[0m');
  });

  it('is one line where there is no terminal', () => {
    expect(drawLine(shown)).toBe(
      '3 s of 10s: tracked 1234567, confirmed 987654 (99.3%), p99 2.9s, retries 12345, failed 1234, time-outs 999, unverifiable 4321, pending 17',
    );
  });
});

it('the screen draws over what it drew, and no more rows than there are', () => {
  const written: string[] = [];
  const screen = createScreen({ write: (text) => written.push(text), rows: 3 });
  screen.draw(['a', 'b', 'c']);
  screen.draw(['d']);
  screen.leave();
  expect(written).toEqual(['\x1b[?25l', '\ra\x1b[K\nb\x1b[K\n\x1b[J', '\x1b[2A\rd\x1b[K\n\x1b[J', '\x1b[?25h']);
});

describe('display', () => {
  it.each([
    [true, 250, 'tracked'],
    [undefined, 1_000, '3 s of 10s: tracked'],
  ])('with isTTY %s it shows figures every %i ms until it is finished', (isTTY, everyMs, text) => {
    vi.useFakeTimers();
    try {
      const written: string[] = [];
      const display = createDisplay(
        { write: (chunk) => written.push(chunk), ...(isTTY === true ? { isTTY } : {}), columns: 120 },
        false,
      );
      display.start(() => shown);
      const pictures = () => written.filter((chunk) => chunk.includes(text)).length;
      const before = pictures();
      vi.advanceTimersByTime(3 * everyMs);
      expect(pictures()).toBe(before + 3);
      display.finish();
      expect(pictures()).toBe(before + 4);
      vi.advanceTimersByTime(10 * everyMs);
      display.finish();
      expect(pictures()).toBe(before + 4);
    } finally {
      vi.useRealTimers();
    }
  });
});
