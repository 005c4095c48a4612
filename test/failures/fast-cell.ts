// failures: plays one cell in a process of its own, whose clock and those of all that it starts run many times as fast.
import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { build } from 'esbuild';
import { tied } from '../support/tied.ts';
import { fastClocks } from '../support/wall-clock.ts';
import type { Cell, Size } from './cell.ts';
import type { Disaster, StoreKind } from './guarantee.ts';

/** What the process is told, as JSON on its command line. It answers with a `Cell`, or fails. */
export interface Order {
  readonly store: StoreKind;
  readonly disaster: Disaster;
  readonly size: Size;
  readonly cli: string;
}

/**
 * How many times as fast. Clients, sidecars, backend and Redis go by the same clock, so that an
 * hour of it is an hour for all; what they are given to answer is as much shorter in real time.
 */
const TIMES = 20;
/**
 * Time in which an instance has to be heard of, in the cell's time. It is three real seconds: a
 * shared machine lets a process wait for longer than the shortest lease would be.
 */
const LEASE = '60s';

/**
 * As `playCell`, with `size.idleMs` in the cell's time and the load in real time. Ask
 * `missing('faketime')` first.
 */
export async function playFast(store: StoreKind, disaster: Disaster, size: Size, cli: string): Promise<Cell> {
  const order: Order = { store, disaster, cli, size: { ...size, loadMs: size.loadMs * TIMES, lease: LEASE } };
  const [command, args] = tied(process.execPath, [await bundled(), JSON.stringify(order)]);
  const child = spawn(command, args, {
    env: { ...process.env, ...fastClocks(TIMES) },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(`the process that plays the cell ended with ${code}: ${text}`);
  return JSON.parse(text) as Cell;
}

/** A file beside package.json, from which the sidecar reads its version. */
async function bundled(): Promise<string> {
  const outfile = resolve('.cache/failures-alone.mjs');
  await build({
    ...{ entryPoints: [resolve('test/failures/alone.ts')], outfile, bundle: true, packages: 'external' },
    ...{ platform: 'node', format: 'esm', logLevel: 'warning' },
  });
  return outfile;
}
