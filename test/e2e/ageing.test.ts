// Connections that grow old, over the real process: a client with the SDK goes on with its session and its backend connection, another one comes again.
import { afterEach, expect, it } from 'vitest';
import { openApp, startAgentBackend } from '../support/agent-runs.ts';
import { closeAll } from '../support/backends.ts';
import { eventually } from '../support/child.ts';
import { expectHealthyLog, startSidecar } from '../support/sidecar-process.ts';
import { event, openClient, startWsBackend, tell } from '../support/ws-peers.ts';

afterEach(closeAll);

it('a client with the SDK gets every event once and in order over connections that end by their age; its backend notices nothing', async () => {
  const backend = await startAgentBackend();
  const sidecar = await startSidecar({
    upstream: `http://127.0.0.1:${backend.port}`,
    config: { limits: { connection_age: '1s' } },
  });
  const app = openApp(`${sidecar.ws}/ws?user=ann`);
  const run = await eventually(() => {
    const found = backend.runs.get('ann');
    if (found?.socket === undefined) throw new Error('ann is not connected');
    return found;
  });
  const upstream = run.socket!;
  await eventually(() => {
    backend.emit(run);
    expect(app.resumed.length).toBeGreaterThanOrEqual(3);
  });
  expect(app.closes.every((code) => code === 1012)).toBe(true);
  expect(app.resumed.every(({ recovered, rejoined }) => recovered && rejoined)).toBe(true);
  await eventually(() => expect(app.numbers).toHaveLength(run.sent));
  expect(app.numbers).toEqual(Array.from({ length: run.sent }, (_, i) => i + 1));
  expect([run.socket === upstream, run.bySocket]).toEqual([true, [run.sent]]);
  await sidecar.reach({ tracked: run.sent, confirmed: run.sent, failed: 0, timeout: 0 });
  expect(await sidecar.sum('ackspan_connection_retired_total', { reason: 'age' })).toBeGreaterThanOrEqual(3);
  expectHealthyLog(sidecar);
});

it('any other client is told 1012, and so is its backend, with what was under way proven', async () => {
  const backend = await startWsBackend();
  const sidecar = await startSidecar({ upstream: backend.address, config: { limits: { connection_age: '1s' } } });
  const client = await openClient(sidecar.ws);
  const peer = await backend.peer(0);
  tell(peer, event('e-1'));
  expect([await client.closed, await peer.closed]).toEqual([1012, 1012]);
  await sidecar.reach({ tracked: 1, confirmed: 1 });
});

it('one over which nothing goes is closed with 1001, however often it pings', async () => {
  const backend = await startWsBackend();
  const sidecar = await startSidecar({ upstream: backend.address, config: { limits: { idle: '1s' } } });
  const client = await openClient(sidecar.ws);
  const pinging = setInterval(() => client.socket.readyState === 1 && client.socket.ping(), 50);
  expect(await client.closed).toBe(1001);
  clearInterval(pinging);
  expect(await sidecar.sum('ackspan_connection_retired_total', { reason: 'idle' })).toBe(1);
});
