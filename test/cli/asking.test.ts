// The commands that ask a sidecar, as people and scripts run them: at a terminal, in pipes, with the wrong token, against nobody, and with hostile text in every field.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { COMMANDS } from '../../src/cli/commands.ts';
import { AckspanSocket } from '../../src/client/socket.ts';
import { atEnd, closeAll } from '../support/backends.ts';
import { builtCli, runCli } from '../support/build.ts';
import { type Exit, eventually, exitOf } from '../support/child.ts';
import { missing } from '../support/component.ts';
import { freePort } from '../support/free-port.ts';
import { type SidecarProcess, startSidecar } from '../support/sidecar-process.ts';
import { confirmation, event, openClient, startWsBackend, tell, type WsBackend } from '../support/ws-peers.ts';

afterEach(closeAll);

/** The commands that talk to an admin server, with an argument where they need one. */
const ASKING: readonly (readonly string[])[] = [
  ['tail'],
  ['top'],
  ['deliveries'],
  ['delivery', 'd-1'],
  ['connections'],
  ['connection', 'c-1'],
  ['stats'],
  ['resend', 'd-1'],
  ['replay', '--user', 'ann'],
  ['dead-letters'],
  ['drain'],
  ['open'],
];

/** Identity that a query proves, as far as this test's backend is concerned. */
const TRUSTING = { identity: { user: 'query:user', trust: 'upstream' } };
const ESC = '\u001b';
const RIGHT = 'the-right-token-0123456789';

async function sidecarWith(
  config: object = {},
  env: Record<string, string> = {},
): Promise<{ backend: WsBackend; sidecar: SidecarProcess }> {
  const backend = await startWsBackend();
  return { backend, sidecar: await startSidecar({ upstream: backend.address, config, env }) };
}

/** A command that goes on until it is stopped. */
function running(args: readonly string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [builtCli(), ...args], { env: { PATH: process.env.PATH ?? '', ...env } });
  atEnd(() => void child.kill('SIGKILL'));
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    stdout += part;
  });
  child.stderr.setEncoding('utf8').on('data', (part: string) => {
    stderr += part;
  });
  const exited = new Promise<Exit>((resolve) => child.once('close', (code, signal) => resolve({ code, signal })));
  return { text: () => stdout, stderr: () => stderr, exited, signal: (name: NodeJS.Signals) => void child.kill(name) };
}

describe('help', () => {
  it.each(COMMANDS.map(({ name }) => name))('ackspan %s --help answers, and says what it is for', async (name) => {
    const { code, stdout, stderr } = await runCli([name, '--help']);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain(`Usage: ackspan ${name}`);
  });

  it.each([...ASKING.map(([name]) => name!), 'mcp'])('ackspan %s --help has examples and exit codes', async (name) => {
    const { stdout } = await runCli([name, '--help']);
    expect(stdout).toMatch(/\nExamples:\n(?: {2}ackspan .*\n)+/);
    expect(stdout).toMatch(/\nExit codes: 0 .*; 2 bad usage; 3 /);
    for (const flag of ['--admin', '--token', '--token-file']) expect(stdout).toContain(flag);
  });
});

describe('nobody there', () => {
  it.each(ASKING)('%s %s %s: exit code 3, and how to get there on each platform', async (...args) => {
    const admin = `http://127.0.0.1:${await freePort()}`;
    const { code, stdout, stderr } = await runCli([...args.filter((each) => each !== undefined), '--admin', admin]);
    expect([code, stdout]).toEqual([3, '']);
    expect(stderr).toContain(`ackspan: ${admin} cannot be reached: connect ECONNREFUSED`);
    for (const way of ['kubectl port-forward', 'gcloud run services proxy', 'admin.mount'])
      expect(stderr).toContain(way);
    expect(stderr).not.toContain('    at ');
  });

  it('a public port, or any other server, is told from an admin server', async () => {
    const { sidecar } = await sidecarWith();
    const { code, stderr } = await runCli(['stats', '--admin', sidecar.http]);
    expect(code).toBe(3);
    expect(stderr).toContain('no Ackspan admin server');
  });
});

