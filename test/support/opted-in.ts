// Test support: a client that has opted in, and whose every frame is written by the test.
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { atEnd } from './backends.ts';
import { eventually } from './child.ts';

export interface Welcome {
  readonly session: string;
  readonly token: string;
  readonly next: number;
  readonly recovered: boolean;
  readonly rejoined?: boolean;
}

export interface OptedInClient {
  readonly socket: WebSocket;
  readonly welcome: Welcome;
  /** Text frames after the welcome, as they came. */
  readonly texts: string[];
  /** Resolves with the close code. */
  readonly closed: Promise<number>;
  say(message: object): void;
  /** Resolves when so many frames have come after the welcome. */
  frames(count: number): Promise<string[]>;
}

/** The query that asks for a session again. */
export function asking({ session, token }: Pick<Welcome, 'session' | 'token'>, last: number): string {
  return `ackspan=1&ackspan_session=${encodeURIComponent(session)}&ackspan_token=${encodeURIComponent(token)}&ackspan_last=${last}`;
}

/** Connects with `query` and waits for the welcome. */
export async function optIn(url: string, query = 'ackspan=1', protocols: string[] = []): Promise<OptedInClient> {
  const socket = new WebSocket(`${url}?${query}`, protocols);
  atEnd(() => socket.terminate());
  // Silence is right: the close event that follows says all that a test needs.
  socket.on('error', () => {});
  const texts: string[] = [];
  socket.on('message', (data, binary) => texts.push(binary ? `binary ${data}` : String(data)));
  const closed = new Promise<number>((resolve) => {
    socket.once('close', resolve);
  });
  await once(socket, 'message');
  const welcome = JSON.parse(texts.shift()!);
  if (welcome.ackspan !== 'welcome') throw new Error(`not a welcome: ${JSON.stringify(welcome)}`);
  return {
    socket,
    welcome,
    texts,
    closed,
    say: (message) => socket.send(JSON.stringify(message)),
    frames: (count) =>
      eventually(() => {
        if (texts.length < count) throw new Error(`${texts.length} frames, not ${count}: ${texts.join(' ')}`);
        return texts;
      }),
  };
}
