// sidecar: reports messages without an event once, with their share and what to configure (SPEC D21).

/** Messages without an event that are reported at once … */
const ENOUGH = 50;
/** … or fewer, when the first is this old, ms, or at the end, unless they are a handful. */
const SOON_MS = 10_000;
const HANDFUL = 10;

export interface UnreadNoticeDeps {
  /** Messages without an event so far, by shape. */
  readonly unread: Readonly<Record<string, number>>;
  /** Data messages relayed to clients so far. */
  readonly messages: () => number;
  readonly tracked: boolean;
  say(text: string): void;
}

/**
 * Looks at the counts until there is something to report. The operator may think that such messages
 * are events.
 */
export class UnreadNotice {
  readonly #deps: UnreadNoticeDeps;
  #since = 0;
  #over = false;

  constructor(deps: UnreadNoticeDeps) {
    this.#deps = deps;
  }

  /** Looks. Call from time to time; `now` is monotonic ms. */
  look(now: number): void {
    if (this.#over) return;
    const count = this.#count();
    if (count === 0) return;
    if (this.#since === 0) this.#since = now;
    if (count >= ENOUGH || (count >= HANDFUL && now - this.#since >= SOON_MS)) this.#tell(count);
  }

  /** Looks a last time, at the end of the process. */
  end(): void {
    const count = this.#count();
    if (!this.#over && count >= HANDFUL) this.#tell(count);
    this.#over = true;
  }

  #count(): number {
    let sum = 0;
    for (const count of Object.values(this.#deps.unread)) sum += count;
    return sum;
  }

  #tell(count: number): void {
    this.#over = true;
    const { unread, messages, tracked, say } = this.#deps;
    const shapes = Object.entries(unread).filter(([, each]) => each > 0);
    const list = shapes.map(([shape, each]) => `${shape} ${each}`).join(', ');
    say(
      `no event could be read in ${count} of ${messages()} messages (${list}), so they are ${
        tracked ? 'tracked by their shape, at LOW priority; events.unread: count ends that' : 'counted only'
      }. Where they hold events, events.type says where the type is. events.rules may name the shapes`,
    );
  }
}
