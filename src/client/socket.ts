// client: AckspanSocket: a WebSocket that confirms what the application has handled, and resumes its session.
import { Conversation } from './conversation.ts';
import { copyOf } from './copy.ts';
import type { AckspanCloseEvent, AckspanEventMap, AckspanMessageEvent } from './events.ts';
import { reasonText, watch } from './handling.ts';
import { Link } from './link.ts';
import { Listeners } from './listeners.ts';
import { type AckspanOptions, reconnectDelay, wantsMore } from './options.ts';
import { afterTurns, type CloseDetails, createCloseEvent, platform, type SendData, threw } from './platform.ts';
import { optInQuery, type Resumption } from './protocol.ts';

export type * from './events.ts';
export type { AckspanOptions, Attempts } from './options.ts';
export type { CloseDetails, PlainSocketConstructor, SendData } from './platform.ts';
export type { Resumption } from './protocol.ts';

const CONNECTING = 0;
const OPEN = 1;
const CLOSING = 2;
const CLOSED = 3;

/** Age of a connection, ms, that starts the back-off anew. */
const STABLE_MS = 5000;
/** Half the time after which there is no sidecar, ms: a welcome comes with the upgrade's answer. */
const PART_MS = 1000;
const QUEUE_BYTES = 2 ** 20;
const LOST: CloseDetails = { code: 1006, reason: '', wasClean: false };
const PAGE_EVENTS = ['pagehide', 'visibilitychange', 'online'];

type Handler<E> = ((event: E) => unknown) | null;

/**
 * Drop-in for `WebSocket` (https://websockets.spec.whatwg.org). While it reconnects, `readyState`
 * is CONNECTING and `send` queues. `open` fires again when the backend's connection is a new one,
 * `close` and `error` only when the socket is closed for good.
 */
export class AckspanSocket extends Listeners<AckspanEventMap> {
  static readonly CONNECTING = CONNECTING;
  static readonly OPEN = OPEN;
  static readonly CLOSING = CLOSING;
  static readonly CLOSED = CLOSED;
  readonly CONNECTING = CONNECTING;
  readonly OPEN = OPEN;
  readonly CLOSING = CLOSING;
  readonly CLOSED = CLOSED;
  /** The URL of the application, made absolute, without what the SDK adds to the query. */
  readonly url: string;

  readonly #protocols: string | string[] | undefined;
  readonly #options: AckspanOptions;
  readonly #conversation: Conversation;
  /** The latest connection, alive or not. */
  #link!: Link;
  /** Connections that were left, and are open until a later one takes their place. */
  readonly #left: Link[] = [];
  #state: typeof CONNECTING | typeof OPEN | typeof CLOSING | typeof CLOSED = CONNECTING;
  #binaryType: string | undefined;
  #opened = false;
  #openedAt = 0;
  #attempt = 0;
  /** How the latest connection ended. */
  #ended = LOST;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #failure: Event | undefined;
  #queue: SendData[] = [];
  #queuedBytes = 0;

  /** Called when the page, the worker or its network changes. */
  readonly #onPage = ({ type }: Event): void => {
    this.#conversation.flush();
    // In another network the old connection may be dead for minutes before it is noticed.
    const hasty = type === 'online' && this.#opened && this.#link.socket.readyState === CONNECTING;
    if (this.#retry === undefined && !hasty) this.#conversation.look(type === 'online');
    else this.#drop();
  };

