// Storm: the backend. Each connection emits what its plan says and ends as its plan says.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { constants, deflateRawSync } from 'node:zlib';
import { now } from '../load/timing.ts';
import type { Plan, PlannedEvent } from './plan.ts';
import type { ConnectionRecord } from './record.ts';
import { BINARY, CLOSE, closePayload, createWireReader, frame, PING, PONG, TEXT } from './wire.ts';

export interface StormBackend {
  readonly port: number;
  close(): void;
}

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const DEFLATE = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover';
const PADDING = 'abcdefghij klmnopq '.repeat(2500);
const AGAIN = 6; // events over a second upstream connection of one client

export async function startBackend(
  planOf: (id: number) => { readonly plan: Plan; readonly record: ConnectionRecord } | undefined,
): Promise<StormBackend> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => sockets.delete(socket));
    serve(socket, planOf);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.close();
      for (const socket of sockets) socket.resetAndDestroy();
    },
  };
}

function serve(socket: Socket, planOf: Parameters<typeof startBackend>[0]): void {
  let emitter: Emitter | undefined;
  const read = createWireReader(
    (head) => {
      const found = planOf(Number(/^GET \/c\/(\d+)/.exec(head)?.[1]));
      const key = /sec-websocket-key: *(\S+)/i.exec(head)?.[1];
      if (found === undefined || key === undefined) {
        socket.destroy();
        return;
      }
      const deflate = found.plan.deflate && /permessage-deflate/i.test(head);
      const accept = createHash('sha1')
        .update(key + GUID)
        .digest('base64');
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n${deflate ? `Sec-WebSocket-Extensions: ${DEFLATE}\r\n` : ''}\r\n`,
      );
      emitter = new Emitter(socket, found.plan, found.record, deflate);
      emitter.next();
    },
    ({ opcode, payload }) => {
      if (opcode === PING) socket.write(frame(PONG, payload()));
      if (opcode === CLOSE) emitter?.closed(payload());
    },
  );
  socket.on('data', read);
  socket.once('end', () => {
    emitter?.stop();
    socket.end();
  });
  socket.once('close', () => emitter?.stop());
}

class Emitter {
  readonly #socket: Socket;
  readonly #plan: Plan;
  readonly #record: ConnectionRecord;
  readonly #deflate: boolean;
  readonly #dial: number;
  readonly #events: readonly PlannedEvent[];
  #at = 0;
  #ordinal = 0;
  #lastId = '';
  #over = false;
  #timer: NodeJS.Timeout | undefined = undefined;

  constructor(socket: Socket, plan: Plan, record: ConnectionRecord, deflate: boolean) {
    this.#socket = socket;
    this.#plan = plan;
    this.#record = record;
    this.#deflate = deflate;
    this.#dial = ++record.dials;
    this.#events = this.#dial === 1 ? plan.events : plan.events.slice(0, AGAIN);
  }

  next(): void {
    while (!this.#over && this.#at < this.#events.length) {
      const event = this.#events[this.#at]!;
      this.#at++;
      if (event.gap > 0) {
        this.#timer = setTimeout(() => {
          if (this.#over) return;
          this.#emit(event);
          this.next();
        }, event.gap);
        return;
      }
      this.#emit(event);
    }
    if (!this.#over) this.#end();
  }

  /** The other side closes. */
  closed(payload: Buffer): void {
    if (!this.#over) this.#socket.write(frame(CLOSE, payload));
    this.stop();
    this.#socket.end();
  }

  stop(): void {
    this.#over = true;
    clearTimeout(this.#timer);
  }

  #emit(event: PlannedEvent): void {
    const { id, deaf } = this.#plan;
    if (deaf?.at === this.#at - 1) {
      this.#socket.pause();
      setTimeout(() => this.#socket.resume(), deaf.ms);
    }
    if (event.ping !== 'none') {
      this.#socket.write(frame(PING, Buffer.from(event.ping === 'constant' ? 'hb' : `u${id}.${this.#at}`)));
    }
    const ordinal = ++this.#ordinal;
    const eventId = event.twin && this.#lastId !== '' ? this.#lastId : `c${id}-${this.#dial}.${this.#at}`;
    if (!event.binary) this.#lastId = eventId;
    this.#socket.write(this.#message(event, eventId));
    const tracked = !event.binary && event.type !== 'heartbeat';
    this.#record.sent.push({ id: eventId, ordinal, type: event.type, tracked, at: now() });
  }

  #message(event: PlannedEvent, eventId: string): Buffer {
    if (event.binary) return frame(BINARY, Buffer.from(`"event_id":"${eventId}"`));
    const text = `{"type":"${event.type}","event_id":"${eventId}","pad":"${PADDING.slice(0, event.bytes)}"}`;
    const bytes = Buffer.from(text);
    if (!this.#deflate) return frame(TEXT, bytes);
    const squeezed = deflateRawSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
    return frame(TEXT, squeezed, { rsv1: true });
  }

  #end(): void {
    const { end } = this.#plan;
    const { notes } = this.#record;
    if (end.how === 'close') {
      notes.push(`${now()}: backend closes with ${end.code}`);
      this.#socket.end(frame(CLOSE, closePayload(end.code)));
      this.stop();
    } else if (end.how === 'crash') {
      notes.push(`${now()}: backend crashes${end.inside ? ' inside a frame' : ''}`);
      if (end.inside) this.#socket.write(frame(TEXT, Buffer.alloc(500, 32)).subarray(0, 200));
      this.stop();
      // A moment for the bytes to be on their way: a reset that overtakes them shows nothing.
      setTimeout(() => this.#socket.resetAndDestroy(), 5);
    }
  }
}
