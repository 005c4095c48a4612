// A drain of the real process: 1,000 clients, each outcome known to the test, with a collector that answers and one that never does; and over the admin API.
import { once } from 'node:events';
import { afterEach, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { atEnd, closeAll } from '../support/backends.ts';
import { runCli } from '../support/build.ts';
import { eventually, exitOf } from '../support/child.ts';
import { type OtlpReceiver, startOtlpReceiver } from '../support/otlp-receiver.ts';
import { expectHealthyLog, type SidecarProcess, startSidecar } from '../support/sidecar-process.ts';
import { event, openClient, startWsBackend, tell, type WsBackend } from '../support/ws-peers.ts';

afterEach(closeAll);

const CLIENTS = 1000;
const GRACE_MS = 8000;
const RULES = [{ match: '*', timeout: '60s', attempts: [] }];
/** Far longer than the test: what arrives at the collector was flushed by the stop. */
const NEVER = '600000';
/** A pause of this process in which a backend may miss its time to hear of the end, ms. */
const HEARS_MS = 300;

interface Crowd {
  readonly backend: WsBackend;
  readonly sidecar: SidecarProcess;
  /** The code with which each client was closed, in order. */
  readonly codes: number[];
  /** Event ids that have come to a client. */
  readonly got: Set<string>;
}

async function crowd(receiver: OtlpReceiver, clients = CLIENTS): Promise<Crowd> {
  const backend = await startWsBackend();
  const sidecar = await startSidecar({
    upstream: backend.address,
    config: { events: { rules: RULES }, shutdown: { grace: `${GRACE_MS}ms` } },
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint,
      OTEL_BSP_SCHEDULE_DELAY: NEVER,
      OTEL_BSP_MAX_QUEUE_SIZE: '20000',
    },
  });
  const codes: number[] = [];
  const got = new Set<string>();
  for (let i = 0; i < clients; i += 50) {
    const sockets = Array.from({ length: Math.min(50, clients - i) }, () => new WebSocket(`${sidecar.ws}/ws`));
    for (const socket of sockets) {
      atEnd(() => socket.terminate());
      socket.on('error', () => {});
      socket.on('message', (data) => void got.add(JSON.parse(String(data)).event_id));
      socket.once('close', (code) => codes.push(code));
    }
    await Promise.all(sockets.map((socket) => once(socket, 'open')));
  }
  await eventually(() => expect(backend.peers).toHaveLength(clients));
  return { backend, sidecar, codes, got };
}

/** Three events to each client: two long before the signal, one in the same moment. */
async function talk({ backend, sidecar }: Crowd): Promise<number> {
  for (const [i, peer] of backend.peers.entries())
    for (const n of [1, 2]) tell(peer, event(`e-${i}-${n}`, 'agent_thinking'));
  await sidecar.reach({ tracked: backend.peers.length * 2 });
  for (const [i, peer] of backend.peers.entries()) tell(peer, event(`e-${i}-3`, 'agent_completed'));
  return backend.peers.length * 3;
}

const between = ({ lines }: SidecarProcess, from: string, to: string): number => {
  const at = (start: string) => Date.parse(String(lines.find(({ msg }) => String(msg).startsWith(start))?.time));
  return at(to) - at(from);
};

