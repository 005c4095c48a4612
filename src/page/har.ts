// page: a connection as a HAR 1.2 file with WebSocket messages, as Chrome's network panel writes it; and the way back.
import type { ConnectionJson, MessageJson } from '../admin/shapes.ts';
import { STATUS_WORDS } from './words.ts';

/**
 * One message as Chrome writes it. `time` is in seconds since the epoch, and `data` is in base64
 * where `opcode` is 2.
 */
export interface HarMessage {
  readonly type: 'send' | 'receive';
  readonly time: number;
  readonly opcode: 1 | 2;
  readonly data: string;
}

/** The name under which a message says that its payload was not kept. */
const NOT_KEPT = 'ackspan: payload not kept';
const NO_SIZES = { headersSize: -1, bodySize: -1 };

/**
 * Writes a HAR file of `messages`, oldest first. Where a payload was not kept, `data` says what is
 * known of the message, because its place and time are still worth something.
 */
export function writeHar(connection: ConnectionJson, messages: readonly MessageJson[], version: string): object {
  const started = connection.opened_at;
  const last = connection.closed_at ?? messages.at(-1)?.at ?? started;
  const time = Math.max(0, Date.parse(last) - Date.parse(started));
  const url = `ws://ackspan.invalid${connection.path}`;
  const handshake = [
    { name: 'Connection', value: 'Upgrade' },
    { name: 'Upgrade', value: 'websocket' },
  ];
  const entry = {
    _resourceType: 'websocket',
    _webSocketMessages: messages.map(harMessage),
    _ackspan: { connection },
    pageref: 'page_1',
    startedDateTime: started,
    time,
    request: {
      ...{ method: 'GET', url, httpVersion: 'HTTP/1.1', cookies: [], headers: handshake, queryString: [], ...NO_SIZES },
    },
    response: {
      ...{ status: 101, statusText: 'Switching Protocols', httpVersion: 'HTTP/1.1', cookies: [], headers: handshake },
      ...{ content: { size: 0, mimeType: 'x-unknown' }, redirectURL: '', _transferSize: 0, ...NO_SIZES },
    },
    cache: {},
    timings: { blocked: -1, dns: -1, connect: -1, ssl: -1, send: 0, wait: 0, receive: time },
    connection: connection.id,
  };
  const page = { id: 'page_1', startedDateTime: started, title: `Ackspan ${connection.id}`, pageTimings: {} };
  return { log: { version: '1.2', creator: { name: 'Ackspan', version }, pages: [page], entries: [entry] } };
}

function harMessage(message: MessageJson): HarMessage {
  const isText = message.kind === 'text';
  return {
    type: message.direction === 'to_client' ? 'receive' : 'send',
    time: Date.parse(message.at) / 1000,
    opcode: isText || message.payload === null ? 1 : 2,
    data: message.payload ?? described(message),
  };
}

/** The text in place of a payload that was not kept. */
function described({ type, bytes, kind, status, reason, delivery, consumed }: MessageJson): string {
  const facts = { type, kind, bytes, delivery, outcome: status, reason, confirmation: consumed || undefined };
  return JSON.stringify({ [NOT_KEPT]: facts });
}

/**
 * What `writeHar` knew of a message whose payload was not kept; undefined = `data` is a payload.
 */
export function unkept(data: string): Partial<MessageJson> | undefined {
  if (!data.startsWith(`{"${NOT_KEPT}"`)) return undefined;
  try {
    const facts = member(JSON.parse(data), NOT_KEPT);
    const text = (name: string): string | null => textOf(member(facts, name));
    const bytes = member(facts, 'bytes');
    const status = STATUS_WORDS.find((word) => word === member(facts, 'outcome')) ?? null;
    return {
      kind: member(facts, 'kind') === 'binary' ? 'binary' : 'text',
      bytes: typeof bytes === 'number' && bytes >= 0 ? bytes : null,
      consumed: member(facts, 'confirmation') === true,
      ...{ type: text('type'), delivery: text('delivery'), reason: text('reason'), status, payload: null },
    };
  } catch {
    // A text that only begins alike is a payload.
    return undefined;
  }
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

/** The WebSocket messages of a HAR file of any origin, or a text that says why there are none. */
export function readHar(
  file: unknown,
): readonly { readonly url: string; readonly messages: readonly HarMessage[] }[] | string {
  const entries = member(member(file, 'log'), 'entries');
  if (!Array.isArray(entries)) return 'This is no HAR file: it has no log.entries.';
  const found: { url: string; messages: readonly HarMessage[] }[] = [];
  let room = MESSAGE_LIMIT;
  for (const entry of entries) {
    const messages = member(entry, '_webSocketMessages');
    if (!Array.isArray(messages) || found.length === SOCKET_LIMIT || room === 0) continue;
    const url = member(member(entry, 'request'), 'url');
    const read = messages.slice(0, room).flatMap(readMessage);
    room -= read.length;
    found.push({ url: typeof url === 'string' ? url : '', messages: read });
  }
  return found.length === 0 ? 'This HAR file has no WebSocket messages.' : found;
}

/** Sockets that are read of one file, each a list on the page, and messages of them all. */
const SOCKET_LIMIT = 100;
const MESSAGE_LIMIT = 100_000;

function readMessage(value: unknown): HarMessage[] {
  const [type, time, opcode, data] = ['type', 'time', 'opcode', 'data'].map((name) => member(value, name));
  if ((type !== 'send' && type !== 'receive') || typeof time !== 'number' || typeof data !== 'string') return [];
  if (!Number.isFinite(time) || Math.abs(time) > 8.64e12) return [];
  return [{ type, time, opcode: opcode === 2 ? 2 : 1, data }];
}

/**
 * An own member of a value of any type; undefined = there is none. A file cannot reach what objects
 * inherit.
 */
export function member(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Record<string, unknown>)[name];
}
