// A small backend of the kind that embeds the tracker: a tool dispatcher that pushes an event before and after each tool, over real WebSockets.
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';
import type { EventTracker } from '../../src/embed/contract.ts';

export type Message = Readonly<Record<string, unknown>>;
type Tool = (parameters: Message) => Promise<Message>;

/** Where each user's socket is; the server applies their confirmations in their own name. */
export class Backend {
  readonly server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  readonly sockets = new Map<string, WebSocket>();
  /** Messages of clients that were no confirmations. */
  readonly other: unknown[] = [];
  readonly #tracker: EventTracker;
  readonly #tools = new Map<string, Tool>();
  #calls = 0;

  constructor(tracker: EventTracker) {
    this.#tracker = tracker;
    this.server.on('connection', (socket, request) => {
      const user = new URL(request.url ?? '/', 'http://backend').searchParams.get('user') ?? '';
      this.sockets.set(user, socket);
      socket.on('message', (data: Buffer) => {
        if (tracker.receive(data, { user }) === undefined) this.other.push(data.toString());
      });
    });
  }

  register(name: string, tool: Tool): void {
    this.#tools.set(name, tool);
  }

  /** Runs a tool; what becomes of its events is none of its business. */
  async run(user: string, name: string, parameters: Message): Promise<Message> {
    const call = ++this.#calls;
    const before = `tool_executing_${user}_${call}`;
    this.#push(user, before, {
      type: 'tool_executing',
      payload: { tool_name: name, parameters: { ...parameters, event_id: before } },
    });
    const result = await this.#tools.get(name)!(parameters);
    const after = `tool_completed_${user}_${call}`;
    this.#push(user, after, {
      type: 'tool_completed',
      payload: { tool_name: name, result: { ...result, event_id: after } },
    });
    return result;
  }

  #push(user: string, expected: string, message: Message & { type: string }): void {
    // No id is given: it is the one in the message that the client will find.
    const id = this.#tracker.track({ type: message.type, data: message, user, priority: 'critical', tool: 'any' });
    if (id !== expected) throw new Error(`tracked as ${id}, not as ${expected}`);
    void this.send(user, id, message);
  }

  /** Sends and says so; a socket that fails, or is not there, fails the event. */
  async send(user: string, id: string, message: unknown): Promise<boolean> {
    const socket = this.sockets.get(user);
    const error = await new Promise<Error | undefined | null>((done) => {
      if (socket?.readyState !== WebSocket.OPEN) done(new Error('the socket is closed'));
      else socket.send(JSON.stringify(message), done);
    });
    if (error) this.#tracker.fail(id, error.message, { user });
    else this.#tracker.markSent(id, { user });
    return !error;
  }

  async connect(user: string, onEvent: (event: Message, socket: WebSocket) => void): Promise<WebSocket> {
    if (this.server.address() === null) await once(this.server, 'listening');
    const { port } = this.server.address() as AddressInfo;
    const accepted = once(this.server, 'connection');
    const socket = new WebSocket(`ws://127.0.0.1:${port}/?user=${user}`);
    socket.on('message', (data: Buffer) => onEvent(JSON.parse(data.toString()) as Message, socket));
    await Promise.all([once(socket, 'open'), accepted]);
    return socket;
  }

  async close(): Promise<void> {
    for (const socket of this.server.clients) socket.terminate();
    await new Promise((done) => this.server.close(done));
  }
}

/** The id where an application finds it: inside `parameters` or `result`. */
export function nestedId(event: Message): string {
  const { parameters, result } = event.payload as { parameters?: { event_id: string }; result?: { event_id: string } };
  return (parameters ?? result)!.event_id;
}

/** A client that confirms everything it is sent. */
export function confirms(event: Message, socket: WebSocket): void {
  socket.send(JSON.stringify({ type: 'event_confirmation', event_id: nestedId(event), status: 'confirmed' }));
}
