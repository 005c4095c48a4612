// A client that comes back at a full limits.connections: it has its place already, and takes nobody else's.
import { afterEach, describe, expect, it } from 'vitest';
import { closeAll } from '../support/backends.ts';
import { eventually } from '../support/child.ts';
import { asking, optIn } from '../support/opted-in.ts';
import { sidecarHere } from '../support/sidecar-here.ts';
import { startWsBackend } from '../support/ws-peers.ts';

afterEach(closeAll);

const PATIENT = { events: { rules: [{ match: '*', attempts: [], timeout: '30s' }] } };

describe('[R11] a client that comes back to its own upstream connection needs no place at a full limit', () => {
  it('the connection is still there, and no other client’s is closed for it', async () => {
    const backend = await startWsBackend();
    const sidecar = await sidecarHere(backend.address, { ...PATIENT, limits: { connections: 2 } });
    const absent = [];
    for (let i = 0; i < 2; i++) {
      const client = await optIn(`${sidecar.ws}/chat`);
      client.socket.terminate();
      await eventually(async () => expect(await sidecar.sum('ackspan_session_waiting')).toBe(i + 1));
      absent.push(client);
    }
    // The one that has been away longest is the one whose place a newcomer would take.
    for (const { welcome } of [absent[1]!, absent[0]!]) {
      const back = await optIn(`${sidecar.ws}/chat`, asking(welcome, 0));
      expect(back.welcome).toMatchObject({ session: welcome.session, recovered: true, rejoined: true });
    }
    for (const { socket } of backend.peers) expect(socket.readyState).toBe(socket.OPEN);
    expect(backend.peers).toHaveLength(2);
    await expect(optIn(`${sidecar.ws}/chat`)).rejects.toThrow();
  });

  it('whose old connection is half-open, so that it still has its place', async () => {
    const backend = await startWsBackend();
    const sidecar = await sidecarHere(backend.address, { ...PATIENT, limits: { connections: 1 } });
    const client = await optIn(`${sidecar.ws}/chat`);
    const back = await optIn(`${sidecar.ws}/chat`, asking(client.welcome, 0));
    expect(back.welcome).toMatchObject({ recovered: true, rejoined: true });
    expect(await client.closed).toBe(4409);
    expect(backend.peers).toHaveLength(1);
  });

  it('and a made-up session, or one over another path, is a newcomer', async () => {
    const backend = await startWsBackend();
    const sidecar = await sidecarHere(backend.address, { ...PATIENT, limits: { connections: 1 } });
    const client = await optIn(`${sidecar.ws}/chat`);
    const forged = { session: client.welcome.session, token: 'x' };
    await expect(optIn(`${sidecar.ws}/chat`, asking(forged, 0))).rejects.toThrow();
    await expect(optIn(`${sidecar.ws}/other`, asking(client.welcome, 0))).rejects.toThrow();
    expect(client.socket.readyState).toBe(client.socket.OPEN);
    expect(backend.peers).toHaveLength(1);
  });
});
