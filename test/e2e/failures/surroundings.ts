// Test support: failures whose fault is not a client's: limits, the backend, the platform, the network.

import { WebSocket } from 'ws';
import { AckspanSocket } from '../../../src/client/socket.ts';
import { atEnd } from '../../support/backends.ts';
import { eventually, exitOf } from '../../support/child.ts';
import { startFaultProxy } from '../../support/fault-proxy.ts';
import { startPythonBackend } from '../../support/python-backend.ts';
import { openRaw, PING } from '../../support/raw-ws-client.ts';
import { startSidecar } from '../../support/sidecar-process.ts';
import { event, openClient, startWsBackend, tell } from '../../support/ws-peers.ts';
import { answering, rules, type Stage, staged, startBalancer } from './scene.ts';

/** Too much is in flight: LOW events pass untracked. */
export const shedByLimit: Stage = async (watchers) => {
  const config = { ...rules({ priority: 'low', confirm: 'processed', timeout: '60s' }), limits: { pending: 10 } };
  const { backend, sidecar, scene } = await staged(watchers, config);
  const client = await openClient(sidecar.ws);
  const peer = await backend.peer(0);
  for (let n = 0; n < 20; n++) tell(peer, event(`filler-${n}`));
  tell(peer, event('missed'));
  await eventually(() => {
    if (client.texts.length < 21) throw new Error('not all there');
  });
  await sidecar.reach({ tracked: 8, shed: 13 });
  return scene('missed');
};

/** The backend is killed right behind an event whose pong is lost on its way. */
export const upstreamDied: Stage = async (watchers) => {
  const backend = await startPythonBackend('websockets');
  const sidecar = await startSidecar({ upstream: backend.address, config: rules({ timeout: '60s', attempts: [] }) });
  await watchers.begin([sidecar.admin]);
  const client = await openRaw(sidecar.port);
  let lossy = false;
  client.onFrame(({ opcode, payload }) => {
    if (opcode === PING && !lossy) client.pong(payload);
  });
  await answering(sidecar);
  client.text({ type: 'emit', count: 1, name: 'first' });
  await sidecar.reach({ confirmed: 1 });
  lossy = true;
  client.text({ type: 'emit', count: 1, name: 'missed' });
  await sidecar.reach({ pending: 1 });
  await backend.kill();
  await sidecar.reach({ failed: 1, pending: 0 });
  return { admins: [sidecar.admin], event: 'missed-1' };
};

/** Two instances, and a balancer that does not keep clients where they were. */
export const movedInstance: Stage = async (watchers) => {
  const backend = await startWsBackend();
  const config = {
    ...rules({ timeout: '60s', attempts: [] }),
    identity: { user: 'query:user', trust: 'upstream' },
    sessions: { ttl: '1s' },
  };
  const [first, second] = [
    await startSidecar({ upstream: backend.address, config }),
    await startSidecar({ upstream: backend.address, config }),
  ];
  await watchers.begin([first.admin, second.admin]);
  const balancer = await startBalancer(first.port);
  const socket = new AckspanSocket(`ws://127.0.0.1:${balancer.port}/ws?user=ann`, [], {
    WebSocket: WebSocket as never,
    minDelayMs: 10,
    maxDelayMs: 50,
  });
  atEnd(() => socket.close());
  socket.onmessage = () => {};
  const peer = await backend.peer(0);
  tell(peer, event('seen'));
  await first.reach({ confirmed: 1 });
  balancer.target = second.port;
  balancer.cut();
  await backend.peer(1);
  // The first instance still has the backend’s first connection: what comes there is for a client
  // that is elsewhere.
  tell(peer, event('missed'));
  await first.reach({ failed: 1, pending: 0 });
  return { admins: [first.admin, second.admin], event: 'missed' };
};

/** The platform replaces the sidecar while a client is slow to prove what it got. */
export const deploy: Stage = async (watchers) => {
  const { backend, sidecar, scene } = await staged(watchers, {
    ...rules({ confirm: 'processed', timeout: '60s', attempts: [] }),
    shutdown: { grace: '3s' },
  });
  await openClient(sidecar.ws);
  await answering(sidecar);
  tell(await backend.peer(0), event('missed'));
  await sidecar.reach({ pending: 1 });
  sidecar.signal('SIGTERM');
  await exitOf(sidecar);
  return scene('missed');
};

const CROWD = 12;

/** A proxy in front dies with everybody behind it; what was under way is gone. */
export const storm: Stage = async (watchers) => {
  const { backend, sidecar, scene } = await staged(watchers, rules({ timeout: '60s', attempts: [] }));
  const network = await startFaultProxy(sidecar.port, () => undefined);
  for (let n = 0; n < CROWD; n++) await openClient(`ws://127.0.0.1:${network.port}`);
  await answering(sidecar, CROWD);
  network.swallow();
  for (let n = 0; n < CROWD; n++) tell(await backend.peer(n), event(n === 5 ? 'missed' : `other-${n}`));
  await sidecar.reach({ pending: CROWD });
  network.storm();
  await sidecar.reach({ failed: CROWD, pending: 0 });
  return scene('missed');
};
