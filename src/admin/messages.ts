// admin: GET /api/v1/connections/{id}/messages: what was relayed over one connection, both ways, newest first.
import { deliveryId } from '../delivery/delivery-id.ts';
import type { Delivery } from '../delivery/record.ts';
import { noConnection, nothingRelayed } from './connections.ts';
import { isoTime } from './iso-time.ts';
import { type LoggedMessage, PAYLOAD_BYTES } from './message-log.ts';
import { readPage } from './page.ts';
import type { AdminDeps } from './ports.ts';
import { createQuery } from './query.ts';
import { createRedactor } from './redact.ts';
import { badQuery, json, problem } from './reply.ts';
import type { Route } from './route.ts';
import type { MessageJson, MessagePageJson } from './shapes.ts';

/** Most messages on one page. */
export const MESSAGE_PAGE = 5_000;
export const DIRECTIONS = ['to_client', 'to_upstream'] as const;
export const KINDS = ['text', 'binary'] as const;

/** The messages of one connection that are still remembered. */
export function messagesRoute(deps: AdminDeps): Route {
  const redact = createRedactor(deps.settings.redact);
  return {
    path: '/api/v1/connections/{id}/messages',
    open: false,
    answer({ params, search }) {
      const { book, messages } = deps;
      if (book === undefined) return nothingRelayed();
      const query = createQuery(search);
      const directions = query.words('direction', DIRECTIONS);
      const kinds = query.words('kind', KINDS);
      const types = query.list('type');
      const request = readPage(query, deps.info.startedAt, MESSAGE_PAGE);
      const faults = query.faults();
      if (faults.length > 0) return badQuery(faults);
      const entry = book.get(params.id as string);
      if (entry === undefined) return noConnection();
      if (messages === undefined) return problem(404, 'Messages are not remembered (admin.messages is 0).');
      const { seq } = entry.view();
      const found: LoggedMessage[] = [];
      messages.each(seq, request.below, (message) => {
        if (
          (directions === undefined || directions.has(message.direction)) &&
          (kinds === undefined || kinds.has(message.kind)) &&
          (types === undefined || (message.type !== undefined && types.has(message.type)))
        )
          found.push(message);
        return found.length <= request.limit;
      });
      const page = found.slice(0, request.limit);
      const deliveries = deliveriesOf(page, deps);
      return json(200, {
        messages: page.map((message) => shown(message, deliveries, deps, redact)),
        next_cursor: found.length > page.length ? request.cursorAfter((page.at(-1) as LoggedMessage).seq) : null,
        forgotten: messages.forgottenOf(seq),
      } satisfies MessagePageJson);
    },
  };
}

/** The deliveries of these messages that are still known, in one pass over the store. */
function deliveriesOf(page: readonly LoggedMessage[], { store }: AdminDeps): ReadonlyMap<number, Delivery> {
  const wanted = new Set<number>();
  for (const { delivery } of page) if (delivery !== 0) wanted.add(delivery);
  const found = new Map<number, Delivery>();
  if (wanted.size === 0) return found;
  store.each((delivery) => {
    if (wanted.has(delivery.seq)) found.set(delivery.seq, delivery);
    return found.size < wanted.size;
  });
  return found;
}

function shown(
  message: LoggedMessage,
  deliveries: ReadonlyMap<number, Delivery>,
  deps: AdminDeps,
  redact: (text: string) => string,
): MessageJson {
  const { payload, kind, delivery } = message;
  const known = deliveries.get(delivery);
  const readable = deps.settings.payloads && payload !== undefined;
  return {
    seq: message.seq,
    direction: message.direction,
    kind,
    type: message.type ?? null,
    bytes: message.bytes === 0 && payload === undefined && !isRead(message) ? null : message.bytes,
    at: isoTime(message.at, deps),
    ordinal: message.ordinal === 0 ? null : message.ordinal,
    consumed: message.consumed,
    delivery: delivery === 0 ? null : deliveryId(delivery),
    status: known?.status ?? null,
    reason: known === undefined ? null : known.errorType || known.unverified || null,
    payload: readable ? asText(payload, kind, redact) : null,
    cut: readable && message.bytes > Math.min(payload.length, PAYLOAD_BYTES),
  };
}

/** The size of a message; a message that is not read may have an unknown one. */
function isRead({ direction, kind }: LoggedMessage): boolean {
  return direction === 'to_upstream' || kind === 'text';
}

/** Text as it is, redacted; other bytes in base64, as HAR writes them. */
function asText(payload: Uint8Array, kind: MessageJson['kind'], redact: (text: string) => string): string {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  return kind === 'text' ? redact(bytes.toString('utf8')) : bytes.toString('base64');
}
