// `ackspan demo` as it is shipped: its own numbers add up, agree with its metrics, and show every misfortune of its clients.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { describe, expect, it, vi } from 'vitest';
import { builtCli, runCli } from '../support/build.ts';

const PRIORITIES = ['critical', 'high', 'normal', 'low'] as const;

interface Row {
  readonly tracked: number;
  readonly pending: number;
  readonly confirmed: number;
  readonly failed: number;
  readonly timeout: number;
  readonly unverifiable: number;
}

/** Processes whose parent is `pid` (Linux). */
function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && parentOf(Number(name)) === pid)
    .map(Number);
}

function parentOf(pid: number): number | undefined {
  try {
    // The name in parentheses may hold spaces; state and parent follow it.
    return Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ')[1]);
  } catch {
    // It has ended since the listing.
    return undefined;
  }
}

async function gone(pid: number): Promise<void> {
  await vi.waitFor(() => expect(parentOf(pid)).toBeUndefined(), { timeout: 60_000 });
}

/**
 * The demo as a process that a test can signal. Resolves once both children run and the first
 * figures are shown.
 */
async function started(...args: string[]) {
  const child = spawn(process.execPath, [builtCli(), 'demo', ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'close') as Promise<[number | null, string | null]>;
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout });
  const figures = new Promise<void>((resolve) => {
    reader.on('line', (line) => {
      lines.push(line);
      if (line.includes('tracked ')) resolve();
    });
  });
  await Promise.race([figures, ended]);
  return { child, ended, lines, children: childrenOf(child.pid!) };
}

describe('ackspan demo', () => {
  it('[D1] --json: one object whose numbers add up, agree with /metrics, and show who failed how', async () => {
    const { code, stdout, stderr } = await runCli(['demo', '--duration', '4s', '--json']);
    // A busy machine may stop the process, which it then says.
    expect(stderr.split('\n').filter((line) => line !== '' && !line.includes('"stage":"standstill"'))).toEqual([]);
    expect(stdout).toMatch(/^\{.*\}\n$/);
    const figures = JSON.parse(stdout);
    const rows = PRIORITIES.map((priority) => figures.by_priority[priority] as Row);
    for (const row of [figures as Row, ...rows]) {
      expect(row.tracked).toBeGreaterThan(0);
      expect(row.pending + row.confirmed + row.failed + row.timeout + row.unverifiable).toBe(row.tracked);
    }
    for (const key of ['tracked', 'pending', 'confirmed', 'failed', 'timeout', 'unverifiable'] as const)
      expect(
        rows.reduce((sum, row) => sum + row[key], 0),
        key,
      ).toBe(figures[key]);
    expect(figures.pending).toBe(0);
    const judged = figures.confirmed + figures.failed + figures.timeout;
    expect(figures.confirmation_rate).toBeCloseTo(figures.confirmed / judged, 10);
    expect(figures.p50_ms).toBeLessThanOrEqual(figures.p99_ms);
    expect(figures.attempts.probe).toBeGreaterThan(0);

    expect(figures.checks.map((check: { ok: boolean }) => check.ok)).toEqual([true, true, true]);
    expect(figures.unmatched.foreign).toBeGreaterThan(0);
    expect(figures.unmatched.unknown).toBeGreaterThan(0);
    expect(figures.failed_by_reason.disconnected).toBeGreaterThan(0);
    expect(figures.failed_by_reason.shutdown).toBe(0);

    const losses = figures.losses as { path: string; status: string; error_type: string | null; count: number }[];
    const endings = (path: string) => losses.filter((loss) => loss.path === path).map((loss) => loss.error_type);
    expect(endings('/ws/mute-1')).toEqual([null]);
    expect(endings('/ws/frozen-1')).toEqual(['timeout']);
    expect(endings('/ws/dying-1')).toEqual(['disconnected']);
    const lost = losses.reduce((sum, loss) => sum + loss.count, 0);
    expect(lost).toBe(figures.failed + figures.timeout + figures.unverifiable);
    expect(figures.verdict[0]).toMatch(/^Verdict: the target is (met|MISSED)\. /);
    expect(code).toBe(0);
  });

  it('Ctrl-C ends it early, with its verdict, exit code 0 and no process left', async () => {
    const { child, ended, lines, children } = await started('--duration', '1h');
    expect(children).toHaveLength(2);
    // As a terminal does: everybody in the foreground gets it.
    for (const pid of [...children, child.pid!]) process.kill(pid, 'SIGINT');
    expect(await ended).toEqual([0, null]);
    expect(lines.some((line) => line.startsWith('Verdict: '))).toBe(true);
    expect(lines.at(-1)).toMatch(/^Checked: statistics = \/metrics/);
    for (const pid of children) await gone(pid);
  });

  it('children do not outlive a demo that is killed', async () => {
    const { child, ended, children } = await started('--duration', '1h');
    expect(children).toHaveLength(2);
    child.kill('SIGKILL');
    await ended;
    for (const pid of children) await gone(pid);
  });

  it('a child that dies ends the demo with what happened, exit code 1', async () => {
    const { ended, children } = await started('--duration', '1h');
    process.kill(children[0]!, 'SIGKILL');
    expect(await ended).toEqual([1, null]);
    for (const pid of children) await gone(pid);
  });

  it.each([
    [['--duration', '10'], 'Write a time from 1s to 24h'],
    [['--duration', '900ms'], 'Write a time from 1s to 24h'],
    [['--admin', 'off'], '--admin: the demo reads its numbers from the admin server'],
    [['--admin', '0.0.0.0:0'], 'admin.token: is missing'],
    [['--admin', 'nowhere'], '--admin: admin.listen: "nowhere" is not allowed'],
  ])('bad usage: %j', async (args, text) => {
    const { code, stdout, stderr } = await runCli(['demo', ...args]);
    expect(stderr).toContain(text);
    expect(stdout).toBe('');
    expect(code).toBe(2);
  });
});
