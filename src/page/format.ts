// page: numbers, times and sizes as people read them, in the reader's locale only where that cannot mislead. Pure.

const NOTHING = '–';

/** A time in ms as `0.4 ms`, `12 ms`, `1.24 s` or `2 m 5 s`. */
export function duration(ms: number | null | undefined): string {
  if (ms === null || ms === undefined || !Number.isFinite(ms)) return NOTHING;
  const size = Math.abs(ms);
  if (size < 10) return `${trimmed(ms, 1)} ms`;
  if (size < 1000) return `${Math.round(ms)} ms`;
  if (size < 60_000) return `${trimmed(ms / 1000, 2)} s`;
  const minutes = Math.floor(size / 60_000);
  const sign = ms < 0 ? '-' : '';
  if (minutes < 60) return `${sign}${minutes} m ${Math.floor((size % 60_000) / 1000)} s`;
  return `${sign}${Math.floor(minutes / 60)} h ${minutes % 60} m`;
}

/**
 * A share as a percentage, rounded down, so that a rate below its objective does not look equal to
 * it; what is not 0 never looks like 0.
 */
export function percent(share: number | null | undefined, digits = 2): string {
  if (share === null || share === undefined || !Number.isFinite(share)) return NOTHING;
  const step = 10 ** digits;
  const value = share * 100;
  if (share > 0 && value < 1 / step) return `< ${(1 / step).toFixed(digits)} %`;
  const down = Math.floor(value * step + 1e-6) / step;
  return `${down.toFixed(down === 100 || down === 0 ? 0 : digits)} %`;
}

/**
 * A part of a whole, rounded to the nearest whole percent; what is not all never looks like all.
 */
export function part(share: number): string {
  if (share > 0 && share < 0.01) return '< 1 %';
  return `${share < 1 ? Math.min(99, Math.round(share * 100)) : 100} %`;
}

/** An objective as it was set, with all its digits: `95 %`, `99.95 %`. */
export function target(share: number): string {
  return `${Number((share * 100).toFixed(6))} %`;
}

/** 1234567 as `1,234,567`. */
export function count(value: number | null | undefined): string {
  return value === null || value === undefined ? NOTHING : Math.round(value).toLocaleString('en-US');
}

/** 12300 as `12.3 k`. */
export function short(value: number): string {
  if (value < 1000) return String(trimmed(value, value < 10 ? 1 : 0));
  if (value < 1_000_000) return `${trimmed(value / 1000, 1)} k`;
  return `${trimmed(value / 1_000_000, 1)} M`;
}

/** Bytes as `120 B`, `1.2 KiB`. */
export function bytes(value: number | null | undefined): string {
  if (value === null || value === undefined) return NOTHING;
  if (value < 1024) return `${value} B`;
  if (value < 1024 * 1024) return `${trimmed(value / 1024, 1)} KiB`;
  return `${trimmed(value / 1024 / 1024, 1)} MiB`;
}

/** The time of day with ms, in the reader's zone. */
export function clock(iso: string | null, withMs = true): string {
  if (iso === null) return NOTHING;
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return NOTHING;
  const two = (value: number): string => String(value).padStart(2, '0');
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  return withMs ? `${time}.${String(at.getMilliseconds()).padStart(3, '0')}` : time;
}

/** Date and time with the offset of the reader's zone, for titles. */
export function fullTime(iso: string | null): string {
  if (iso === null) return NOTHING;
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return NOTHING;
  const two = (value: number): string => String(value).padStart(2, '0');
  const offset = -at.getTimezoneOffset();
  const zone = `${offset < 0 ? '-' : '+'}${two(Math.floor(Math.abs(offset) / 60))}:${two(Math.abs(offset) % 60)}`;
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${clock(iso)} ${zone} (${at.toISOString()})`;
}

/** A word of the API for people: `never_answered` → `never answered`. */
export function spoken(word: string): string {
  return word.replaceAll('_', ' ');
}

function trimmed(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

/**
 * A text as the name of a file that every system takes: no folder, no blank, at most 100
 * characters.
 */
export function fileName(text: string): string {
  const cut = text.lastIndexOf('.');
  const [stem, end] = cut > 0 && text.length - cut <= 6 ? [text.slice(0, cut), text.slice(cut)] : [text, ''];
  const safe = (part: string): string => part.replace(/[^\w.-]+/g, '_').replace(/\.{2,}/g, '_');
  return (
    safe(stem)
      .replace(/^[.-]+/, '_')
      .slice(0, 94) + safe(end)
  );
}
