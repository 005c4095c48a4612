// [D7] Memory that runs out: where the limit is read, and which stage begins and ends when.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createMemoryGuard } from '../../src/sidecar/memory-guard.ts';
import { readMemoryLimit } from '../../src/sidecar/memory-limit.ts';

const GiB = 1024 ** 3;
const MiB = 1024 ** 2;

describe('the limit', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'ackspan-cgroup-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** Writes control groups and reads the limit on a machine with 8 GiB. */
  function limit(groups: string, files: Record<string, string>): number {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), `${text}\n`);
    }
    writeFileSync(join(folder, 'groups'), groups);
    return readMemoryLimit({ mount: folder, groups: join(folder, 'groups'), total: 8 * GiB });
  }

  it('is that of the container where the mount shows only its own group, in both versions', () => {
    expect(limit('0::/', { 'memory.max': '536870912' })).toBe(512 * MiB);
    expect(limit('', { 'memory/memory.limit_in_bytes': '268435456' })).toBe(256 * MiB);
  });

  it('is that of the container where the group has the path that the host knows', () => {
    expect(limit('9:cpu:/x\n4:memory:/docker/abc', { 'memory/memory.limit_in_bytes': '536870912' })).toBe(512 * MiB);
  });

  it('is the smallest on the way up', () => {
    const files = { 'a/b/memory.max': 'max', 'a/memory.max': '1073741824', 'memory.max': '2147483648' };
    expect(limit('0::/a/b', files)).toBe(GiB);
    expect(limit('4:cpu,memory:/c/d', { 'memory/c/d/memory.limit_in_bytes': '104857600' })).toBe(100 * MiB);
  });

  it("is the machine's memory where no group bounds it, or none can be read", () => {
    expect(limit('0::/a', { 'a/memory.max': 'max' })).toBe(8 * GiB);
    expect(limit('4:memory:/', { 'memory/memory.limit_in_bytes': '9223372036854771712' })).toBe(8 * GiB);
    expect(readMemoryLimit({ mount: '/nowhere', groups: '/nowhere', total: 5 })).toBe(5);
    expect(readMemoryLimit()).toBeGreaterThan(MiB);
  });
});

describe('the stages', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval', 'clearInterval', 'setImmediate', 'performance'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  function open(share: number) {
    const memory = { used: 0 };
    const told: string[] = [];
    const guard = createMemoryGuard({
      share,
      limitBytes: 1000 * MiB,
      used: () => memory.used * MiB,
      now: () => performance.now(),
      shed: (on) => told.push(`shed ${on}`),
      fault: (text) => told.push(`! ${text}`),
      info: (text) => told.push(text),
    });
    const stop = guard.start();
    /** What is told when that many MiB are in use. */
    const at = (used: number, ms = 1100) => {
      memory.used = used;
      told.length = 0;
      vi.advanceTimersByTime(ms);
      return told.map((text) => text.replace(/ of the .*memory in use/, '')).join(', ');
    };
    return { guard, at, stop };
  }

  it('LOW and NORMAL are shed from 85 % of the bound, connections refused from 95 %; both end 5 points lower', () => {
    const { guard, at, stop } = open(0.5);
    expect(guard.bound).toBe(500 * MiB);
    expect(at(424)).toBe('');
    expect(at(425)).toBe('shed true, ! 85 %: from here on LOW and NORMAL events pass untracked');
    expect(guard.refusing).toBe(false);
    expect(at(475)).toBe('! 95 %: from here on new connections are refused');
    expect(guard).toMatchObject({ refusing: true, used: 0.95 });
    expect(at(451)).toBe('');
    expect(at(449)).toBe('90 %: no longer so that new connections are refused');
    expect(guard.refusing).toBe(false);
    expect(at(401)).toBe('');
    expect(at(399)).toBe('shed false, 80 %: no longer so that LOW and NORMAL events pass untracked');
    stop();
    expect(at(500)).toBe('');
  });

  it('one look a second', () => {
    const { at, stop } = open(0.5);
    expect(at(499, 800)).toBe('');
    expect(at(499, 300)).toContain('new connections are refused');
    stop();
  });

  it('a share of 0 is no bound', () => {
    const { guard, at, stop } = open(0);
    expect(at(1_000_000)).toBe('');
    expect(guard).toMatchObject({ bound: 0, refusing: false });
    stop();
  });
});