it('[D10] 1,000 clients: each is told to come again, no event is lost, every span is exported, and the stop ends by itself', {
  timeout: 240_000,
}, async () => {
  const receiver = await startOtlpReceiver();
  atEnd(() => receiver.close());
  const all = await crowd(receiver);
  const { sidecar, codes, got } = all;
  const sent = await talk(all);
  sidecar.signal('SIGTERM');
  expect(await exitOf(sidecar)).toEqual({ code: 0, signal: null });
  await eventually(() => expect(codes).toHaveLength(CLIENTS));
  expect(new Set(codes)).toEqual(new Set([1012]));
  // The oracle: what each client got is confirmed, once, and nothing else is.
  expect(got.size).toBe(sent);
  const outcomes = new Map<string, string[]>();
  for (const { name, attributes } of receiver.spans) {
    if (!name.startsWith('send ')) continue;
    const id = String(attributes['messaging.message.id']);
    outcomes.set(id, [...(outcomes.get(id) ?? []), String(attributes['ackspan.delivery.outcome'])]);
  }
  expect(outcomes.size).toBe(sent);
  expect([...outcomes].filter(([, ended]) => ended.join() !== 'confirmed')).toEqual([]);
  expect(receiver.spans.filter(({ name }) => name === 'ackspan.connection')).toHaveLength(CLIENTS);
  expect(sidecar.lines.filter(({ msg }) => /lost|not sent|unconfirmed/.test(String(msg)))).toEqual([]);
  console.info(
    `drained in ${between(sidecar, 'stopping', 'drained')} ms, stopped in ${between(sidecar, 'stopping', 'stopped')} ms`,
  );
  expectHealthyLog(sidecar);
});

it('[D10] 1,000 clients and a collector that never answers: no outcome is lost, every span is counted, and the grace is not used up', {
  timeout: 240_000,
}, async () => {
  const receiver = await startOtlpReceiver();
  atEnd(() => receiver.close());
  receiver.behave({ kind: 'hang' });
  const all = await crowd(receiver);
  const { sidecar, codes, got } = all;
  const sent = await talk(all);
  sidecar.signal('SIGTERM');
  const last = eventually(async () => {
    const found = await sidecar.stats();
    expect(found.confirmed).toBe(sent);
    return found;
  });
  expect(await exitOf(sidecar)).toEqual({ code: 0, signal: null });
  expect(await last).toMatchObject({ tracked: sent, confirmed: sent, pending: 0, failed: 0, timeout: 0 });
  await eventually(() => expect(codes).toHaveLength(CLIENTS));
  expect(new Set(codes)).toEqual(new Set([1012]));
  expect(got.size).toBe(sent);
  // It gave up by itself, and did not wait to the end of its grace: the reason in the log is the
  // collector's silence.
  const reasons = sidecar.lines.filter(({ stage }) => stage === 'telemetry').map(({ msg }) => String(msg));
  expect(reasons.join('\n')).toContain('the collector took nothing for');
  const lost = reasons.reduce((sum, text) => sum + Number(/(\d+) spans? lost/.exec(text)?.[1] ?? 0), 0);
  // One span per delivery, one of each connection, and one of the run that each client saw.
  expect(lost).toBe(sent + 2 * CLIENTS);
  console.info(
    `drained in ${between(sidecar, 'stopping', 'drained')} ms, stopped in ${between(sidecar, 'stopping', 'stopped')} ms`,
  );
});

it('[D10] a backend that goes on sending while its clients are told: all that it sent arrives, and is confirmed', async () => {
  const receiver = await startOtlpReceiver();
  atEnd(() => receiver.close());
  const all = await crowd(receiver, 200);
  const { backend, sidecar, codes, got } = all;
  const sent = new Set<string>();
  let [last, longest, stopping] = [performance.now(), 0, false];
  const after = new Set<string>();
  const timer = setInterval(() => {
    const at = performance.now();
    longest = Math.max(longest, at - last);
    last = at;
    for (const [i, peer] of backend.peers.entries()) {
      // What is given to a socket that has heard of the end is sent to nobody.
      if (peer.socket.readyState !== WebSocket.OPEN) continue;
      const id = `e-${i}-${sent.size}`;
      sent.add(id);
      if (stopping) after.add(id);
      tell(peer, event(id, 'agent_thinking'));
    }
  }, 20);
  atEnd(() => clearInterval(timer));
  await eventually(async () => expect((await sidecar.stats()).confirmed).toBeGreaterThan(1000));
  [stopping, longest] = [true, 0];
  sidecar.signal('SIGTERM');
  expect(await exitOf(sidecar)).toEqual({ code: 0, signal: null });
  await eventually(() => expect(codes).toHaveLength(200));
  expect(new Set(codes)).toEqual(new Set([1012]));
  const missing = [...sent].filter((id) => !got.has(id));
  // A backend has 500 ms to hear of the end. This process, which is the backend, may not have run.
  expect(missing.filter((id) => longest < HEARS_MS || !after.has(id))).toEqual([]);
  const ended = receiver.spans.filter(({ name }) => name.startsWith('send '));
  expect(ended).toHaveLength(sent.size);
  const lost = ended.filter(({ attributes }) => attributes['ackspan.delivery.outcome'] !== 'confirmed');
  expect(lost.map(({ attributes }) => attributes['messaging.message.id']).sort()).toEqual(missing.sort());
  expectHealthyLog(sidecar);
});

