// Events in binary messages are kept like any other: sent again to a plain client whose rule allows it, replayed to one that has opted in, also by the next process.
import { afterEach, expect, it } from 'vitest';
import { closeAll } from '../support/backends.ts';
import { eventually } from '../support/child.ts';
import { asking, optIn } from '../support/opted-in.ts';
import { sidecarHere } from '../support/sidecar-here.ts';
import { startSidecar } from '../support/sidecar-process.ts';
import { newDirectory } from '../support/store-directory.ts';
import { event, openClient, startWsBackend } from '../support/ws-peers.ts';

afterEach(closeAll);

const bytes = (id: string) => Buffer.from(JSON.stringify(event(id)));

it('[R8] a plain client whose rule says resend gets a binary event again as it was; of a message of several events nothing comes again, which is counted', async () => {
  const backend = await startWsBackend();
  const sidecar = await sidecarHere(backend.address, {
    events: { rules: [{ match: '*', confirm: 'processed', resend: true, attempts: ['100ms'], timeout: '60s' }] },
  });
  const client = await openClient(sidecar.ws);
  const binaries: string[] = [];
  client.socket.on('message', (data, binary) => binary && binaries.push(String(data)));
  const { socket } = await backend.peer(0);
  socket.send(bytes('a'));
  socket.send(JSON.stringify([event('b'), event('c')]));
  await eventually(() => expect(binaries).toEqual([String(bytes('a')), String(bytes('a'))]));
  expect(client.texts).toHaveLength(1);
  expect(await sidecar.sum('ackspan_retained_refused_total', { reason: 'several_events' })).toBe(1);
});

it('[R5] a client that has opted in is replayed the binary events that it missed', async () => {
  const backend = await startWsBackend();
  const sidecar = await sidecarHere(backend.address, {});
  const first = await optIn(sidecar.ws);
  const { socket } = await backend.peer(0);
  first.socket.terminate();
  await eventually(async () => expect(await sidecar.sum('ackspan_session_waiting')).toBe(1));
  socket.send(bytes('a'));
  socket.send(JSON.stringify(event('b')));
  await sidecar.reach({ tracked: 2 });
  const second = await optIn(sidecar.ws, asking(first.welcome, 0));
  expect(await second.frames(4)).toEqual([
    '{"ackspan":"replay","n":1}',
    `binary ${bytes('a')}`,
    '{"ackspan":"replay","n":2}',
    JSON.stringify(event('b')),
  ]);
  second.say({ ackspan: 'confirm', through: 2, s: 1 });
  await sidecar.reach({ confirmed: 2 });
});

it('[P2] the next process replays a binary event as a binary one', async () => {
  const backend = await startWsBackend();
  const options = { upstream: backend.address, config: { store: `file:${newDirectory()}` } };
  const before = await startSidecar(options);
  const first = await optIn(before.ws);
  first.socket.pause();
  (await backend.peer(0)).socket.send(bytes('a'));
  await before.reach({ tracked: 1 });
  await before.kill();
  const after = await startSidecar(options);
  const second = await optIn(after.ws, asking(first.welcome, 0));
  expect(second.welcome.recovered).toBe(true);
  expect(await second.frames(2)).toEqual(['{"ackspan":"replay","n":1}', `binary ${bytes('a')}`]);
});
