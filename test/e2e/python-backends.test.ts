// Python backends with their default permessage-deflate and their own pings: nobody's heartbeat breaks, all events are confirmed, no window is corrupted.
import { afterEach, describe, expect, it } from 'vitest';
import { closeAll } from '../support/backends.ts';
import { eventually } from '../support/child.ts';
import { missing } from '../support/component.ts';
import { type PythonServer, startPythonBackend } from '../support/python-backend.ts';
import { BARRIER_BYTES, openRaw, PING, type RawClient, TEXT } from '../support/raw-ws-client.ts';
import { expectHealthyLog, startSidecar } from '../support/sidecar-process.ts';
import { confirmation, openClient, type Peer, tell } from '../support/ws-peers.ts';

afterEach(closeAll);

const absent = missing('python:websockets', 'python:uvicorn');
/**
 * Seconds. So many pings are longer than the backend waits for a pong: a heartbeat that broke has
 * ended the connection by then.
 */
const BEAT = { interval: 0.5, timeout: 3 };
const BEATS = 9;
const STREAM = { type: 'emit', count: 100, every: 0.05 };

/**
 * Answers each barrier and never an upstream's ping: every one of those is followed by a later
 * ping, which alone is answered (RFC 6455 §5.5.3).
 */
function answerLatestOnly(client: RawClient): { readonly passedOver: () => number } {
  let passedOver = 0;
  client.onFrame(({ opcode, payload }) => {
    if (opcode !== PING) return;
    if (payload.length === BARRIER_BYTES) client.pong(payload);
    else passedOver++;
  });
  return { passedOver: () => passedOver };
}

function upstreamPings({ pings }: Peer): number {
  return pings.filter((length) => length !== BARRIER_BYTES).length;
}

describe.skipIf(absent).each<PythonServer>(['websockets', 'uvicorn-websockets'])('%s with pings', (server) => {
  it('keeps every client alive and confirms every event, also towards a client that answers only the latest ping', async () => {
    const backend = await startPythonBackend(server, BEAT);
    const sidecar = await startSidecar({ upstream: backend.address });
    const deflated = await openClient(`${sidecar.ws}/deflated`);
    const plain = await openClient(`${sidecar.ws}/plain`, { perMessageDeflate: false });
    const lazy = await openRaw(sidecar.port, '/lazy');
    const answers = answerLatestOnly(lazy);
    expect(deflated.extensions).toContain('permessage-deflate');
    expect(plain.extensions).toBe('');

    for (const peer of [deflated, plain]) tell(peer, STREAM);
    lazy.text(STREAM);
    await sidecar.reach({ confirmed: 3 * STREAM.count, pending: 0 });
    await eventually(() => {
      const beats = [upstreamPings(deflated), upstreamPings(plain), answers.passedOver()];
      expect(Math.min(...beats), String(beats)).toBeGreaterThanOrEqual(BEATS);
    });

    expect(await sidecar.stats()).toMatchObject({ failed: 0, timeout: 0, unverifiable: 0, confirmation_rate: 1 });
    expect(deflated.texts).toHaveLength(STREAM.count);
    expect(deflated.texts).toEqual(plain.texts);
    const lazyTexts = lazy.frames.filter(({ opcode }) => opcode === TEXT).map(({ payload }) => String(payload));
    expect(lazyTexts).toEqual(plain.texts);
    // Nothing has ended, and what the raw client owed came from the sidecar.
    expect(backend.lines.filter((line) => 'closed' in line)).toEqual([]);
    expect(await sidecar.sum('ackspan_relay_added_total', { kind: 'pong' })).toBeGreaterThan(0);
    for (const { socket } of [deflated, plain]) socket.close(1000);
    expect(await Promise.all([deflated.closed, plain.closed])).toEqual([1000, 1000]);
    await eventually(() => expect(backend.lines.filter(({ closed }) => closed === 1000)).toHaveLength(2));
    expectHealthyLog(sidecar);
  });
});

describe.skipIf(absent).each<PythonServer>(['websockets', 'uvicorn-websockets', 'uvicorn-wsproto'])('%s', (server) => {
  it('reads 40 of 60 compressed messages right when 20 confirmations among them are taken out, again and again', async () => {
    const backend = await startPythonBackend(server);
    const config = { events: { rules: [{ match: 'agent_*', confirm: 'processed', attempts: [] }] } };
    const sidecar = await startSidecar({ upstream: backend.address, config });
    // Threshold 0: also the smallest message is compressed, and with a window of its own each time
    // or shared, as negotiated.
    const client = await openClient(sidecar.ws, { perMessageDeflate: { threshold: 0 } });
    expect(client.extensions).toContain('client_no_context_takeover');

    const notes: number[] = [];
    for (let round = 1; round <= 3; round++) {
      tell(client, { type: 'emit', count: 20, name: `r${round}` });
      await eventually(() => expect(client.texts).toHaveLength(round * 21 - 1));
      for (let i = 1; i <= 60; i++) {
        if (i % 3 === 0) tell(client, confirmation(`r${round}-${i / 3}`, { status: 'confirmed' }));
        else {
          notes.push(round * 100 + i);
          tell(client, { type: 'note', n: round * 100 + i, text: 'the same words again and again' });
        }
      }
      tell(client, { type: 'report' });
      await eventually(() => expect(client.texts).toHaveLength(round * 21));
      expect(JSON.parse(client.texts.at(-1)!)).toEqual({ type: 'ack', notes, strangers: [] });
    }

    await sidecar.reach({ tracked: 60, confirmed: 60 });
    expect(await sidecar.sum('ackspan_relay_consumed_total', { kind: 'confirmation' })).toBe(60);
    expect(await sidecar.sum('ackspan_delivery_duration_seconds_count', { level: 'processed' })).toBe(60);
    expect(await sidecar.sum('ackspan_confirmation_unmatched_total')).toBe(0);
    expect(await sidecar.sum('ackspan_relay_faults_total')).toBe(0);
    client.socket.close(1000);
    expect(await client.closed).toBe(1000);
    expectHealthyLog(sidecar);
  });
});
