// demo: the clients, ordinary `ws` sockets that ask questions and behave as their roles say.
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { QUESTIONS } from './agent.ts';
import type { Member, Role } from './cast.ts';
import { eventIdOf } from './event-id.ts';

/** Shortest and longest gap between two questions, ms; spread, so that runs overlap. */
const ASK_EVERY_MS = { least: 1_000, most: 2_000 } as const;
/** Time from losing the network to losing the connection, ms. A message sent meanwhile is lost. */
const DARK_MS = 900;
/** Number of other clients' ids that are remembered, the latest of them. */
const OVERHEARD_LIMIT = 32;
/** The fussy application cannot handle one in so many tool results. */
const REJECT_EVERY = 5;
/** One in so many confirmations is sent twice, as a hasty retry would. */
const REPEAT_EVERY = 8;

/** All clients, connected. */
export interface Fleet {
  /** Half-way: clients whose role says so die or freeze. */
  misfortune(): void;
  /** No more questions. Connections stay as they are. */
  rest(): void;
}

/** Connects all clients to `target` (`ws://…`). Rejects when one cannot connect. */
export async function createFleet(target: string, members: readonly Member[]): Promise<Fleet> {
  const overheard: string[] = [];
  const clients = members.map((member) => startClient(target, member, overheard));
  await Promise.all(clients.map((client) => once(client.socket, 'open')));
  for (const client of clients) client.askNow();
  return {
    misfortune() {
      for (const client of clients) client.misfortune();
    },
    rest() {
      for (const client of clients) client.rest();
    },
  };
}

interface Client {
  readonly socket: WebSocket;
  askNow(): void;
  misfortune(): void;
  rest(): void;
}

function startClient(target: string, { name, role }: Member, overheard: string[]): Client {
  const socket = new WebSocket(`${target}/ws/${name}`, { autoPong: role.pongAfterMs === 0, perMessageDeflate: false });
  const { pongAfterMs } = role;
  if (pongAfterMs !== undefined && pongAfterMs > 0) {
    socket.on('ping', (payload) => {
      setTimeout(() => {
        if (socket.readyState === WebSocket.OPEN) socket.pong(payload);
      }, pongAfterMs);
    });
  }
  const reply = createReply(role, overheard);
  socket.on('message', (data) => {
    for (const confirmation of reply(String(data))) socket.send(JSON.stringify(confirmation));
  });
  // Silence is right: broken connections are part of the demo, and 'close' follows.
  socket.on('error', () => {});
  let timer: NodeJS.Timeout | undefined;
  let asked = Math.floor(Math.random() * QUESTIONS.length);
  const ask = (): void => {
    if (socket.readyState !== WebSocket.OPEN) return;
    socket.send(JSON.stringify({ type: 'user_message', text: QUESTIONS[asked++ % QUESTIONS.length] }));
    timer = setTimeout(ask, ASK_EVERY_MS.least + Math.random() * (ASK_EVERY_MS.most - ASK_EVERY_MS.least));
  };
  socket.on('close', () => clearTimeout(timer));
  return {
    socket,
    askNow: ask,
    misfortune() {
      if (role.fate === 'none') return;
      // The last question goes out, and its answer reaches no client.
      clearTimeout(timer);
      ask();
      socket.pause();
      if (role.fate === 'dies') setTimeout(() => socket.terminate(), DARK_MS);
    },
    rest: () => clearTimeout(timer),
  };
}

interface Confirmation {
  readonly type: 'event_confirmation';
  readonly event_id: string;
  readonly status: 'confirmed' | 'failed';
  readonly error?: string;
}

function confirmed(event_id: string): Confirmation {
  return { type: 'event_confirmation', event_id, status: 'confirmed' };
}

/** Reacts to a message as the role says. `overheard` gathers ids for prying clients. */
function createReply(role: Role, overheard: string[]): (text: string) => readonly Confirmation[] {
  let events = 0;
  let results = 0;
  return (text) => {
    const event = eventIdOf(text);
    if (event === undefined) return [];
    switch (role.confirms) {
      case 'nothing':
        overheard.push(event.id);
        if (overheard.length > OVERHEARD_LIMIT) overheard.shift();
        return [];
      case 'all':
        return ++events % REPEAT_EVERY === 0 ? [confirmed(event.id), confirmed(event.id)] : [confirmed(event.id)];
      case 'rejects-some':
        if (event.type !== 'tool_completed' || ++results % REJECT_EVERY !== 0) return [confirmed(event.id)];
        return [{ ...confirmed(event.id), status: 'failed', error: 'the result could not be drawn' }];
      case 'those-of-others': {
        const id = overheard.pop();
        return id === undefined ? [] : [confirmed(id), confirmed(`${id}_made_up`)];
      }
    }
  };
}
