// Readers of the mounted admin port that do not read: bounded in what waits for them, and dropped.
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { atEnd, closeAll } from '../support/backends.ts';
import { eventually } from '../support/child.ts';
import { sidecarHere } from '../support/sidecar-here.ts';
import { event, openClient, startWsBackend, tell } from '../support/ws-peers.ts';
import { serveMounted } from './fixture.ts';
import { raw } from './raw.ts';

afterEach(closeAll);

const TOKEN = 'a-long-secret-token';

it('[D7] a connection of the mount asks 16 things at once at most', async () => {
  const port = await serveMounted({ token: TOKEN });
  const ask = `GET /.ackspan/healthz HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${TOKEN}\r\n\r\n`;
  const text = await raw(port, ask.repeat(40));
  const statuses = [...text.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(([, status]) => status);
  expect(statuses.filter((status) => status === '200')).toHaveLength(16);
  expect(statuses.at(-1)).toBe('429');
});

it('[D7] a follower under the mount that stops reading is dropped, and its place is free again', async () => {
  const backend = await startWsBackend();
  const { port, ws, faults } = await sidecarHere(backend.address, {
    admin: { mount: '/.ackspan', token: TOKEN },
    limits: { stall: '200ms' },
  });
  await openClient(ws);
  const peer = await backend.peer(0);
  const sockets = Array.from({ length: 16 }, () => {
    const socket = connect(port, '127.0.0.1');
    atEnd(() => void socket.destroy());
    socket.on('error', () => {});
    // It takes the head, and nothing more.
    socket.once('data', () => socket.pause());
    socket.write(`GET /.ackspan/api/v1/stream HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${TOKEN}\r\n\r\n`);
    return socket;
  });
  await Promise.all(sockets.map((socket) => once(socket, 'data')));
  const refused = await fetch(`http://127.0.0.1:${port}/.ackspan/api/v1/stream`, {
    headers: { authorization: `Bearer ${TOKEN}` },
  });
  expect(refused.status).toBe(503);
  let n = 0;
  const timer = setInterval(() => {
    for (let i = 0; i < 200; i++) tell(peer, event(`e-${n++}`, 'x'.repeat(400)));
  }, 20);
  atEnd(() => clearInterval(timer));
  await eventually(() => expect(faults.filter((each) => each.includes('limits.stall'))).not.toEqual([]));
  const aborted = new AbortController();
  atEnd(() => aborted.abort());
  await eventually(async () => {
    const followed = await fetch(`http://127.0.0.1:${port}/.ackspan/api/v1/stream`, {
      headers: { authorization: `Bearer ${TOKEN}` },
      signal: aborted.signal,
    });
    expect(followed.status).toBe(200);
  });
});
