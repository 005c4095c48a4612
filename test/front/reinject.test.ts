// A request that only looked like an upgrade goes back to node:http: without its Upgrade, and with all else as it was.
import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import { expect, it } from 'vitest';
import { reinject } from '../../src/front/reinject.ts';
import { MemorySocket } from '../support/socket-pair.ts';

it.each([
  ['Upgrade', ''],
  ['keep-alive, Upgrade', 'keep-alive'],
  ['UPGRADE, HTTP2-Settings', 'HTTP2-Settings'],
])('Connection: %s', (connection, kept) => {
  const rawHeaders = ['Host', 'a', 'Connection', connection, 'uPGRADE', 'h2c', 'X-Upgrade', 'Upgrade'];
  const request = { method: 'POST', url: '/path?q', httpVersion: '1.1', rawHeaders };
  const socket = new MemorySocket();
  const connections: unknown[] = [];
  const server = { emit: (name: string, of: unknown) => connections.push(name, of) };
  reinject(server as unknown as Server, request as IncomingMessage, socket as unknown as Socket, Buffer.from('body'));
  const lines = ['POST /path?q HTTP/1.1', 'Host: a', `Connection: ${kept}`, 'X-Upgrade: Upgrade', '', 'body'];
  expect(`${socket.read()}`).toBe(lines.join('\r\n'));
  expect(connections).toEqual(['connection', socket]);
});
