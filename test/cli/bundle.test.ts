// The command as it is built: bundles that need no other package, and V8's code cache, which may be missing, old or broken.
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { COMMANDS } from '../../src/cli/commands.ts';
import { atEnd, closeAll } from '../support/backends.ts';
import { builtCli } from '../support/build.ts';

const run = promisify(execFile);
const MIB = 1024 * 1024;
const DIST = dirname(dirname(builtCli()));
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ackspan-bundle-'));
  atEnd(() => rmSync(folder, { recursive: true }));
});
afterEach(closeAll);

describe('the code cache', () => {
  const CODE = '(function (require, module, exports, here) { exports.answer = () => 41 + 1; exports.here = here; })';
  let file: string;

  beforeEach(() => {
    file = join(folder, 'bundle.cjs');
    writeFileSync(file, CODE);
  });

  /** In a process of its own, because V8 also remembers what this process has compiled. */
  async function open(then = ''): Promise<{ cached: boolean; answer: number; here: string }> {
    const script = `import { openBundle } from ${JSON.stringify(join(DIST, 'cli/code-cache.js'))};
      const bundle = openBundle(new URL(${JSON.stringify(pathToFileURL(file).href)}));
      const { answer, here } = bundle.exports;
      console.log(JSON.stringify({ cached: bundle.cached, answer: answer(), here }));
      ${then}`;
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script]);
    return JSON.parse(stdout) as { cached: boolean; answer: number; here: string };
  }

  const keep = () => open('bundle.keep();');
  const cacheFile = () => join(folder, readdirSync(folder).find((name) => name.endsWith('.cache'))!);

  it('is used once it is kept, and the bundle knows where it lies', async () => {
    expect(await keep()).toEqual({ cached: false, answer: 42, here: pathToFileURL(file).href });
    expect(await open()).toMatchObject({ cached: true, answer: 42 });
    expect(basename(cacheFile())).toBe(`bundle.cjs.${process.version}-${process.platform}-${process.arch}.cache`);
  });

  it('is left alone when the bundle is newer, even of the same length', async () => {
    await keep();
    writeFileSync(file, CODE.replace('41', '42'));
    utimesSync(cacheFile(), 1, 1);
    expect(await open()).toMatchObject({ cached: false, answer: 43 });
  });

  it.each([
    ['empty', () => Buffer.alloc(0)],
    ['cut off', (kept: Buffer) => kept.subarray(0, kept.length / 2)],
    ['not a cache', () => Buffer.from('not a cache')],
    ['of other flags', (kept: Buffer) => kept.map((byte, at) => (at >= 4 && at < 16 ? byte ^ 255 : byte))],
  ])('changes nothing when it is %s', async (_, spoil) => {
    await keep();
    writeFileSync(cacheFile(), spoil(readFileSync(cacheFile())));
    expect(await open()).toMatchObject({ cached: false, answer: 42 });
  });
});

describe('the built command', () => {
  it('needs nothing beside its own files', async () => {
    for (const part of ['cli', 'command', 'demo', 'page'])
      cpSync(join(DIST, part), join(folder, 'dist', part), { recursive: true, preserveTimestamps: true });
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
    const alone = (...args: string[]) => run(process.execPath, [join(folder, 'dist/cli/main.js'), ...args]);
    for (const { name } of COMMANDS) expect((await alone(name, '--help')).stdout, name).toContain('Usage: ackspan');
    expect((await alone('completion', 'bash')).stdout).toContain('ackspan');
    const { stdout } = await alone('demo', '--duration', '1s', '--json');
    expect(JSON.parse(stdout).tracked).toBeGreaterThan(0);
  });

  it('takes the code of the sidecar from the cache that its build left', async () => {
    const file = join(DIST, 'command/run.js');
    const script = `console.log((await import(${JSON.stringify(pathToFileURL(file).href)})).bundle.cached)`;
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script]);
    expect(stdout.trim()).toBe('true');
  });

  it.each(['--max-old-space-size=200', '--max_old_space_size=200'])(
    'takes it also where the deployment limits the heap with %s, and keeps that limit',
    async (flag) => {
      const script = `const { bundle } = await import(${JSON.stringify(pathToFileURL(join(DIST, 'command/run.js')).href)});
        const { getHeapStatistics } = await import('node:v8');
        console.log(JSON.stringify({ cached: bundle.cached, bytes: getHeapStatistics().heap_size_limit }));
        const kept = [];
        if (process.argv[1] === 'fill') while (true) kept.push(new Array(10_000).fill(kept.length + 0.5));`;
      const args = ['--input-type=module', '-e', script];
      const env = { ...process.env, NODE_OPTIONS: flag };
      const { stdout } = await run(process.execPath, args, { env });
      const { cached, bytes } = JSON.parse(stdout);
      expect(cached).toBe(true);
      expect(bytes).toBeLessThan(256 * MIB);
      const full = await run(process.execPath, [...args, 'fill'], { env }).catch((error) => error);
      expect(full.stderr).toContain('heap out of memory');
    },
  );

  it.each([
    ['does not grow', [], (bytes: number) => bytes <= 4 * MIB],
    ['is what the operator says', ['--max-semi-space-size=8'], (bytes: number) => bytes > 4 * MIB],
  ])('has a young generation that %s while much stays alive', async (_, flags, fits) => {
    const script = `await import(${JSON.stringify(pathToFileURL(join(DIST, 'command/run.js')).href)});
      const { getHeapSpaceStatistics } = await import('node:v8');
      const kept = Array.from({ length: 1_000_000 }, (_, of) => ({ of }));
      console.log(getHeapSpaceStatistics().find((space) => space.space_name === 'new_space').space_size, kept.length);`;
    const { stdout } = await run(process.execPath, [...flags, '--input-type=module', '-e', script]);
    expect(Number(stdout.split(' ', 1)[0])).toSatisfy(fits);
  });

  it('passes on the licences of what is bundled', () => {
    const text = readFileSync(join(DIST, 'command/licences.txt'), 'utf8');
    for (const name of ['ws', '@opentelemetry/sdk-node', 'pino', 'zod', '@modelcontextprotocol/server'])
      expect(text).toMatch(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+ \\(`, 'm'));
    expect(text).toContain('Permission is hereby granted');
  });
});
