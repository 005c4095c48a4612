// `ackspan check --through`: a real sidecar behind an edge that misbehaves in one way at a time, and what is found of it.
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { Finding } from '../../src/cli/through/finding.ts';
import { checkThrough, probeUrl } from '../../src/cli/through/through.ts';
import { closeAll } from '../support/backends.ts';
import { runCli } from '../support/build.ts';
import { type EdgeFaults, startEdge } from '../support/edge.ts';
import { expectHealthyLog, type SidecarProcess, startSidecar } from '../support/sidecar-process.ts';
import { startWsBackend } from '../support/ws-peers.ts';

afterEach(closeAll);

const TOKEN = 'the-right-token-0123456789';
const CONFIG = { check: { path: '/.ackspan-check' }, admin: { token: TOKEN }, limits: { connections: 50 } };

async function sidecar(config: object = CONFIG): Promise<SidecarProcess> {
  const backend = await startWsBackend();
  return startSidecar({ upstream: backend.address, config });
}

/** What is found through an edge with these faults; `look` in ms. */
async function found(faults: EdgeFaults, lookMs = 0, count = 1): Promise<Map<string, Finding>> {
  const all = await Promise.all(Array.from({ length: count }, () => sidecar()));
  const url = await startEdge(
    all.map(({ ws }) => ws),
    faults,
  );
  const findings = await checkThrough({ url, token: TOKEN, lookMs });
  return new Map(findings.map((each) => [each.check, each]));
}

const grades = (findings: ReadonlyMap<string, Finding>) =>
  Object.fromEntries([...findings].map(([check, { grade }]) => [check, grade]));
const GOOD = {
  ...{ subprotocol: 'good', query: 'good', compression: 'good', pings: 'good', client_pings: 'good', order: 'good' },
  ...{ affinity: 'good', clock: 'good', descriptors: 'good', store: 'note' },
};

it('an edge that passes everything on is found to', async () => {
  const findings = await found({}, 500);
  expect(grades(findings)).toEqual({ ...GOOD, cut: 'good' });
  expect(findings.get('cut')?.seen).toBe('Nothing was cut within 0.5 s.');
});

it('no edge at all is found fine too', async () => {
  const { ws } = await sidecar();
  const findings = await checkThrough({ url: ws, token: TOKEN, lookMs: 0 });
  expect(grades(new Map(findings.map((each) => [each.check, each])))).toEqual(GOOD);
});

