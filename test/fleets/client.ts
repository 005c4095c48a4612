// fleets: clients that change between the instances again and again, on the SDK or plain, and what became of each.
import { WebSocket } from 'ws';
import { openApp } from '../support/agent-runs.ts';
import type { Chance } from '../support/chance.ts';
import type { Diary } from './diary.ts';
import { openPath, type Target } from './path.ts';

/** How long a client stays, ms, and how often one that is on its way changes its mind. */
const [LEAST_MS, MOST_MS, HASTY] = [200, 5000, 0.3];

/** How long a plain client takes at most to answer a ping, ms. */
const ANSWER_MS = 800;
/** How long a plain client hears nothing before it dials again, ms. */
const SILENCE_MS = 4000;

export interface Client {
  readonly user: string;
  /** Whether it is on the SDK. A plain one answers pings, and has no session that goes on. */
  readonly optedIn: boolean;
  /** Whether its connection is open now. */
  readonly open: boolean;
  /** The numbers of the events that it was handed, in order. */
  readonly numbers: readonly number[];
  /** How often its session went on over another connection. */
  readonly resumes: number;
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

/** A client on the SDK. */
export async function openClient(user: string, deps: ClientDeps): Promise<Client> {
  const { tell, path, wander, stay } = await begin(user, deps, () => socket.readyState === WebSocket.OPEN);
  const app = openApp(`ws://127.0.0.1:${path.port}/ws?user=${user}`);
  const { socket } = app;
  const handedAt = new Map<string, number>();
  const anewAt: number[] = [];
  let closedAt: number | undefined;
  let left = false;
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
  return {
    ...{ user, handedAt, anewAt, wander, stay, optedIn: true, numbers: app.numbers },
    get open() {
      return socket.readyState === WebSocket.OPEN;
    },
    get resumes() {
      return app.resumed.length;
    },
    get closedAt() {
      return closedAt;
    },
    leave() {
      left = true;
      socket.close();
      path.close();
    },
  };
}

/** A client that has not opted in: it answers pings, each after a while, and dials again at once. */
export async function openPlainClient(user: string, deps: ClientDeps): Promise<Client> {
  const { chance } = deps;
  let socket: WebSocket | undefined;
  const { tell, path, wander, stay } = await begin(user, deps, () => socket?.readyState === WebSocket.OPEN);
  const handedAt = new Map<string, number>();
  const numbers: number[] = [];
  let left = false;
  const dial = (): void => {
    if (left) return;
    const own = new WebSocket(`ws://127.0.0.1:${path.port}/ws?user=${user}`, { autoPong: false });
    socket = own;
    const silence = setTimeout(() => own.terminate(), SILENCE_MS);
    own.on('message', (data) => {
      silence.refresh();
      const { event_id: id, n } = JSON.parse(String(data)) as { event_id: string; n: number };
      handedAt.set(id, Date.now());
      numbers.push(n);
      tell(`is handed ${id}`);
    });
    own.on('ping', (payload) => {
      const answer = (): void => {
        if (own.readyState !== WebSocket.OPEN) return;
        tell('answers a ping');
        own.pong(payload);
      };
      setTimeout(answer, chance.between(0, ANSWER_MS));
    });
    own.on('error', () => {});
    own.on('close', () => clearTimeout(silence));
    own.on('close', () => setTimeout(dial, chance.between(10, 80)));
  };
  dial();
  return {
    ...{ user, handedAt, numbers, wander, stay, optedIn: false, resumes: 0, anewAt: [], closedAt: undefined },
    get open() {
      return socket?.readyState === WebSocket.OPEN;
    },
    leave() {
      left = true;
      socket?.terminate();
      path.close();
    },
  };
}

/** What all clients have. `there`: whether its connection is open. */
async function begin(user: string, { chance, targets, leaseMs, diary }: ClientDeps, there: () => boolean) {
  const tell = (text: string): void => diary.note(user, user, text);
  const path = await openPath({ chance, targets, lateMs: leaseMs * 2, tell });
  let timer: NodeJS.Timeout | undefined;
  const wander = (): void => {
    const next = (): void => {
      if (there() || chance.next() < HASTY) path.change();
      wander();
    };
    timer = setTimeout(next, chance.between(LEAST_MS, MOST_MS));
  };
  return { tell, path, wander, stay: () => clearTimeout(timer) };
}
