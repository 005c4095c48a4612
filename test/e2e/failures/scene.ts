// Test support: what a person knows who calls about a lost event, and the pieces from which failures are staged.
import { connect, createServer, type Socket } from 'node:net';
import { atEnd, listenOn } from '../../support/backends.ts';
import { eventually } from '../../support/child.ts';
import { type SidecarProcess, startSidecar } from '../../support/sidecar-process.ts';
import { startWsBackend, type WsBackend } from '../../support/ws-peers.ts';

/** A failure that has happened. Nothing in it says which. */
export interface Scene {
  /** Admin servers of the service. */
  readonly admins: readonly string[];
  /** Id of the event that somebody misses. */
  readonly event: string;
}

/** Those who watched while it happened, started before it. */
export interface Watchers {
  /** Call when the sidecars run; resolves when everybody who watches does. */
  begin(admins: readonly string[]): Promise<void>;
}

/** Makes one failure happen and ends when it is over. */
export type Stage = (watchers: Watchers) => Promise<Scene>;

/** Short, so that a verdict comes soon; attempts fit well before the deadline. */
export function rules(more: object = {}): object {
  return { events: { rules: [{ match: '*', priority: 'normal', timeout: '1500ms', attempts: ['300ms'], ...more }] } };
}

/** Every event is needed at the application’s word. */
export const PROCESSED = rules({ confirm: 'processed' });

/** A backend in this process, a sidecar in front of it, and the watchers told. */
export async function staged(
  watchers: Watchers,
  config: object,
): Promise<{ backend: WsBackend; sidecar: SidecarProcess; scene: (event: string) => Scene }> {
  const backend = await startWsBackend();
  const sidecar = await startSidecar({ upstream: backend.address, config });
  await watchers.begin([sidecar.admin]);
  return { backend, sidecar, scene: (event) => ({ admins: [sidecar.admin], event }) };
}

/** Resolves when so many connections have answered a barrier. */
export async function answering(sidecar: SidecarProcess, count = 1): Promise<void> {
  await eventually(async () => {
    const found = await sidecar.sum('ackspan_connection_active', { capability: 'received' });
    if (found !== count) throw new Error(`${found} connections answer, not ${count}`);
  });
}

/** A balancer without affinity: new connections go to `target`, whatever they were on before. */
export interface Balancer {
  readonly port: number;
  target: number;
  /** Resets every connection. */
  cut(): void;
}

export async function startBalancer(target: number): Promise<Balancer> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (near) => {
    const far = connect({ port: balancer.target, host: '127.0.0.1', noDelay: true });
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => sockets.delete(socket));
    }
    near.pipe(far).pipe(near);
  });
  const port = await listenOn(server);
  const cut = (): void => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  atEnd(cut);
  const balancer: Balancer = { port, target, cut };
  return balancer;
}
