// Writes a run's tables into bench/README.md between its two marks, so that no figure there is typed by hand.
import fs from 'node:fs';
import { BUDGETS, type Budget } from './budgets.ts';
import { asMarkdown, tableOf } from './report.ts';
import type { BenchResult } from './result.ts';
import { round } from './rounds.ts';
import { ROWS } from './rows.ts';

const BEGIN = '<!-- bench: begin (written by `npm run bench -- --markdown FILE`) -->';
const END = '<!-- bench: end -->';
const README = 'bench/README.md';

/** The part of the README that a run fills. */
export function asReadme(result: BenchResult): string {
  const sections = result.rows.map((row) => {
    const { metrics } = ROWS.find((candidate) => candidate.name === row.name)!;
    return `### ${row.title}\n\n\`npm run bench -- --rows ${row.name}\`\n\n${asMarkdown(tableOf(row, metrics))}`;
  });
  return [machineText(result), '## Budgets', asMarkdown(budgetTable(result)), '## Rows', ...sections].join('\n\n');
}

function machineText({ machine, rounds, skipped }: BenchResult): string {
  const { at, cpu, cores, memoryGiB, kernel, node, nginx, haproxy, commit, load1m } = machine;
  const missing = skipped.map(({ peer, why }) => `\n\n**${peer} was not measured**: ${why}.`).join('');
  return `Measured ${at.slice(0, 10)} at commit ${commit}, ${rounds === 1 ? '1 round' : `${rounds} rounds`}, on ${cpu}, ${cores} cores, ${memoryGiB} GiB, ${kernel}; Node ${node}; ${nginx}; ${haproxy}. Load average at the end ${load1m}. Figures are the median and, in brackets, the lowest and highest round.${missing}`;
}

function budgetTable(result: BenchResult): string[][] {
  const lines = BUDGETS.map((budget) => budgetLine(budget, result));
  return [['', 'budget', 'median', 'min–max', '', 'command'], ...lines];
}

function budgetLine(budget: Budget, result: BenchResult): string[] {
  const command = `\`npm run bench -- --rows ${budget.row}\``;
  const row = result.rows.find(({ name }) => name === budget.row);
  const summary = row === undefined ? undefined : budget.measure(row);
  if (summary === undefined) return [budget.what, budget.limit, '', '', 'not measured', command];
  const { median, min, max } = summary;
  const verdict = budget.met(median) ? 'met' : '**missed**';
  return [budget.what, budget.limit, round(median), `${round(min)}–${round(max)}`, verdict, command];
}

/**
 * Replaces the marked part of the README by the tables of a `--json` result. Throws when the file
 * or the marks are missing.
 */
export function writeReadme(file: string): void {
  const result = JSON.parse(fs.readFileSync(file, 'utf8')) as BenchResult;
  const readme = fs.readFileSync(README, 'utf8');
  const begin = readme.indexOf(BEGIN);
  const end = readme.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`${README} has lost its marks ${BEGIN} … ${END}`);
  const text = `${readme.slice(0, begin)}${BEGIN}\n${asReadme(result)}\n${readme.slice(end)}`;
  fs.writeFileSync(README, text);
}