describe('an edge that', () => {
  it.each<[string, EdgeFaults, string, Finding['grade'], RegExp]>([
    ['answers pings itself', { pings: 'answered' }, 'pings', 'bad', /answers the sidecar’s pings itself/],
    ['answers pings itself', { pings: 'answered' }, 'client_pings', 'note', /answers a client’s pings itself/],
    ['drops pings', { pings: 'dropped' }, 'pings', 'bad', /pings do not reach the client/],
    ['drops pings', { pings: 'dropped' }, 'client_pings', 'note', /pings are not answered/],
    ['drops pongs', { pongs: 'dropped' }, 'pings', 'bad', /pongs do not come back/],
    ['lets a ping overtake messages', { overtakes: true }, 'order', 'bad', /did not keep its place/],
    ['takes compression out', { compression: 'stripped' }, 'compression', 'note', /takes the offer of compression out/],
    ['compresses itself', { compression: 'own' }, 'compression', 'note', /compresses towards clients itself/],
    ['takes subprotocols out', { protocols: 'stripped' }, 'subprotocol', 'bad', /offers subprotocols fails/],
    ['passes the first subprotocol only', { protocols: 'first' }, 'subprotocol', 'bad', /only "ackspan\.probe\.a"/],
    ['takes the query out', { query: 'stripped' }, 'query', 'bad', /query was taken out/],
    ['writes the query anew', { query: 'rebuilt' }, 'query', 'bad', /came as \?ackspan=1/],
    ['has a clock that is wrong', { dateShiftMs: -60_000 }, 'clock', 'note', /Date header is (59|60) s behind/],
  ])('%s: %j', async (_, faults, check, grade, seen) => {
    const findings = await found(faults);
    expect(findings.get(check)).toMatchObject({ check, grade });
    expect(findings.get(check)?.seen).toMatch(seen);
    if (grade === 'bad') expect(findings.get(check)?.advice).toMatch(/^[A-Z].*\.$/);
    // Nothing else is blamed but what this fault touches.
    const touched = [check, 'pings', 'client_pings', 'order'];
    expect(
      Object.entries(grades(findings)).filter(([name, each]) => each === 'bad' && !touched.includes(name)),
    ).toEqual([]);
  });

  it('cuts silent connections: the time, and the key that keeps them', async () => {
    const { seen, advice } = (await found({ idleMs: 1500 }, 4000)).get('cut')!;
    expect(seen).toMatch(
      /^A silent connection was cut after \d\.\d s \(without a Close frame\); one with pings was not\.$/,
    );
    expect(advice).toContain('limits.silence');
  });

  it('cuts every connection at some age: the time, and the key that comes before it', async () => {
    const { grade, seen, advice } = (await found({ cutMs: 1500 }, 4000)).get('cut')!;
    expect(grade).toBe('bad');
    expect(seen).toMatch(/^Every connection was cut after about \d\.\d s \(without a Close frame\), used or not\.$/);
    expect(advice).toContain('limits.connection_age');
  });

  it('spreads the connections of one client over instances, or keeps them together by its cookie', async () => {
    const spread = (await found({}, 0, 2)).get('affinity')!;
    expect([spread.grade, spread.seen]).toEqual(['bad', '6 connections of one client reached 2 instances.']);
    const kept = (await found({ sticky: true }, 0, 2)).get('affinity')!;
    expect(kept.grade).toBe('good');
  });
});

describe('a sidecar that cannot be looked at', () => {
  it.each<[string, object, EdgeFaults, string, RegExp]>([
    ['is not opened for it', { admin: { token: TOKEN } }, { refuses: 404 }, TOKEN, /answered 404/],
    ['has another token', CONFIG, {}, 'another-token-0123456789', /answered 403/],
    ['is behind an edge without WebSockets', CONFIG, { refuses: 400 }, TOKEN, /answered 400/],
    ['is behind an edge that asks for a login', CONFIG, { refuses: 302 }, TOKEN, /answered 302/],
  ])('%s', async (_, config, faults, token, seen) => {
    const { ws } = await sidecar(config);
    const [only, ...more] = await checkThrough({ url: await startEdge([ws], faults), token, lookMs: 0 });
    expect([only?.check, only?.grade, more]).toEqual(['reach', 'bad', []]);
    expect(only?.seen).toMatch(seen);
    expect(only?.advice).not.toBe('');
  });

  it('is not there', async () => {
    const [only] = await checkThrough({ url: 'ws://127.0.0.1:9', token: TOKEN, lookMs: 0 });
    expect(only).toMatchObject({ check: 'reach', grade: 'bad' });
  });

  it('is another server that takes WebSockets', async () => {
    const backend = await startWsBackend();
    const [only] = await checkThrough({ url: backend.address.replace('http', 'ws'), token: TOKEN, lookMs: 0 });
    expect(only?.seen).toBe('a WebSocket opened, and its far end is not Ackspan.');
  }, 30_000);
});

