// Test support: one address before several instances: the test says where the next connection goes.
import { connect, createServer, type Socket } from 'node:net';
import { atEnd, listenOn } from './backends.ts';

export interface Balancer {
  readonly port: number;
  /**
   * Port of the instance that gets the next connections, or who chooses it; 0 = they are refused.
   */
  target: number | (() => number);
  /** Resets every connection at both ends. */
  cut(): void;
}

export async function startBalancer(): Promise<Balancer> {
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const { target } = balancer;
    const to = typeof target === 'number' ? target : target();
    if (to === 0) {
      near.resetAndDestroy();
      return;
    }
    const far = connect(to, '127.0.0.1');
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one);
      one
        .on('error', () => other.destroy())
        .on('close', () => {
          sockets.delete(one);
          other.destroy();
        });
    }
    near.pipe(far).pipe(near);
  });
  const cut = (): void => {
    for (const socket of [...sockets]) socket.resetAndDestroy();
  };
  const port = await listenOn(server);
  atEnd(cut);
  const balancer: Balancer = { port, target: 0, cut };
  return balancer;
}