it('[D10] POST /drain: readiness drops, clients are told, the process and its admin server go on, and SIGTERM ends it', async () => {
  const receiver = await startOtlpReceiver();
  atEnd(() => receiver.close());
  const all = await crowd(receiver, 20);
  const { sidecar, codes } = all;
  await talk(all);
  const progress = async () => (await fetch(`${sidecar.admin}/api/v1/drain`)).json();
  expect(await progress()).toMatchObject({ state: 'serving', connections: 20 });
  const { code, stdout } = await runCli(['drain', '--admin', sidecar.admin, '--why', 'roll-out 7']);
  expect([code, stdout]).toEqual([0, 'Drained.\n']);
  await eventually(() => expect(codes).toHaveLength(20));
  expect(new Set(codes)).toEqual(new Set([1012]));
  const ready = await fetch(`${sidecar.admin}/readyz`);
  expect([ready.status, await ready.json()]).toEqual([503, expect.objectContaining({ reasons: ['drained'] })]);
  expect((await fetch(`${sidecar.admin}/healthz`)).status).toBe(200);
  const once = await runCli(['stats', '--admin', sidecar.admin]);
  expect(once.stdout).toContain('drained: every client has been told to come again');
  // A second request changes nothing.
  const again = await runCli(['drain', '--admin', sidecar.admin, '--why', 'again', '--json']);
  expect([again.code, JSON.parse(again.stdout)]).toEqual([0, { state: 'drained', connections: 0, pending: 0 }]);
  await expect(openClient(sidecar.ws)).rejects.toThrow(/ECONNREFUSED/);
  expect(await progress()).toEqual({ state: 'drained', connections: 0, pending: 0 });
  expect(await sidecar.stats()).toMatchObject({ tracked: 60, confirmed: 60, failed: 0 });
  await sidecar.line(({ stage, action, reason }) => stage === 'audit' && action === 'drain' && reason === 'roll-out 7');
  sidecar.signal('SIGTERM');
  expect(await exitOf(sidecar)).toEqual({ code: 0, signal: null });
  expect(sidecar.lines.filter(({ msg }) => String(msg).startsWith('drained'))).toHaveLength(1);
  expect(receiver.spans.filter(({ name }) => name.startsWith('send '))).toHaveLength(60);
  expectHealthyLog(sidecar);
});

it('[D10] shutdown.delay: readiness drops at once, and who comes before the end of the delay is served', async () => {
  const backend = await startWsBackend();
  const config = { shutdown: { grace: '60s', delay: '20s' } };
  const sidecar = await startSidecar({ upstream: backend.address, config });
  const first = await openClient(sidecar.ws);
  sidecar.signal('SIGTERM');
  await eventually(async () => expect((await fetch(`${sidecar.admin}/readyz`)).status).toBe(503));
  const late = await openClient(sidecar.ws);
  tell(await backend.peer(1), event('e-1'));
  await sidecar.reach({ confirmed: 1 });
  expect([first.socket.readyState, late.socket.readyState]).toEqual([WebSocket.OPEN, WebSocket.OPEN]);
  sidecar.signal('SIGTERM');
  expect(await exitOf(sidecar)).toEqual({ code: 1, signal: null });
});
