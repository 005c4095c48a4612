// hooks: a notice: a delivery as a CloudEvent (1.0, JSON format), with the same bytes on every try (SPEC D18).
import { randomUUID } from 'node:crypto';
import type { Delivery } from '../delivery/record.ts';

/** Why the backend is told: a bad outcome, or a request to emit the event again. */
export const HOOK_KINDS = ['failed', 'timeout', 'unverifiable', 'reemit'] as const;
export type HookKind = (typeof HOOK_KINDS)[number];

type WallOf = (at: number) => number;

/** Prefix of the CloudEvents `type`. */
const TYPE_PREFIX = 'dev.ackspan.delivery.';

/** A notice that waits or is being sent. */
export class Notice {
  readonly kind: HookKind;
  readonly delivery: Delivery;
  /** When the notice was raised, monotonic ms. */
  readonly at: number;
  /** The message itself, where the operator wants it in notices and it is still kept. */
  readonly payload: Uint8Array | undefined;
  /** Requests made. */
  tries = 0;
  /** When to try next, monotonic ms. */
  due = 0;
  #id = '';
  #body = '';
  /** When the notice was raised, by the wall clock as it stood when the body was built. */
  #time = 0;

  constructor(kind: HookKind, delivery: Delivery, at: number, payload: Uint8Array | undefined) {
    this.kind = kind;
    this.delivery = delivery;
    this.at = at;
    this.payload = payload;
  }

  /** The id is the same on every try: receivers drop duplicates by it. */
  get id(): string {
    if (this.#id === '') this.#id = `msg_${randomUUID()}`;
    return this.#id;
  }

  /**
   * The CloudEvent as JSON. `source` names this Ackspan; `wallOf` turns monotonic times into ms
   * since the epoch.
   */
  body(source: string, wallOf: WallOf): string {
    const time = wallOf(this.at);
    if (this.#body !== '' && time === this.#time) return this.#body;
    this.#time = time;
    this.#body = JSON.stringify(cloudEvent(this, source, wallOf));
    return this.#body;
  }
}

function cloudEvent(notice: Notice, source: string, wallOf: WallOf): object {
  const { delivery, kind, at } = notice;
  return {
    specversion: '1.0',
    id: notice.id,
    source,
    type: TYPE_PREFIX + kind,
    subject: delivery.eventId ?? delivery.id,
    time: isoTime(wallOf(at)),
    datacontenttype: 'application/json',
    // The extension of CloudEvents for distributed tracing.
    ...(delivery.traceparent === undefined ? {} : { traceparent: delivery.traceparent }),
    data: { ...facts(delivery, wallOf), ...payloadOf(notice.payload) },
  };
}

/** The delivery as JSON, with the names of the admin API. */
function facts(delivery: Delivery, wallOf: WallOf): object {
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
    sent_at: isoTime(wallOf(delivery.sentAt)),
    deadline_at: isoTime(wallOf(delivery.deadlineAt)),
    settled_at: delivery.settledAt === 0 ? null : isoTime(wallOf(delivery.settledAt)),
  };
}

function payloadOf(payload: Uint8Array | undefined): object {
  if (payload === undefined) return {};
  try {
    return { payload: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(payload) };
  } catch {
    // Silence is right: the message is no text, so it travels as bytes.
    return { payload_base64: Buffer.from(payload).toString('base64') };
  }
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
