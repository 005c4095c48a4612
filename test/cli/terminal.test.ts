// Tables and colours: nothing is wider than the terminal, what matters least goes first, and colours are only where they are wanted.
import { describe, expect, it } from 'vitest';
import { type Column, drawColumns } from '../../src/cli/terminal/columns.ts';
import { coloured, paintFor, plain } from '../../src/cli/terminal/paint.ts';
import { widthOf } from '../../src/cli/terminal/width.ts';

const COLUMNS: readonly Column[] = [
  { heading: 'TYPE', least: 6 },
  { heading: 'N', end: true },
  { heading: 'EXTRA', spare: 2 },
  { heading: 'WHY', least: 5, spare: 1 },
];
const ROWS = [
  [{ text: 'tool_completed' }, { text: '1,234' }, { text: 'x' }, { text: 'the client fell silent' }],
  [{ text: '名前' }, { text: '7' }, { text: '' }, { text: '' }],
];

describe('tables', () => {
  it('are as wide as what is in them where nothing limits them', () => {
    expect(drawColumns(COLUMNS, ROWS, { width: undefined, paint: plain })).toEqual([
      'TYPE                N  EXTRA  WHY',
      'tool_completed  1,234  x      the client fell silent',
      '名前                7',
    ]);
  });

  it.each([120, 60, 40, 30, 24, 16, 12, 5, 1])('are never wider than %i columns', (width) => {
    for (const line of drawColumns(COLUMNS, ROWS, { width, paint: plain }))
      expect(widthOf(line)).toBeLessThanOrEqual(width);
  });

  it('narrow what may be narrowed, then leave out what is spare', () => {
    const [narrow] = drawColumns(COLUMNS, ROWS, { width: 40, paint: plain });
    expect(narrow).toMatch(/TYPE.*N.*EXTRA.*WHY/);
    const [less] = drawColumns(COLUMNS, ROWS, { width: 20, paint: plain });
    expect(less).toMatch(/^TYPE +N +WHY$/);
    const [least] = drawColumns(COLUMNS, ROWS, { width: 14, paint: plain });
    expect(least).toMatch(/^TYPE +N$/);
  });

  it('keep their columns straight when they are painted', () => {
    const paint = paintFor(true);
    const painted = drawColumns(COLUMNS, [[{ text: 'a', tone: 'bad' }, { text: '1' }]], { width: undefined, paint });
    expect(painted[1]).toBe('\u001b[31ma   \u001b[39m  1');
  });
});

describe('colours', () => {
  it.each([
    [true, {}, true],
    [false, {}, false],
    [true, { NO_COLOR: '1' }, false],
    [true, { NO_COLOR: '' }, true],
    [false, { FORCE_COLOR: '1' }, true],
    [false, { FORCE_COLOR: '0' }, false],
    [true, { FORCE_COLOR: '0' }, false],
    [true, { TERM: 'dumb' }, false],
    [true, { NO_COLOR: '1', FORCE_COLOR: '1' }, false],
  ])('terminal %s with %j: %s', (terminal, env, expected) => expect(coloured(terminal, env)).toBe(expected));
});
