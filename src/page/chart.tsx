// page: one chart over time, drawn by uPlot in the colours of the theme, with its values in words for screen readers.
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { colour, onThemeChange } from './theme.ts';

/** One line of a chart. `tone` names a colour of the theme. */
export interface Series {
  readonly name: string;
  readonly tone: string;
  readonly fill?: boolean;
  readonly dash?: boolean;
  readonly values: readonly (number | null)[];
}

export interface ChartProps {
  readonly title: string;
  /** The current values in words. */
  readonly words: string;
  /** Times of the points, s since the epoch. */
  readonly times: readonly number[];
  readonly series: readonly Series[];
  readonly format: (value: number) => string;
  readonly log?: boolean;
  readonly range?: (least: number, most: number) => [number, number];
  readonly height?: number;
}

/** Labels of a time axis, all of one length: seconds only where a time needs them. */
function axisTime(_: uPlot, times: number[]): string[] {
  const needsSeconds = times.some((time) => time % 60 !== 0);
  return times.map((time) => new Date(time * 1000).toLocaleTimeString('en-GB').slice(0, needsSeconds ? 8 : 5));
}

/** Shortest stretch of the time axis, s. The labels of a few seconds would all be alike. */
const SHORTEST_S = 60;

function timeRange(times: ArrayLike<number>): [number, number] {
  const end = times[times.length - 1] ?? Date.now() / 1000;
  return [Math.min(times[0] ?? end, end - SHORTEST_S), end];
}

/** Whole decades around the values; without any, those of a healthy path in ms. */
function logRange(least: number | null, most: number | null): [number, number] {
  const [from, to] = uPlot.rangeLog(least ?? 1, most ?? 100, 10, true);
  return [from ?? 1, to ?? 100];
}

function optionsOf(props: ChartProps, width: number): uPlot.Options {
  const [line, muted, grid] = [colour('line'), colour('muted'), colour('grid')];
  const font = '11px system-ui, sans-serif';
  const axis = { stroke: muted, font, grid: { stroke: grid, width: 1 }, ticks: { stroke: line, width: 1, size: 4 } };
  const { format, range } = props;
  const spanGaps = true;
  return {
    width,
    height: props.height ?? 170,
    // The last label of the time axis stands half beyond the last point.
    padding: [8, 26, 0, 0],
    legend: { show: false },
    cursor: { points: { size: 6 }, drag: { x: false, y: false } },
    scales: {
      x: { time: true, range: ({ data: [times] }) => timeRange(times) },
      y: {
        distr: props.log === true ? 3 : 1,
        ...(props.log === true ? { range: (_, a, b) => logRange(a, b) } : {}),
        ...(range === undefined ? {} : { range: (_, a, b) => range(a ?? 0, b ?? 1) }),
      },
    },
    axes: [
      { ...axis, values: axisTime, size: 24, space: 76 },
      {
        ...axis,
        size: 62,
        space: 34,
        values: (_, splits) => splits.map((value) => (value === null ? '' : format(value))),
      },
    ],
    series: [
      {},
      ...props.series.map(({ name, tone, fill, dash }) => ({
        label: name,
        stroke: colour(tone),
        width: dash === true ? 1 : 1.6,
        spanGaps,
        // A line of one point shows nothing.
        points: { show: (chart: uPlot, at: number) => isPoint(chart.data[at]), size: 5 },
        ...(fill === true ? { fill: `${colour(tone)}2b` } : {}),
        ...(dash === true ? { dash: [5, 4] } : {}),
      })),
    ],
  };
}

function isPoint(values: ArrayLike<number | null | undefined> | undefined): boolean {
  return Array.from(values ?? []).filter((value) => value !== null && value !== undefined).length === 1;
}

function dataOf({ times, series }: ChartProps): uPlot.AlignedData {
  return [[...times], ...series.map(({ values }) => [...values])] as uPlot.AlignedData;
}

export function Chart(props: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const readout = useRef<HTMLSpanElement>(null);
  const latest = useRef(props);
  latest.current = props;

  useEffect(() => {
    const box = place.current;
    if (box === null) return;
    const draw = (): void => {
      plot.current?.destroy();
      const options = optionsOf(latest.current, Math.max(200, box.clientWidth));
      const setCursor = (chart: uPlot): void => show(readout.current, chart, latest.current);
      plot.current = new uPlot({ ...options, hooks: { setCursor: [setCursor] } }, dataOf(latest.current), box);
    };
    draw();
    const resized = new ResizeObserver(() => {
      const width = Math.max(200, box.clientWidth);
      if (plot.current !== undefined && plot.current.width !== width)
        plot.current.setSize({ width, height: latest.current.height ?? 170 });
    });
    resized.observe(box);
    const unwatch = onThemeChange(draw);
    return () => {
      resized.disconnect();
      unwatch();
      plot.current?.destroy();
      plot.current = undefined;
    };
  }, []);
  useEffect(() => plot.current?.setData(dataOf(props)), [props]);

  return (
    <figure class="chart">
      <figcaption>
        <span class="chart-title">{props.title}</span>
        <span class="legend">
          {props.series.map(({ name, tone, dash }) => (
            <span key={name} class={dash === true ? 'key dashed' : 'key'} data-tone={tone}>
              {name}
            </span>
          ))}
        </span>
        <span class="readout" ref={readout} aria-hidden="true" />
      </figcaption>
      <div ref={place} class="plot" role="img" aria-label={`${props.title}. ${props.words}`} />
    </figure>
  );
}

/** Writes the values under the pointer into `readout`. */
function show(readout: HTMLElement | null, chart: uPlot, { times, series, format }: ChartProps): void {
  if (readout === null) return;
  const at = chart.cursor.idx;
  const time = at === null || at === undefined ? undefined : times[at];
  if (at === null || at === undefined || time === undefined) {
    readout.textContent = '';
    return;
  }
  const values = series
    .filter(({ dash }) => dash !== true)
    .map(({ name, values: all }) => `${name} ${all[at] === null || all[at] === undefined ? '–' : format(all[at])}`);
  readout.textContent = `${new Date(time * 1000).toLocaleTimeString('en-GB')} · ${values.join(' · ')}`;
}
