// [D20] What a client and a backend of ordinary libraries notice of the sidecar: nothing that they would not notice without it.
import { afterEach, describe, expect, it } from 'vitest';
import { type CloseEvent, WebSocket } from 'ws';
import { closeAll, handshake, rawClient, rawUpstream, switching } from '../support/backends.ts';
import { eventually } from '../support/child.ts';
import { clientFrame, frame, type ReadFrame, readCompleteFrames } from '../support/raw-frames.ts';
import { BARRIER_BYTES, PING, PONG } from '../support/raw-ws-client.ts';
import { bugs, type SidecarHere, sidecarHere } from '../support/sidecar-here.ts';
import { event, startWsBackend, tell } from '../support/ws-peers.ts';

afterEach(closeAll);

/** How a connection ends for its client once the backend has dropped it after an event. */
async function ending(
  url: string,
  backend: Awaited<ReturnType<typeof startWsBackend>>,
  how: 'end' | 'resetAndDestroy',
) {
  const socket = new WebSocket(url);
  const closed = new Promise<CloseEvent>((resolve) => {
    socket.onclose = resolve;
  });
  const texts: string[] = [];
  const heard = new Promise<void>((resolve) => {
    socket.onmessage = ({ data }) => resolve(void texts.push(String(data)));
  });
  socket.onerror = () => {};
  await new Promise((resolve) => socket.once('open', resolve));
  const peer = await backend.peer(backend.peers.length - 1);
  tell(peer, event('e1'));
  await heard;
  (peer.socket as unknown as { _socket: { end(): void; resetAndDestroy(): void } })._socket[how]();
  const { code, reason, wasClean } = await closed;
  return { code, reason, wasClean, texts };
}

describe('a backend that dies without a Close frame', () => {
  it.each(['end', 'resetAndDestroy'] as const)(
    '(%s) is 1006 and not clean for the client, as directly',
    async (how) => {
      const backend = await startWsBackend();
      const direct = await ending(backend.address.replace('http', 'ws'), backend, how);
      const sidecar = await sidecarHere(backend.address);
      expect(await ending(sidecar.ws, backend, how)).toEqual(direct);
      expect(direct).toMatchObject({ code: 1006, wasClean: false });
      await sidecar.reach({ tracked: 1, confirmed: 1, failed: 0 });
      expect(bugs(sidecar)).toEqual([]);
    },
  );
});

/** A raw client whose backend has written these bytes in one piece with its 101. */
async function spokenTo(
  sidecar: SidecarHere,
  upstream: Awaited<ReturnType<typeof rawUpstream>>,
  lines: string[],
  bytes: Buffer,
) {
  const client = rawClient(sidecar.port);
  client.send(handshake());
  const peer = await upstream.next();
  await peer.head();
  peer.send(switching(lines) + bytes.toString('latin1'));
  await client.head();
  const frames = (): ReadFrame[] => readCompleteFrames(Buffer.from(client.text, 'latin1')).frames;
  return { client, peer, frames };
}

const EVENTS = Buffer.concat(['e1', 'e2', 'e3'].map((id) => frame(JSON.stringify(event(id)))));

describe('a backend that speaks in the segment of its 101', () => {
  it('[E2] gets one barrier, behind what it said', async () => {
    const upstream = await rawUpstream();
    const sidecar = await sidecarHere(upstream.address);
    const { client, frames } = await spokenTo(sidecar, upstream, [], EVENTS);
    await eventually(() => expect(frames()).toHaveLength(4));
    expect(frames().map(({ opcode }) => opcode)).toEqual([1, 1, 1, PING]);
    client.socket.write(clientFrame(frames()[3]!.payload, { opcode: PONG }));
    await sidecar.reach({ tracked: 3, confirmed: 3 });
    expect(frames().filter(({ payload }) => payload.length === BARRIER_BYTES)).toHaveLength(1);
  });
});

describe('a connection on which nothing can be tracked gets no frame of ours', () => {
  it.each([
    ['the rules track nothing', { events: { rules: [{ match: '*', track: false }] } }, []],
    ['its extension cannot be read', {}, ['Sec-WebSocket-Extensions: x-other']],
  ])('%s', async (_, config, lines) => {
    const upstream = await rawUpstream();
    const sidecar = await sidecarHere(upstream.address, config);
    const { client, peer, frames } = await spokenTo(sidecar, upstream, lines, EVENTS);
    client.socket.write(clientFrame('hello'));
    await eventually(() => expect(peer.text).toContain(clientFrame('hello').toString('latin1')));
    peer.send(Buffer.concat([EVENTS, frame(Buffer.alloc(0), { opcode: 8 })]).toString('latin1'));
    await eventually(() => expect(frames().at(-1)?.opcode).toBe(8));
    expect(frames().map(({ opcode }) => opcode)).toEqual([1, 1, 1, 1, 1, 1, 8]);
  });
});
