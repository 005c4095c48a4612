// SIGTERM to the real process (SPEC D10): last barriers, 1012 to both sides, only the unconfirmed fail, telemetry is flushed, exit 0 within the grace.
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { atEnd, closeAll } from '../support/backends.ts';
import { eventually, exitOf } from '../support/child.ts';
import { startOtlpReceiver } from '../support/otlp-receiver.ts';
import { clientFrame, closePayload } from '../support/raw-frames.ts';
import { openRaw, PING, TEXT } from '../support/raw-ws-client.ts';
import { sidecarHere } from '../support/sidecar-here.ts';
import { expectHealthyLog, startSidecar } from '../support/sidecar-process.ts';
import { event, openClient, startWsBackend, tell } from '../support/ws-peers.ts';

afterEach(closeAll);

/** Opcode of a Close frame. */
const CLOSE = 8;
const RULES = [
  { match: 'app_*', confirm: 'processed', timeout: '60s', attempts: [] },
  { match: '*', timeout: '60s', attempts: [] },
];

it('[D10] drains: the last barriers confirm what arrived, the rest fails as shutdown, both sides get 1012, all spans are out', async () => {
  const receiver = await startOtlpReceiver();
  atEnd(() => receiver.close());
  const backend = await startWsBackend();
  const sidecar = await startSidecar({
    upstream: backend.address,
    config: { events: { rules: RULES }, shutdown: { grace: '7s' } },
    // Nothing goes out by itself: what arrives was flushed.
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint, OTEL_BSP_SCHEDULE_DELAY: '600000' },
  });
  const healthy = await openClient(sidecar.ws);
  const toHealthy = await backend.peer(0);
  // This one has received all, and its one pong under way was lost: only another barrier can tell.
  const forgetful = await openRaw(sidecar.port);
  let barriers = 0;
  forgetful.onFrame(({ opcode, payload }) => {
    if (opcode === PING && ++barriers !== 2) forgetful.pong(payload);
  });
  const toForgetful = await backend.peer(1);
  await eventually(async () =>
    expect(await sidecar.sum('ackspan_connection_active', { capability: 'received' })).toBe(2),
  );

  tell(toHealthy, event('h1'));
  tell(toHealthy, event('h2', 'app_event'));
  tell(toForgetful, event('f1'));
  await sidecar.reach({ tracked: 3, confirmed: 1, pending: 2 });
  await eventually(() => expect(barriers).toBe(2));

  expect((await fetch(`${sidecar.admin}/readyz`)).status).toBe(200);
  sidecar.signal('SIGTERM');
  await eventually(async () => expect((await fetch(`${sidecar.admin}/readyz`)).status).toBe(503));
  await expect(openClient(sidecar.ws)).rejects.toThrow(/ECONNREFUSED|503/);
  await sidecar.reach({ tracked: 3, confirmed: 2, pending: 1 });
  // The drain still relays.
  tell(toHealthy, event('h3'));
  await sidecar.reach({ tracked: 4, confirmed: 3, pending: 1 });

  expect(await healthy.closed).toBe(1012);
  expect(await toHealthy.closed).toBe(1012);
  expect(await exitOf(sidecar)).toEqual({ code: 0, signal: null });
  const ends = receiver.spans
    .filter(({ name }) => name.startsWith('send '))
    .map(({ attributes }) => [
      attributes['messaging.message.id'],
      attributes['ackspan.delivery.outcome'],
      attributes['error.type'],
    ]);
  expect(ends.sort()).toEqual([
    ['f1', 'confirmed', undefined],
    ['h1', 'confirmed', undefined],
    ['h2', 'failed', 'shutdown'],
    ['h3', 'confirmed', undefined],
  ]);
  expect(receiver.spans.filter(({ name }) => name === 'ackspan.connection')).toHaveLength(2);
  expect(healthy.texts).toHaveLength(3);
  expect(forgetful.frames.filter(({ opcode }) => opcode === TEXT)).toHaveLength(1);
  expectHealthyLog(sidecar);
});

