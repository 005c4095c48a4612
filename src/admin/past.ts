// admin: the last hour in samples: one a second for five minutes, one every ten seconds before that. Bounded.
import { createSampler, merge, type Sample } from './sample.ts';
import type { Totals } from './totals.ts';

/** How often a sample is taken, ms. */
const EVERY_MS = 1000;
/** Samples of one second that are kept: five minutes. */
const FINE = 300;
/** Seconds of a coarse sample, and number of them that are kept: an hour. */
const COARSE_SECONDS = 10;
const COARSE = 360;

export interface PastDeps {
  readonly startedAt: number;
  totals(): Totals;
  now(): number;
  report(error: unknown): void;
}

/** The windows of time that can be asked for. */
const WINDOWS = { '5m': 300, '1h': 3600 } as const;
export type WindowName = keyof typeof WINDOWS;

export interface Past {
  /** Takes a sample now, and calls its followers. */
  sample(): void;
  /** The samples of a window, oldest first: of 1 s for `5m`, of about 10 s for `1h`. */
  lines(window: WindowName): readonly Sample[];
  /** A window that ends now, as one sample. */
  window(window: WindowName): Sample;
  /** Everything since the start as one sample. */
  start(): Sample;
  /** Calls `listener` with every new sample. The result ends the calls. */
  watch(listener: (sample: Sample) => void): () => void;
  /** Begins to take samples. */
  begin(): void;
  stop(): void;
}

/** Samples the totals once a second from `begin` on, with or without a reader. */
export function createPast({ startedAt, totals, now, report }: PastDeps): Past {
  const sampler = createSampler(startedAt);
  const fine: Sample[] = [];
  const coarse: Sample[] = [];
  /** Number of the newest samples of `fine` that are not in a coarse one yet. */
  let open: Sample[] = [];
  const listeners = new Set<(sample: Sample) => void>();
  let timer: NodeJS.Timeout | undefined;
  const sample = (): void => {
    const next = sampler.take(totals(), now());
    fine.push(next);
    open.push(next);
    if (fine.length > FINE) fine.shift();
    if (open.length === COARSE_SECONDS) {
      coarse.push(merge(open, now()));
      open = [];
      if (coarse.length > COARSE) coarse.shift();
    }
    for (const listener of listeners) listener(next);
  };
  const lines = (window: WindowName): readonly Sample[] => {
    const since = now() - WINDOWS[window] * 1000;
    const all = window === '5m' ? fine : open.length === 0 ? coarse : [...coarse, merge(open, now())];
    return all.filter(({ at }) => at > since);
  };
  return {
    sample,
    lines,
    window: (window) => merge([...lines(window), sampler.since(totals(), now())], now()),
    start: () => createSampler(startedAt).since(totals(), now()),
    watch(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    begin() {
      timer ??= setInterval(() => {
        try {
          sample();
        } catch (error) {
          report(error);
        }
      }, EVERY_MS).unref();
    },
    stop() {
      clearInterval(timer);
      timer = undefined;
    },
  };
}
