// The image without a Docker engine: its root directory is laid out here, and the sidecar runs in it as the image would: read-only, no root.
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ROOT } from '../dashboards/collect.ts';
import { openApp, startAgentBackend } from '../support/agent-runs.ts';
import { closeAll } from '../support/backends.ts';
import { builtCli } from '../support/build.ts';
import { eventually, exitOf, startChild } from '../support/child.ts';
import { expectHealthyLog, watchSidecar } from '../support/sidecar-process.ts';

const DOCKERFILE = readFileSync(join(ROOT, 'Dockerfile'), 'utf8');
/** The user of the image. */
const UID = 1000;

/**
 * Runs what follows as the image's user inside its root, which is read-only but for the store's
 * volume.
 */
const ENTER = `
mount --bind "$1" "$1" && mount --bind "$2" "$1/var/lib/ackspan" &&
mount -o remount,bind,ro "$1" &&
mount -t proc proc "$1/proc" && mount --bind /dev "$1/dev" || exit 70
shift 2
exec env -i PATH=/usr/local/bin NODE_ENV=production "$@"`;

/** True, said aloud, where the test may not mount: it is not root, or the system is not Linux. */
function cannotMount(): boolean {
  if (process.platform === 'linux' && spawnSync('unshare', ['-m', 'true']).status === 0) return false;
  console.warn('SKIPPED: the root of the image is entered with mounts of its own, which needs root on Linux');
  return true;
}

let folder: string;
let root: string;
let volume: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ackspan-image-'));
  root = join(folder, 'root');
  volume = join(folder, 'volume');
  const context = join(folder, 'context');
  for (const each of [context, volume]) mkdirSync(each);
  // The only package that the image takes along: the command itself is bundled.
  cpSync(join(ROOT, 'node_modules/ws'), join(context, 'node_modules/ws'), { recursive: true });
  cpSync(dirname(dirname(builtCli())), join(context, 'dist'), { recursive: true });
  for (const name of ['package.json', 'LICENSE']) cpSync(join(ROOT, name), join(context, name));
  execFileSync('sh', [join(ROOT, 'deploy/image/root.sh'), root, process.execPath], { cwd: context });
  for (const mountpoint of ['proc', 'dev', 'var/lib/ackspan']) mkdirSync(join(root, mountpoint));
  // What a container runtime puts there.
  writeFileSync(join(root, 'etc/hosts'), '127.0.0.1 localhost\n');
  // What COPY --chown does.
  chmodSync(volume, 0o700);
});
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(closeAll);

/** Arguments of `unshare` that run a command inside, with these variables. */
function inside(command: readonly string[], env: Readonly<Record<string, string>> = {}): string[] {
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const places = [root, volume];
  const enter = ['/usr/sbin/chroot', `--userspec=${UID}:${UID}`, root];
  return ['-m', 'sh', '-c', ENTER, 'sh', ...places, ...variables, ...enter, ...command];
}
const run = (...command: string[]) => promisify(execFile)('unshare', inside(command));

test('the root has Node, the libraries that it is linked with, and Ackspan: no shell and no other program', async () => {
  const files = await readdir(root, { recursive: true, withFileTypes: true });
  const paths = files
    .filter((file) => file.isFile() && !file.parentPath.startsWith(join(root, 'app')))
    .map((file) => join(file.parentPath, file.name).slice(root.length));
  const programs = paths.filter((path) => (statSync(root + path).mode & 0o111) !== 0 && !/\/lib(64)?\//.test(path));
  expect(programs.sort()).toEqual(['/usr/local/bin/ackspan', '/usr/local/bin/node']);
  const others = paths.filter((path) => !programs.includes(path) && !path.startsWith('/etc/'));
  expect(others.filter((path) => !/\/(lib[\w+]+|ld-linux[\w-]*)\.so/.test(path))).toEqual([]);
});

describe.skipIf(cannotMount())('the root, entered as the image is', () => {
  beforeAll(() => chownSync(volume, UID, UID));

  test('relays, proves and stores as an ordinary user on a read-only root without a /tmp to write to', async () => {
    const backend = await startAgentBackend();
    const settings = {
      ACKSPAN_UPSTREAM: `http://127.0.0.1:${backend.port}`,
      ACKSPAN_LISTEN: '127.0.0.1:0',
      ACKSPAN_ADMIN_LISTEN: '127.0.0.1:0',
      ACKSPAN_STORE: 'file:/var/lib/ackspan',
    };
    const program = inside(['node', '/app/dist/cli/main.js', 'run'], settings);
    const sidecar = await watchSidecar(startChild('unshare', program));

    const app = openApp(`${sidecar.ws}/ws?user=ann`);
    const person = await eventually(() => {
      const found = backend.runs.get('ann');
      if (found?.socket === undefined) throw new Error('ann is not connected');
      return found;
    });
    for (let i = 0; i < 3; i++) backend.emit(person);
    await sidecar.reach({ confirmed: 3, pending: 0 });
    expect(app.numbers).toEqual([1, 2, 3]);

    const status = readFileSync(`/proc/${sidecar.pid}/status`, 'utf8');
    expect(/^Uid:\s(.*)$/m.exec(status)![1]!.split('\t')).toEqual(Array(4).fill(String(UID)));
    expect(/^CapEff:\s*(\w+)$/m.exec(status)![1]).toMatch(/^0+$/);
    expect(await (await fetch(`${sidecar.admin}/readyz`)).json()).toMatchObject({ ready: true, reasons: [] });
    expect(await sidecar.sum('ackspan_store_degraded')).toBe(0);
    expect((await readdir(volume)).some((name) => name.endsWith('.log'))).toBe(true);

    // As in `kubectl exec POD -c ackspan -- ackspan stats`.
    expect((await run('ackspan', 'stats', '--admin', sidecar.admin)).stdout).toContain('0 pending; 1 connections open');
    const { port } = new URL(sidecar.admin);
    const health = JSON.parse(/HEALTHCHECK [^[]*(\[.*\])$/m.exec(DOCKERFILE.replace(/\\\n/g, ''))![1]!) as string[];
    const asked = (at: string) => run(...health.map((word) => word.replace('9464', at)));
    await expect(asked(port)).resolves.toMatchObject({ stdout: '' });
    await expect(asked('1')).rejects.toMatchObject({ code: 1 });

    sidecar.signal('SIGTERM');
    expect(await exitOf(sidecar)).toEqual({ code: 0, signal: null });
    expectHealthyLog(sidecar);
  });

  test('finds names in /etc/hosts, knows its own name, and cannot write anywhere but into the volume', async () => {
    const script = `
      const { writeFileSync } = require('node:fs');
      const write = (path) => { try { writeFileSync(path, ''); return 'written'; } catch ({ code }) { return code; } };
      require('node:dns').lookup('localhost', 4, (error, address) => console.log(JSON.stringify({
        address, user: require('node:os').userInfo().username, places: ['/x', '/app/x', '/tmp/x', '/var/lib/ackspan/x'].map(write),
      })));`;
    expect(JSON.parse((await run('node', '-e', script)).stdout)).toEqual({
      address: '127.0.0.1',
      user: 'node',
      places: ['EROFS', 'EROFS', 'EROFS', 'written'],
    });
    rmSync(join(volume, 'x'));
  });
});
