// Simulation: bundles it, because Node 20 runs no TypeScript and the sidecar's own files must see the simulated clocks; and runs it.
import { spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';

const ROOT = resolve(import.meta.dirname, '../..');
/** In a folder beside package.json, which the sidecar reads its version from. */
const OUT = join(ROOT, '.cache/simulation.mjs');

export async function bundle(): Promise<void> {
  await build({
    entryPoints: [join(ROOT, 'test/simulation/main.ts')],
    outfile: OUT,
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    logLevel: 'warning',
  });
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
