// Simulation: time, and everything outside the sidecar (networks, clients, backends) as events in order of their moments.

/** Something that happens outside at a moment. */
export interface Happening {
  at: number;
  readonly seq: number;
  run: (() => void) | undefined;
}

/**
 * Simulated time in ms, and a heap of what is to come. Events of one moment run in the order in
 * which they were planned.
 */
export class World {
  now: number;
  /**
   * Code of the sidecar is running: its timers belong to its loop. Code outside has timers that no
   * standstill holds up.
   */
  inside = false;
  private readonly heap: Happening[] = [];
  private seq = 0;

  constructor(now: number) {
    this.now = now;
  }

  /** The moment of the next event; Infinity = none is planned. */
  get next(): number {
    for (;;) {
      const top = this.heap[0];
      if (top === undefined) return Number.POSITIVE_INFINITY;
      if (top.run !== undefined) return top.at;
      this.pop();
    }
  }

  plan(at: number, run: () => void): Happening {
    const happening = { at: Math.max(at, this.now), seq: ++this.seq, run };
    const { heap } = this;
    let i = heap.push(happening) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!before(happening, heap[parent]!)) break;
      heap[i] = heap[parent]!;
      i = parent;
    }
    heap[i] = happening;
    return happening;
  }

  /** Runs the next event. */
  step(): void {
    const happening = this.pop();
    if (happening === undefined) return;
    if (happening.at > this.now) this.now = happening.at;
    happening.run?.();
  }

  /** Runs everything up to `until`, and leaves the clock there. */
  advance(until: number): void {
    while (this.next <= until) this.step();
    if (until > this.now) this.now = until;
  }

  private pop(): Happening | undefined {
    const { heap } = this;
    const top = heap[0];
    const last = heap.pop();
    if (top === undefined || last === undefined || heap.length === 0) return top;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      if (!before(heap[child]!, last)) break;
      heap[i] = heap[child]!;
      i = child;
    }
    heap[i] = last;
    return top;
  }
}

function before(a: Happening, b: Happening): boolean {
  return a.at < b.at || (a.at === b.at && a.seq < b.seq);
}
