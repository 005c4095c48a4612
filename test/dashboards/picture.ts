// Draws a dashboard from real query results as one plain page, so that a person can judge it without a Grafana.
import { chromium } from 'playwright-core';
import { findProgram } from '../support/component.ts';
import { chart, heat, type Line } from './chart.ts';
import type { DashboardJson, PanelJson, TargetJson } from './collect.ts';
import { plain } from './promql.ts';

/** Where results come from: Prometheus, or a stand-in. */
export interface Source {
  query(expr: string): Promise<readonly Result[]>;
  range(expr: string, seconds: number): Promise<readonly Result[]>;
}

interface Result {
  readonly metric: Readonly<Record<string, string>>;
  readonly points: readonly (readonly [number, number])[];
}

/** A drawn dashboard. */
export interface Picture {
  readonly html: string;
  readonly panels: number;
  /** Titles of panels without any data. */
  readonly empty: readonly string[];
}

const COLUMN = 60;
const LINE = 32;

/** Asks every query of every panel and lays the answers out as Grafana would. */
export async function drawDashboard(dashboard: DashboardJson, source: Source, seconds: number): Promise<Picture> {
  const parts: string[] = [];
  const empty: string[] = [];
  let panels = 0;
  for (const panel of dashboard.panels) {
    const { x, y, w, h } = panel.gridPos;
    const place = `left:${x * COLUMN}px;top:${y * LINE}px;width:${w * COLUMN - 8}px;height:${h * LINE - 8}px`;
    if (panel.type === 'row') {
      parts.push(`<h2 style="${place}">${html(panel.title)}</h2>`);
      continue;
    }
    panels++;
    const answers = await Promise.all((panel.targets ?? []).map((target) => answer(target, source, seconds)));
    const body = drawPanel(panel, answers, w * COLUMN - 8, h * LINE - 40);
    if (body === '') empty.push(panel.title);
    parts.push(
      `<section style="${place}" title="${html(panel.description ?? '')}"><h3>${html(panel.title)}</h3>${body || '<p class=none>no data</p>'}</section>`,
    );
  }
  const height = Math.max(...dashboard.panels.map(({ gridPos }) => gridPos.y + gridPos.h)) * LINE;
  return { html: page(dashboard.title, parts.join('\n'), height), panels, empty };
}

/** Writes the page as a PNG, with Debian's Chromium. */
export async function takePicture(picture: Picture, file: string): Promise<void> {
  const browser = await chromium.launch({
    executablePath: findProgram('chromium')!,
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run'],
  });
  try {
    const tab = await browser.newPage({ viewport: { width: 24 * COLUMN + 32, height: 900 } });
    await tab.setContent(picture.html);
    await tab.screenshot({ path: file, fullPage: true });
  } finally {
    await browser.close();
  }
}

interface Answer {
  readonly target: TargetJson;
  readonly results: readonly Result[];
}

async function answer(target: TargetJson, source: Source, seconds: number): Promise<Answer> {
  const expr = plain(target.expr, `${seconds}s`, `${Math.max(4, Math.round(seconds / 4))}s`);
  return { target, results: target.instant ? await source.query(expr) : await source.range(expr, seconds) };
}

function drawPanel(panel: PanelJson, answers: readonly Answer[], width: number, height: number): string {
  const unit = panel.fieldConfig!.defaults.unit ?? '';
  switch (panel.type) {
    case 'stat': {
      const value = answers[0]?.results[0]?.points[0]?.[1];
      return value === undefined ? '' : `<p class="stat ${colour(panel, value)}">${show(value, unit)}</p>`;
    }
    case 'table':
      return table(answers, panel);
    case 'heatmap':
      return heat(lines(answers), width, height, (value) => show(value, unit));
    default:
      return chart(lines(answers), width, height, (value) => show(value, unit));
  }
}

function lines(answers: readonly Answer[]): Line[] {
  return answers
    .flatMap(({ target, results }) =>
      results.map(({ metric, points }) => ({
        name: target.legendFormat.replaceAll(/\{\{(\w+)\}\}/g, (_, label: string) => metric[label] ?? ''),
        points: points.filter(([, value]) => Number.isFinite(value)),
      })),
    )
    .filter((line) => line.points.length > 0);
}

function table(answers: readonly Answer[], panel: PanelJson): string {
  const keys = [
    ...new Set(answers.flatMap(({ results }) => results.map(({ metric }) => Object.values(metric)[0] ?? ''))),
  ];
  if (keys.length === 0) return '';
  const units = panel.fieldConfig!.overrides as { matcher: { options: string }; properties: { value: string }[] }[];
  const unitOf = (column: string) =>
    units.find((each) => each.matcher.options === column)?.properties[0]?.value ?? panel.fieldConfig!.defaults.unit!;
  const cell = ({ target, results }: Answer, key: string) => {
    const value = results.find(({ metric }) => Object.values(metric)[0] === key)?.points[0]?.[1];
    return `<td>${value === undefined ? '' : show(value, unitOf(target.legendFormat))}</td>`;
  };
  const head = answers.map(({ target }) => `<th>${html(target.legendFormat)}</th>`).join('');
  const rows = keys.map((key) => `<tr><th>${html(key)}</th>${answers.map((each) => cell(each, key)).join('')}</tr>`);
  return `<table><tr><th></th>${head}</tr>${rows.join('')}</table>`;
}

/** The colour of the highest step that the value reaches. */
function colour(panel: PanelJson, value: number): string {
  const steps = panel.fieldConfig!.defaults.thresholds?.steps ?? [];
  return steps.filter((step) => step.value === null || value >= step.value).at(-1)?.color ?? 'green';
}

/** A value as Grafana's units would show it. */
function show(value: number, unit: string): string {
  if (!Number.isFinite(value)) return '–';
  if (unit === 'percentunit') return `${(value * 100).toFixed(1)} %`;
  if (unit === 's') return value < 1 ? `${(value * 1000).toPrecision(3)} ms` : `${value.toPrecision(3)} s`;
  if (unit === 'bytes' || unit === 'Bps')
    return value > 2 ** 20 ? `${(value / 2 ** 20).toFixed(1)} MiB` : `${(value / 1024).toFixed(1)} KiB`;
  return `${Number(value.toPrecision(3))}${unit.startsWith('suffix:') ? unit.slice(7) : ''}`;
}

function html(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}

function page(title: string, body: string, height: number): string {
  return `<!doctype html><meta charset=utf-8><title>${html(title)}</title><style>
body { background: #111217; color: #ccccdc; font: 12px sans-serif; margin: 16px; }
main { position: relative; height: ${height}px; }
section, h2 { position: absolute; overflow: hidden; margin: 0; }
section { background: #181b1f; border: 1px solid #2c3235; border-radius: 2px; }
h2 { font-size: 14px; line-height: 24px; }
h3 { font-size: 12px; margin: 6px 8px 2px; }
.stat { font-size: 40px; margin: 24px 8px; text-align: center; } .green { color: #73bf69; } .orange { color: #ff9830; } .red { color: #f2495c; }
.none { color: #6e7077; text-align: center; margin-top: 48px; }
table { border-collapse: collapse; margin: 8px; width: 96%; text-align: right; } td, th { padding: 4px 12px; border-bottom: 1px solid #2c3235; }
th:first-child { text-align: left; }
</style><h1>${html(title)}</h1><main>${body}</main>`;
}
