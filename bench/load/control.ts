// The control group of a long flow: connections straight to the backend, whose latency is the machine's own and no proxy's.
import type { Backend } from './backend.ts';
import { type ClientOptions, connectClient } from './client.ts';
import { now, openAll } from './timing.ts';

const FROM = 900_000; // beyond the numbers that connections through the proxy use
const CONNECTIONS = 20;

export interface Control {
  /** Latencies since the last call, ms, unsorted. */
  take(): number[];
  stop(): void;
}

/** Sends `perSecond` events a second on each control connection until stopped. */
export async function startControl(
  backend: Backend,
  options: Pick<ClientOptions, 'messages' | 'onFault'>,
  perSecond: number,
): Promise<Control> {
  let latencies: number[] = [];
  const sentAt = new Map<number, number>();
  const clients = await openAll(CONNECTIONS, FROM, (index) =>
    connectClient(Number(backend.place), index, {
      ...options,
      deflate: false,
      writes: 'each',
      confirm: 'barrier',
      onVerified: (conn) => latencies.push(now() - sentAt.get(conn)!),
      onClosed: () => {},
    }),
  );
  let turn = 0;
  const sender = setInterval(
    () => {
      const { index } = clients[turn++ % CONNECTIONS]!;
      sentAt.set(index, now());
      backend.send(index, 1);
    },
    1000 / (perSecond * CONNECTIONS),
  );
  return {
    take: () => {
      const taken = latencies;
      latencies = [];
      return taken;
    },
    stop: () => {
      clearInterval(sender);
      for (const { socket } of clients) socket.destroy();
    },
  };
}
