// Storm: clients on bare sockets, of every kind that answers, half answers or misbehaves.
import { connect, type Socket } from 'node:net';
import { inflateRawSync } from 'node:zlib';
import { now } from '../load/timing.ts';
import type { Plan } from './plan.ts';
import { type ConnectionRecord, keyOf } from './record.ts';
import {
  BINARY,
  CLOSE,
  closePayload,
  createWireReader,
  eventIdIn,
  frame,
  PING,
  PONG,
  type Read,
  TEXT,
} from './wire.ts';

const UPLOAD_PIECE = Buffer.alloc(1024 * 1024, 7);
const UPLOAD_PIECES = 12;
const TAIL = Buffer.from([0, 0, 0xff, 0xff]);
/** Latest-only clients look at their pings so often, ms. */
const LATEST_MS = 30;

/** What pings of the sidecar mean: how much the client had parsed when a payload first came. */
export type Barriers = Map<string, number>;

/** Runs one client to its end; resolves when its socket is closed. */
export function runClient(port: number, plan: Plan, record: ConnectionRecord, barriers: Barriers): Promise<void> {
  return new Promise((resolve) => {
    const client = new RawClient(port, plan, record, barriers, resolve);
    client.start();
  });
}

class RawClient {
  readonly #socket: Socket;
  readonly #plan: Plan;
  readonly #record: ConnectionRecord;
  readonly #barriers: Barriers;
  readonly #timers = new Set<NodeJS.Timeout>();
  #count = 0;
  #closing = false;
  /** No pings are answered any more. */
  #silent: boolean;
  #latest: Buffer | undefined = undefined;
  #inflates = false;

