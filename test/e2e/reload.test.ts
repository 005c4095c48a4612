// A running process whose configuration changes: SIGHUP and POST /reload, with a client that notices nothing of it.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { atEnd, closeAll } from '../support/backends.ts';
import { builtCli } from '../support/build.ts';
import { eventually, startChild } from '../support/child.ts';
import { freePort } from '../support/free-port.ts';
import { expectHealthyLog, startSidecar, watchSidecar } from '../support/sidecar-process.ts';
import { event, openClient, startWsBackend, tell } from '../support/ws-peers.ts';

afterEach(closeAll);

const rules = (priority: string) => [{ match: 'agent_*', priority }];

async function start(config: object) {
  const backend = await startWsBackend();
  const sidecar = await startSidecar({ upstream: backend.address, config });
  const client = await openClient(sidecar.ws);
  const peer = await backend.peer(0);
  const write = (next: object) => writeFileSync(sidecar.file, JSON.stringify(next));
  const post = async () => {
    const options = {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-ackspan-request': '1' },
      body: '{}',
    };
    const answer = await fetch(`${sidecar.admin}/reload`, options);
    return { status: answer.status, body: (await answer.json()) as { changed?: string[]; detail?: string } };
  };
  const tracked = (priority: string) => sidecar.sum('ackspan_delivery_tracked_total', { priority });
  return { sidecar, client, peer, write, post, tracked };
}

it('SIGHUP: rules, limits, sampling, objectives and log level change, and no socket is dropped', async () => {
  const { sidecar, client, peer, write, tracked } = await start({ events: { rules: rules('low') } });
  tell(peer, event('e1', 'agent_started'));
  await sidecar.reach({ tracked: 1, confirmed: 1 });
  write({
    events: { rules: rules('critical') },
    limits: { connections: 1, pending: 1234 },
    tracing: { keep_confirmed: 0.5 },
    objective: { all: 0.9 },
    log_level: 'debug',
  });
  sidecar.signal('SIGHUP');
  const { changed } = await sidecar.line(({ msg }) => msg === 'configuration reloaded');
  expect((changed as string[]).sort()).toEqual([
    'events.rules',
    'limits.connections',
    'limits.pending',
    'log_level',
    'objective.all',
    'tracing.keep_confirmed',
  ]);
  tell(peer, event('e2', 'agent_started'));
  await sidecar.reach({ tracked: 2, confirmed: 2 });
  expect([await tracked('low'), await tracked('critical')]).toEqual([1, 1]);
  expect(await sidecar.sum('ackspan_limit', { limit: 'pending' })).toBe(1234);
  await expect(openClient(sidecar.ws)).rejects.toThrow('503');
  await eventually(() => expect(client.texts).toHaveLength(2));
  expect(client.socket.readyState).toBe(1);
});

it('POST /reload: what cannot change is named and nothing changes; faults are told; the same file changes nothing', async () => {
  const config = { events: { rules: rules('low') } };
  const { sidecar, client, peer, write, post, tracked } = await start(config);
  expect(await post()).toEqual({ status: 200, body: { changed: [] } });
  write({ events: { rules: rules('critical') }, service_name: 'another', limits: { handshake: '9s' } });
  const refused = await post();
  expect(refused.status).toBe(409);
  for (const key of ['service_name', 'limits.handshake']) {
    expect(refused.body.detail).toContain(`${key} cannot change while the sidecar runs`);
  }
  write({ events: { rules: 'none' } });
  expect(await post()).toMatchObject({ status: 409, body: { detail: expect.stringContaining('events.rules') } });
  tell(peer, event('e1', 'agent_started'));
  await sidecar.reach({ tracked: 1, confirmed: 1 });
  expect([await tracked('low'), await tracked('critical')]).toEqual([1, 0]);
  write({ events: { rules: rules('high') } });
  expect(await post()).toEqual({ status: 200, body: { changed: ['events.rules'] } });
  tell(peer, event('e2', 'agent_started'));
  await sidecar.reach({ tracked: 2, confirmed: 2 });
  expect(await tracked('high')).toBe(1);
  await eventually(() => expect(client.texts).toHaveLength(2));
  expectHealthyLog(sidecar);
});

it('[E2] [D15] rules that track something hold for clients that came when nothing was tracked: they are sent barriers', async () => {
  const only = (track: boolean) => ({ events: { unread: 'count', rules: [{ match: '*', track }] } });
  const { sidecar, client, peer, write, post } = await start(only(false));
  tell(peer, event('e1', 'agent_started'));
  await eventually(() => expect(client.texts).toHaveLength(1));
  write(only(true));
  expect(await post()).toEqual({ status: 200, body: { changed: ['events.rules'] } });
  tell(peer, event('e2', 'agent_started'));
  await sidecar.reach({ tracked: 1, confirmed: 1 });
  write(only(false));
  await post();
  tell(peer, event('e3', 'agent_started'));
  await eventually(() => expect(client.texts).toHaveLength(3));
  await sidecar.reach({ tracked: 1, confirmed: 1 });
});

it('[D13] a limit that is raised: a word on a message that was too long proves nothing of a copy of it', async () => {
  const rule = { events: { rules: [{ match: '*', confirm: 'processed', timeout: '60s' }] } };
  const { sidecar, client, peer, write } = await start({ ...rule, limits: { message_bytes: '1KiB' } });
  const long = { type: 'report', event_id: 'e1', text: 'x'.repeat(2000) };
  tell(peer, long);
  await eventually(() => expect(client.texts).toHaveLength(1));
  write({ ...rule, limits: { message_bytes: '1MiB' } });
  sidecar.signal('SIGHUP');
  await sidecar.line(({ msg }) => msg === 'configuration reloaded');
  // The client says its word when it has got no more than the first message, and answers no ping.
  client.socket.pause();
  tell(peer, long);
  await eventually(async () => expect(await sidecar.deliveries()).toHaveLength(2));
  client.socket.send('{"type":"event_confirmation","event_id":"e1"}');
  // The backend gets what the client sends next, so that the word has been read by then.
  const after = new Promise((resolve) => peer.socket.once('message', resolve));
  client.socket.send('after');
  await after;
  const [copy] = (await sidecar.deliveries()).filter(({ event_id }) => event_id === 'e1');
  expect(copy).toMatchObject({ level: null, settled_ms: null });
});

it('SIGHUP while it starts, here as long as it waits for a Redis: read again as soon as it has', async () => {
  const backend = await startWsBackend();
  const folder = mkdtempSync(join(tmpdir(), 'ackspan-reload-'));
  atEnd(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'ackspan.yaml');
  const store = { at: `redis://127.0.0.1:${await freePort()}` };
  writeFileSync(file, JSON.stringify({ store }));
  const addresses = ['--upstream', backend.address, '--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0'];
  const child = startChild(process.execPath, [builtCli(), 'run', '--config', file, ...addresses]);
  await child.line(({ msg }) => msg === 'ackspan starts');
  writeFileSync(file, JSON.stringify({ store, limits: { pending: 1234 } }));
  child.signal('SIGHUP');
  const sidecar = await watchSidecar(child);
  expect(await child.line(({ msg }) => msg === 'configuration reloaded')).toMatchObject({
    changed: ['limits.pending'],
  });
  expect(await sidecar.sum('ackspan_limit', { limit: 'pending' })).toBe(1234);
});
