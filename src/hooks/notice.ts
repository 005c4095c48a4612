// What a notice says: a delivery as a CloudEvent (1.0, JSON format), built once so that every try sends the same bytes.
import { randomUUID } from 'node:crypto';
import type { Delivery } from '../delivery/record.ts';

/** Why the backend is told: a bad outcome, or a request to emit the event again. */
export const HOOK_KINDS = ['failed', 'timeout', 'unverifiable', 'reemit'] as const;
export type HookKind = (typeof HOOK_KINDS)[number];

/** Prefix of the CloudEvents `type`. */
export const TYPE_PREFIX = 'dev.ackspan.delivery.';

/** A notice that waits or is being sent. */
export class Notice {
  readonly kind: HookKind;
  readonly delivery: Delivery;
  /** When it came up, ms since the epoch. */
  readonly at: number;
  /** The message itself, where the operator wants it sent along and it is still there. */
  readonly payload: Uint8Array | undefined;
  /** Requests made. */
  tries = 0;
  /** When to try next, ms since the epoch. */
  due = 0;
  #id = '';
  #body = '';

  constructor(kind: HookKind, delivery: Delivery, at: number, payload: Uint8Array | undefined) {
    this.kind = kind;
    this.delivery = delivery;
    this.at = at;
    this.payload = payload;
  }

  /** The same on every try: receivers drop duplicates by it. */
  get id(): string {
    if (this.#id === '') this.#id = `msg_${randomUUID()}`;
    return this.#id;
  }

  /** The CloudEvent as JSON. `source` names this Ackspan. */
  body(source: string): string {
    if (this.#body === '') this.#body = JSON.stringify(cloudEvent(this, source));
    return this.#body;
  }
}

function cloudEvent(notice: Notice, source: string): object {
  const { delivery, kind, at } = notice;
  return {
    specversion: '1.0',
    id: notice.id,
    source,
    type: TYPE_PREFIX + kind,
    subject: delivery.eventId ?? delivery.id,
    time: isoTime(at),
    datacontenttype: 'application/json',
    // The extension of CloudEvents for distributed tracing.
    ...(delivery.traceparent === undefined ? {} : { traceparent: delivery.traceparent }),
    data: { ...facts(delivery), ...payloadOf(notice.payload) },
  };
}

/** The names of the admin API. */
function facts(delivery: Delivery): object {
  return {
    delivery_id: delivery.id,
    event_id: delivery.eventId ?? null,
    event_type: delivery.type.name,
    priority: delivery.type.policy.priority,
    status: delivery.status,
    error_type: delivery.errorType === '' ? null : delivery.errorType,
    error: delivery.errorText === '' ? null : delivery.errorText,
    level: delivery.level === '' ? null : delivery.level,
    attempts: delivery.attempts,
    user: delivery.session.user ?? null,
    session: delivery.session.key,
    run: delivery.run ?? null,
    tool: delivery.tool ?? null,
    tool_call: delivery.toolCall ?? null,
    bytes: delivery.bytes,
    sent_at: isoTime(delivery.sentAt),
    deadline_at: isoTime(delivery.deadlineAt),
    settled_at: delivery.settledAt === 0 ? null : isoTime(delivery.settledAt),
  };
}

function payloadOf(payload: Uint8Array | undefined): object {
  if (payload === undefined) return {};
  try {
    return { payload: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(payload) };
  } catch {
    // Silence is right: not text, so it travels as bytes.
    return { payload_base64: Buffer.from(payload).toString('base64') };
  }
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
