// fleets: one client on the SDK that changes between the instances again and again, and what became of it.
import { WebSocket } from 'ws';
import { type App, openApp } from '../support/agent-runs.ts';
import type { Chance } from '../support/chance.ts';
import type { Diary } from './diary.ts';
import { openPath, type Target } from './path.ts';

/** How long a client stays, ms, and how often one that is on its way changes its mind. */
const [LEAST_MS, MOST_MS, HASTY] = [200, 5000, 0.3];

export interface Client {
  readonly user: string;
  readonly app: App;
  /** When it was handed each event, by event id, wall clock. */
  readonly handedAt: ReadonlyMap<string, number>;
  /** When its session began anew. */
  readonly anewAt: readonly number[];
  /** When it was closed for good; undefined = it was not. */
  readonly closedAt: number | undefined;
  /** Changes to another instance again and again, until `stay`. */
  wander(): void;
  stay(): void;
  leave(): void;
}

export interface ClientDeps {
  readonly chance: Chance;
  readonly targets: readonly Target[];
  readonly leaseMs: number;
  readonly diary: Diary;
}

export async function openClient(user: string, { chance, targets, leaseMs, diary }: ClientDeps): Promise<Client> {
  const tell = (text: string): void => diary.note(user, user, text);
  const path = await openPath({ chance, targets, lateMs: leaseMs * 2, tell });
  const app = openApp(`ws://127.0.0.1:${path.port}/ws?user=${user}`);
  const { socket } = app;
  const handedAt = new Map<string, number>();
  const anewAt: number[] = [];
  let closedAt: number | undefined;
  let left = false;
  let timer: NodeJS.Timeout | undefined;
  socket.addEventListener('message', ({ data }) => {
    const { event_id: id } = JSON.parse(String(data)) as { event_id: string };
    handedAt.set(id, Date.now());
    tell(`is handed ${id}`);
  });
  socket.addEventListener('resumed', ({ recovered, rejoined }) => {
    if (!recovered) anewAt.push(Date.now());
    const how = recovered ? (rejoined ? 'rejoins' : 'resumes') : 'BEGINS ANEW:';
    tell(`${how} ${socket.resumption?.session}`);
  });
  socket.addEventListener('reconnecting', ({ code, reason }) => tell(`comes again after ${code} ${reason}`));
  socket.addEventListener('close', ({ code, reason }) => {
    if (left) return;
    closedAt = Date.now();
    tell(`IS CLOSED FOR GOOD: ${code} ${reason}`);
  });
  const wander = (): void => {
    const next = (): void => {
      const there = socket.readyState === WebSocket.OPEN;
      if (there || chance.next() < HASTY) path.change();
      wander();
    };
    timer = setTimeout(next, chance.between(LEAST_MS, MOST_MS));
  };
  return {
    ...{ user, app, handedAt, anewAt, wander },
    get closedAt() {
      return closedAt;
    },
    stay: () => clearTimeout(timer),
    leave() {
      left = true;
      socket.close();
      path.close();
    },
  };
}
