// Application confirmations over real sockets: each kind that is not a first and own one is counted apart and changes nothing.
import { deflateRawSync } from 'node:zlib';
import { afterEach, expect, it } from 'vitest';
import { closeAll } from '../support/backends.ts';
import { eventually } from '../support/child.ts';
import { frame } from '../support/raw-frames.ts';
import { openRaw, TEXT } from '../support/raw-ws-client.ts';
import { expectHealthyLog, type SidecarProcess, startSidecar } from '../support/sidecar-process.ts';
import { confirmation, event, openClient, startWsBackend, tell } from '../support/ws-peers.ts';

afterEach(closeAll);

const RULES = [
  { match: 'patient', confirm: 'processed', timeout: '60s', attempts: [] },
  { match: 'hasty', confirm: 'processed', timeout: '200ms', attempts: [] },
  { match: 'auto', confirm: 'auto' },
];

function unmatched(sidecar: SidecarProcess): Promise<number[]> {
  const reasons = ['late', 'duplicate', 'unknown', 'foreign'];
  return Promise.all(reasons.map((reason) => sidecar.sum('ackspan_confirmation_unmatched_total', { reason })));
}

it('[D2] [D6] late, duplicate, unknown and foreign confirmations are counted apart and change nothing', async () => {
  const backend = await startWsBackend();
  const sidecar = await startSidecar({ upstream: backend.address, config: { events: { rules: RULES } } });
  const ann = await openClient(sidecar.ws);
  const bob = await openClient(sidecar.ws);
  const toAnn = await backend.peer(0);
  const toBob = await backend.peer(1);
  for (const id of ['a1', 'a2', 'a3']) tell(toAnn, event(id, 'patient'));
  tell(toAnn, event('a4', 'hasty'));
  tell(toBob, event('b1', 'patient'));
  await sidecar.reach({ tracked: 5, timeout: 1, pending: 4 });
  expect(await unmatched(sidecar)).toEqual([0, 0, 0, 0]);

  tell(ann, confirmation('a1', { status: 'confirmed' }));
  tell(ann, confirmation('a1', { status: 'confirmed' }));
  tell(ann, confirmation('a4', { status: 'confirmed' }));
  tell(ann, confirmation('nobody-sent-this'));
  tell(bob, confirmation('a2'));
  tell(bob, confirmation('a2', { status: 'failed', error: 'not mine' }));
  tell(ann, confirmation('a3', { status: 'failed', error: 'the page could not draw it' }));
  await eventually(async () => expect(await unmatched(sidecar)).toEqual([1, 1, 1, 2]));
  await sidecar.reach({ tracked: 5, confirmed: 1, failed: 1, timeout: 1, unverifiable: 0, pending: 2 });
  const rows = await sidecar.deliveries();
  const status = Object.fromEntries(rows.map(({ event_id, status, error_type }) => [event_id, [status, error_type]]));
  expect(status).toEqual({
    a1: ['confirmed', null],
    a2: ['pending', null],
    a3: ['failed', 'rejected'],
    a4: ['timeout', 'timeout'],
    b1: ['pending', null],
  });

  // What is rightful still counts, and no confirmation has reached the backend.
  tell(ann, confirmation('a2'));
  tell(bob, confirmation('b1'));
  tell(bob, { type: 'user_message', text: 'after the confirmations' });
  await sidecar.reach({ tracked: 5, confirmed: 3, failed: 1, timeout: 1, pending: 0, confirmation_rate: 0.6 });
  await eventually(() => expect(toBob.texts).toHaveLength(1));
  expect(toAnn.texts).toEqual([]);
  expect(JSON.parse(toBob.texts[0]!)).toMatchObject({ type: 'user_message' });
  expect(await sidecar.sum('ackspan_relay_consumed_total', { kind: 'confirmation' })).toBe(9);
  expectHealthyLog(sidecar);
});

it('[E7] a confirmation after the barrier is an upgrade; from then on the type waits for the application [E4]', async () => {
  const backend = await startWsBackend();
  const sidecar = await startSidecar({ upstream: backend.address, config: { events: { rules: RULES } } });
  const client = await openClient(sidecar.ws);
  const peer = await backend.peer(0);
  tell(peer, event('e1', 'auto'));
  await sidecar.reach({ confirmed: 1 });
  tell(client, confirmation('e1'));
  await eventually(async () => expect(await sidecar.sum('ackspan_confirmation_upgraded_total')).toBe(1));
  tell(peer, event('e2', 'auto'));
  await sidecar.reach({ tracked: 2, pending: 1 });
  tell(client, confirmation('e2'));
  await sidecar.reach({ tracked: 2, confirmed: 2, pending: 0 });
  expect(await sidecar.sum('ackspan_delivery_duration_seconds_count', { level: 'processed' })).toBe(1);
  expect(await unmatched(sidecar)).toEqual([0, 0, 0, 0]);
  expectHealthyLog(sidecar);
});

it('[D3] confirmations that overtake the records of their compressed events count', async () => {
  const ROUNDS = 20;
  const backend = await startWsBackend({ deflate: true });
  const sidecar = await startSidecar({ upstream: backend.address, config: { events: { rules: RULES } } });
  const client = await openRaw(sidecar.port, '/', ['Sec-WebSocket-Extensions: permessage-deflate']);
  expect(client.head).toContain('permessage-deflate');
  const peer = await backend.peer(0);
  // The client confirms what it has not even inflated; the sidecar has 4 MiB to inflate before it
  // comes to the event behind them.
  let messages = 0;
  client.onFrame(({ opcode, rsv1 }) => {
    if (opcode !== TEXT || !rsv1) return;
    messages++;
    if (messages % 2 === 0) client.text(confirmation(`e-${messages / 2}`));
  });
  const filler = compressed(JSON.stringify({ type: 'untracked', text: ' '.repeat(4 * 1024 * 1024) }));
  for (let n = 1; n <= ROUNDS; n++) {
    const small = compressed(JSON.stringify(event(`e-${n}`, 'patient')));
    peer.request.socket.write(Buffer.concat([filler, small]));
    await sidecar.reach({ tracked: n, confirmed: n, pending: 0 });
  }
  expect(await unmatched(sidecar)).toEqual([0, 0, 0, 0]);
  // It counts from when the record came, which is after the send: nothing is confirmed in no time.
  for (const { settled_ms } of await sidecar.deliveries()) expect(settled_ms).toBeGreaterThan(0);
  expectHealthyLog(sidecar);
});

/**
 * A compressed message with a window of its own (RFC 7692 §7.2.1: the empty block at the end is
 * left out).
 */
function compressed(text: string): Buffer {
  const flushed = deflateRawSync(text, { finishFlush: 2 });
  return frame(flushed.subarray(0, -4), { rsv1: true });
}