describe('the token', () => {
  it('opens the door by flag, variable or file, and each of them wrong or missing is said', async () => {
    const { sidecar } = await sidecarWith({}, { ACKSPAN_ADMIN_TOKEN: RIGHT });
    const ask = (args: string[], env: Record<string, string> = {}) =>
      runCli(['stats', '--admin', sidecar.admin, ...args], env);
    expect((await ask(['--token', RIGHT])).code).toBe(0);
    expect((await ask([], { ACKSPAN_ADMIN_TOKEN: RIGHT })).code).toBe(0);
    const none = await ask([]);
    expect([none.code, none.stderr]).toEqual([3, expect.stringContaining('No token was given')]);
    const wrong = await ask(['--token', 'hunter2']);
    expect([wrong.code, wrong.stderr]).toEqual([3, expect.stringContaining('not this sidecar’s admin.token')]);
    expect(wrong.stderr).not.toContain('hunter2');
  });

  it.each([
    [['--token', 'a', '--token-file', 'b'], 'exclude each other'],
    [['--token-file', '/nonexistent'], 'there is no such file'],
    [['--admin', 'ftp://x'], 'write an http'],
    [['--wait', 'soon'], 'Write a time'],
    [['--nope'], 'unknown option'],
  ])('%j is bad usage', async (args, text) => {
    const { code, stderr } = await runCli(['stats', ...args]);
    expect([code, stderr]).toEqual([2, expect.stringContaining(text)]);
  });
});

describe('text from outside', () => {
  /**
   * Clears the screen, names the window, turns colours on, hides, turns round, breaks the line, and
   * closes our quotes.
   */
  const EVIL = `${ESC}[2J${ESC}]0;owned\u0007\u009b31m\u202e\u200b\r\n"fake`;
  const ACTS = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

  it('never reaches the terminal as more than characters, in any command, coloured or not', async () => {
    const { backend, sidecar } = await sidecarWith({
      ...TRUSTING,
      events: { rules: [{ match: '*', confirm: 'processed', timeout: '60s', attempts: [] }] },
    });
    const tails = [[], ['--json']].map((args) =>
      running(['tail', '--all', ...args, '--admin', sidecar.admin], { FORCE_COLOR: '1' }),
    );
    for (const tail of tails) await eventually(() => expect(tail.stderr()).toContain('following'));
    const client = await openClient(`${sidecar.ws}/ws?user=${encodeURIComponent(EVIL)}`);
    tell(await backend.peer(0), event(`id${EVIL}`, `type${EVIL}`, { tool: EVIL, run_id: EVIL }));
    await sidecar.reach({ pending: 1 });
    tell(client, confirmation(`id${EVIL}`, { status: 'failed', error: `no${EVIL}` }));
    await sidecar.reach({ failed: 1 });
    const [delivery] = await sidecar.deliveries();
    expect(delivery!.type).toContain(EVIL);
    const { connections } = (await (await fetch(`${sidecar.admin}/api/v1/connections`)).json()) as {
      connections: { id: string }[];
    };
    const outputs = await Promise.all(
      [
        ['deliveries'],
        ['deliveries', '--json'],
        ['delivery', delivery!.id],
        ['delivery', delivery!.id, '--json'],
        ['delivery', EVIL],
        ['connections'],
        ['connections', '--json'],
        ['connection', connections[0]!.id],
        ['top', '--by', 'user'],
        ['top', '--by', 'type', '--json'],
        ['stats'],
        ['deliveries', '--status', EVIL],
        ['resend', EVIL],
      ].map((args) => runCli([...args, '--admin', sidecar.admin], { FORCE_COLOR: '1' })),
    );
    for (const tail of tails) await eventually(() => expect(tail.text()).toContain('rejected'));
    const texts = [...outputs.flatMap(({ stdout, stderr }) => [stdout, stderr]), ...tails.map((tail) => tail.text())];
    expect(texts.join('')).toContain('owned');
    for (const text of texts) {
      // Colours of ours are all that may be left.
      const bare = text.replaceAll(new RegExp(`${ESC}\\[\\d+m`, 'g'), '');
      for (const line of bare.split('\n')) expect(line).not.toMatch(ACTS);
    }
  });
});

