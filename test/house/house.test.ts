// House: no circles by value, and the picture in ARCHITECTURE.md is the house as it stands.
import { readFileSync } from 'node:fs';
import { describe, expect, it, test } from 'vitest';
import { buildHouse } from './house.ts';
import type { Import, Kind } from './imports.ts';
import { draw, readHouse } from './picture.ts';
import { withPicture } from './section.ts';

const house = readHouse();

test('no file and no room imports by value what imports it', () => {
  expect(house.fileCircles).toEqual([]);
  expect(house.roomCircles).toEqual([]);
});

test('the picture in ARCHITECTURE.md is the house (else: npm run house -- --write)', () => {
  const page = readFileSync('ARCHITECTURE.md', 'utf8');
  expect(withPicture(page, draw(house, false))).toBe(page);
});

test('a page without a place for the picture is refused', () => {
  expect(() => withPicture('# Architecture\n', '')).toThrow('ARCHITECTURE.md has no place for the house');
});

/** `a/x>b/y` imports a value, `a/x>b/y?` on demand, `a/x>b/y:` a type. */
function build(...arrows: string[]) {
  const imports = arrows.map((arrow): Import => {
    const [from, to] = arrow.replace(/[?:]$/, '').split('>') as [string, string];
    const kind: Kind = arrow.endsWith('?') ? 'lazy' : arrow.endsWith(':') ? 'type' : 'value';
    return { from: `${from}.ts`, to: `${to}.ts`, written: to, kind };
  });
  const files = new Set(imports.flatMap(({ from, to }) => [from, to!]));
  return buildHouse(new Map([...files].sort().map((file) => [file, 10])), imports);
}

describe('a house', () => {
  it('has floors by what its rooms import, types included', () => {
    const { rooms } = build('a/x>b/y', 'b/y>c/z:', 'a/x>c/z');
    expect(rooms.map(({ name, floor }) => `${name}${floor}`)).toEqual(['a2', 'b1', 'c0']);
  });

  it('shows the strongest kind of arrow', () => {
    const { rooms } = build('a/x>b/y:', 'a/x>b/z?', 'c/w>b/y:');
    expect(rooms.map(({ arrows }) => [...arrows])).toEqual([[['b', 'lazy']], [['b', 'type']], []]);
  });

  it.each([
    [['a/x>a/y', 'a/y>a/x'], ['a/x.ts → a/y.ts → a/x.ts'], []],
    [['a/x>b/y', 'b/z>a/w'], [], ['a → b → a']],
    [['a/x>b/y', 'b/y>c/z', 'c/z>a/x'], ['a/x.ts → b/y.ts → c/z.ts → a/x.ts'], ['a → b → c → a']],
    [['a/x>b/y', 'b/z>a/w:'], [], []],
    [['a/x>b/y', 'b/z>a/w?'], [], []],
  ])('%j has the circles of files %j and of rooms %j', (arrows, files, rooms) => {
    const { fileCircles, roomCircles } = build(...arrows);
    expect([fileCircles, roomCircles]).toEqual([files, rooms]);
  });

  it('keeps the folders of telemetry apart, and says which files are beside the rooms', () => {
    const { rooms, loose } = build('index>telemetry/sdk', 'telemetry/sdk>telemetry/spans/spans');
    expect(rooms.map(({ name }) => name)).toEqual(['telemetry', 'telemetry/spans']);
    expect(loose).toEqual(['index.ts']);
  });
});
