// demo: the parent's end of the IPC channel: starts a child process, gives orders, and makes sure that it ends.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Notice, Order } from './messages.ts';

/** How long a child may take to leave by itself, ms. */
const LEAVE_MS = 1_000;

/** A child process of the demo. */
export interface Child {
  /**
   * Sends an order and resolves with the child's next notice of that kind. Rejects when the child
   * breaks or exits first.
   */
  ask<N extends 'ready' | 'resting'>(order: Order, answer: N): Promise<Extract<Notice, { notice: N }>>;
  tell(order: Order): void;
  /** Resolves when the process is gone, by force after 1 s. */
  end(): Promise<void>;
}

/**
 * Starts `backend-process` or `clients-process`. `onBroken` is called once, for a fault in the
 * child or an exit that was not asked for.
 */
export function startChild(name: 'backend-process' | 'clients-process', onBroken: (reason: string) => void): Child {
  // Built files run as .js, sources as .ts: the child is run as the parent is. A bundled parent
  // lies in another folder beside this one.
  const path = fileURLToPath(new URL(`../demo/${name}${extname(import.meta.url)}`, import.meta.url));
  const child: ChildProcess = fork(path, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  let ending = false;
  let broken: string | undefined;
  const waiting = new Set<(notice: Notice) => void>();
  const breakDown = (reason: string): void => {
    if (broken !== undefined || ending) return;
    broken = `${name}: ${reason}`;
    for (const each of [...waiting]) each({ notice: 'broken', reason: broken });
    onBroken(broken);
  };
  child.on('message', (notice: Notice) => {
    if (notice.notice === 'broken') breakDown(notice.reason);
    else for (const each of [...waiting]) each(notice);
  });
  child.on('exit', (code, signal) => breakDown(`exited with ${signal ?? code}`));
  child.on('error', (error) => breakDown(error.message));
  const tell = (order: Order): void => {
    // A child that is gone has been reported by its exit.
    if (child.connected) child.send(order, () => {});
  };
  return {
    tell,
    ask(order, answer) {
      return new Promise((resolve, reject) => {
        if (broken !== undefined) {
          reject(new Error(broken));
          return;
        }
        const hear = (notice: Notice): void => {
          if (notice.notice !== answer && notice.notice !== 'broken') return;
          waiting.delete(hear);
          if (notice.notice === 'broken') reject(new Error(notice.reason));
          // The kind was compared just above; the compiler cannot narrow a generic by it.
          else resolve(notice as Extract<Notice, { notice: typeof answer }>);
        };
        waiting.add(hear);
        tell(order);
      });
    },
    async end() {
      ending = true;
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      if (child.connected) child.disconnect();
      const force = setTimeout(() => child.kill('SIGKILL'), LEAVE_MS);
      await gone;
      clearTimeout(force);
    },
  };
}