describe('colours', () => {
  it.each<[string, Record<string, string>, boolean]>([
    ['in a pipe there are none', {}, false],
    ['in a pipe there are some if they are asked for', { FORCE_COLOR: '1' }, true],
    ['NO_COLOR wins', { FORCE_COLOR: '1', NO_COLOR: '1' }, false],
  ])('%s', async (_name, env, expected) => {
    const { sidecar } = await sidecarWith();
    const { stdout, code } = await runCli(['stats', '--admin', sidecar.admin], env);
    expect([code, stdout.includes(ESC)]).toEqual([0, expected]);
  });

  it.skipIf(missing('script')).each<[string, Record<string, string>, boolean]>([
    ['at a terminal there are some', { TERM: 'xterm' }, true],
    ['at a terminal with NO_COLOR there are none', { TERM: 'xterm', NO_COLOR: '1' }, false],
    ['at a dumb terminal there are none', { TERM: 'dumb' }, false],
  ])('%s', async (_name, env, expected) => {
    const { sidecar } = await sidecarWith();
    const { text, end } = atTerminal(['stats', '--admin', sidecar.admin], env);
    expect(await end).toBe(0);
    expect([text().includes('Objective'), text().includes(`${ESC}[1m`)]).toEqual([true, expected]);
  });
});

