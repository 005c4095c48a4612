// What `check` and `run` say of the machine: ports that are taken, open files, memory, and secrets in files.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { DEFAULTS } from '../../src/cli/defaults.ts';
import { filesWarning, listenFault, machineWarnings, memoryWarning } from '../../src/cli/machine.ts';
import { withSecretFiles } from '../../src/cli/secret-files.ts';
import { loadConfig } from '../../src/config/load.ts';
import { atEnd, closeAll, listenOn } from '../support/backends.ts';
import { builtCli } from '../support/build.ts';

afterEach(closeAll);

const GiB = 1 << 30;

function configOf(env: Record<string, string>) {
  return loadConfig({ env: { ACKSPAN_UPSTREAM: 'http://127.0.0.1:1', ...env }, defaults: DEFAULTS }).config!;
}

async function takenPort(): Promise<number> {
  const server = createServer();
  atEnd(() => void server.close());
  return listenOn(server);
}

describe('the machine', () => {
  it('check names each port that is taken, by its key', async () => {
    const [listen, admin] = [await takenPort(), await takenPort()];
    const config = configOf({ ACKSPAN_LISTEN: `127.0.0.1:${listen}`, ACKSPAN_ADMIN_LISTEN: `127.0.0.1:${admin}` });
    expect((await machineWarnings(config)).filter((each) => each.includes('taken'))).toEqual([
      `listen: 127.0.0.1:${listen} is taken by another process: stop it, or write another port.`,
      `admin.listen: 127.0.0.1:${admin} is taken by another process: stop it, or write another port.`,
    ]);
  });

  it('run on a busy port ends with a sentence and without a stack', async () => {
    const port = await takenPort();
    const args = [builtCli(), 'run', '--upstream', 'http://127.0.0.1:1', '--listen', `127.0.0.1:${port}`];
    const env = { PATH: process.env.PATH, ACKSPAN_ADMIN_LISTEN: '127.0.0.1:0' };
    const ended = spawnSync(process.execPath, args, { encoding: 'utf8', env, timeout: 30_000 });
    expect(ended.status).toBe(1);
    const last = JSON.parse(ended.stdout.trim().split('\n').at(-1)!) as { msg: string };
    expect(last.msg).toBe(
      `cannot start: 127.0.0.1:${port} is taken by another process: stop it, or write another port`,
    );
    expect(ended.stdout + ended.stderr).not.toMatch(/\bat .*:\d+:\d+/);
  });

  it('only errors of listening are told as such', () => {
    expect(listenFault(new Error('x'))).toBeUndefined();
    const error = Object.assign(new Error(), { syscall: 'listen', code: 'EACCES', address: '0.0.0.0', port: 80 });
    expect(listenFault(error)).toBe('0.0.0.0:80 needs more rights than this process has: write a port from 1024 on');
  });

  it('too few open files for the connections are told with the number that has room', () => {
    const config = configOf({ ACKSPAN_LIMITS_CONNECTIONS: '20000' });
    expect(filesWarning(config, 1024)).toEqual([
      'ulimit -n is 1024: enough for 480 connections, and limits.connections is 20000, which needs 40064.',
    ]);
    expect([filesWarning(config, 40_064), filesWarning(config, undefined)]).toEqual([[], []]);
  });

  it('memory that cannot hold what the limits let be kept is told', () => {
    const config = configOf({ ACKSPAN_LIMITS_RETAINED_BYTES: '512MiB', ACKSPAN_LIMITS_MEMORY: '0.5' });
    expect(memoryWarning(config, GiB)[0]).toMatch(/let \d+ MiB be kept, more than half of the 512 MiB/);
    expect(memoryWarning(config, 4 * GiB)).toEqual([]);
  });
});

describe('secrets in files', () => {
  it('each secret can come from the file that its variable with _FILE names; a variable set itself wins', () => {
    const folder = mkdtempSync(join(tmpdir(), 'ackspan-secret-'));
    atEnd(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'token');
    writeFileSync(file, 'out-of-a-file-long-enough\n');
    const names = ['ACKSPAN_ADMIN_TOKEN', 'ACKSPAN_HOOKS_SECRETS', 'ACKSPAN_IDENTITY_JWT_KEY', 'ACKSPAN_SESSIONS_KEYS'];
    const env = Object.fromEntries(names.map((name) => [`${name}_FILE`, file]));
    const read = withSecretFiles({ ...env, ACKSPAN_ADMIN_TOKEN: 'set itself' });
    expect(read.faults).toEqual([]);
    expect(names.map((name) => read.env[name])).toEqual(['set itself', ...Array(3).fill('out-of-a-file-long-enough')]);
    const { config, warnings } = loadConfig({
      env: { ...withSecretFiles({ ACKSPAN_ADMIN_TOKEN_FILE: file }).env, ACKSPAN_UPSTREAM: 'http://127.0.0.1:1' },
      defaults: DEFAULTS,
    });
    expect([config!.admin.token, warnings]).toEqual(['out-of-a-file-long-enough', []]);
  });

  it('a file that is not there is a fault that names the variable and the file', () => {
    const { faults } = withSecretFiles({ ACKSPAN_ADMIN_TOKEN_FILE: '/nowhere/token' });
    expect(faults).toMatchObject([
      {
        key: 'admin.token',
        at: 'ACKSPAN_ADMIN_TOKEN_FILE',
        message: '/nowhere/token cannot be read: there is no such file',
      },
    ]);
  });
});
