// admin-client: numbers as people read them, in the demo, the commands and the answers to assistants.

/** 12345 → `12,345`. */
export function count(value: number): string {
  return value.toLocaleString('en-US');
}

/**
 * Like `count` where that has room, else `123k` or `4.5M`, rounded down. `room` is in characters,
 * at least 4.
 */
export function countIn(value: number, room: number): string {
  const whole = count(value);
  if (whole.length <= room) return whole;
  return value < 1e6 ? `${Math.floor(value / 1e3)}k` : `${(Math.floor(value / 1e5) / 10).toFixed(1)}M`;
}

/** `1 event`, `1,200 events`. `several` is for a noun whose plural takes no `s`. */
export function counted(value: number, noun: string, several = `${noun}s`): string {
  return `${count(value)} ${value === 1 ? noun : several}`;
}

/** `1 delivery`, `7 deliveries`. */
export function deliveries(value: number): string {
  return counted(value, 'delivery', 'deliveries');
}

/**
 * A share in [0, 1] with one decimal, `–` for none. It is rounded down, so that only all is 100 %.
 */
export function percent(share: number | null): string {
  return share === null ? '–' : `${(Math.floor(share * 1000 + 1e-9) / 10).toFixed(1)}%`;
}

/** A time in ms: `0.8ms`, `612ms`, `2.9s`; `–` for none. */
export function time(ms: number | null): string {
  if (ms === null) return '–';
  if (ms < 9.95) return `${ms.toFixed(1)}ms`;
  return ms < 999.5 ? `${Math.round(ms)}ms` : `${(ms / 1000).toFixed(1)}s`;
}

/**
 * Breaks a line between words at `width` columns; undefined = never. Lines after the first are
 * indented by four.
 */
export function wrap(line: string, width: number | undefined): string[] {
  if (width === undefined || line.length <= width) return [line];
  const cut = line.lastIndexOf(' ', width);
  const head = line.slice(0, cut);
  if (cut <= 0 || head.trim() === '') return [line];
  return [head, ...wrap(`    ${line.slice(cut + 1)}`, width)];
}
