// Simulation: bundles it, because Node 20 runs no TypeScript and the sidecar's own files must see the simulated clocks; and runs it.
import { execFile, spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const ROOT = resolve(import.meta.dirname, '../..');
const OUT = join(ROOT, '.cache/simulation.mjs');

export async function bundle(): Promise<void> {
  await promisify(execFile)(process.execPath, [join(ROOT, 'test/simulation/bundle.mjs')]);
}

/** Runs the command; what it printed, and whether it found nothing wrong. */
export function simulate(args: readonly string[]): Promise<{ readonly ok: boolean; readonly text: string }> {
  return new Promise((done, failed) => {
    const child = spawn(process.execPath, [OUT, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (chunk) => (text += chunk));
    child.on('error', failed).on('close', (code) => done({ ok: code === 0, text }));
  });
}
