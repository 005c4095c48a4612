// page: the charts of the overview: the rate against the objective, the outcomes, and how long confirming took.
import type { LineJson } from '../admin/stats-shapes.ts';
import { Chart } from './chart.tsx';
import { duration, percent, short, target } from './format.ts';

/**
 * Seconds over which a point of the rate is averaged. The rate of single seconds jumps with every
 * loss.
 */
const SMOOTH_S = 15;

/**
 * The rate of the last `SMOOTH_S` seconds at each line; null = nothing was settled in that time.
 */
function smoothRates(lines: readonly LineJson[]): (number | null)[] {
  let [from, confirmed, judged] = [0, 0, 0];
  return lines.map((line) => {
    confirmed += line.confirmed;
    judged += line.confirmed + line.failed + line.timeout;
    const since = Date.parse(line.at) - SMOOTH_S * 1000;
    for (let old = lines[from]; old !== undefined && Date.parse(old.at) <= since; old = lines[++from]) {
      confirmed -= old.confirmed;
      judged -= old.confirmed + old.failed + old.timeout;
    }
    return judged === 0 ? null : confirmed / judged;
  });
}

/** Range of the rate's axis, whose lower end is just low enough to show what happened. */
function rateRange(objective: number): (least: number, most: number) => [number, number] {
  return (least) => [Math.max(0, Math.min(objective - (1 - objective), Math.floor(least * 20) / 20)), 1.002];
}

export function Charts({
  lines,
  objective,
  window,
}: {
  lines: readonly LineJson[];
  objective: number;
  window: '5m' | '1h';
}) {
  const times = lines.map(({ at }) => Date.parse(at) / 1000);
  const perSecond = (of: (line: LineJson) => number): number[] =>
    lines.map((line) => (line.seconds > 0 ? of(line) / line.seconds : 0));
  const rates = smoothRates(lines);
  const last = lines.at(-1);
  const confirmed = perSecond((line) => line.confirmed);
  const lost = perSecond((line) => line.failed + line.timeout);
  const unsure = perSecond((line) => line.unverifiable);
  const span = window === '5m' ? 'last 5 minutes' : 'last hour';
  const per = (value: number): string => `${short(value)}/s`;
  return (
    <section class="charts" aria-label={`Charts of the ${span}`}>
      <Chart
        title="Confirmation rate"
        words={`${percent(rates.at(-1))} now, objective ${target(objective)}, ${span}.`}
        times={times}
        range={rateRange(objective)}
        format={(value) => percent(Math.min(1, value), 1)}
        series={[
          { name: 'rate (15 s)', tone: 'good', fill: true, values: rates },
          { name: 'objective', tone: 'muted', dash: true, values: times.map(() => objective) },
        ]}
      />
      <Chart
        title="Outcomes"
        words={`${per(confirmed.at(-1) ?? 0)} confirmed, ${per(lost.at(-1) ?? 0)} lost, ${per(unsure.at(-1) ?? 0)} unverifiable now.`}
        times={times}
        format={per}
        range={(_, most) => [0, Math.max(1, most * 1.1)]}
        series={[
          { name: 'confirmed', tone: 'good', fill: true, values: confirmed },
          { name: 'lost', tone: 'bad', values: lost },
          { name: 'unverifiable', tone: 'unsure', values: unsure },
        ]}
      />
      <Chart
        title="Time to confirm"
        words={`p50 ${duration(last?.p50_ms)}, p95 ${duration(last?.p95_ms)}, p99 ${duration(last?.p99_ms)} now.`}
        times={times}
        log
        format={(value) => duration(value)}
        series={[
          { name: 'p50', tone: 'good', values: lines.map((line) => line.p50_ms) },
          { name: 'p95', tone: 'info', values: lines.map((line) => line.p95_ms) },
          { name: 'p99', tone: 'warn', values: lines.map((line) => line.p99_ms) },
        ]}
      />
    </section>
  );
}
