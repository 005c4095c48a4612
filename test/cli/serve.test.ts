// The life of `ackspan run`: start, signals, crashes and the exit code of each.
import { EventEmitter } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { DEFAULTS } from '../../src/cli/defaults.ts';
import type { Sidecar } from '../../src/cli/run.ts';
import { serve } from '../../src/cli/run.ts';
import { loadConfig } from '../../src/config/load.ts';
import { createLog } from '../../src/log/log.ts';

const config = loadConfig({ env: { ACKSPAN_UPSTREAM: 'http://127.0.0.1:8000' }, defaults: DEFAULTS }).config!;
const address: AddressInfo = { address: '127.0.0.1', family: 'IPv4', port: 8080 };

class Host extends EventEmitter {
  readonly exits: number[] = [];
  exit(code: number): void {
    this.exits.push(code);
  }
}

function served(sidecar: Partial<Sidecar>): { host: Host; lines: string[]; code: Promise<number> } {
  const host = new Host();
  const lines: string[] = [];
  const log = createLog(config, { write: (line) => void lines.push(line) });
  const whole: Sidecar = {
    start: async () => ({ listen: address }),
    stop: async () => {},
    reload: () => {},
    ...sidecar,
  };
  return { host, lines, code: serve({ sidecar: whole, config, log, host, env: {} }) };
}

async function ready({ lines }: { lines: string[] }): Promise<void> {
  await vi.waitFor(() => expect(lines.some((line) => line.includes('"listening"'))).toBe(true));
}

afterEach(() => {
  vi.useRealTimers();
});

it('SIGHUP reads the configuration again, as often as it comes, and stops nothing', async () => {
  let reloads = 0;
  const run = served({ reload: () => reloads++ });
  await ready(run);
  run.host.emit('SIGHUP');
  run.host.emit('SIGHUP');
  expect([reloads, run.host.exits]).toEqual([2, []]);
  run.host.emit('SIGTERM', 'SIGTERM');
  expect(await run.code).toBe(0);
});

it('SIGHUP while it starts, or before: reads the configuration again once it has, and not before', async () => {
  let begin = (): void => {};
  const begun = new Promise<{ listen: AddressInfo }>((resolve) => {
    begin = () => resolve({ listen: address });
  });
  let reloads = 0;
  const run = served({ start: () => begun, reload: () => reloads++ });
  run.host.emit('SIGHUP');
  run.host.emit('SIGHUP');
  expect(reloads).toBe(0);
  begin();
  await ready(run);
  expect(reloads).toBe(1);
  run.host.emit('SIGTERM', 'SIGTERM');
  expect(await run.code).toBe(0);
});

it('says first where it listens and what it tracks', async () => {
  const run = served({});
  await ready(run);
  expect(JSON.parse(run.lines[0]!)).toMatchObject({
    listen: 'http://127.0.0.1:8080',
    upstream: 'http://127.0.0.1:8000',
    admin: 'off',
    tracked: expect.arrayContaining(['tool_executing, tool_completed: critical']),
    spans: 'not exported',
  });
  run.host.emit('SIGTERM', 'SIGTERM');
  await run.code;
});

describe.each(['SIGTERM', 'SIGINT'])('%s', (signal) => {
  it('[D10] stops once and exits 0, leaving no listener behind', async () => {
    const stop = vi.fn(async () => {});
    const run = served({ stop });
    await ready(run);
    run.host.emit(signal, signal);
    expect(await run.code).toBe(0);
    expect(stop.mock.calls).toEqual([[signal]]);
    expect(run.host.eventNames()).toEqual([]);
  });
});

it('a signal during the start stops as soon as it has started', async () => {
  const stop = vi.fn(async () => {});
  const run = served({ stop });
  run.host.emit('SIGTERM', 'SIGTERM');
  expect(await run.code).toBe(0);
  expect(stop).toHaveBeenCalledOnce();
});

it('a second signal exits 1 at once', async () => {
  const run = served({ stop: () => new Promise(() => {}) });
  await ready(run);
  run.host.emit('SIGTERM', 'SIGTERM');
  expect(run.host.exits).toEqual([]);
  run.host.emit('SIGINT', 'SIGINT');
  expect(run.host.exits).toEqual([1]);
});

it('a stop that hangs is cut short after the grace', async () => {
  const run = served({ stop: () => new Promise(() => {}) });
  await ready(run);
  vi.useFakeTimers();
  run.host.emit('SIGTERM', 'SIGTERM');
  await vi.advanceTimersByTimeAsync(config.shutdown.graceMs);
  let ended = false;
  void run.code.then(() => {
    ended = true;
  });
  await vi.advanceTimersByTimeAsync(0);
  expect(ended).toBe(false);
  // Sockets are read twice after that.
  await vi.advanceTimersByTimeAsync(1_510);
  expect(await run.code).toBe(1);
});

it.each(['uncaughtException', 'unhandledRejection'])('%s is logged and exits 1', async (event) => {
  const run = served({});
  await ready(run);
  run.host.emit(event, new Error('ours'));
  expect(run.host.exits).toEqual([1]);
  expect(JSON.parse(run.lines.at(-1)!)).toMatchObject({ level: 'fatal', err: { message: 'ours' } });
});

it('exits 1 when it cannot start or cannot stop', async () => {
  const start = served({ start: () => Promise.reject(new Error('listen EADDRINUSE')) });
  expect(await start.code).toBe(1);
  expect(JSON.parse(start.lines.at(-1)!)).toMatchObject({ msg: 'cannot start', err: { message: 'listen EADDRINUSE' } });
  const stop = served({ stop: () => Promise.reject(new Error('no')) });
  await ready(stop);
  stop.host.emit('SIGTERM', 'SIGTERM');
  expect(await stop.code).toBe(1);
});
