// Numbers on the live page: none looks better than it is.
import { describe, expect, it } from 'vitest';
import { fileName, percent, target } from '../../src/page/format.ts';

describe('a rate', () => {
  it.each([
    [0.949996, 2, '94.99 %'],
    [0.95, 2, '95.00 %'],
    [0.99999, 2, '99.99 %'],
    [1, 2, '100 %'],
    [0.00001, 2, '< 0.01 %'],
    [0, 2, '0 %'],
    [0.29, 0, '29 %'],
    [0.9999, 0, '99 %'],
    [null, 2, '–'],
    [Number.NaN, 2, '–'],
  ])('%d with %i digits is %s: it is rounded down, so that what misses its objective shows it', (share, digits, text) =>
    expect(percent(share, digits)).toBe(text),
  );
});

it.each([
  [0.95, '95 %'],
  [0.9995, '99.95 %'],
  [0.999, '99.9 %'],
  [1, '100 %'],
])('the objective %d stands as it was set: %s', (share, text) => expect(target(share)).toBe(text));

it.each([
  ['ackspan-d-1.json', 'ackspan-d-1.json'],
  ['ackspan-a\r\nX-Evil: 1.har', 'ackspan-a_X-Evil_1.har'],
  ['../../etc/passwd.json', '____etc_passwd.json'],
  ['..\\..\\boot.ini', '____boot.ini'],
  ['.bashrc', '_bashrc'],
  ['-rf.json', '_rf.json'],
  ['ackspan-\u202egnp.exe.json', 'ackspan-_gnp.exe.json'],
  ['ackspan-a\u0000b\u200bc.json', 'ackspan-a_b_c.json'],
  ['ackspan-名前.json', 'ackspan-_.json'],
  [`ackspan-${'x'.repeat(500)}.json`, `ackspan-${'x'.repeat(86)}.json`],
])('the file of %j is called %s', (text, name) => expect(fileName(text)).toBe(name));
