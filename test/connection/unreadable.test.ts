// A WebSocket whose extensions cannot be read passes, and everybody who looks is told.
import { afterEach, expect, test } from 'vitest';
import { closeAll, handshake, rawClient, rawUpstream, switching } from '../support/backends.ts';
import { eventually } from '../support/child.ts';
import { sidecarHere } from '../support/sidecar-here.ts';

afterEach(closeAll);

const EVENT = '{"type":"agent_started","event_id":"e1"}';
const FRAME = `\u0081${String.fromCharCode(EVENT.length)}${EVENT}`;

async function upgraded(extensions: string) {
  const upstream = await rawUpstream();
  const sidecar = await sidecarHere(upstream.address);
  const client = rawClient(sidecar.port);
  client.send(handshake());
  const peer = await upstream.next();
  await peer.head();
  peer.send(switching([`Sec-WebSocket-Extensions: ${extensions}`]) + FRAME);
  await client.until(EVENT);
  return sidecar;
}

test('[D7] an extension that nobody offered: metric, statistics and a line', async () => {
  const sidecar = await upgraded('x-secret-sauce');
  expect(await sidecar.sum('ackspan_connection_unreadable_total')).toBe(1);
  expect(await sidecar.stats()).toMatchObject({ unreadable_connections: 1, tracked: 0 });
  expect(sidecar.faults.filter((fault) => fault.startsWith('relay.extensions'))).toHaveLength(1);
});

test('an empty list of extensions is none: its messages are tracked', async () => {
  const sidecar = await upgraded('');
  await eventually(async () => expect(await sidecar.stats()).toMatchObject({ unreadable_connections: 0, tracked: 1 }));
  // A busy machine stands still now and then, which is told too.
  expect(sidecar.faults.filter((fault) => !fault.startsWith('standstill: '))).toEqual([]);
});