  /**
   * Connects at once. Throws as `WebSocket` does for a bad URL or protocol, and a TypeError where
   * there is no WebSocket class.
   */
  constructor(url: string | URL, protocols?: string | string[], options: AckspanOptions = {}) {
    super();
    this.#protocols = protocols;
    this.#options = options;
    this.#conversation = new Conversation(
      options.resume,
      (recovered, rejoined) => {
        this.#open(rejoined);
        this.emit(Object.assign(new Event('resumed'), { recovered, rejoined }));
      },
      () => this.#drop(),
      () => this.#link.gone,
    );
    const query = optInQuery(this.#conversation.resumption(false));
    this.#connect(String(url), query);
    this.url = this.#link.socket.url.slice(0, -query.length - 1);
    for (const type of PAGE_EVENTS) platform.addEventListener?.(type, this.#onPage);
  }

  get readyState(): 0 | 1 | 2 | 3 {
    return this.#state;
  }

  /** Bytes given to `send` and not on their way yet. */
  get bufferedAmount(): number {
    return this.#link.socket.bufferedAmount + this.#queuedBytes;
  }

  get protocol(): string {
    return this.#link.socket.protocol;
  }

  get extensions(): string {
    return this.#link.socket.extensions;
  }

  /** Kept across reconnects. Until it is set, the platform's: `blob`; with `ws`, `nodebuffer`. */
  get binaryType(): 'blob' | 'arraybuffer' {
    return this.#link.socket.binaryType as 'blob' | 'arraybuffer';
  }

  set binaryType(type: 'blob' | 'arraybuffer') {
    this.#link.socket.binaryType = type;
    this.#binaryType = this.#link.socket.binaryType;
  }

  /** What a later socket resumes from, as plain JSON (its token is secret); null = no sidecar. */
  get resumption(): Resumption | null {
    return this.#conversation.resumption(true);
  }

  get onopen(): Handler<Event> {
    return this.handler('open') as Handler<Event>;
  }

  set onopen(handler: Handler<Event>) {
    this.setHandler('open', handler);
  }

  get onmessage(): Handler<MessageEvent> {
    return this.handler('message') as Handler<MessageEvent>;
  }

  set onmessage(handler: Handler<AckspanMessageEvent>) {
    this.setHandler('message', handler);
  }

  get onclose(): Handler<AckspanCloseEvent> {
    return this.handler('close') as Handler<AckspanCloseEvent>;
  }

  set onclose(handler: Handler<AckspanCloseEvent>) {
    this.setHandler('close', handler);
  }

  get onerror(): Handler<Event> {
    return this.handler('error') as Handler<Event>;
  }

  set onerror(handler: Handler<Event>) {
    this.setHandler('error', handler);
  }

  /**
   * Sends. Before the first `open` it throws an InvalidStateError, as `WebSocket` does. While
   * reconnecting it queues, in order, until after the next `open` event; past `maxQueuedBytes` it
   * throws a QuotaExceededError. Once closed it drops.
   */
  send(data: SendData): void {
    if (this.#state > OPEN) return;
    if (!this.#opened) throw new DOMException('not open yet', 'InvalidStateError');
    if (this.#state === OPEN && this.#link.socket.readyState === OPEN) {
      this.#link.send(data);
      return;
    }
    const bytes = this.#queuedBytes + new Blob([data as string]).size;
    if (bytes > (this.#options.maxQueuedBytes ?? QUEUE_BYTES))
      throw new DOMException('queue full', 'QuotaExceededError');
    this.#queuedBytes = bytes;
    this.#queue.push(copyOf(data));
  }

  /**
   * Confirms what has been handled, then closes as `WebSocket` does; no reconnect follows. Throws
   * for a bad code or reason. While handlers run it waits for the microtasks that follow, so that
   * their results go first. On a dead path `close` (1006) comes as soon as that is noticed.
   */
  close(code?: number, reason?: string): void {
    if (this.#state > OPEN) return;
    const shut = (): void => {
      this.#conversation.flush();
      this.#link.socket.close(code, reason);
      this.#conversation.leave();
    };
    if (this.#conversation.busy) afterTurns(() => threw(shut) && this.#link.socket.close());
    else shut();
    this.#state = CLOSING;
    if (this.#retry === undefined) return;
    clearTimeout(this.#retry);
    setTimeout(() => this.#finish(LOST));
  }

  /** Leaves a connection at once, or ends the wait for one, and tries another. */
  #drop(): void {
    if (this.#state === CLOSED) return;
    this.#attempt = 0;
    clearTimeout(this.#retry);
    this.#link.leave();
    this.#left.push(this.#link);
    // The application has been asked whether it wants the try that is waited for.
    if (this.#retry !== undefined && this.#state === CONNECTING) this.#wait(this.#ended);
    else this.#lost(LOST);
  }

  #closeLeft(): void {
    for (const { socket } of this.#left.splice(0)) socket.close();
  }

  #connect(address: string, query: string): void {
    this.#failure = undefined;
    const base = address.split('#', 1)[0]!;
    const full = `${base}${base.includes('?') ? '&' : '?'}${query}`;
    const link = new Link(full, this.#protocols, this.#options.WebSocket, {
      opened: () => {
        this.#closeLeft();
        this.#conversation.answered();
        // The welcome tells whether the backend is another one. Without a sidecar none comes.
        const open = () => this.#link === link && link.socket.readyState === OPEN && this.#open();
        if (!this.#conversation.resumption(false)) open();
        // A page that slept runs a timer that is overdue first, and then reads what has come.
        else setTimeout(() => setTimeout(open, PART_MS), PART_MS);
      },
      message: (from, event) => this.#message(from, event),
      closed: (event) => this.#lost(event),
      failed: (failure) => {
        this.#failure = failure;
      },
    });
    if (this.#binaryType) link.socket.binaryType = this.#binaryType;
    this.#link = link;
    this.#conversation.call();
  }

  #open(rejoined = false): void {
    if (this.#state !== CONNECTING) return;
    const silent = rejoined && this.#opened;
    this.#state = OPEN;
    this.#opened = true;
    this.#openedAt = performance.now();
    if (!silent) this.emit(new Event('open'));
    const queue = this.#queue;
    this.#queue = [];
    this.#queuedBytes = 0;
    for (const data of queue) this.send(data);
  }

  #message(link: Link, { data, origin }: AckspanMessageEvent): void {
    if (this.#state > OPEN) return;
    const end = this.#conversation.receive(data, (text) => link.send(text));
    if (!end) return;
    const event = Object.assign(new MessageEvent('message', { data, origin }), {
      confirm: () => end(),
      reject: (reason: unknown = 'rejected') => end(reasonText(reason)),
    });
    watch(this.emit(event), this.#options.manual === true, end);
  }

  #lost({ code, reason, wasClean }: CloseDetails): void {
    const close = this.#conversation.lose(this.#opened, code) ? LOST : { code, reason, wasClean };
    if (this.#openedAt && performance.now() - this.#openedAt > STABLE_MS) this.#attempt = 0;
    this.#openedAt = 0;
    const attempts = { opened: this.#opened, attempt: this.#attempt + 1 };
    const wanted = this.#state <= OPEN && wantsMore(close, attempts, this.#options);
    // The application may close the socket when it is asked.
    if (wanted && this.#state <= OPEN) this.#wait(close);
    else this.#finish(close);
  }

  #wait(close: CloseDetails): void {
    this.#state = CONNECTING;
    this.#ended = close;
    const attempt = ++this.#attempt;
    const delayMs = reconnectDelay(attempt, this.#options);
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      const connect = () => this.#connect(this.url, optInQuery(this.#conversation.resumption(false)));
      if (threw(connect)) this.#lost(LOST);
    }, delayMs);
    this.emit(Object.assign(new Event('reconnecting'), { ...close, attempt, delayMs }));
  }

  #finish(close: CloseDetails): void {
    if (this.#state === CLOSED) return;
    this.#state = CLOSED;
    this.#closeLeft();
    for (const type of PAGE_EVENTS) platform.removeEventListener?.(type, this.#onPage);
    if (this.#failure) this.emit(this.#failure);
    this.emit(createCloseEvent(close));
  }
}
