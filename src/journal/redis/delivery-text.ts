// journal: the fixed facts of a delivery as JSON, put together from pieces: one for each message that Redis is told of.
import type { Delivery } from '../../delivery/record.ts';
import type { Session } from '../../delivery/session.ts';
import type { DeliveryEntry } from '../entry.ts';
import type { WallOf } from '../snapshot.ts';

/** Texts that stand in JSON as they are. */
const PLAIN = /^[ !#-[\]-~]*$/;

/** The texts of the deliveries of one session. */
export class DeliveryText {
  readonly #session: Session;
  readonly #traceparent: string;
  /** The facts of the session in its latest text, and the part of the text that holds them. */
  #user: string | undefined = undefined;
  #capability = '';
  #connection = '';
  #shared = '';

  constructor(session: Session) {
    this.#session = session;
    this.#traceparent = session.traceparent === '' ? '' : member('traceparent', session.traceparent);
  }

  /** Makes the text that JSON.stringify makes of the delivery's `deliveryEntry`. */
  of(delivery: Delivery, wallOf: WallOf): string {
    const { seq, ordinal, type, eventId, run, tool, toolCall, traceparent, bytes, required, sentAt, binary } = delivery;
    let text = `{"seq":${seq}${this.#sessionPart()},"ordinal":${ordinal}${member('type', type.name)}`;
    if (eventId !== undefined) text += member('eventId', eventId);
    if (run !== undefined) text += member('run', run);
    if (tool !== undefined) text += member('tool', tool);
    if (toolCall !== undefined) text += member('toolCall', toolCall);
    text += traceparent === undefined ? this.#traceparent : member('traceparent', traceparent);
    const end = binary ? ',"binary":true}' : '}';
    return `${text},"bytes":${bytes},"required":"${required}","sentAt":${wallOf(sentAt)}${end}`;
  }

  #sessionPart(): string {
    const { key, user, capability, link } = this.#session;
    const connection = link?.id ?? '';
    if (
      this.#shared !== '' &&
      user === this.#user &&
      capability === this.#capability &&
      connection === this.#connection
    )
      return this.#shared;
    this.#user = user;
    this.#capability = capability;
    this.#connection = connection;
    const who = member('session', key) + (user === undefined ? '' : member('user', user));
    this.#shared = who + member('capability', capability) + member('connection', connection);
    return this.#shared;
  }
}

function member(name: keyof DeliveryEntry, value: string): string {
  return PLAIN.test(value) ? `,"${name}":"${value}"` : `,"${name}":${JSON.stringify(value)}`;
}