/** On a pseudo-terminal of 140 × 24. */
function atTerminal(args: readonly string[], env: Record<string, string>) {
  const command = [process.execPath, builtCli(), ...args].map((word) => `'${word}'`).join(' ');
  const child = spawn('script', ['-qec', `stty cols 140 rows 24; exec ${command}`, '/dev/null'], {
    env: { PATH: process.env.PATH ?? '', ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  atEnd(() => void child.kill('SIGKILL'));
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  const end = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
  return { text: () => text, end, type: (keys: string) => child.stdin.write(keys) };
}

describe.skipIf(missing('script'))('top at a terminal', () => {
  it.each([
    ['q', 'q'],
    ['Ctrl-C', '\u0003'],
  ])('draws over itself, changes with a key, and gives the terminal back at %s', async (_name, key) => {
    const { backend, sidecar } = await sidecarWith();
    await openClient(sidecar.ws);
    tell(await backend.peer(0), event('e1'));
    await sidecar.reach({ confirmed: 1 });
    const top = atTerminal(['top', '--every', '500ms', '--admin', sidecar.admin], { TERM: 'xterm' });
    await eventually(() => expect(top.text()).toContain('agent_think'));
    expect(top.text()).toContain(`${ESC}[?1049h${ESC}[?25l`);
    top.type('s');
    await eventually(() => expect(top.text()).toContain('by session'));
    expect(top.text().split(`${ESC}[H`).length).toBeGreaterThan(2);
    top.type(key);
    expect(await top.end).toBe(0);
    expect(top.text()).toMatch(new RegExp(`\\${ESC}\\[\\?25h\\${ESC}\\[\\?1049l\\s*$`));
  });

  it('says that what it shows is old when the sidecar is gone, and ends all the same', async () => {
    const { sidecar } = await sidecarWith();
    const top = atTerminal(['top', '--every', '500ms', '--admin', sidecar.admin], { TERM: 'xterm' });
    await eventually(() => expect(top.text()).toContain('q quit'));
    await sidecar.kill();
    await eventually(() => expect(top.text()).toContain('STALE'));
    top.type('q');
    expect(await top.end).toBe(0);
  });
});

describe('pipes and signals', () => {
  it('top in a pipe is one table', async () => {
    const { sidecar } = await sidecarWith();
    const { code, stdout } = await runCli(['top', '--by', 'user', '--admin', sidecar.admin]);
    expect([code, stdout]).toEqual([0, expect.stringContaining('USER')]);
    expect(stdout).not.toContain(ESC);
  });

  it('tail ends by itself, with 0, when its reader has seen enough', async () => {
    const { backend, sidecar } = await sidecarWith();
    const shell = spawn(
      'bash',
      ['-c', `set -o pipefail; "${process.execPath}" "${builtCli()}" tail --admin ${sidecar.admin} | head -1`],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    atEnd(() => void shell.kill('SIGKILL'));
    let [out, err] = ['', ''];
    shell.stdout.on('data', (bytes) => (out += bytes));
    shell.stderr.on('data', (bytes) => (err += bytes));
    const ended = once(shell, 'close');
    await eventually(() => expect(err).toContain('following'));
    const client = await openClient(sidecar.ws);
    const peer = await backend.peer(0);
    // The second line finds nobody who reads it.
    const timer = setInterval(() => tell(peer, event('e')), 50);
    atEnd(() => clearInterval(timer));
    const [code] = await ended;
    expect([code, out.split('\n').length]).toEqual([0, 2]);
    expect(err.trim().split('\n')).toHaveLength(1);
    client.socket.close();
  });

  it.each(['SIGINT', 'SIGTERM'] as const)(
    'tail ends with 0 at %s, also while the sidecar does not answer',
    async (signal) => {
      const { sidecar } = await sidecarWith();
      const tail = running(['tail', '--admin', sidecar.admin]);
      await eventually(() => expect(tail.stderr()).toContain('following'));
      await sidecar.kill();
      await eventually(() => expect(tail.stderr()).toContain('trying again'));
      tail.signal(signal);
      expect(await exitOf(tail)).toEqual({ code: 0, signal: null });
    },
  );

  it('Ctrl-C ends a command that waits for an answer at once', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    atEnd(() => void silent.close());
    await once(silent, 'listening');
    const asked = once(silent, 'connection');
    const waiting = running([
      'stats',
      '--wait',
      '10m',
      '--admin',
      `127.0.0.1:${(silent.address() as { port: number }).port}`,
    ]);
    const [socket] = await asked;
    atEnd(() => void socket.destroy());
    waiting.signal('SIGINT');
    expect(await exitOf(waiting)).toEqual({ code: null, signal: 'SIGINT' });
  });

  it('a list is one JSON object a line for programs', async () => {
    const { backend, sidecar } = await sidecarWith();
    await openClient(sidecar.ws);
    const peer = await backend.peer(0);
    for (let n = 1; n <= 3; n++) tell(peer, event(`e-${n}`));
    await sidecar.reach({ confirmed: 3 });
    const { stdout } = await runCli(['deliveries', '--json', '--admin', sidecar.admin]);
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { event_id: string });
    expect(lines.map(({ event_id }) => event_id)).toEqual(['e-3', 'e-2', 'e-1']);
  });
});

describe('several instances', () => {
  it('lists are merged with the instance beside each row, and one that does not answer is said', async () => {
    const [first, second] = [await sidecarWith(), await sidecarWith()];
    for (const { backend, sidecar } of [first, second]) {
      await openClient(sidecar.ws);
      tell(await backend.peer(0), event(`e-${sidecar.port}`));
      await sidecar.reach({ confirmed: 1 });
    }
    const dead = `http://127.0.0.1:${await freePort()}`;
    const admins = ['--admin', dead, '--admin', first.sidecar.admin, '--admin', second.sidecar.admin];
    const { code, stdout, stderr } = await runCli(['deliveries', ...admins]);
    expect([code, stdout.trim().split('\n')]).toEqual([
      0,
      [expect.stringContaining('INSTANCE'), expect.anything(), expect.anything()],
    ]);
    for (const { sidecar } of [first, second]) expect(stdout).toContain(`127.0.0.1:${new URL(sidecar.admin).port}`);
    expect(stderr).toContain(`left out: ${dead} cannot be reached`);
    // Both have an event of this id, which are two deliveries.
    for (const { backend } of [first, second]) tell(await backend.peer(0), event('e-both'));
    for (const { sidecar } of [first, second]) await sidecar.reach({ confirmed: 2 });
    const one = await runCli(['delivery', 'e-both', ...admins]);
    expect([one.code, one.stderr]).toEqual([0, expect.stringContaining('These have one of that id too')]);
    const other = await runCli(['delivery', `e-${second.sidecar.port}`, ...admins]);
    expect([other.code, other.stdout]).toEqual([0, expect.stringContaining(`event "e-${second.sidecar.port}"`)]);
  });

  it('tail goes on with those that can be followed', async () => {
    const { backend, sidecar } = await sidecarWith();
    const dead = `http://127.0.0.1:${await freePort()}`;
    const tail = running(['tail', '--admin', dead, '--admin', sidecar.admin]);
    await eventually(() => expect(tail.stderr()).toContain('following'));
    expect(tail.stderr()).toContain(`left out: ${dead}`);
    await openClient(sidecar.ws);
    tell(await backend.peer(0), event('e-1'));
    await eventually(() => expect(tail.text()).toContain('e-1'));
    tail.signal('SIGINT');
    expect(await exitOf(tail)).toEqual({ code: 0, signal: null });
  });
});

describe('a user that finds nothing', () => {
  it.each<[string, object, string]>([
    ['claims are not proof', { identity: { user: 'query:user' } }, 'claims to be user "ann" without proof'],
    ['nobody is proven at all', {}, 'No connection here has a proven user'],
  ])('%s, which is said', async (_name, config, text) => {
    const { backend, sidecar } = await sidecarWith(config);
    await openClient(`${sidecar.ws}/ws?user=ann`);
    tell(await backend.peer(0), event('e-1'));
    await sidecar.reach({ confirmed: 1 });
    const { code, stderr } = await runCli(['deliveries', '--user', 'ann', '--admin', sidecar.admin]);
    expect([code, stderr]).toEqual([0, expect.stringContaining(text)]);
  });
});

describe('what cannot be found or understood', () => {
  it.each([
    [['delivery', 'nobody'], 1],
    [['delivery', '..'], 1],
    [['connection', 'nobody'], 1],
    [['resend', 'nobody'], 1],
    [['deliveries', '--status', 'lost'], 1],
    [['deliveries', '--since', 'yesterday'], 1],
    [['replay'], 2],
    [['deliveries', '--limit', '0'], 2],
    [['top', '--by', 'colour'], 2],
    [['delivery'], 2],
  ])('ackspan %j → %i, in words', async (args, code) => {
    const { sidecar } = await sidecarWith();
    const ended = await runCli([...args, '--admin', sidecar.admin]);
    expect(ended.code).toBe(code);
    expect(ended.stdout + ended.stderr).not.toContain('    at ');
    expect(ended.stdout + ended.stderr).toMatch(/\w/);
  });
});

describe('changes', () => {
  /** A client that has opted in and handles nothing for now. */
  async function waiting() {
    const { backend, sidecar } = await sidecarWith({
      ...TRUSTING,
      events: { rules: [{ match: '*', timeout: '60s', attempts: [] }] },
    });
    const got: string[] = [];
    const socket = new AckspanSocket(`${sidecar.ws}/ws?user=ann`, [], { WebSocket: WebSocket as never });
    atEnd(() => socket.close());
    socket.onmessage = ({ data }) => {
      got.push(String(data));
      return new Promise<void>(() => {});
    };
    const peer = await backend.peer(0);
    for (let n = 1; n <= 3; n++) tell(peer, event(`e-${n}`));
    await sidecar.reach({ pending: 3 });
    await eventually(() => expect(got).toHaveLength(3));
    return { sidecar };
  }

  it('a dry run changes nothing; a replay sends what it said, and the log says who and why', async () => {
    const { sidecar } = await waiting();
    const ask = (...args: string[]) =>
      runCli(['replay', '--user', 'ann', '--since', '10m', ...args, '--admin', sidecar.admin]);
    const dry = await ask('--dry-run');
    expect([dry.code, dry.stdout]).toEqual([
      0,
      expect.stringContaining('3 open deliveries match; 3 would be sent again, 0 not.'),
    ]);
    expect((await sidecar.stats()).attempts.resend).toBe(0);
    const done = await ask('--why', 'support case 812');
    expect([done.code, done.stdout]).toEqual([0, expect.stringContaining('3 were sent again')]);
    expect((await sidecar.stats()).attempts.resend).toBe(3);
    const audit = await sidecar.line(
      ({ stage, action, sent, dry_run }) => stage === 'audit' && action === 'replay' && sent === 3 && dry_run === false,
    );
    expect(audit).toMatchObject({ reason: 'support case 812', by: expect.stringContaining('ackspan cli') });
  });

  it('one message is sent again by the id of its event; one that is over is refused with the reason', async () => {
    const { sidecar } = await waiting();
    const sent = await runCli(['resend', 'e-2', '--admin', sidecar.admin]);
    expect([sent.code, sent.stdout]).toEqual([0, expect.stringContaining('again (attempt 2)')]);
    const [newest] = await sidecar.deliveries();
    const headers = { 'content-type': 'application/json', 'x-ackspan-request': '1' };
    await fetch(`${sidecar.admin}/api/v1/deliveries/${newest!.id}/fail`, {
      method: 'POST',
      headers,
      body: '{"reason":"test"}',
    });
    const refused = await runCli(['resend', newest!.id, '--admin', sidecar.admin]);
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('outcomes are final')]);
  });
});

