// fleets: the way of one client to the instances: it leads to another one each time, and breaks in four ways.
import { connect, createServer, type Socket } from 'node:net';
import type { Chance } from '../support/chance.ts';

/** Where a connection can go. */
export interface Target {
  readonly name: string;
  readonly port: number;
}

/**
 * `reset`, `fin`: both ends hear of it at once. `late`: the client does, the instance hears of it
 * later. `silent`: nothing passes any more, and neither end hears of it.
 */
const WAYS = ['reset', 'fin', 'late', 'silent'] as const;

export interface Path {
  readonly port: number;
  /** Breaks the connections that are there. */
  change(): void;
  close(): void;
}

interface Pair {
  readonly near: Socket;
  readonly far: Socket;
  readonly name: string;
  broken: boolean;
}

export interface PathDeps {
  readonly chance: Chance;
  readonly targets: readonly Target[];
  /** How late an instance may hear of a client that has gone, ms. */
  readonly lateMs: number;
  tell(text: string): void;
}

export async function openPath({ chance, targets, lateMs, tell }: PathDeps): Promise<Path> {
  const pairs = new Set<Pair>();
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (near) => {
    const { name, port } = chance.of(targets);
    const far = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
    const pair: Pair = { near, far, name, broken: false };
    pairs.add(pair);
    tell(`dials ${name}`);
    link(pair, near, far);
    link(pair, far, near);
    far.on('close', () => {
      pairs.delete(pair);
      if (!pair.broken) tell(`${name} has closed its socket`);
    });
  });
  const change = (): void => {
    for (const pair of pairs) {
      if (pair.broken) continue;
      const way = chance.of(WAYS);
      tell(`its path to ${pair.name} breaks: ${way}`);
      breakUp(pair, way, chance.between(0, lateMs));
    }
  };
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return {
    port: (server.address() as { port: number }).port,
    change,
    close() {
      server.close();
      for (const { near, far } of pairs) {
        near.destroy();
        far.destroy();
      }
    },
  };
}

function link(pair: Pair, from: Socket, to: Socket): void {
  from
    .on('error', () => {})
    .on('data', (bytes) => {
      // What waits in this process is little: nobody is sent more than a few events a second.
      if (!pair.broken) to.write(bytes);
    })
    .on('end', () => {
      // A client that leaves a silent path closes its own end.
      if (pair.broken) from.end();
      else to.end();
    })
    .on('close', (failed) => {
      if (pair.broken) return;
      if (failed) to.resetAndDestroy();
      else to.destroySoon();
    });
}

function breakUp(pair: Pair, way: (typeof WAYS)[number], lateMs: number): void {
  const { near, far } = pair;
  if (way === 'reset') {
    near.resetAndDestroy();
    far.resetAndDestroy();
  } else if (way === 'fin') {
    near.end();
    far.end();
  } else {
    if (way === 'late') near.resetAndDestroy();
    setTimeout(() => far.resetAndDestroy(), lateMs).unref();
  }
  pair.broken = way === 'late' || way === 'silent';
}