describe('the far end', () => {
  const refusedWith = (url: string) =>
    new Promise<number>((resolve, reject) => {
      const socket = new WebSocket(url);
      socket.once('unexpected-response', (_, response) => {
        resolve(response.statusCode ?? 0);
        socket.terminate();
      });
      socket.once('open', () => reject(new Error('it was let in')));
      socket.on('error', () => {});
    });

  it('lets nobody in without a ticket of its own token that still holds', async () => {
    const { ws } = await sidecar();
    const right = probeUrl(ws, TOKEN);
    const long = new URL(right);
    for (const url of [
      `${ws}/.ackspan-check/`,
      `${ws}/.ackspan-check/x`,
      probeUrl(ws, `${TOKEN}x`),
      right.replace(/\/[0-9a-z]+-/, `/${(Math.floor(Date.now() / 1000) - 10).toString(36)}-`),
      `${right}x`,
      `${long.origin.replace('http', 'ws')}${long.pathname}/more`,
    ])
      expect([url, await refusedWith(url)]).toEqual([url, 403]);
  });

  it('is not there where it is not opened: the path goes to the backend', async () => {
    const backend = await startWsBackend();
    const { ws } = await startSidecar({ upstream: backend.address, config: { admin: { token: TOKEN } } });
    const socket = new WebSocket(probeUrl(ws, TOKEN));
    await new Promise((resolve) => socket.once('open', resolve));
    const peer = await backend.peer(0);
    expect(peer.request.url).toMatch(/^\/\.ackspan-check\/[0-9a-z]+-/);
    socket.terminate();
  });

  it('leaves no trace in what is counted, and ends when the sidecar stops', async () => {
    const it = await sidecar();
    await checkThrough({ url: it.ws, token: TOKEN, lookMs: 0 });
    const left = new WebSocket(probeUrl(it.ws, TOKEN));
    await new Promise((resolve) => left.once('message', resolve));
    const closed = new Promise((resolve) => left.once('close', resolve));
    it.signal('SIGTERM');
    await closed;
    expect((await it.exited).code).toBe(0);
    expectHealthyLog(it);
  });
});

describe('the command', () => {
  it('prints findings for people, with what to do, and ends with 1 where something is bad', async () => {
    const { ws } = await sidecar();
    const url = await startEdge([ws], { pings: 'answered' });
    const args = ['check', '--through', url, '--look', '0s'];
    const { code, stdout, stderr } = await runCli(args, { ACKSPAN_ADMIN_TOKEN: TOKEN });
    expect([code, stderr]).toEqual([1, '']);
    expect(stdout).toContain('problem  pings: The edge answers the sidecar’s pings itself');
    expect(stdout).toMatch(/\n {10}→ Do not trust `received` behind this edge/);
    expect(stdout).toMatch(/\n1 problem\.\n$/);
    expect(stdout).not.toContain(TOKEN);
  });

  it('ends with 0 where nothing is bad, and prints one object for programs', async () => {
    const { ws } = await sidecar();
    const args = ['check', '--through', `${ws}/.ackspan-check`, '--look', '200ms', '--json'];
    const { code, stdout } = await runCli(args, { ACKSPAN_ADMIN_TOKEN: TOKEN });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      ok: true,
      findings: expect.arrayContaining([expect.objectContaining({ check: 'pings', grade: 'good' })]),
    });
  });

  it.each<[string[], Record<string, string>, RegExp]>([
    [['--through', 'ws://127.0.0.1:9'], {}, /needs the admin\.token/],
    [['--through', 'http://127.0.0.1:9'], { ACKSPAN_ADMIN_TOKEN: TOKEN }, /write ws:\/\/… or wss:\/\/…/],
    [['--through', 'nonsense'], { ACKSPAN_ADMIN_TOKEN: TOKEN }, /--through: /],
    [['--through', 'ws://127.0.0.1:9/?a=1'], { ACKSPAN_ADMIN_TOKEN: TOKEN }, /without a query/],
    [['--through', 'ws://127.0.0.1:9', '--look', 'long'], { ACKSPAN_ADMIN_TOKEN: TOKEN }, /--look/],
  ])('%j is bad usage', async (args, env, said) => {
    const { code, stdout, stderr } = await runCli(['check', ...args], env);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(said);
  });
});