it('[D10] a grace of a second is one: clients get 1012, and their answers to the last barrier count', async () => {
  const backend = await startWsBackend();
  const config = { events: { rules: RULES }, shutdown: { grace: '1s' } };
  const sidecar = await sidecarHere(backend.address, config);
  // It answers the second barrier when it is told to go, and that with nothing that proves anything.
  const client = await openRaw(sidecar.port);
  let pings = 0;
  let late: Buffer | undefined;
  const gone = new Promise<number>((resolve) =>
    client.onFrame(({ opcode, payload }) => {
      if (opcode === PING && ++pings === 1) client.pong(payload);
      else if (opcode === PING) late = payload;
      else if (opcode === CLOSE) {
        client.pong(late!);
        client.socket.end(clientFrame(closePayload(1000), { opcode: CLOSE }));
        resolve(payload.readUInt16BE(0));
      }
    }),
  );
  await eventually(async () =>
    expect(await sidecar.sum('ackspan_connection_active', { capability: 'received' })).toBe(1),
  );
  tell(await backend.peer(0), event('e1'));
  await eventually(() => expect(late).toBeDefined());
  const stopped = sidecar.sidecar.stop('the test says so');
  expect(await gone).toBe(1012);
  await stopped;
  expect(sidecar.sidecar.stats()).toMatchObject({ tracked: 1, confirmed: 1, failed: 0 });
});

it('[D10] a client that owes a word gets 1012 where the grace is over before the patience', async () => {
  const backend = await startWsBackend();
  const settings = { events: { rules: RULES }, shutdown: { grace: '2s' }, limits: { patience: '20s' } };
  const { port, sidecar } = await sidecarHere(backend.address, settings);
  const client = await openRaw(port, '/ws?ackspan=1');
  const gone = new Promise<number>((resolve) =>
    client.onFrame(({ opcode, payload }) => {
      if (opcode === PING) client.pong(payload);
      else if (opcode === CLOSE) resolve(payload.readUInt16BE(0));
    }),
  );
  tell(await backend.peer(0), event('e1'));
  await eventually(() => expect(client.frames.filter(({ opcode }) => opcode === TEXT)).toHaveLength(2));
  const stopped = sidecar.stop('the test says so');
  expect(await gone).toBe(1012);
  await stopped;
  expect(sidecar.stats()).toMatchObject({ tracked: 1, unverifiable: 1, failed: 0 });
});

it('[D10] with nothing pending it does not wait for the grace', async () => {
  const backend = await startWsBackend();
  const sidecar = await startSidecar({ upstream: backend.address, config: { shutdown: { grace: '10m' } } });
  const client = await openClient(sidecar.ws);
  tell(await backend.peer(0), event('e1'));
  await sidecar.reach({ confirmed: 1, pending: 0 });
  sidecar.signal('SIGTERM');
  expect(await client.closed).toBe(1012);
  expect(await exitOf(sidecar)).toEqual({ code: 0, signal: null });
});

it('[D10] a plain request in flight is answered to its end before the sidecar goes', async () => {
  const held: ServerResponse[] = [];
  const backend = createServer((_, response) => held.push(response));
  await new Promise<void>((resolve) => backend.listen(0, '127.0.0.1', resolve));
  atEnd(() => void backend.close());
  const { port } = backend.address() as AddressInfo;
  const sidecar = await startSidecar({ upstream: `http://127.0.0.1:${port}`, config: { shutdown: { grace: '10m' } } });
  const answer = fetch(`http://127.0.0.1:${sidecar.port}/slow`).then((response) => response.text());
  await eventually(() => expect(held).toHaveLength(1));
  sidecar.signal('SIGTERM');
  await sidecar.line(({ msg }) => msg === 'stopping');
  held[0]!.write('half an ');
  await eventually(async () => expect((await fetch(`${sidecar.admin}/readyz`)).status).toBe(503));
  held[0]!.end('answer');
  expect(await answer).toBe('half an answer');
  expect(await exitOf(sidecar)).toEqual({ code: 0, signal: null });
});

it('[D10] a second SIGTERM exits at once with 1', async () => {
  const backend = await startWsBackend();
  const config = { events: { rules: RULES }, shutdown: { grace: '10m' } };
  const sidecar = await startSidecar({ upstream: backend.address, config });
  const client = await openClient(sidecar.ws);
  tell(await backend.peer(0), event('e1', 'app_event'));
  await sidecar.reach({ pending: 1 });
  sidecar.signal('SIGTERM');
  await sidecar.line(({ msg }) => msg === 'stopping');
  sidecar.signal('SIGTERM');
  expect(await exitOf(sidecar)).toEqual({ code: 1, signal: null });
  expect(await client.closed).toBe(1006);
});
