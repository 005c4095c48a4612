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
  /** For each `on…` property: the listener that stands for it, and the function as it was set. */
  readonly #handlers = new Map<string, readonly [Listener<Event>, unknown]>();
  #results: HandlerResult[] = [];

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
    const outer = this.#results;
    this.#results = results;
    this.dispatchEvent(event);
    // A listener may have caused this event; those after it are still to be called.
    this.#results = outer;
    return results;
  }

  /** The `on…` property of an event type. */
  protected handler(type: string): unknown {
    return this.#handlers.get(type)?.[1] ?? null;
  }

  /**
   * Sets the `on…` property of an event type. Anything but a function unsets it, as on a WebSocket.
   */
  protected setHandler(type: string, handler: unknown): void {
    this.removeEventListener(type, this.#handlers.get(type)?.[0] ?? null);
    this.#handlers.delete(type);
    if (typeof handler !== 'function') return;
    // The listener is a function of its own: one that is also given to addEventListener must run
    // twice.
    const listener = (event: Event): unknown => handler.call(this, event);
    this.#handlers.set(type, [listener, handler]);
    this.addEventListener(type, listener);
  }

  #wrap(listener: Listener<never>): (event: Event) => void {
    let wrapper = this.#wrappers.get(listener);
    if (!wrapper) {
      wrapper = (event) => {
        const results = this.#results;
        try {
          const value =
            typeof listener === 'function'
              ? (listener as (event: Event) => unknown).call(this, event)
              : (listener as { handleEvent(event: Event): unknown }).handleEvent(event);
          results.push({ value });
        } catch (error) {
          showError(error);
          results.push({ threw: true, value: error });
        }
      };
      this.#wrappers.set(listener, wrapper);
    }
    return wrapper;
  }
}