  constructor(port: number, plan: Plan, record: ConnectionRecord, barriers: Barriers, over: () => void) {
    this.#plan = plan;
    this.#record = record;
    this.#barriers = barriers;
    this.#silent = plan.client === 'mute';
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
    this.#socket.on('error', () => {});
    this.#socket.once('close', () => {
      for (const timer of this.#timers) clearTimeout(timer);
      over();
    });
  }

  start(): void {
    const { id, deflate, events, stayMs } = this.#plan;
    const offer = deflate ? 'Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover\r\n' : '';
    this.#socket.write(
      `GET /c/${id} HTTP/1.1\r\nHost: storm\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${offer}\r\n`,
    );
    const read = createWireReader(
      (head) => {
        this.#inflates = /permessage-deflate/i.test(head);
        this.#record.opened = head.startsWith('HTTP/1.1 101');
        if (!this.#record.opened) {
          this.#record.notes.push(`${now()}: ${head.split('\r\n')[0]}`);
          this.#socket.destroy();
        }
      },
      (each) => this.#frame(each),
    );
    this.#socket.on('data', read);
    this.#socket.once('end', () => this.#socket.end());
    const due = events.reduce((sum, { gap }) => sum + gap, 0);
    this.#later(due + stayMs, () => this.#leave(1000));
    this.#later(due + stayMs + 8000, () => this.#socket.resetAndDestroy());
    // A reset waits for writes that may never end.
    this.#later(due + stayMs + 12_000, () => this.#socket.destroy());
    if (this.#plan.client === 'latest') this.#answerLatest();
  }

  #later(ms: number, action: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      action();
    }, ms);
    this.#timers.add(timer);
  }

  #frame(read: Read): void {
    if (read.opcode === TEXT || read.opcode === BINARY) this.#message(read);
    else if (read.opcode === PING) this.#ping(read.payload());
    else if (read.opcode === CLOSE) this.#closed(read.payload());
  }

  #message(read: Read): void {
    const ordinal = ++this.#count;
    // ids are at the beginning of a message.
    const payload = read.rsv1 ? this.#inflated(read.payload()) : read.payload(120);
    const id = eventIdIn(payload);
    this.#record.parsed.set(keyOf(this.#record, id, ordinal), now());
    const event = this.#plan.events[ordinal - 1];
    if (read.opcode === TEXT && event !== undefined) this.#speak(id, event);
    if (ordinal === this.#plan.turn.at) this.#turn();
    if (this.#plan.client === 'leaving' && ordinal === this.#plan.events.length) this.#leave(1000);
  }

  #inflated(payload: Buffer): Buffer {
    if (!this.#inflates) this.#record.notes.push('compressed without an agreement');
    return inflateRawSync(Buffer.concat([payload, TAIL]), { finishFlush: 2 });
  }

  #speak(id: string, { wordMs, ok, twice }: Plan['events'][number]): void {
    const { client } = this.#plan;
    if (client !== 'confirming' && client !== 'late') return;
    const say = (): void => {
      if (this.#closing) return;
      this.#record.said.push({ id, ok, at: now(), after: this.#count });
      const word = { type: 'event_confirmation', event_id: id, status: ok ? 'confirmed' : 'failed' };
      this.#write(frame(TEXT, Buffer.from(JSON.stringify(word)), { masked: true }));
    };
    if (wordMs === 0) say();
    else this.#later(wordMs, say);
    if (twice) this.#later(wordMs + 200, say);
  }

  #ping(payload: Buffer): void {
    const key = payload.toString('latin1');
    // A pong proves no more than the earliest ping of its payload (E1).
    if (payload.length === 14 && !this.#barriers.has(key)) this.#barriers.set(key, this.#count);
    if (this.#silent || this.#closing) return;
    if (this.#plan.client === 'latest') this.#latest = payload;
    else this.#write(frame(PONG, payload, { masked: true }));
  }

  #answerLatest(): void {
    this.#later(LATEST_MS, () => {
      if (this.#latest !== undefined && !this.#closing) this.#write(frame(PONG, this.#latest, { masked: true }));
      this.#latest = undefined;
      this.#answerLatest();
    });
  }

  #turn(): void {
    const { client, turn } = this.#plan;
    const { notes } = this.#record;
    if (client === 'half') {
      notes.push(`${now()}: client sends FIN and goes on reading`);
      this.#closing = true;
      this.#socket.end();
    } else if (client === 'reset') {
      notes.push(`${now()}: client resets`);
      this.#closing = true;
      this.#socket.resetAndDestroy();
    } else if (client === 'malformed') {
      notes.push(`${now()}: client sends a frame with a reserved bit`);
      this.#write(frame(TEXT, Buffer.from('bad'), { masked: true, broken: true }));
    } else if (client === 'frozen') {
      notes.push(`${now()}: client is frozen for ${turn.ms} ms`);
      this.#socket.pause();
      this.#later(turn.ms, () => this.#socket.resume());
    } else if (client === 'upload') {
      notes.push(`${now()}: client uploads ${UPLOAD_PIECES} MiB`);
      this.#record.flooded = true;
      for (let i = 0; i < UPLOAD_PIECES; i++) this.#write(maskedZero(UPLOAD_PIECE));
    }
  }

  #closed(payload: Buffer): void {
    const code = payload.length >= 2 ? payload.readUInt16BE(0) : 1005;
    this.#record.notes.push(`${now()}: client gets Close ${code}`);
    if (!this.#closing && !this.#silent) this.#write(frame(CLOSE, payload.subarray(0, 2), { masked: true }));
    this.#closing = true;
    this.#socket.end();
  }

  #leave(code: number): void {
    if (this.#closing) {
      this.#socket.end();
      return;
    }
    this.#record.notes.push(`${now()}: client closes with ${code}`);
    this.#write(frame(CLOSE, closePayload(code), { masked: true }));
    this.#closing = true;
  }

  #write(bytes: Buffer): void {
    if (this.#socket.writable) this.#socket.write(bytes);
  }
}

/** A binary frame whose mask is zero, so that its payload needs no copy of each byte. */
function maskedZero(payload: Buffer): Buffer {
  const header = Buffer.alloc(14);
  header[0] = 0x80 | BINARY;
  header[1] = 0x80 | 127;
  header.writeBigUInt64BE(BigInt(payload.length), 2);
  return Buffer.concat([header, payload]);
}
