// A sidecar with a store in a directory, as a process of its own: killed, stopped and started again, on a disk that is full, and twice.

import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { openApp, type Run, startAgentBackend } from '../support/agent-runs.ts';
import { closeAll } from '../support/backends.ts';
import { builtCli } from '../support/build.ts';
import { eventually, startChild } from '../support/child.ts';
import { freePort } from '../support/free-port.ts';
import { startOtlpReceiver } from '../support/otlp-receiver.ts';
import { expectHealthyLog, type SidecarProcess, startSidecar } from '../support/sidecar-process.ts';
import { newDirectory } from '../support/store-directory.ts';

afterEach(closeAll);

/** How far the two clocks of a process may be apart, ms. */
const CLOCK_MS = 20;
const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);

/**
 * A backend, and a sidecar before it that can be started again at the same address on the same
 * directory.
 */
async function setUp(config: object = {}, env: Record<string, string> = {}) {
  const backend = await startAgentBackend();
  const directory = newDirectory();
  const port = await freePort();
  const options = {
    ...{ upstream: `http://127.0.0.1:${backend.port}`, port, env },
    config: { store: `file:${directory}`, events: { rules: [{ match: '*', timeout: '20s' }] }, ...config },
  };
  const start = (): Promise<SidecarProcess> => startSidecar(options);
  const url = (user: string, query = '') => `ws://127.0.0.1:${port}/ws?user=${user}${query}`;
  const runOf = (user: string): Promise<Run> =>
    eventually(() => {
      const run = backend.runs.get(user);
      if (run?.socket === undefined) throw new Error(`${user} is not connected`);
      return run;
    });
  return { backend, directory, port, start, url, runOf, options };
}

it('[P2] killed in the middle of a run: the client goes on with its session, every event once and in order, one outcome each', async () => {
  const { backend, start, url, runOf } = await setUp();
  const first = await start();
  const app = openApp(url('ann'));
  const run = await runOf('ann');
  for (let i = 0; i < 20; i++) backend.emit(run);
  await first.reach({ confirmed: 20 });
  // Handed to the application and not confirmed yet: the SDK says what it has in batches.
  for (let i = 0; i < 10; i++) backend.emit(run);
  await eventually(() => expect(app.numbers).toHaveLength(30));
  await first.kill();
  const second = await start();
  await eventually(() => expect(app.resumed).toEqual([{ recovered: true, rejoined: false }]));
  await runOf('ann');
  for (let i = 0; i < 5; i++) backend.emit(run);
  await second.reach({ pending: 0, failed: 0, timeout: 0 });
  await eventually(() => expect(app.numbers).toEqual(upTo(35)));
  const { confirmed } = await second.stats();
  expect(confirmed).toBeGreaterThanOrEqual(5);
  expect(await second.sum('ackspan_session_resume_total', { result: 'recovered' })).toBe(1);
  expect(await second.sum('ackspan_store_restored_total', { kind: 'sessions' })).toBe(1);
  expect(await second.sum('ackspan_store_dropped_total')).toBe(0);
  expectHealthyLog(second);
});

it('[P3] what was in flight for others ends as lost with its process: once, with a span in its own trace and at its own time', async () => {
  const collector = await startOtlpReceiver();
  const { backend, start, url, runOf } = await setUp(
    { events: { rules: [{ match: '*', confirm: 'processed', timeout: '60s' }] } },
    { OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint },
  );
  const first = await start();
  const parent = '0af7651916cd43dd8448eb211c80319c';
  const { WebSocket } = await import('ws');
  const client = new WebSocket(url('bob'), { headers: { traceparent: `00-${parent}-b7ad6b7169203331-01` } });
  const run = await runOf('bob');
  const before = Date.now();
  for (let i = 0; i < 3; i++) backend.emit(run);
  // Longer in flight than `store.after`: they are in the store.
  await eventually(async () => expect(await first.sum('ackspan_store_written_bytes_total')).toBeGreaterThan(900));
  const named = (await first.deliveries()).map(({ id }) => id);
  const after = Date.now();
  await first.kill();
  client.terminate();
  const second = await start();
  await second.reach({ failed: 3, pending: 0 });
  expect(await second.sum('ackspan_delivery_duration_seconds_count', { error_type: 'instance_lost' })).toBe(3);
  const rows = await second.deliveries();
  // An id that somebody wrote down before the restart names the same delivery after it.
  expect(rows.map(({ id }) => id)).toEqual(named);
  expect(rows.map(({ status, error_type, event_id }) => [status, error_type, event_id]).sort()).toEqual(
    [1, 2, 3].map((n) => ['failed', 'instance_lost', `bob-${n}`]),
  );
  await collector.waitFor(({ spans }) => spans.filter(({ name }) => name.startsWith('send ')).length >= 3);
  const spans = collector.spans.filter(({ name }) => name.startsWith('send '));
  expect(spans).toHaveLength(3);
  for (const span of spans) {
    expect(span.traceId).toBe(parent);
    expect(span.parentSpanId).toBe('b7ad6b7169203331');
    expect(span.attributes['error.type']).toBe('instance_lost');
    const start = Number(span.startNs) / 1e6;
    expect(start).toBeGreaterThan(before - CLOCK_MS);
    expect(start).toBeLessThan(after + CLOCK_MS);
  }
  // Started a third time, nothing of it is left.
  await second.kill();
  const third = await start();
  expect(await third.stats()).toMatchObject({ failed: 0, tracked: 0 });
});

