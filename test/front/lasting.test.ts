// An answer that came before the backend closed its connection is read, though the rest of the request finds nobody.
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterEach, expect, it } from 'vitest';
import { createAgent, dial, parseUpstream } from '../../src/front/upstream.ts';
import { atEnd, closeAll, rawUpstream } from '../support/backends.ts';

afterEach(closeAll);

const ANSWER = 'HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 3\r\n\r\nbig';

/** A request whose head has reached the backend, and whose body is still to come. */
async function asked(kind: string) {
  const { address, next } = await rawUpstream();
  const { upstream } = parseUpstream(address);
  const agent = createAgent(upstream!);
  atEnd(() => agent.destroy());
  const how = { method: 'POST', headers: { 'Content-Length': '100' } };
  const outgoing =
    kind === 'pooled'
      ? request(address, { ...how, agent })
      : dial(upstream!, { ...how, path: '/', headerBytes: 1000, lasting: true });
  outgoing.flushHeaders();
  const peer = await next();
  await peer.head();
  return { outgoing, peer };
}

it.each(['pooled', 'dialled'])('[D14] of a %s connection', async (kind) => {
  const { outgoing, peer } = await asked(kind);
  const answered = once(outgoing, 'response') as Promise<[IncomingMessage]>;
  peer.send(ANSWER);
  peer.socket.resetAndDestroy();
  // In the same turn of the event loop: the write fails before the answer can be read.
  outgoing.write('the rest');
  outgoing.write('and more');
  const [response] = await answered;
  expect([response.statusCode, await text(response)]).toEqual([413, 'big']);
});

it.each(['pooled', 'dialled'])('without an answer, the end of a %s connection is an error', async (kind) => {
  const { outgoing, peer } = await asked(kind);
  const failed = once(outgoing, 'error') as Promise<[NodeJS.ErrnoException]>;
  peer.socket.resetAndDestroy();
  outgoing.write('the rest');
  expect((await failed)[0].code).toBe('ECONNRESET');
});
