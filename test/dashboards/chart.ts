// Two plain SVG charts: lines with a legend, and a heat map of cumulative buckets.

export interface Line {
  readonly name: string;
  /** `[seconds, value]`, finite, ascending in time. */
  readonly points: readonly (readonly [number, number])[];
}

const COLOURS = [
  '#7eb26d',
  '#eab839',
  '#6ed0e0',
  '#ef843c',
  '#e24d42',
  '#1f78c1',
  '#ba43a9',
  '#705da0',
  '#508642',
  '#cca300',
];
const LEFT = 64;
const LEGEND_LINE = 14;
const LEGEND_COLUMNS = 2;
const LEGEND_MOST = 8;

/** Lines over time; `''` when there are none. `show` writes a value with its unit. */
export function chart(lines: readonly Line[], width: number, height: number, show: (value: number) => string): string {
  if (lines.length === 0) return '';
  const shown = lines.slice(0, LEGEND_MOST);
  const legendHeight = Math.ceil(shown.length / LEGEND_COLUMNS) * LEGEND_LINE + 8;
  const plot = height - legendHeight - 16;
  const all = lines.flatMap((line) => line.points);
  const times = span(all.map(([time]) => time));
  const values = span(all.map(([, value]) => value));
  const low = values.low > 0 && values.low < values.high * 0.7 ? 0 : values.low;
  const high = values.high === low ? low + 1 : values.high;
  const x = (time: number) => LEFT + ((time - times.low) / (times.high - times.low || 1)) * (width - LEFT - 12);
  const y = (value: number) => 8 + (1 - (value - low) / (high - low)) * plot;
  const grid = [low, (low + high) / 2, high].map(
    (value) =>
      `<line x1="${LEFT}" x2="${width - 12}" y1="${y(value)}" y2="${y(value)}" stroke="#2c3235"/><text x="${LEFT - 6}" y="${y(value) + 4}" text-anchor="end" fill="#8e8e9a" font-size="10">${show(value)}</text>`,
  );
  const paths = lines.map((line, i) => {
    const points = line.points.map(([time, value]) => `${x(time).toFixed(1)},${y(value).toFixed(1)}`).join(' ');
    return `<polyline points="${points}" fill="none" stroke="${colour(i)}" stroke-width="1.5"/>`;
  });
  const legend = shown.map((line, i) => {
    const left = 12 + (i % LEGEND_COLUMNS) * (width / LEGEND_COLUMNS);
    const top = plot + 32 + Math.floor(i / LEGEND_COLUMNS) * LEGEND_LINE;
    const last = line.points.at(-1)![1];
    return `<rect x="${left}" y="${top - 8}" width="10" height="4" fill="${colour(i)}"/><text x="${left + 16}" y="${top}" fill="#ccccdc" font-size="11">${line.name.replaceAll('<', '&lt;')}: ${show(last)}</text>`;
  });
  return svg(width, height, [...grid, ...paths, ...legend]);
}

/** Cumulative `le` buckets as cells, darker = fewer; `''` when nothing was counted. */
export function heat(lines: readonly Line[], width: number, height: number, show: (value: number) => string): string {
  const buckets = lines
    .map((line) => ({ ...line, bound: line.name === '+Inf' ? Number.POSITIVE_INFINITY : Number(line.name) }))
    .sort((a, b) => a.bound - b.bound);
  const moments = [...new Set(buckets.flatMap((each) => each.points.map(([time]) => time)))].sort((a, b) => a - b);
  const own = buckets.map((each, i) => {
    const below = new Map(buckets[i - 1]?.points ?? []);
    return new Map(each.points.map(([time, value]) => [time, value - (below.get(time) ?? 0)]));
  });
  const most = Math.max(0, ...own.flatMap((each) => [...each.values()]));
  if (most === 0) return '';
  const cellHeight = (height - 8) / buckets.length;
  const cellWidth = (width - LEFT - 12) / moments.length;
  const cells = own.flatMap((row, i) =>
    [...row].map(([time, value]) => {
      const left = LEFT + moments.indexOf(time) * cellWidth;
      const top = 4 + (buckets.length - 1 - i) * cellHeight;
      const light = value <= 0 ? 0 : 0.1 + 0.9 * (value / most) ** 0.5;
      return `<rect x="${left.toFixed(1)}" y="${top.toFixed(1)}" width="${cellWidth.toFixed(1)}" height="${cellHeight.toFixed(1)}" fill="#f2a33c" fill-opacity="${light.toFixed(2)}"/>`;
    }),
  );
  const labels = buckets.flatMap((each, i) =>
    i % 3 === 0
      ? [
          `<text x="${LEFT - 6}" y="${(4 + (buckets.length - i - 0.3) * cellHeight).toFixed(1)}" text-anchor="end" fill="#8e8e9a" font-size="10">${show(each.bound)}</text>`,
        ]
      : [],
  );
  return svg(width, height, [...cells, ...labels]);
}

function colour(index: number): string {
  return COLOURS[index % COLOURS.length]!;
}

function span(values: readonly number[]): { low: number; high: number } {
  return { low: Math.min(...values), high: Math.max(...values) };
}

function svg(width: number, height: number, parts: readonly string[]): string {
  return `<svg width="${width}" height="${height}" xmlns="http://www.w3.org/2000/svg">${parts.join('')}</svg>`;
}
