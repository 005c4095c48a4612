// JSON pointers: RFC 6901's own examples, and what is refused.
import { expect, test } from 'vitest';
import { arrayIndex, parsePointer } from '../../src/decode/pointer.ts';

test.each<[string, string[]]>([
  ['', []],
  ['/', ['']],
  ['/foo/0', ['foo', '0']],
  ['/a~1b', ['a/b']],
  ['/m~0n', ['m~n']],
  ['/~01', ['~1']],
  ['/c%d/ /k"l', ['c%d', ' ', 'k"l']],
])('%j is %j', (pointer, tokens) => {
  expect(parsePointer(pointer)).toEqual(tokens);
});

test.each([
  ['type', 'JSON pointer "type" must start with "/"'],
  ['/a~', 'JSON pointer "/a~": "~" must be followed by 0 or 1'],
  ['/a~2', 'JSON pointer "/a~2": "~" must be followed by 0 or 1'],
])('%j is refused', (pointer, message) => {
  expect(() => parsePointer(pointer)).toThrow(new TypeError(message));
});

test('an index has no sign, no leading zero and no fraction', () => {
  expect(['0', '10', '01', '-1', '-', '', '1.0', '٣'].map(arrayIndex)).toEqual([0, 10, -1, -1, -1, -1, -1, -1]);
});