it('[P2] SIGTERM: sessions are handed over to the next process, and nothing of them has failed', async () => {
  const { backend, start, url, runOf } = await setUp({ shutdown: { grace: '3s' } });
  const first = await start();
  const app = openApp(url('ann'), () => new Promise(() => {}));
  const run = await runOf('ann');
  for (let i = 0; i < 4; i++) backend.emit(run);
  await eventually(() => expect(app.numbers).toHaveLength(4));
  first.signal('SIGTERM');
  expect(await first.exited).toEqual({ code: 0, signal: null });
  const second = await start();
  await eventually(() => expect(app.resumed).toEqual([{ recovered: true, rejoined: false }]));
  expect(await second.stats()).toMatchObject({ tracked: 4, pending: 4, failed: 0 });
  expect(app.numbers).toEqual(upTo(4));
  expectHealthyLog(first);
  expectHealthyLog(second);
});

it('two processes on one directory: the second is refused and says who is there', async () => {
  const { start, options, directory } = await setUp();
  const first = await start();
  const folder = newDirectory();
  const file = join(folder, 'ackspan.yaml');
  writeFileSync(file, JSON.stringify(options.config));
  const again = startChild(process.execPath, [
    ...[builtCli(), 'run', '--config', file, '--upstream', options.upstream],
    ...['--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0'],
  ]);
  expect(await again.exited).toEqual({ code: 1, signal: null });
  const line = again.lines.find(({ msg }) => msg === 'cannot start');
  expect(JSON.stringify(line)).toContain(`${directory} is used by another process (process ${first.pid})`);
  expect(await first.stats()).toMatchObject({ tracked: 0 });
});

it("a directory with somebody else's files is refused and left alone", async () => {
  const { options, directory } = await setUp();
  mkdirSync(join(directory, 'photos'));
  await expect(startSidecar(options)).rejects.toThrow(
    `${directory} holds photos and no store of Ackspan: give it a directory of its own`,
  );
  expect(readdirSync(directory)).toEqual(['photos']);
});

it('[P5] a directory that is taken away: `/readyz` says degraded, events go on, and with the directory all of it is back', async () => {
  const { backend, start, url, runOf, directory } = await setUp();
  const first = await start();
  const app = openApp(url('ann'));
  const run = await runOf('ann');
  backend.emit(run);
  await first.reach({ confirmed: 1 });
  const readyz = async () => (await fetch(`${first.admin}/readyz`)).json();
  expect(await readyz()).toMatchObject({ ready: true, reasons: [] });
  renameSync(directory, `${directory}-away`);
  writeFileSync(directory, 'in its place');
  await eventually(async () => expect(await readyz()).toMatchObject({ ready: true, status: 'degraded' }));
  expect(await first.sum('ackspan_store_degraded')).toBe(1);
  expect(await first.sum('ackspan_store_operations_total', { result: 'failed' })).toBeGreaterThan(0);
  expect(
    first.lines.filter(({ stage }) => stage === 'store').map(({ msg, err }) => JSON.stringify([msg, err])),
  ).toEqual([expect.stringContaining('the sidecar goes on with its memory')]);
  backend.emit(run);
  await first.reach({ confirmed: 2 });
  rmSync(directory);
  await eventually(async () => expect(await readyz()).toMatchObject({ ready: true, reasons: [] }));
  backend.emit(run);
  await first.reach({ confirmed: 3 });
  await first.kill();
  rmSync(`${directory}-away`, { recursive: true });
  await start();
  await eventually(() => expect(app.resumed).toEqual([{ recovered: true, rejoined: false }]));
  expect(app.numbers).toEqual(upTo(3));
});

it('[P4] a flipped bit: starts, says what it gave up, and a client whose session is among it begins a new one', async () => {
  const { backend, start, url, runOf, directory } = await setUp();
  const first = await start();
  const app = openApp(url('ann'), () => new Promise(() => {}));
  const run = await runOf('ann');
  for (let i = 0; i < 4; i++) backend.emit(run);
  await eventually(() => expect(app.numbers).toHaveLength(4));
  await first.kill();
  const name = readdirSync(directory).find((each) => each.startsWith('state-'))!;
  const bytes = readFileSync(join(directory, name));
  bytes[bytes.indexOf('ann-3')]! ^= 1;
  writeFileSync(join(directory, name), bytes);
  const second = await start();
  const told = await second.line((line) => JSON.stringify(line).includes('the store is damaged'));
  expect(JSON.stringify(told)).toContain(`could not be read; 1 sessions and`);
  expect(JSON.stringify(told)).toContain(name);
  await eventually(() => expect(app.resumed).toEqual([{ recovered: false, rejoined: false }]));
  expect(await second.sum('ackspan_store_dropped_total', { kind: 'sessions' })).toBe(1);
  // An event after the damage is known whole and ends; what became of those before it is not known,
  // and none is made up.
  await second.reach({ tracked: 1, pending: 0, confirmed: 0, timeout: 0 });
});
