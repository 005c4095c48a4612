// The command line as it is shipped: usage, version and `check`, with their exit codes and their words.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo, Server } from 'node:net';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { builtCli, runCli } from '../support/build.ts';
import { freePort } from '../support/free-port.ts';

const open: Server[] = [];
afterEach(() => {
  for (const server of open.splice(0)) server.close();
});

async function listening(server: Server = createServer((socket) => socket.end())): Promise<number> {
  open.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

function fixture(name: string): string {
  return fileURLToPath(new URL(`../fixtures/config/${name}`, import.meta.url));
}

describe('usage', () => {
  it.each([
    [['--help'], 0, 'stdout', 'Usage: ackspan'],
    [['help', 'check'], 0, 'stdout', '--upstream <value>'],
    [['check', '--help'], 0, 'stdout', 'ACKSPAN_LIMITS_PENDING_PER_USER'],
    [['version'], 0, 'stdout', 'ackspan 0.'],
    [['--version'], 0, 'stdout', 'ackspan 0.'],
    [['chek'], 2, 'stderr', 'Did you mean check?'],
    [['check', '--nope'], 2, 'stderr', "unknown option '--nope'"],
    [['check', '--upstream'], 2, 'stderr', 'argument missing'],
    [[], 2, 'stderr', 'Usage: ackspan'],
  ] as const)('ackspan %j → %i', async (args, code, stream, text) => {
    const ended = await runCli(args);
    expect(ended[stream]).toContain(text);
    expect(ended.code).toBe(code);
  });

  it('a reader that leaves is no failure', async () => {
    const child = spawn(process.execPath, [builtCli(), 'run', '--help'], { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.destroy();
    let stderr = '';
    child.stderr.on('data', (bytes) => (stderr += bytes));
    const [code] = await once(child, 'close');
    expect(stderr).toBe('');
    expect(code).toBe(0);
  });
});

describe('check', () => {
  it('prints every fault and exits 2', async () => {
    const { code, stdout } = await runCli(['check', '--config', fixture('many-faults.yaml')]);
    expect(stdout.match(/many-faults\.yaml:\d+:\d+: /g)).toHaveLength(17);
    expect(stdout).toContain('configuration: 17 faults');
    expect(code).toBe(2);
  });

  it('a file that is not there is one fault', async () => {
    const { code, stdout } = await runCli(['check', '-c', '/nonexistent.yaml']);
    expect(stdout).toBe('/nonexistent.yaml: there is no such file\nconfiguration: 1 fault\n');
    expect(code).toBe(2);
  });

  it('reads the file that ACKSPAN_CONFIG names', async () => {
    const { code, stdout } = await runCli(['check', '--offline'], {
      ACKSPAN_CONFIG: fixture('one-fault/log-level.yaml'),
    });
    expect(stdout).toContain('log_level: "loud" is not allowed');
    expect(code).toBe(2);
  });

  it('exits 0 when the upstream answers, and names the traps', async () => {
    const port = await listening();
    const { code, stdout } = await runCli(['check', '--upstream', `http://127.0.0.1:${port}`]);
    expect(stdout).toMatch(
      new RegExp(
        `^configuration: no faults\nidentity: none is configured; no connection has a user\nhttp://127.0.0.1:${port}: reachable \\(\\d+ ms\\)\n`,
      ),
    );
    expect(stdout).toContain('warning: No OTEL_EXPORTER_OTLP_ENDPOINT: spans go nowhere');
    expect(code).toBe(0);
  });

  it('exits 1 when the upstream does not, unless told to stay offline', async () => {
    const target = `http://127.0.0.1:${await freePort()}`;
    const { code, stdout } = await runCli(['check', '--upstream', target]);
    expect(stdout).toContain(`${target}: not reachable: connect ECONNREFUSED`);
    expect(code).toBe(1);
    expect((await runCli(['check', '--upstream', target, '--offline'])).code).toBe(0);
  });

  it('a collector that does not answer is a warning, without its credentials', async () => {
    const port = await listening();
    const collector = `http://anna:hunter2@127.0.0.1:${await freePort()}/?key=hunter2`;
    const { code, stdout } = await runCli(['check', '--upstream', `http://127.0.0.1:${port}`], {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector,
    });
    expect(stdout).toMatch(/warning: http:\/\/\[redacted\]@127\.0\.0\.1:\d+\/\?key=\[redacted\]: not reachable/);
    expect(stdout).not.toContain('hunter2');
    expect(code).toBe(0);
  });

  it.each([
    [101, 'accepts WebSockets'],
    [404, 'answers an upgrade with 404 instead of 101'],
  ])('--path asks for a WebSocket: %i', async (status, text) => {
    const server = createHttpServer((_request, response) => response.writeHead(404).end());
    if (status === 101) {
      server.on('upgrade', (_request, socket) => {
        socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
      });
    }
    const upstream = `http://127.0.0.1:${await listening(server)}`;
    const { code, stdout } = await runCli(['check', '--upstream', upstream, '--path', '/ws']);
    expect(stdout).toContain(`${upstream} /ws: ${text}`);
    expect(code).toBe(0);
  });

  it('--json is one object with the same', async () => {
    const faulty = await runCli(['check', '--json', '--config', fixture('one-fault/unknown-key.yaml')]);
    const { ok, faults } = JSON.parse(faulty.stdout);
    expect(ok).toBe(false);
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatchObject({ key: 'limits.histroy', line: 4, column: 3 });
    expect(faulty.code).toBe(2);
    const fine = await runCli(['check', '--json', '--upstream', `http://127.0.0.1:${await listening()}`]);
    expect(JSON.parse(fine.stdout)).toMatchObject({ ok: true, faults: [], dialled: [{ ok: true }] });
  });
});
