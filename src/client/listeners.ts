// client: an EventTarget that learns what its listeners returned or threw.
import { showError } from './platform.ts';

/** The result of one listener. `value` is what it returned, or what it threw. */
export interface HandlerResult {
  readonly threw?: boolean;
  readonly value: unknown;
}

/** A listener as `addEventListener` takes it. */
export type Listener<E> = ((event: E) => unknown) | { handleEvent(event: E): unknown };

/** Options of `addEventListener`. */
export interface ListenerOptions {
  readonly capture?: boolean;
  readonly once?: boolean;
  readonly passive?: boolean;
  readonly signal?: AbortSignal;
}

/**
 * Built on the platform's own target, which handles `once`, `signal`, order and duplicates. `M`
 * types the events.
 */
export class Listeners<M> extends EventTarget {
  readonly #wrappers = new WeakMap<object, (event: Event) => void>();
  /** For each `on…` property that is set: the listener that stands for it, and the function. */
  readonly #handlers = new Map<string, [Listener<Event>, unknown]>();
  /** The results by event: a listener may cause another event, or dispatch one of its own. */
  readonly #results = new WeakMap<Event, HandlerResult[]>();

  override addEventListener<T extends keyof M & string>(
    type: T,
    listener: Listener<M[T]> | null,
    options?: boolean | ListenerOptions,
  ): void;
  override addEventListener(type: string, listener: Listener<Event> | null, options?: boolean | ListenerOptions): void;
  override addEventListener(type: string, listener: Listener<never> | null, options?: boolean | ListenerOptions): void {
    if (listener) super.addEventListener(type, this.#wrap(listener), options);
  }

  override removeEventListener<T extends keyof M & string>(
    type: T,
    listener: Listener<M[T]> | null,
    options?: boolean | ListenerOptions,
  ): void;
  override removeEventListener(
    type: string,
    listener: Listener<Event> | null,
    options?: boolean | ListenerOptions,
  ): void;
  override removeEventListener(
    type: string,
    listener: Listener<never> | null,
    options?: boolean | ListenerOptions,
  ): void {
    if (listener) super.removeEventListener(type, this.#wrap(listener), options);
  }

  /** Dispatches an event and returns the results of its listeners, in their order. */
  protected emit(event: Event): readonly HandlerResult[] {
    const results: HandlerResult[] = [];
    this.#results.set(event, results);
    this.dispatchEvent(event);
    return results;
  }

  /** The `on…` property of an event type. */
  protected handler(type: string): unknown {
    return this.#handlers.get(type)?.[1] ?? null;
  }

  /**
   * Sets the `on…` property of an event type. Anything but a function unsets it. As on a WebSocket,
   * a function that takes another one's place is called in that place, also for the event that is
   * being dispatched.
   */
  protected setHandler(type: string, handler: unknown): void {
    const set = this.#handlers.get(type);
    if (typeof handler !== 'function') {
      this.removeEventListener(type, set?.[0] ?? null);
      this.#handlers.delete(type);
    } else if (set) set[1] = handler;
    else {
      // The listener is a function of its own: one that is also given to addEventListener must run
      // twice.
      const listener = (event: Event): unknown => (added[1] as typeof handler).call(this, event);
      const added: [Listener<Event>, unknown] = [listener, handler];
      this.#handlers.set(type, added);
      this.addEventListener(type, listener);
    }
  }

  #wrap(listener: Listener<never>): (event: Event) => void {
    let wrapper = this.#wrappers.get(listener);
    if (!wrapper) {
      wrapper = (event) => {
        const results = this.#results.get(event);
        try {
          const value =
            typeof listener === 'function'
              ? (listener as (event: Event) => unknown).call(this, event)
              : (listener as { handleEvent(event: Event): unknown }).handleEvent(event);
          results?.push({ value });
        } catch (error) {
          showError(error);
          results?.push({ threw: true, value: error });
        }
      };
      this.#wrappers.set(listener, wrapper);
    }
    return wrapper;
  }
}
