// Followers of the live stream, and a stand-in for the tracker whose steps they are told.
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { vi } from 'vitest';
import type { Observer } from '../../src/delivery/ports.ts';
import type { Served } from './fixture.ts';

/** Stands for the tracker: remembers who watches. */
export function createWatched() {
  const observers = new Set<Observer>();
  let ended = (): void => undefined;
  return {
    observers,
    watch(observer: Observer) {
      observers.add(observer);
      return () => {
        observers.delete(observer);
        ended();
      };
    },
    each(tell: (observer: Observer) => void): void {
      for (const observer of observers) tell(observer);
    },
    /** Resolves when the last follower is noticed to have gone. */
    unwatched: () =>
      new Promise<void>((resolve) => {
        ended = resolve;
      }),
  };
}

export interface Following {
  readonly response: IncomingMessage;
  /** Resolves with everything received so far as soon as it contains `part`. */
  until(part: string): Promise<string>;
  leave(): void;
}

export function follow(port: number, path = '/api/v1/stream'): Promise<Following> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path, agent: false }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      response.on('error', () => undefined);
      const until = async (part: string): Promise<string> => {
        while (!text.includes(part)) await once(response, 'data');
        return text;
      };
      resolve({ response, until, leave: () => asked.destroy() });
    });
    asked.on('error', reject);
    asked.end();
  });
}

/** Resolves when the server has noticed that no more than `open` connections are left. */
export async function left(admin: Served['admin'], open: number): Promise<void> {
  while (admin.connections > open) await new Promise((resolve) => setImmediate(resolve));
}

export function stepsIn(text: string): { step: string; at: string; delivery: { id: string } }[] {
  return [...text.matchAll(/event: step\ndata: (.*)\n\n/g)].map(([, data]) => JSON.parse(data as string));
}

/** Lets the server flush once. */
export const flush = (): unknown => vi.advanceTimersByTime(100);
