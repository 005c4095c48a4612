// config: durations, sizes and ratios as people write them, to numbers and back.

const DURATION_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;
const SIZE_BYTES = { '': 1, B: 1, kB: 1e3, MB: 1e6, GB: 1e9, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 } as const;

/**
 * `500ms`, `30s`, `1.5m`, `1h` → milliseconds; undefined when it is no duration. A number without a
 * unit is none, because the unit would be a guess.
 */
export function parseDuration(given: unknown): number | undefined {
  const found = typeof given === 'string' ? /^(\d+(?:\.\d+)?) ?(ms|s|m|h)$/.exec(given.trim()) : null;
  return found === null ? undefined : Number(found[1]) * DURATION_MS[found[2] as keyof typeof DURATION_MS];
}

/** Milliseconds → the shortest exact spelling that `parseDuration` reads. */
export function formatDuration(ms: number): string {
  for (const unit of ['h', 'm', 's'] as const) {
    if (ms > 0 && ms % DURATION_MS[unit] === 0) return `${ms / DURATION_MS[unit]}${unit}`;
  }
  return `${ms}ms`;
}

/** `64MiB`, `16MB`, `512 KiB` or a plain number of bytes → bytes; undefined when it is none. */
export function parseSize(given: unknown): number | undefined {
  if (typeof given === 'number') return Number.isInteger(given) && given >= 0 ? given : undefined;
  const found = typeof given === 'string' ? /^(\d+(?:\.\d+)?) ?(B|kB|MB|GB|KiB|MiB|GiB)?$/.exec(given.trim()) : null;
  return found === null
    ? undefined
    : Math.floor(Number(found[1]) * SIZE_BYTES[(found[2] ?? '') as keyof typeof SIZE_BYTES]);
}

/** Bytes → the shortest exact spelling that `parseSize` reads. */
export function formatSize(bytes: number): string {
  for (const unit of ['GiB', 'MiB', 'KiB'] as const) {
    if (bytes > 0 && bytes % SIZE_BYTES[unit] === 0) return `${bytes / SIZE_BYTES[unit]}${unit}`;
  }
  return `${bytes}B`;
}

/** `0.01` or `1%` → a number from 0 to 1; undefined when it is none. */
export function parseRatio(given: unknown): number | undefined {
  const text = typeof given === 'number' ? String(given) : typeof given === 'string' ? given.trim() : '';
  const found = /^(\d+(?:\.\d+)?(?:e-\d+)?)(%?)$/.exec(text);
  if (found === null) return undefined;
  const ratio = Number(found[1]) / (found[2] === '%' ? 100 : 1);
  return ratio <= 1 ? ratio : undefined;
}
