// failures: the address that clients dial: passes their connections to the instance of the moment, and cuts them.
import { connect, createServer, type Server, type Socket } from 'node:net';

export interface Gateway {
  readonly port: number;
  /** Port of the instance that new connections go to. */
  target: number;
  /** Resets every connection and refuses new ones for so many ms, or until then. */
  cut(until: number | Promise<void>): Promise<void>;
  close(): Promise<void>;
}

export async function startGateway(target: number): Promise<Gateway> {
  const open = new Set<Socket>();
  let refusing = false;
  const server = createServer({ noDelay: true }, (near) => {
    if (refusing) {
      near.resetAndDestroy();
      return;
    }
    join(near, connect({ port: gateway.target, host: '127.0.0.1', noDelay: true }), open);
  });
  const reset = (): void => {
    for (const socket of open) socket.resetAndDestroy();
  };
  const gateway: Gateway = {
    port: await listen(server),
    target,
    async cut(until) {
      refusing = true;
      reset();
      await (typeof until === 'number' ? new Promise((resolve) => setTimeout(resolve, until)) : until);
      refusing = false;
    },
    close() {
      reset();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  return gateway;
}

function join(near: Socket, far: Socket, open: Set<Socket>): void {
  for (const [socket, other] of [
    [near, far],
    [far, near],
  ] as const) {
    open.add(socket);
    socket.on('error', () => {});
    socket.on('close', (failed) => {
      open.delete(socket);
      if (failed) other.resetAndDestroy();
    });
    socket.pipe(other);
  }
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return (server.address() as { port: number }).port;
}
