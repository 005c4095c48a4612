// Waiting, for the load: a clock, a pause, a condition with a deadline, and opening many connections a few at a time.

const AT_ONCE = 64;

/** ms since the epoch, from a clock that never steps back. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}

export function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Resolves once `met` holds; rejects with `what` after `limitMs`. */
export async function until(what: string, met: () => boolean, limitMs: number): Promise<void> {
  const deadline = now() + limitMs;
  while (!met()) {
    if (now() > deadline) throw new Error(`not within ${limitMs} ms: ${what}`);
    await delay(5);
  }
}

/** Opens connections `from` … `from + count - 1`, at most 64 at a time. */
export async function openAll<T>(count: number, from: number, open: (index: number) => Promise<T>): Promise<T[]> {
  const all: T[] = [];
  for (let at = 0; at < count; at += AT_ONCE) {
    const batch = Array.from({ length: Math.min(AT_ONCE, count - at) }, (_, i) => open(from + at + i));
    all.push(...(await Promise.all(batch)));
  }
  return all;
}

/** Repeatable numbers in [0, 1) (mulberry32), so that a run's faults can be had again. */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
