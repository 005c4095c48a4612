// A path that is slower than the silence that is allowed, and not dead: the SDK leaves it, and the backend notices nothing.
import { connect, createServer, type Socket } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { openApp, startAgentBackend } from '../support/agent-runs.ts';
import { atEnd, closeAll, listenOn } from '../support/backends.ts';
import { eventually } from '../support/child.ts';
import { bugs, sidecarHere } from '../support/sidecar-here.ts';

afterEach(closeAll);

/** Proxies to `target`. From `hold` on, what the connections of that time are sent waits in here. */
async function startSlowProxy(target: number) {
  const sockets: Socket[] = [];
  const live: { holds: boolean }[] = [];
  const proxy = {
    held: 0,
    hold: () => {
      for (const one of live) one.holds = true;
    },
  };
  const server = createServer({ allowHalfOpen: true }, (near) => {
    const far = connect({ port: target, host: '127.0.0.1', allowHalfOpen: true });
    const one = { holds: false };
    live.push(one);
    sockets.push(near, far);
    for (const socket of [near, far]) socket.on('error', () => {});
    near.on('data', (chunk) => far.write(chunk)).on('end', () => far.end());
    far.on('data', (chunk) => {
      if (one.holds) proxy.held += chunk.length;
      else near.write(chunk);
    });
    far.on('close', () => near.destroy());
  });
  const port = await listenOn(server);
  atEnd(() => {
    for (const socket of sockets) socket.destroy();
  });
  return Object.assign(proxy, { port });
}

it('[R11] the SDK leaves a path that answers too late: the backend keeps its connection, and every event comes once and in order', async () => {
  const backend = await startAgentBackend();
  const sidecar = await sidecarHere(`http://127.0.0.1:${backend.port}`, {
    limits: { silence: '1s', handshake: '1s' },
    events: { rules: [{ match: '*', priority: 'critical' }] },
  });
  const network = await startSlowProxy(sidecar.port);
  const app = openApp(`ws://127.0.0.1:${network.port}/ws?user=ann`);
  const run = await eventually(() => {
    const found = backend.runs.get('ann');
    if (found === undefined) throw new Error('not connected');
    return found;
  });
  backend.emit(run);
  await sidecar.reach({ confirmed: 1 });
  const before = app.resumed.length;
  network.hold();
  backend.emit(run);
  backend.emit(run);
  await eventually(() => expect(app.resumed.length).toBeGreaterThan(before));
  backend.emit(run);
  await sidecar.reach({ confirmed: 4, pending: 0 });
  expect(app.numbers).toEqual([1, 2, 3, 4]);
  expect(app.resumed.filter(({ recovered, rejoined }) => !recovered || !rejoined)).toEqual([]);
  expect(run.bySocket).toEqual([4]);
  expect(network.held).toBeGreaterThan(0);
  expect(bugs(sidecar)).toEqual([]);
});
