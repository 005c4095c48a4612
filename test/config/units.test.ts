// Durations, sizes, ratios and suggestions: what is read, what is not, and that spelling and reading agree.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nearest } from '../../src/config/suggest.ts';
import { formatDuration, formatSize, parseDuration, parseRatio, parseSize } from '../../src/config/units.ts';

describe('durations', () => {
  it.each([
    ['500ms', 500],
    ['30s', 30_000],
    ['1m', 60_000],
    ['1.5 h', 5_400_000],
    ['0s', 0],
  ])('%s', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });
  it.each([[30], ['30'], ['-1s'], ['1d'], ['s'], ['1s 2s'], [''], [null], [['1s']]])('%j is none', (given) => {
    expect(parseDuration(given)).toBeUndefined();
  });
  it('spelling and reading agree', () => {
    fc.assert(fc.property(fc.nat(), (ms) => parseDuration(formatDuration(ms)) === ms));
  });
});

describe('sizes', () => {
  it.each([
    ['64MiB', 67_108_864],
    ['16MB', 16_000_000],
    ['1.5KiB', 1536],
    ['12', 12],
    [12, 12],
    ['0B', 0],
  ])('%s', (given, bytes) => {
    expect(parseSize(given)).toBe(bytes);
  });
  it.each([[1.5], [-1], ['16 megs'], ['MB'], ['1mb'], [true], [undefined]])('%j is none', (given) => {
    expect(parseSize(given)).toBeUndefined();
  });
  it('spelling and reading agree', () => {
    fc.assert(fc.property(fc.nat(), (bytes) => parseSize(formatSize(bytes)) === bytes));
  });
});

describe('ratios', () => {
  it.each([
    [0, 0],
    [1, 1],
    ['0.01', 0.01],
    ['1%', 0.01],
    [0.0000001, 1e-7],
    ['100%', 1],
  ])('%s', (given, ratio) => {
    expect(parseRatio(given)).toBe(ratio);
  });
  it.each([[1.1], [-0.1], ['101%'], ['all'], [Number.NaN], [false]])('%j is none', (given) => {
    expect(parseRatio(given)).toBeUndefined();
  });
});

describe('suggestions', () => {
  const names = ['pending', 'pending_per_user', 'history', 'handshake'];
  it.each([
    ['histroy', 'history'],
    ['pendingPerUser', 'pending_per_user'],
    ['pending-per-user', 'pending_per_user'],
    ['PENDING', 'pending'],
    ['hand_shake', 'handshake'],
    ['zebra', undefined],
    ['x'.repeat(100_000), undefined],
  ])('%.20s → %s', (name, near) => {
    expect(nearest(name, names)).toBe(near);
  });
});