it('start-up loads neither the sidecar nor the SDK of assistants', async () => {
  const { stderr } = await new Promise<{ stderr: string }>((resolve) => {
    const child = spawn(process.execPath, [
      '--import',
      `data:text/javascript,${encodeURIComponent(LOADED)}`,
      builtCli(),
      'stats',
      '--admin',
      'http://127.0.0.1:1',
    ]);
    let stderr = '';
    child.stderr.on('data', (bytes) => (stderr += bytes));
    child.once('close', () => resolve({ stderr }));
  });
  const files = stderr.split('\n').flatMap((line) => /^loaded (file:.*\/dist\/.*)$/.exec(line)?.[1] ?? []);
  // A file is a bundle of modules: its map names them.
  const modules = files.flatMap(
    (file) => (JSON.parse(readFileSync(new URL(`${file}.map`), 'utf8')) as { sources: string[] }).sources,
  );
  expect(modules.some((module) => module.endsWith('/cli/admin/stats.ts'))).toBe(true);
  for (const module of modules)
    expect(module).not.toMatch(/\/sidecar\/|@opentelemetry|modelcontextprotocol|\/pino\/|\/mcp\/|zod/);
});

/** Prints every module that is loaded. */
const LOADED = `
import * as modules from 'node:module';
const { register, registerHooks } = modules;
if (registerHooks) registerHooks({ load(url, context, next) { process.stderr.write('loaded ' + url + '\\n'); return next(url, context); } });
else register('data:text/javascript,' + encodeURIComponent("import { writeSync } from 'node:fs'; export async function load(url, context, next) { writeSync(2, 'loaded ' + url + '\\\\n'); return next(url, context); }"));
`;
